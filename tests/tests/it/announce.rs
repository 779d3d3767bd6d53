//! `announce`: one issue for what nights find newly broken, on a GitHub of our own.

mod refused;
mod unknown;

use std::fs;
use tests::Times::Always;
use tests::{By, Fault, Issue, Outcome, ReleaseServer, TestContext, Xtask, assert_outcome, context, insta, night};
use xtask::error::{Class, Error};
use xtask::matrix;
use xtask::result::{Cell, CellResult, Exit, Outcome as Came, StepState, Verdict, Why};

const REPOSITORY: &str = "owner/name";
const ISSUES: &str = "/repos/owner/name/issues";
const MARK: &str = "<!-- buildkit-windows nightly:";

/// A machine with a token, a repository with issues, and cells of one runner: the last night of [`night::nights`].
fn machine(server: &ReleaseServer, issues: Vec<Issue>) -> TestContext {
    server.issues(REPOSITORY, issues);
    let context = context!().server(server);
    write(&context, &tonight());
    context
}

fn write(context: &TestContext, results: &[CellResult]) {
    let folder = context.root().join("results");
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    for result in results {
        context.write(folder.join(result.cell.file_name()), result.to_json().unwrap());
    }
}

/// Two cells of which one has a sample newly broken.
fn tonight() -> Vec<CellResult> {
    let mut results = night::nights().pop().unwrap();
    results.retain(|result| result.cell.runner == "windows-2025" && result.cell.containerd == "2.4.2");
    results.truncate(2);
    assert_eq!(broken(&results), 1);
    results
}

fn broken(results: &[CellResult]) -> usize {
    results.iter().flat_map(|result| &result.samples).filter(|sample| sample.verdict == Verdict::NewlyBroken).count()
}

/// The same with all samples as they should be.
fn mended() -> Vec<CellResult> {
    let mut results = tonight();
    for result in &mut results {
        result.samples.retain(|sample| sample.verdict == Verdict::AsExpected);
        result.end(Exit::done());
    }
    results
}

/// The same with a cell that did not come so far.
fn half_on_bad_ground(mut results: Vec<CellResult>) -> Vec<CellResult> {
    let result = &mut results[0];
    result.samples.clear();
    result.steps[1].state = StepState::Failed;
    result.end(Exit::of(Class::Ground));
    results
}

/// One more sample, newly broken.
fn with_another(mut results: Vec<CellResult>, message: &str) -> Vec<CellResult> {
    let mut sample = results[1].samples[0].clone();
    sample.name = "another".into();
    sample.verdict = Verdict::NewlyBroken;
    sample.outcome = Came::Fails;
    sample.failure = Some(Why::from(&Error::failed(message)));
    results[1].samples.push(sample);
    results
}

fn announce(context: &TestContext, more: &[&str]) -> Xtask {
    let line = [&["announce", "results"], more].concat();
    let xtask = context.xtask(line).current_dir(context.root());
    xtask.env("GITHUB_REPOSITORY", REPOSITORY).env("GITHUB_TOKEN", "secret")
}

fn done(context: &TestContext) -> Outcome {
    announce(context, &[]).run().success()
}

/// The cells of the night, as `matrix` prints them.
fn cells() -> String {
    let cell = |result: CellResult| {
        let Cell { runner, buildkit, containerd } = result.cell;
        let platform = "windows-amd64".parse().unwrap();
        matrix::Cell { runner, platform, buildkit, containerd }
    };
    serde_json::to_string(&tonight().into_iter().map(cell).collect::<Vec<_>>()).unwrap()
}

fn only(server: &ReleaseServer) -> Issue {
    let issues = server.issues_of(REPOSITORY);
    assert_eq!(issues.len(), 1, "{issues:#?}");
    issues[0].clone()
}

/// How often something was written.
fn writes(server: &ReleaseServer) -> usize {
    server.requests().iter().filter(|request| request.method != "GET").count()
}

#[test]
fn one_issue_is_opened_kept_and_closed() {
    let server = ReleaseServer::start();
    let context = machine(&server, Vec::new());
    assert_outcome!(done(&context), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
          Opened issue #1 of owner/name
    ");
    let opened = only(&server);
    assert_eq!((opened.closed, opened.comments.len()), (false, 0));
    insta::assert_snapshot!(format!("{}\n\n{}", opened.title, opened.body), @"
    The nightly finds something newly broken

    <!-- buildkit-windows nightly: 2026-11-23T02:17:00Z 9172e359.6d3a62a8 -->
    [The night of 2026-11-23 02:17 UTC](<https://github.com/example/nights/actions/runs/7>): **2 cells: 1 newly broken, 1 as expected**

    ## Newly broken

    - ✗ <code>root-export</code>, in 1 cell
      <code>failed to build&#58; failed to solve&#58; failed to copy files&#58; open C&#58;&#92;System Volume Information&#58; Access is denied.</code>
      BuildKit before 0.27 reads what only Windows may when it copies or exports a root folder; take a newer one with `--buildkit latest`, or copy from another folder ([upstream](<https://github.com/moby/buildkit/issues/4985>))
      - BuildKit <code>0.34.2</code> with containerd <code>2.4.2</code> on <code>windows-2025</code>

    This text is of the last night; the issue is closed by the first one that finds nothing of the kind.
    ");

    // The same again is no news.
    assert_outcome!(done(&context), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
         Updated issue #1 of owner/name
    ");
    assert_eq!(only(&server), opened);

    write(&context, &with_another(tonight(), "failed to build: it is not what it was"));
    done(&context);
    let [news] = only(&server).comments.try_into().unwrap();
    insta::assert_snapshot!(news, @"
    [The night of 2026-11-23 02:17 UTC](<https://github.com/example/nights/actions/runs/7>): the list has changed.

    - ✗ <code>another</code>, in 1 cell
      <code>failed to build&#58; it is not what it was</code>
      - BuildKit <code>0.33.0</code> with containerd <code>2.4.2</code> on <code>windows-2025</code>
    ");

    // Less is news, too.
    write(&context, &tonight());
    done(&context);
    let less = only(&server);
    assert!(less.comments[1].ends_with("\n1 of what was in it is not found broken any more.\n"), "{less:#?}");
    assert_eq!(less.body, opened.body);

    write(&context, &mended());
    assert_outcome!(done(&context), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
          Closed issue #1 of owner/name
    ");
    let closed = only(&server);
    assert!(closed.closed);
    assert_eq!(
        closed.comments[2],
        "[The night of 2026-11-23 02:17 UTC](<https://github.com/example/nights/actions/runs/7>): nothing is newly broken any more."
    );

    // A closed one is past: the next fault has an issue of its own.
    assert_outcome!(done(&context), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
       Announced nothing: nothing is newly broken
    ");
    write(&context, &tonight());
    done(&context);
    let numbers: Vec<_> = server.issues_of(REPOSITORY).iter().map(|issue| (issue.number, issue.closed)).collect();
    assert_eq!(numbers, [(1, true), (2, false)]);
    assert!(!context.base_dir().exists(), "it needs no workspace");
}

#[test]
fn each_reason_is_told_where_it_is_the_reason() {
    let server = ReleaseServer::start();
    let context = machine(&server, Vec::new());
    let failing = |message: &str, results: &[CellResult]| with_another(results.to_vec(), message)[1..].to_vec();
    let mut results = failing("failed to build: one thing", &tonight());
    let mut other = failing("failed to build: another thing", &tonight());
    other[0].cell.buildkit = "0.32.2".into();
    results.extend(other);
    write(&context, &results);
    done(&context);
    let body = only(&server).body;
    insta::assert_snapshot!(body.split_once("## Newly broken\n\n").unwrap().1, @"
    - ✗ <code>another</code>, in 1 cell
      <code>failed to build&#58; one thing</code>
      - BuildKit <code>0.33.0</code> with containerd <code>2.4.2</code> on <code>windows-2025</code>
    - ✗ <code>another</code>, in 1 cell
      <code>failed to build&#58; another thing</code>
      - BuildKit <code>0.32.2</code> with containerd <code>2.4.2</code> on <code>windows-2025</code>

    This text is of the last night; the issue is closed by the first one that finds nothing of the kind.
    ");
    // One of them is new: its reason is told, and not the other's.
    server.issues(REPOSITORY, Vec::new());
    write(&context, &results[..1]);
    done(&context);
    write(&context, &results);
    done(&context);
    let [news] = only(&server).comments.try_into().unwrap();
    assert!(news.contains("another thing") && !news.contains("one thing"), "{news}");
}

#[test]
fn the_issue_is_found_among_others_and_the_oldest_wins() {
    let other = |number, body: &str| Issue { number, body: body.into(), ..Issue::default() };
    let marked = |number| other(number, &format!("{MARK} 00000000 -->\nold"));
    let server = ReleaseServer::start();
    let context = machine(
        &server,
        vec![
            other(1, ""),
            other(2, &format!("They say it begins with {MARK} -->")),
            Issue { closed: true, ..marked(3) },
            Issue { by: By::Person("NONE"), ..marked(4) },
            Issue { pull_request: true, ..marked(5) },
            Issue { by: By::Bot("renovate[bot]"), ..marked(6) },
            Issue { by: By::Bot("github-actions"), ..marked(7) },
            other(8, "another"),
            Issue { by: By::Person("OWNER"), ..marked(9) },
            marked(10),
        ],
    );
    server.page_size(3);
    let before = server.issues_of(REPOSITORY);
    assert!(done(&context).stderr.contains("Updated issue #9 of owner/name"));
    assert!(server.requests_for("page=2").len() == 1 && server.requests_for("page=3").len() == 1);
    let after = server.issues_of(REPOSITORY);
    let changed: Vec<_> =
        before.iter().zip(&after).filter(|(before, after)| before != after).map(|(_, issue)| issue.number).collect();
    assert_eq!(changed, [9]);
    assert_eq!(after[8].comments.len(), 1, "it knew of something else");
}

#[test]
fn what_results_hold_neither_calls_anybody_nor_is_too_long() {
    let server = ReleaseServer::start();
    let context = machine(&server, Vec::new());
    write(&context, &night::hostile());
    done(&context);
    let body = only(&server).body;
    assert!(!body.contains("<script") && !body.contains("<img") && !body.contains("@everyone"), "{body}");
    assert_eq!(body.matches("<!-- b").count(), 1);
    server.issues(REPOSITORY, Vec::new());

    let mut results = Vec::new();
    for number in 0..120 {
        for mut result in with_another(tonight(), &"@everyone <b>".repeat(900)) {
            result.cell.buildkit = format!("0.{number}.0");
            for sample in result.samples.iter_mut().filter(|sample| sample.verdict == Verdict::NewlyBroken) {
                sample.name = format!("{}-{number}", sample.name);
            }
            results.push(result);
        }
    }
    results.retain(|result| result.samples.iter().any(|sample| sample.name.starts_with("another")));
    write(&context, &results);
    done(&context);
    let body = only(&server).body;
    assert!(body.len() < 65_536 && body.contains("The rest is too long for an issue"), "{}", body.len());
    assert_eq!(done(&context).stderr.lines().count(), 1);
    assert_eq!(only(&server).comments, Vec::<String>::new());
}

#[test]
fn a_dry_run_only_tells() {
    let server = ReleaseServer::start();
    let context = machine(&server, Vec::new());
    let told =
        |context: &TestContext| announce(context, &["--dry-run"]).env_remove("GITHUB_TOKEN").run().success().stdout;
    let opens = told(&context);
    assert!(opens.starts_with("would open an issue: The nightly finds something newly broken\n\n<!-- "), "{opens}");
    done(&context);
    let written = writes(&server);
    assert!(told(&context).starts_with("would make the text of issue #1 this, without a comment:\n\n<!-- "));
    write(&context, &with_another(tonight(), "no"));
    assert!(told(&context).contains("\nand comment:\n\n"));
    write(&context, &mended());
    assert!(told(&context).starts_with("would close issue #1, and comment:\n\n[The night"));
    write(&context, &half_on_bad_ground(mended()));
    assert_eq!(
        told(&context),
        "would do nothing: nothing was found newly broken, but 1 cell gave no answer (windows-2025_buildkit-0.34.2_containerd-2.4.2)\n"
    );
    assert_eq!(writes(&server), written);
}
