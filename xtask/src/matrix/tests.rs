use super::*;

fn listed(versions: &[&str]) -> Vec<Listed> {
    let parse = |text: &&str| text.parse().unwrap();
    let mut listed: Vec<Listed> = versions
        .iter()
        .map(parse)
        .map(|version: Version| Listed { prerelease: !version.pre.is_empty(), version })
        .collect();
    listed.sort();
    listed
}

fn containerds() -> Vec<Listed> {
    listed(&[
        "1.6.36",
        "1.7.30",
        "1.7.6",
        "2.0.0",
        "2.9.1",
        "2.9.0",
        "2.10.0",
        "2.10.2",
        "2.10.2-rc.1",
        "2.11.0-rc.2",
        "2.11.0-rc.1",
    ])
}

const PLAIN: Breadth = Breadth { newest: 3, prerelease: false, main: false };

fn windows() -> Platform {
    "windows-amd64".parse().unwrap()
}

fn here() -> Runner {
    Runner { label: runner::LOCAL.into(), platform: "linux-amd64".parse().unwrap(), build: None }
}

fn all_chosen(specs: &[&str], breadth: Breadth) -> Result<Chosen> {
    let specs: Vec<Spec> = specs.iter().map(|text| text.parse().unwrap()).collect();
    choose(Component::Containerd, windows(), &containerds(), &specs, breadth)
}

fn chosen(specs: &[&str], breadth: Breadth) -> Result<Vec<String>> {
    all_chosen(specs, breadth).map(|chosen| chosen.versions)
}

#[test]
fn the_newest_patch_of_the_newest_minors_is_taken() {
    assert_eq!(chosen(&[], PLAIN).unwrap(), ["2.10.2", "2.9.1", "2.0.0"]);
    assert_eq!(chosen(&[], Breadth { newest: 1, ..PLAIN }).unwrap(), ["2.10.2"]);
    assert_eq!(chosen(&[], Breadth { newest: 99, ..PLAIN }).unwrap().len(), 5);
}

#[test]
fn specs_say_which_ones_instead() {
    assert_eq!(chosen(&["1.7", "2.x"], Breadth { newest: 2, ..PLAIN }).unwrap(), ["2.10.2", "2.9.1", "1.7.30"]);
    assert_eq!(chosen(&["latest", "2.10", "2.10.2"], PLAIN).unwrap(), ["2.10.2"], "each once");
    assert_eq!(chosen(&["prerelease"], PLAIN).unwrap(), ["2.11.0-rc.2"]);
    assert_eq!(chosen(&["main", "1.6"], PLAIN).unwrap(), ["main", "1.6.36"]);
}

#[test]
fn a_pre_release_is_there_when_asked_for_and_newer_than_all() {
    let wide = Breadth { newest: 1, prerelease: true, main: true };
    assert_eq!(chosen(&[], wide).unwrap(), ["main", "2.11.0-rc.2", "2.10.2"]);
    let only_older = listed(&["2.10.0", "2.10.0-rc.1"]);
    assert_eq!(choose(Component::Buildkit, windows(), &only_older, &[], wide).unwrap().versions, ["master", "2.10.0"]);
}

#[test]
fn what_is_not_there_is_told_beside_what_is() {
    let lack = |what: &str, hint: &str| vec![(what.to_owned(), hint.to_owned())];
    let lacking = lack("there is no containerd 9.9 for windows-amd64", "the newest there is 2.10.2");
    assert_eq!(
        all_chosen(&["9.9", "2.9"], PLAIN).unwrap(),
        Chosen { versions: vec!["2.9.1".into()], lacking: lacking.clone() }
    );
    assert_eq!(all_chosen(&["9.9"], PLAIN).unwrap(), Chosen { versions: Vec::new(), lacking });
    let lacking = lack("there is no buildkit for windows-amd64", "use another `--source`, or another `--runner`");
    let nothing = choose(Component::Buildkit, windows(), &[], &[], PLAIN).unwrap();
    assert_eq!(nothing, Chosen { versions: Vec::new(), lacking });
    assert!(chosen(&["./dist"], PLAIN).unwrap_err().to_string().starts_with("a matrix is for many machines"));
}

fn rows(runners: &[&str], buildkits: &[&str], containerds: &[&str]) -> Vec<Row> {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    let runner = |label: &&str| Runner::named(label, &here()).unwrap();
    runners
        .iter()
        .map(|label| Row { runner: runner(label), buildkits: owned(buildkits), containerds: owned(containerds) })
        .collect()
}

#[test]
fn every_one_meets_every_other_once_in_the_same_order() {
    let rows = rows(&["windows-2022", "windows-2025", "windows-2022"], &["0.34.2", "0.33.1"], &["2.4.2", "2.3.7"]);
    let matrix = cells(&rows, &[], MOST_CELLS).unwrap();
    assert_eq!(matrix.include.len(), 8);
    assert_eq!(matrix, cells(&rows, &[], MOST_CELLS).unwrap());
    assert_eq!(
        serde_json::to_string(&matrix.include[1]).unwrap(),
        r#"{"runner":"windows-2022","platform":"windows-amd64","buildkit":"0.34.2","containerd":"2.3.7"}"#
    );
}

#[test]
fn the_oldest_are_dropped_from_too_many() {
    let owned = |count: usize| (0..count).map(|minor| format!("2.{}.0", 100 - minor)).collect::<Vec<_>>();
    let runner = Runner::named("windows-2025", &here()).unwrap();
    let rows = [Row { runner, buildkits: owned(20), containerds: owned(20) }];
    let matrix = cells(&rows, &[], MOST_CELLS).unwrap();
    assert_eq!((matrix.include.len(), matrix.left_out.len()), (256, 400 - 256));
    let age = |cell: &Cell| {
        let minor = |text: &str| text.parse::<Version>().unwrap().minor;
        200 - minor(&cell.buildkit) - minor(&cell.containerd)
    };
    let oldest_kept = matrix.include.iter().map(age).max().unwrap();
    let newest_dropped = matrix.left_out.iter().map(|(cell, _)| age(cell)).min().unwrap();
    assert!(oldest_kept <= newest_dropped, "{oldest_kept} {newest_dropped}");
    assert!(matrix.left_out[0].1.contains("at most 256"), "{:?}", matrix.left_out[0]);
}

#[test]
fn cells_that_differ_in_one_thing_are_told_together() {
    let all =
        cells(&rows(&["windows-2022"], &["0.34.2", "0.33.1"], &["2.4.2", "2.3.7"]), &[], MOST_CELLS).unwrap().include;
    let told = |which: &[usize]| super::told(&which.iter().map(|at| &all[*at]).collect::<Vec<_>>());
    assert_eq!(told(&[0, 1, 2, 3]), "BuildKit 0.34.2, 0.33.1 with containerd 2.4.2, 2.3.7 on windows-2022");
    assert_eq!(
        told(&[0, 1, 2]),
        "BuildKit 0.34.2, 0.33.1 with containerd 2.4.2 on windows-2022; BuildKit 0.34.2 with containerd 2.3.7 on windows-2022"
    );
}

fn left_out(runner: &str, buildkit: &str, containerd: &str) -> bool {
    cells(&rows(&[runner], &[buildkit], &[containerd]), &exclusions::known(), MOST_CELLS).is_err()
}

#[test]
fn what_is_known_not_to_work_together_is_left_out() {
    for (buildkit, containerd, expected) in [
        ("0.25.2", "2.0.14", false),
        ("0.26.0", "2.4.2", true),
        ("0.32.2", "2.4.2", true),
        ("0.33.0", "2.4.2", false),
        ("0.33.0", "2.1.0", true),
        ("0.33.0", "2.3.2", true),
        ("0.33.0", "2.3.3", false),
        ("master", "main", false),
    ] {
        assert_eq!(left_out("mine=26200", buildkit, containerd), expected, "{buildkit} {containerd}");
        assert!(!left_out("windows-2025", buildkit, containerd), "{buildkit} {containerd}");
        assert!(!left_out("ubuntu-24.04", buildkit, containerd), "{buildkit} {containerd}");
    }
    assert!(left_out("windows-2022", "0.34.2", "1.7.6") && left_out("windows-2022", "0.34.2", "1.6.36"));
    assert!(!left_out("windows-2022", "0.34.2", "1.7.7") && !left_out("local", "0.34.2", "1.7.6"));
}

#[test]
fn people_leave_out_what_they_like() {
    let rows = rows(&["windows-2022", "windows-2025"], &["0.34.2", "0.26.1"], &["2.4.2", "1.7.30", "main"]);
    let kept = |text: &str| {
        let exclusion = Exclusion::parse(text).unwrap();
        cells(&rows, &[exclusion], MOST_CELLS).map_or(0, |matrix| matrix.include.len())
    };
    assert_eq!(kept("containerd=1.7"), 8);
    assert_eq!(kept("containerd=main, runner=windows-2025"), 10);
    assert_eq!(kept("buildkit=0.26..0.30,containerd=1..2"), 8);
    assert_eq!(kept("buildkit=0.26..0.34"), 0);
    for (text, why) in [
        ("containerd", "`containerd` is no condition"),
        ("arch=amd64", "there is no `arch` in a cell"),
        ("buildkit=0.34..0.26", "`0.34..0.26` names no versions"),
        ("buildkit=", "`` names no versions"),
        ("buildkit=0.26,buildkit=0.27", "`buildkit` can't be two things at once"),
    ] {
        assert_eq!(Exclusion::parse(text).unwrap_err().to_string(), format!("`--exclude {text}`: {why}"));
    }
}

#[test]
fn cells_whose_results_would_be_one_file_are_refused() {
    let long = format!("v{}", "1".repeat(150));
    for (one, other) in [("a/b", "a-b"), ("Topic", "topic"), (&*long, &*format!("{long}2"))] {
        let made = cells(&rows(&["windows-2025"], &[one, other], &["2.4.2"]), &[], MOST_CELLS).unwrap_err();
        assert!(made.to_string().contains("would both have their result in `windows-2025_buildkit-"), "{made}");
        assert_eq!(made.class().exit_code(), 2);
    }
    let of = |platform: &str| {
        format!(r#"{{"runner":"mine","platform":"{platform}","buildkit":"0.34.2","containerd":"2.4.2"}}"#)
    };
    let read = read(&format!("[{},{}]", of("windows-amd64"), of("windows-arm64")), "it").unwrap_err();
    assert_eq!(
        read.to_string(),
        "BuildKit 0.34.2 with containerd 2.4.2 on mine (windows-amd64) and BuildKit 0.34.2 with containerd 2.4.2 on \
         mine (windows-arm64) would both have their result in `mine_buildkit-0.34.2_containerd-2.4.2.json`"
    );
}

#[test]
fn a_machine_is_known_by_its_name() {
    let named = |text: &str| Runner::named(text, &here()).map(|runner| (runner.platform.to_string(), runner.build));
    assert_eq!(named("windows-2022").unwrap(), ("windows-amd64".into(), Some(20348)));
    assert_eq!(named("windows-11-arm").unwrap(), ("windows-arm64".into(), None));
    assert_eq!(named("ubuntu-24.04-arm").unwrap(), ("linux-arm64".into(), None));
    assert_eq!(named("local").unwrap(), ("linux-amd64".into(), None));
    assert_eq!(named("mine=26200").unwrap(), ("windows-amd64".into(), Some(26200)));
    for bad in ["macos-15", "", "mine=new", "=26200", "local=26200"] {
        assert_eq!(named(bad).unwrap_err().class().exit_code(), 2, "{bad}");
    }
    assert_eq!(named("=26200").unwrap_err().to_string(), "`--runner =26200`: there is no label before the build");
}

#[test]
fn a_label_is_one_machine() {
    let all = |texts: &[&str]| {
        let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
        Runner::all_named(&texts, &here())
    };
    assert_eq!(
        all(&["mine=26100", "mine=26100", "other=26200", "windows-2025", " windows-2025=26100"]).unwrap().len(),
        5
    );
    let refused = all(&["mine=26100", "mine=26200"]).unwrap_err();
    let sentence =
        "`--runner` has `mine` twice, once as windows-amd64 of build 26100 and once as windows-amd64 of build 26200";
    assert_eq!((refused.to_string().as_str(), refused.class().exit_code()), (sentence, 2));
    assert!(all(&["windows-latest", "windows-latest=26200"]).is_err(), "its build is open only until it is named");
}

#[test]
fn a_machine_refuses_what_is_for_another() {
    let server = Runner { label: "local".into(), platform: windows(), build: Some(20348) };
    assert_eq!(server.refuses("windows-2022", windows()), None);
    assert_eq!(server.refuses("windows-latest", windows()), None);
    assert_eq!(server.refuses("my own", windows()), None);
    let why = server.refuses("windows-2025", windows()).unwrap();
    assert_eq!(why, "it is for build 26100 of Windows, and this is 20348");
    assert_eq!(here().refuses("windows-2022", windows()).unwrap(), "it is for windows-amd64, and this is linux-amd64");
    assert_eq!(here().refuses("ubuntu-24.04", here().platform), None);
}

#[test]
fn cells_are_read_as_they_are_written() {
    let matrix = cells(&rows(&["windows-2025"], &["0.34.2"], &["2.4.2", "2.3.7"]), &[], MOST_CELLS).unwrap();
    let text = serde_json::to_string(&matrix).unwrap();
    assert_eq!(read(&text, "it").unwrap(), matrix.include);
    assert_eq!(read(&serde_json::to_string(&matrix.include).unwrap(), "it").unwrap(), matrix.include);
    assert_eq!(read(&serde_json::to_string(&matrix.include[0]).unwrap(), "it").unwrap(), matrix.include[..1]);
    let senseless = text.replace("2.4.2", "no version!");
    let one_path = text.replace("2.4.2", "./dist");
    let twice = serde_json::to_string(&[&matrix.include[0], &matrix.include[0]]).unwrap();
    for (text, why) in [
        ("", "it holds no cells: EOF"),
        ("[]", "it holds no cell"),
        (r#"{"include":[]}"#, "it holds no cell"),
        (r#"{"include":[{"runner":"local"}]}"#, "it holds no cells: missing field `platform`"),
        (
            &senseless,
            "failed to read BuildKit 0.34.2 with containerd no version! on windows-2025 in it: `no version!` is no version spec",
        ),
        (&one_path, "it has BuildKit 0.34.2 with containerd ./dist on windows-2025, and `./dist` is a path"),
        (&twice, "it has BuildKit 0.34.2 with containerd 2.4.2 on windows-2025 twice, the second time as cell 2"),
    ] {
        let error = read(text, "it").unwrap_err();
        assert!(error.to_string().starts_with(why) && error.class().exit_code() == 2, "{error}");
    }
}
