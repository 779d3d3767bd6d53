//! Nights of which not all is known: they mend nothing, and undo nothing.

use super::*;

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
