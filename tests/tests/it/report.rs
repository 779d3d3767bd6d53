//! `report`: what it makes of a night, and of what is none.

use std::fs;
use tests::filters::bind;
use tests::{Outcome, TestContext, assert_outcome, context, insta, night};
use xtask::result::{CellResult, Verdict};

/// Writes results as files, by their cells' own names.
fn write(context: &TestContext, folder: &str, results: &[CellResult]) {
    for result in results {
        context.write(format!("{folder}/{}", result.cell.file_name()), result.to_json().unwrap());
    }
}

/// Runs a command line where the results are.
fn run(context: &TestContext, line: &str) -> Outcome {
    context.xtask(line.split_whitespace()).current_dir(context.root()).run()
}

fn read(context: &TestContext, path: &str) -> String {
    fs::read_to_string(context.root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A table of two by two, the same table of the night before, and what makes them worth reading.
fn two_nights() -> [Vec<CellResult>; 2] {
    let nights = night::nights();
    let of = |index: usize| {
        let is_in =
            |result: &&CellResult| result.cell.runner == "windows-2025" && !result.cell.containerd.starts_with("2.3");
        let mut results: Vec<CellResult> = nights[index].iter().filter(is_in).cloned().collect();
        for result in &mut results {
            // What is as expected in every cell is long, and tells nothing more.
            result.samples.retain(|sample| sample.verdict != Verdict::AsExpected || sample.name == "copy-link");
        }
        results
    };
    [of(5), of(6)]
}

#[test]
fn a_night_is_told_in_every_form() {
    let context = context!();
    let [before, tonight] = two_nights();
    write(&context, "before", &before);
    write(&context, "tonight", &tonight);
    assert_outcome!(run(&context, "report tonight --out out --previous before"), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
    note: compared with 1 earlier night
        Reported 6 cells: 2 newly broken, 1 died, 1 ground failed, 2 as expected, in `out/index.html`
    ");
    let mut names: Vec<_> = fs::read_dir(context.root().join("out/badges"))
        .unwrap()
        .collect::<Result<Vec<_>, _>>()
        .unwrap()
        .into_iter()
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    insta::assert_snapshot!(names.join("\n"), @"
    night.svg
    on-windows-2025.svg
    windows-2025_buildkit-0.32.2_containerd-1.7.35.svg
    windows-2025_buildkit-0.32.2_containerd-2.4.2.svg
    windows-2025_buildkit-0.33.0_containerd-1.7.35.svg
    windows-2025_buildkit-0.33.0_containerd-2.4.2.svg
    windows-2025_buildkit-0.34.2_containerd-1.7.35.svg
    windows-2025_buildkit-0.34.2_containerd-2.4.2.svg
    ");
    insta::assert_snapshot!(read(&context, "out/badges/on-windows-2025.svg"), @r##"
    <?xml version="1.0" encoding="UTF-8"?>
    <svg xmlns="http://www.w3.org/2000/svg" width="206" height="20" role="img" aria-label="windows-2025: newly broken">
      <title>windows-2025: newly broken</title>
      <rect x="0" width="96" height="20" fill="#3d444d"/>
      <rect x="96" width="110" height="20" fill="#b42318"/>
      <g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">
        <text x="6" y="14" textLength="84">windows-2025</text>
        <text x="102" y="14" textLength="98">✗ newly broken</text>
      </g>
    </svg>
    "##);
    insta::assert_snapshot!("report.md", read(&context, "out/report.md"));
    insta::assert_snapshot!("junit.xml", read(&context, "out/junit.xml"));
    assert!(!context.base_dir().exists(), "it needs no workspace");
}

#[test]
fn the_first_night_has_nothing_to_be_compared_with() {
    let context = context!();
    let [_, tonight] = two_nights();
    write(&context, "tonight", &tonight[..1]);
    fs::create_dir(context.root().join("before")).unwrap();
    run(&context, "report tonight --out out --previous before").success();
    let summary = read(&context, "out/report.md");
    assert!(!summary.contains("## Since"), "{summary}");
}

#[test]
fn files_and_folders_are_taken_once_whatever_they_are_called() {
    let context = context!();
    let [_, tonight] = two_nights();
    write(&context, "a folder", &tonight[..2]);
    // As PowerShell's redirection writes it.
    context.write("copied.json", format!("\u{feff}{}", tonight[2].to_json().unwrap()));
    context.write("a folder/readme.txt", "no result");
    context.write("a folder/.tmpx", "{");
    let line = ["report", "a folder", "./a folder", "copied.json", "--out", "o u t"];
    let done = context.xtask(line).current_dir(context.root()).run();
    assert_outcome!(done, @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
        Reported 3 cells: 2 newly broken, 1 as expected, in `o u t/index.html`
    ");
}

#[test]
fn what_is_no_night_is_told_and_nothing_is_written() {
    let context = context!();
    let [before, tonight] = two_nights();
    write(&context, "tonight", &tonight[..2]);
    write(&context, "mixed", &[tonight[0].clone(), before[1].clone()]);
    context.write("same/a.json", tonight[0].to_json().unwrap());
    context.write("same/b.json", tonight[0].to_json().unwrap());
    fs::create_dir(context.root().join("empty")).unwrap();
    let whole = tonight[0].to_json().unwrap();
    context.write("cut.json", &whole[..whole.len() / 2]);
    context.write("newer.json", whole.replacen("\"schema\": 1", "\"schema\": 2", 1));
    context.write("other.json", "{\"schema\": 1, \"night\": \"tonight\"}");
    context.write("binary.json", b"\xff{");
    context.write("bad/a.json", "nothing");
    context.write("bad/b.json", "[1]");
    let mut transcript = String::new();
    for line in [
        "report --out out",
        "report tonight",
        "report empty --out out",
        "report nowhere --out out",
        "report mixed --out out",
        "report same --out out",
        "report cut.json --out out",
        "report newer.json --out out",
        "report other.json --out out",
        "report binary.json --out out",
        "report bad --out out",
        "report tonight --out cut.json",
    ] {
        let outcome = run(&context, line).exited(2);
        transcript.push_str(&format!("$ cargo xtask {line}\n{}\n", outcome.stderr.trim_end()));
        transcript.push('\n');
    }
    assert!(!context.root().join("out").exists());
    let _filters = bind(&context);
    insta::assert_snapshot!(transcript);
}

#[test]
fn an_earlier_night_that_can_t_be_read_spoils_nothing() {
    let context = context!();
    let [before, tonight] = two_nights();
    write(&context, "tonight", &before);
    write(&context, "earlier", &tonight[..1]);
    context.write("earlier/old.json", "{\"schema\": 0}");
    context.write("earlier/same.json", before[0].to_json().unwrap());
    assert_outcome!(run(&context, "report tonight --out out --previous earlier nowhere"), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
    warning: there is no `nowhere`: it is left out
    warning: `earlier/old.json` is of an older harness (schema 0, and this one knows 1): it is left out
    warning: `earlier/windows-2025_buildkit-0.34.2_containerd-2.4.2.json` is of a later night: it is left out
    note: there is no earlier night to compare with
        Reported 6 cells: 6 as expected, in `out/index.html`
    ");
}

#[test]
fn what_is_in_the_folder_already_is_not_lost() {
    let context = context!();
    let [_, tonight] = two_nights();
    write(&context, "tonight", &tonight[..1]);
    for name in ["index.html", "report.md", "badges/mine.svg"] {
        let path = context.write(format!("taken/{name}"), "mine");
        let outcome = run(&context, "report tonight --out taken").exited(2);
        assert!(outcome.stderr.contains("is there already, and is no part of a report"), "{}", outcome.stderr);
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        fs::remove_dir_all(context.root().join("taken")).unwrap();
    }
    // Beside other files there is room, and an older report is replaced.
    context.write("room/mine.txt", "mine");
    run(&context, "report tonight --out room").success();
    write(&context, "tonight", &tonight[..2]);
    run(&context, "report tonight --out room").success();
    assert_eq!(read(&context, "room/mine.txt"), "mine");
    assert!(read(&context, "room/index.html").contains(&tonight[1].cell.id()));
    let left: Vec<_> =
        fs::read_dir(context.root().join("room")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 5, "nothing half-written is left: {left:?}");
}

#[test]
fn a_page_asks_for_nothing_and_every_night_looks_the_same_twice() {
    let context = context!();
    write(&context, "tonight", &night::nights()[6]);
    let page = |out: &str| {
        run(&context, &format!("report tonight --out {out}")).success();
        read(&context, &format!("{out}/index.html"))
    };
    let first = page("one");
    assert_eq!(first, page("two"));
    let policy = "default-src &#39;none&#39;";
    assert!(first.contains(policy), "whatever a page could ask for is forbidden");
}

#[test]
fn a_result_gives_github_actions_no_commands() {
    let context = context!();
    let text = two_nights()[0][0].to_json().unwrap();
    let state = "\"state\": \"ended\"";
    assert!(text.contains(state), "{text}");
    context.write("night/a.json", text.replace(state, "\"state\": \"x\\n::error::pwned ##[error]\""));
    let refused = context.xtask(["report", "night", "--out", "out"]).env("GITHUB_ACTIONS", "true").run().exited(2);
    let usage = context.xtask(["report", "--\n::error::pwned ##[error]"]).env("GITHUB_ACTIONS", "true").run().exited(2);
    for said in [&refused.stderr, &usage.stderr] {
        assert!(said.contains("pwned"), "{said}");
        let own = said.lines().filter(|line| line.trim_start().starts_with("::"));
        let own: Vec<_> = own.filter(|line| !line.starts_with("::error::`night")).collect();
        assert_eq!(own, Vec::<&str>::new(), "{said}");
        assert!(!said.lines().any(|line| !line.starts_with("::") && line.contains("##[")), "{said}");
    }
}

/// The cells of some results, as `matrix` prints them.
fn cells(results: &[CellResult]) -> String {
    let cells: Vec<_> = results
        .iter()
        .map(|result| {
            let cell = &result.cell;
            serde_json::json!({
                "runner": cell.runner, "platform": result.host.platform,
                "buildkit": cell.buildkit, "containerd": cell.containerd,
            })
        })
        .collect();
    serde_json::json!({ "include": cells }).to_string()
}

#[test]
fn a_cell_that_never_began_is_told_too() {
    let context = context!();
    let [before, _] = two_nights();
    context.write("cells.json", cells(&before));
    write(&context, "results", &before[1..]);
    let told = run(&context, "report results --out out --cells cells.json").success();
    let id = before[0].cell.id();
    assert!(told.stderr.contains(&format!("warning: {id} has no result")), "{told}");
    assert!(told.stderr.contains(&format!("Reported {} cells", before.len())), "{told}");
    assert!(read(&context, "out/index.html").contains("It has no result: it was killed before it began."));
    assert!(read(&context, "out/report.md").contains("no result"));
    run(&context, "report results --out out --cells nowhere.json").exited(2);
}

#[test]
fn a_night_whose_cells_all_died_is_told_by_its_cells() {
    let context = context!();
    let [before, tonight] = two_nights();
    write(&context, "before", &before);
    context.write("cells.json", cells(&tonight[..2]));
    let line = "report results --out out --cells cells.json";
    assert_outcome!(run(&context, line), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    warning: there is no `results`
    error: no cell has a result, and so nothing tells when the night began

    hint: give `--began TIME`, the same as to `cargo xtask night`, or the results
    ");
    assert!(!context.root().join("out").exists());
    // The one that was downloaded has no folder.
    let began = "--began 2026-11-23T02:17:00Z --previous before";
    assert_outcome!(run(&context, &format!("{line} {began}")), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
    warning: there is no `results`
    warning: windows-2025_buildkit-0.34.2_containerd-2.4.2 has no result
    warning: windows-2025_buildkit-0.34.2_containerd-1.7.35 has no result
    note: compared with 1 earlier night
        Reported 2 cells: 2 died, in `out/index.html`
    ");
    fs::create_dir(context.root().join("results")).unwrap();
    let again = run(&context, &format!("{line} {began}")).success();
    assert!(!again.stderr.contains("there is no"), "{again}");
    insta::assert_snapshot!(read(&context, "out/report.md"), @r"
    # BuildKit × containerd, 2026-11-23 02:17 UTC

    ■ **2 cells: 2 died**

    ## <code>windows-2025</code>

    <code>windows-amd64</code>

    | BuildKit \ containerd | <code>2.4.2</code> | <code>1.7.35</code> |
    | :-- | :-- | :-- |
    | <code>0.34.2</code> | ■ died, no result | ■ died, no result |

    ## What to look at

    - ■ died, 2 of 2 cells

    ## Since 2026-11-22 02:17 UTC

    - BuildKit <code>0.34.2</code> with containerd <code>2.4.2</code> on <code>windows-2025</code>
      - <code>the cell</code>: was <code>as expected</code>, is <code>died</code>
    - BuildKit <code>0.34.2</code> with containerd <code>1.7.35</code> on <code>windows-2025</code>
      - <code>the cell</code>: was <code>as expected</code>, is <code>died</code>
    ");
    let junit = read(&context, "out/junit.xml");
    assert!(junit.contains("<testsuites name=\"night\" tests=\"2\" failures=\"0\" errors=\"2\" "), "{junit}");
    // Where results tell it, nothing else does.
    write(&context, "results", &tonight[..1]);
    run(&context, &format!("{line} --began 2001-01-01T00:00:00Z")).success();
    assert!(read(&context, "out/report.md").starts_with("# BuildKit \u{d7} containerd, 2026-11-23 02:17 UTC\n"));
    // Without the cells there is nothing to tell.
    run(&context, "report nowhere --out out").exited(2);
    run(&context, "report nowhere --out out --began 2026-11-23T02:17:00Z").exited(2);
}
