use super::changes::{Change, Since};
use super::model::Report;
use super::standing::Standing;
use super::trend::Trend;
use crate::error::Class;
use crate::result::{Cell, CellResult, Exit, Host, Night, Outcome, Sample, State, StepState, Verdict, Why};
use std::time::{Duration, UNIX_EPOCH};

fn cell(runner: &str, buildkit: &str, containerd: &str) -> CellResult {
    on_day(1, runner, buildkit, containerd)
}

fn on_day(day: u64, runner: &str, buildkit: &str, containerd: &str) -> CellResult {
    let night = Night { began: crate::result::time(UNIX_EPOCH + Duration::from_secs(86_400 * day)), url: None };
    let cell = Cell { runner: runner.into(), buildkit: buildkit.into(), containerd: containerd.into() };
    let host = Host { platform: "linux-amd64".parse().unwrap(), name: None, build: None };
    let mut result = CellResult::new(night, cell, host);
    result.end(Exit::done());
    result
}

fn step(mut result: CellResult, name: &str, state: StepState, took: u64) -> CellResult {
    result.begin(name, UNIX_EPOCH);
    let step = result.running_mut().unwrap();
    (step.state, step.took_ms) = (state, Some(took));
    result
}

fn sample(mut result: CellResult, name: &str, verdict: Verdict) -> CellResult {
    let outcome = if verdict == Verdict::NewlyBroken { Outcome::Fails } else { Outcome::Works };
    result.samples.push(Sample { outcome, verdict, ..Sample::as_expected(name, name) });
    result
}

fn ended(mut result: CellResult, class: Class) -> CellResult {
    result.end(Exit::of(class));
    result
}

fn running(mut result: CellResult) -> CellResult {
    (result.state, result.exit) = (State::Running, None);
    result
}

#[test]
fn a_machine_of_which_nothing_is_known_is_told_where_no_other_is() {
    let lost = || running(cell("linux", "0.34.2", "2.4.2"));
    let mut known = cell("linux", "0.33.1", "2.4.2");
    known.host.name = Some("Debian".into());
    let hosts = |cells: Vec<CellResult>| {
        let night = cells[0].night.clone();
        Report::new(night, cells, &[]).tables.remove(0).hosts
    };
    assert_eq!(hosts(vec![lost()]), ["linux-amd64"]);
    assert_eq!(hosts(vec![lost(), known]), ["Debian, linux-amd64"]);
}

#[test]
fn a_cell_stands_as_its_worst_part_does() {
    let new = || cell("linux", "0.34.2", "2.4.2");
    let fine = || sample(new(), "a", Verdict::AsExpected);
    let broken = || ended(sample(fine(), "b", Verdict::NewlyBroken), Class::Failed);
    let cases = [
        (new(), Standing::Nothing, "no samples"),
        (sample(new(), "a", Verdict::Skipped), Standing::Nothing, "1 sample skipped"),
        (fine(), Standing::Fine, "1 sample"),
        (sample(fine(), "b", Verdict::Skipped), Standing::Fine, "1 sample, 1 skipped"),
        (sample(fine(), "b", Verdict::NewlyFixed), Standing::Fixed, "1 of 2 samples"),
        (broken(), Standing::Broken, "1 of 2 samples"),
        (sample(broken(), "c", Verdict::NewlyFixed), Standing::Broken, "1 of 3 samples"),
        (running(broken()), Standing::Broken, "1 of 2 samples"),
        (running(step(fine(), "samples", StepState::Running, 0)), Standing::Died, "in samples"),
        (running(step(fine(), "up", StepState::Done, 0)), Standing::Died, "between two steps"),
        (ended(step(fine(), "up", StepState::TimedOut, 0), Class::Ground), Standing::Died, "in up"),
        (ended(step(new(), "up", StepState::Killed, 0), Class::Ground), Standing::Died, "in up"),
        (ended(step(new(), "up", StepState::Failed, 0), Class::Ground), Standing::Ground, "in up"),
        (step(fine(), "clean", StepState::Failed, 0), Standing::Ground, "in clean"),
        (ended(new(), Class::Usage), Standing::Ground, "exit code 2"),
        (ended(step(new(), "up", StepState::Failed, 0), Class::Failed), Standing::Broken, "in up"),
        (ended(fine(), Class::Failed), Standing::Broken, "exit code 1"),
    ];
    for (result, standing, gist) in cases {
        let report = Report::new(result.night.clone(), vec![result], &[]);
        assert_eq!((report.cells[0].standing, &*report.cells[0].gist()), (standing, gist), "{report:#?}");
        assert_eq!(report.standing(), standing);
    }
}

#[test]
fn the_newest_come_first_and_what_is_no_version_before_them() {
    let cells = [
        ("b", "0.9.0", "2.4.2"),
        ("b", "0.34.2", "main"),
        ("b", "main", "1.7.35"),
        ("a", "0.10.0-rc1", "2.10.0"),
        ("a", "0.10.0", "2.9.0"),
    ];
    let results: Vec<_> =
        cells.iter().map(|(runner, buildkit, containerd)| cell(runner, buildkit, containerd)).collect();
    let report = Report::new(results[0].night.clone(), results, &[]);
    let tables: Vec<_> = report
        .tables
        .iter()
        .map(|table| (&*table.runner, table.buildkits.join(" "), table.containerds.join(" ")))
        .collect();
    assert_eq!(
        tables,
        [
            ("a", "0.10.0 0.10.0-rc1".to_owned(), "2.10.0 2.9.0".to_owned()),
            ("b", "main 0.34.2 0.9.0".to_owned(), "main 2.4.2 1.7.35".to_owned())
        ]
    );
    assert!(report.at("b", "main", "main").is_none() && report.at("b", "main", "1.7.35").is_some());
}

#[test]
fn what_is_so_in_many_cells_is_one_finding() {
    let broken =
        |buildkit| sample(sample(cell("a", buildkit, "2.4.2"), "x", Verdict::NewlyBroken), "y", Verdict::NewlyFixed);
    let died = running(step(cell("a", "0.1.0", "2.4.2"), "up", StepState::Running, 0));
    let results = vec![broken("0.3.0"), broken("0.2.0"), died];
    let report = Report::new(results[0].night.clone(), results, &[]);
    let found: Vec<_> =
        report.findings.iter().map(|finding| (finding.standing, &*finding.what, finding.cells.as_slice())).collect();
    assert_eq!(
        found,
        [
            (Standing::Broken, "x", [0, 1].as_slice()),
            (Standing::Died, "up", [2].as_slice()),
            (Standing::Fixed, "y", [0, 1].as_slice())
        ]
    );
    assert_eq!(report.sentence(), "3 cells: 2 newly broken, 1 died");
}

#[test]
fn what_has_another_reason_is_another_finding() {
    let why = |id: Option<&str>, message: &str| {
        let (id, message) = (id.map(str::to_owned), message.to_owned());
        Why { id, class: None, message, hint: None, upstream: None }
    };
    let reasons = [
        why(Some("disk-full"), "no space in 0.1.0"),
        why(None, "it hung\nin 0.2.0"),
        why(Some("disk-full"), "no space in 0.3.0"),
        why(None, "it hung\nin 0.4.0"),
        why(None, "it hangs"),
    ];
    for is_sample in [true, false] {
        let failed = |(index, why): (usize, &Why)| {
            let result = cell("a", &format!("0.{}.0", 9 - index), "2.4.2");
            if is_sample {
                let mut result = sample(result, "x", Verdict::NewlyBroken);
                result.samples[0].failure = Some(why.clone());
                return result;
            }
            let mut result = ended(step(result, "x", StepState::Failed, 0), Class::Ground);
            result.steps[0].failure = Some(why.clone());
            result
        };
        let results: Vec<_> = reasons.iter().enumerate().map(failed).collect();
        let report = Report::new(results[0].night.clone(), results, &[]);
        let found: Vec<_> = report
            .findings
            .iter()
            .map(|finding| (&*finding.what, finding.why.as_ref(), finding.cells.as_slice()))
            .collect();
        let expected = [
            ("x", Some(&reasons[0]), [0, 2].as_slice()),
            ("x", Some(&reasons[1]), &[1, 3]),
            ("x", Some(&reasons[4]), &[4]),
        ];
        assert_eq!(found, expected);
    }
}

#[test]
fn no_cell_that_went_wrong_is_green_in_junit() {
    let new = || cell("a", "0.34.2", "2.4.2");
    let fine = || sample(step(new(), "up", StepState::Done, 0), "x", Verdict::AsExpected);
    let cases = [
        (fine(), 2, 0, None),
        (running(new()), 1, 1, Some("died, no result")),
        (running(fine()), 3, 1, Some("died, between two steps")),
        (ended(fine(), Class::Ground), 3, 1, Some("ground failed, exit code 3")),
        (ended(fine(), Class::Failed), 3, 1, Some("newly broken, exit code 1")),
        // These have an error or a failure where it happened.
        (running(step(fine(), "samples", StepState::Running, 0)), 3, 1, None),
        (ended(step(fine(), "clean", StepState::Failed, 0), Class::Ground), 3, 1, None),
        (ended(sample(fine(), "y", Verdict::NewlyBroken), Class::Failed), 3, 0, None),
    ];
    for (result, tests, errors, told) in cases {
        let id = result.cell.id();
        let report = Report::new(result.night.clone(), vec![result], &[]);
        let document = super::junit::document(&report);
        let failures = report.cells[0].tally(Verdict::NewlyBroken);
        let numbers = format!(" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" ");
        assert_eq!(document.matches(&numbers).count(), 2, "of the night and of the cell, {numbers}: {document}");
        assert_eq!(document.matches("<testcase ").count(), tests, "{document}");
        assert_eq!(document.matches("<error ").count(), errors, "{document}");
        let case = told.map(|told| {
            format!("<testcase classname=\"{id}\" name=\"cell\" time=\"0.000\">\n      <error message=\"{told}\"/>")
        });
        assert_eq!(case.is_some(), document.contains("name=\"cell\""), "{document}");
        assert!(case.is_none_or(|case| document.contains(&case)), "{document}");
    }
}

#[test]
fn a_cell_is_compared_with_the_same_one_or_with_its_series() {
    let before = [
        sample(on_day(1, "a", "0.34.1", "2.4.2"), "x", Verdict::AsExpected),
        sample(on_day(1, "a", "0.33.0", "2.4.2"), "gone", Verdict::AsExpected),
        on_day(1, "b", "0.34.2", "2.4.2"),
    ];
    let since = |result: &CellResult| Since::of(result, &before);
    let newer = sample(on_day(2, "a", "0.34.2", "2.4.2"), "x", Verdict::NewlyBroken);
    let found = since(&newer).unwrap();
    assert_eq!(found.other.unwrap().buildkit, "0.34.1");
    let change = |what: &str, was: &str, is: &str| Change { what: what.into(), was: was.into(), is: is.into() };
    let expected =
        [change("the cell", "as expected", "newly broken"), change("x", "works, as expected", "fails, newly broken")];
    assert_eq!(found.changes, expected);
    let same = since(&on_day(2, "a", "0.33.0", "2.4.2")).unwrap();
    assert_eq!((same.other, same.changes.last()), (None, Some(&change("gone", "works, as expected", "not there"))));
    // One that died has not lost the samples that it never came to.
    let died = running(step(on_day(2, "a", "0.33.0", "2.4.2"), "up", StepState::Running, 0));
    assert_eq!(since(&died).unwrap().changes, [change("the cell", "as expected", "died")]);
    for (runner, buildkit, containerd) in [("a", "0.35.0", "2.4.2"), ("c", "0.34.2", "2.4.2"), ("a", "main", "2.4.2")] {
        assert_eq!(since(&on_day(2, runner, buildkit, containerd)), None);
    }
}

#[test]
fn a_trend_goes_through_the_middle_of_each_night() {
    let up = |day, took| step(on_day(day, "a", "0.34.2", "2.4.2"), "up", StepState::Done, took);
    let failed = step(on_day(3, "a", "0.34.2", "2.4.2"), "up", StepState::Failed, 9999);
    let nights = [vec![up(3, 300), up(3, 100), up(3, 200), failed], vec![], vec![up(1, 50)]];
    let nights: Vec<Vec<&CellResult>> = nights.iter().map(|night| night.iter().collect()).collect();
    let trends = Trend::all(&nights);
    let [trend] = trends.as_slice() else { panic!("{trends:?}") };
    let points: Vec<_> =
        trend.points.iter().map(|point| (&*point.when, point.least, point.median, point.most, point.cells)).collect();
    assert_eq!(points, [("1970-01-02 00:00 UTC", 50, 50, 50, 1), ("1970-01-04 00:00 UTC", 100, 200, 300, 3)]);
    assert_eq!(trend.words(), "up: 200 ms at last; over 2 nights from 50 ms to 200 ms");
    let drawing = trend.drawing().document();
    assert!(drawing.contains("points=\"4.0,90.0 316.0,48.0\""), "{drawing}");
}

#[test]
fn a_drawing_of_any_numbers_has_numbers_in_it() {
    let step = |day, took| step(on_day(day, "a", "0.34.2", "2.4.2"), "up", StepState::Done, took);
    for nights in
        [vec![vec![step(1, u64::MAX)]], vec![vec![step(1, 0)]], vec![vec![step(9, u64::MAX)], vec![step(1, 0)]]]
    {
        let nights: Vec<Vec<&CellResult>> = nights.iter().map(|night| night.iter().collect()).collect();
        let drawing = Trend::all(&nights)[0].drawing().document();
        assert!(!drawing.contains("NaN") && !drawing.contains("inf"), "{drawing}");
    }
}

#[test]
fn a_summary_is_no_longer_than_github_takes() {
    let of = |index: usize| {
        let name = format!("{index}{}", "|".repeat(2000));
        sample(cell("a", &format!("0.{index}.0"), "2.4.2"), &name, Verdict::NewlyBroken)
    };
    let results: Vec<_> = (0..256).map(of).collect();
    let report = Report::new(results[0].night.clone(), results, &[]);
    let summary = super::markdown::document(&report);
    assert!(summary.len() < 1 << 20, "{}", summary.len());
    assert!(summary.ends_with("see the report's page.\n") && summary.contains("256 cells"), "what fits is there");
}
