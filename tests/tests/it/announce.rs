//! `announce`: one issue for what nights find newly broken, on a GitHub of our own.

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
fn cells_that_gave_no_answer_mend_nothing() {
    let server = ReleaseServer::start();
    let context = machine(&server, Vec::new());
    write(&context, &half_on_bad_ground(mended()));
    assert_outcome!(done(&context), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
       Announced nothing: nothing is newly broken, but 1 cell gave no answer (windows-2025_buildkit-0.34.2_containerd-2.4.2)
    ");
    assert_eq!(writes(&server), 0);

    write(&context, &with_another(tonight(), "no"));
    done(&context);
    let opened = only(&server);
    write(&context, &half_on_bad_ground(mended()));
    assert_outcome!(done(&context), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
       Announced nothing: nothing was found newly broken, but 1 cell gave no answer (windows-2025_buildkit-0.34.2_containerd-2.4.2)
    ");
    assert_eq!(only(&server), opened);

    // One is still broken; of the other nobody knows, and so there is nothing new.
    write(&context, &half_on_bad_ground(with_another(tonight(), "no")));
    done(&context);
    let half = only(&server);
    assert_eq!(half.comments, Vec::<String>::new());
    assert!(
        half.body.contains("\nNot all is known of it: 1 cell gave no answer.\n\n## Newly broken\n"),
        "{}",
        half.body
    );
    let unknown = "\n## No answer\n\n- BuildKit <code>0.34.2</code> with containerd \
                   <code>2.4.2</code> on <code>windows-2025</code>: <code>ground failed, in up</code>\n\nThis text";
    assert!(half.body.contains(unknown), "{}", half.body);
    assert_eq!(half.body.lines().next(), opened.body.lines().next());

    // What has no result at all is known by the matrix alone.
    write(&context, &mended()[..1]);
    let with_cells = || announce(&context, &["--cells", "-"]).stdin(&cells()).run().success();
    assert!(with_cells().stderr.contains("nothing was found newly broken, but 1 cell gave no answer"));
    write(&context, &mended());
    with_cells();
    assert!(only(&server).closed);
}

#[test]
fn a_night_without_any_result_neither_opens_nor_closes() {
    let server = ReleaseServer::start();
    let context = machine(&server, Vec::new());
    done(&context);
    let opened = only(&server);
    let asked = server.requests().len();
    fs::remove_dir_all(context.root().join("results")).unwrap();
    let with_cells = |more: &[&str]| announce(&context, &[&["--cells", "-"], more].concat()).stdin(&cells()).run();
    assert_outcome!(with_cells(&[]), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
    warning: there is no `results`
       Announced nothing: no cell has a result, so nothing is known to be broken or mended
    ");
    fs::create_dir(context.root().join("results")).unwrap();
    assert_outcome!(with_cells(&["--dry-run"]), @"
    exit code: 0
    ----- stdout -----
    would do nothing: no cell has a result, so nothing is known to be broken or mended
    ----- stderr -----
    ");
    assert_eq!((only(&server), server.requests().len()), (opened, asked));
    announce(&context, &[]).run().exited(2);
}

#[test]
fn an_older_night_that_is_run_again_undoes_no_later_one() {
    let server = ReleaseServer::start();
    let context = machine(&server, Vec::new());
    done(&context);
    let opened = only(&server);
    let mut older = mended();
    older.iter_mut().for_each(|result| result.night.began = "2026-11-22T02:17:00Z".into());
    write(&context, &older);
    assert_outcome!(done(&context), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
       Announced nothing: issue #1 is of a later night
    ");
    assert_eq!(only(&server), opened);
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
fn a_sample_that_did_not_run_is_not_mended() {
    let server = ReleaseServer::start();
    let context = machine(&server, Vec::new());
    let broken = |result: &CellResult| result.samples.iter().position(|one| one.verdict == Verdict::NewlyBroken);
    let skipped = || {
        let mut results = tonight();
        for result in &mut results {
            if let Some(at) = broken(result) {
                let sample = &mut result.samples[at];
                (sample.verdict, sample.outcome, sample.failure) = (Verdict::Skipped, Came::Skipped, None);
            }
            result.steps.iter_mut().for_each(|step| step.state = StepState::Done);
            result.end(Exit::done());
        }
        results
    };
    done(&context);
    let opened = only(&server);
    write(&context, &skipped());
    assert_outcome!(done(&context), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
       Announced nothing: nothing was found newly broken, but 1 of what was broken gave no answer
    ");
    assert_eq!(only(&server), opened);

    // Another one takes its place, and after that the cell comes no further than its first steps.
    write(&context, &with_another(skipped(), "no"));
    done(&context);
    let both = only(&server);
    assert!(
        both.body.contains("\nNot all is known of it: 1 of what was broken gave no answer.\n\n## Newly broken\n"),
        "{}",
        both.body
    );
    assert_eq!(both.comments.len(), 1, "{both:#?}");
    assert!(!both.comments[0].contains("not found broken any more"), "{both:#?}");
    let mut early = tonight();
    early.retain(|result| broken(result).is_some());
    early[0].samples.retain(|sample| sample.verdict != Verdict::NewlyBroken);
    early[0].end(Exit::of(Class::Failed));
    write(&context, &early);
    done(&context);
    assert!(only(&server).body.contains("1 of what was broken gave no answer"), "{:#?}", only(&server));

    // A version that is no longer in the matrix is past.
    let mut newer = mended();
    newer.iter_mut().for_each(|result| result.cell.buildkit.push_str("-newer"));
    write(&context, &newer);
    done(&context);
    assert!(only(&server).closed);
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

#[test]
fn what_is_missing_or_makes_no_sense_is_told() {
    let server = ReleaseServer::start();
    let context = machine(&server, Vec::new());
    assert_outcome!(announce(&context, &[]).env_remove("GITHUB_TOKEN").run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no token with which to write to the issues of owner/name

    hint: set GH_TOKEN or GITHUB_TOKEN to one that may, or see with `--dry-run` what would be done
    ");
    assert_outcome!(announce(&context, &[]).env_remove("GITHUB_REPOSITORY").run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: no repository is named whose issue it is to be

    hint: set GITHUB_REPOSITORY, or give `--repository OWNER/NAME`
    ");
    assert_outcome!(announce(&context, &["--repository", "https://github.com/owner/name"]).run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `https://github.com/owner/name` names no repository on GitHub

    hint: set GITHUB_REPOSITORY, or give `--repository OWNER/NAME`
    ");
    announce(&context, &["--repository", "../name"]).run().exited(2);
    announce(&context, &["--cells", "nowhere"]).run().exited(2);
    assert_outcome!(announce(&context, &["--offline"]).run(), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: `--offline` forbids the call to http://[SERVER]/repos/owner/name/issues?state=open&sort=created&direction=asc&per_page=100

    hint: run the command once without `--offline`
    ");
    assert!(server.requests().is_empty());
}

#[test]
fn what_github_refuses_is_told_with_what_mends_it() {
    let refused = |prepare: &dyn Fn(&ReleaseServer)| {
        let server = ReleaseServer::start();
        let context = machine(&server, Vec::new());
        prepare(&server);
        announce(&context, &[]).run()
    };
    assert_outcome!(refused(&|server| { server.fault(ISSUES, Fault::Status(410), Always); }), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: http://[SERVER]/repos/owner/name/issues?state=open&sort=created&direction=asc&per_page=100 answered 410 Gone

    hint: owner/name has its issues turned off: turn them on in its settings
    ");
    assert_outcome!(refused(&|server| { server.fault(ISSUES, Fault::Status(403), Always); }), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: http://[SERVER]/repos/owner/name/issues?state=open&sort=created&direction=asc&per_page=100 answered 403 Forbidden

    hint: give the token the right to write issues; in a workflow, `permissions: issues: write` does
    ");
    assert_outcome!(refused(&|server| { server.fault(ISSUES, Fault::Status(404), Always); }), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: http://[SERVER]/repos/owner/name/issues?state=open&sort=created&direction=asc&per_page=100 answered 404 Not Found

    hint: check that there is a repository owner/name, and that the token may see it
    ");
    assert_outcome!(refused(&|server| { server.calls_left(0).limit_ends(1_795_400_220); }), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: http://[SERVER]/repos/owner/name/issues?state=open&sort=created&direction=asc&per_page=100 takes no more calls until [TIME]

    hint: set GH_TOKEN to a GitHub token, which raises the limit, or try again after [TIME]
    ");
    assert_outcome!(refused(&|server| {
        done(&machine(server, Vec::new()));
        server.fault("/issues/1", Fault::Status(307), Always);
    }), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: http://[SERVER]/repos/owner/name/issues/1 has moved, and nothing was written

    hint: name the repository as it is called now, with GITHUB_REPOSITORY or `--repository OWNER/NAME`
    ");
    // The list may be read and nothing written: then there is one try, and no second issue.
    let server = ReleaseServer::start();
    let context = machine(&server, Vec::new());
    server.calls_left(1);
    assert!(announce(&context, &[]).run().exited(3).stderr.contains("takes no more calls until"));
    assert_eq!((writes(&server), server.issues_of(REPOSITORY).len()), (1, 0));
}
