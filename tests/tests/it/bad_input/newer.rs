//! Files of a newer harness, which this one does not understand and leaves alone.

use super::unlocked;
use crate::common::{done, offer_containerd, run, server};
use std::fs;
use tests::{ReleaseServer, TestContext, assert_outcome, context, insta};

/// A workspace in which a newer harness has left a file, and something to do for one that does not look first.
fn of_a_newer_harness(file: &str) -> (ReleaseServer, TestContext) {
    let server = server();
    let context = context!().server(&server);
    done(&context, "up --no-start");
    context.write(context.base_dir().join(file), r#"{"schema": 99, "what": "nobody knows yet"}"#);
    offer_containerd(&server, "2.3.5");
    server.forget_requests();
    (server, context)
}

#[test]
fn the_lock_file_of_a_newer_harness_is_left_alone() {
    let (server, context) = of_a_newer_harness("versions.lock.json");
    let before = unlocked(&context);
    insta::allow_duplicates!(for line in ["resolve", "resolve --locked", "up --no-start"] {
        eprintln!("$ cargo xtask {line}");
        assert_outcome!(run(&context, line), @"
        exit code: 3
        ----- stdout -----
        ----- stderr -----
        error: `[BASE]/versions.lock.json` was written by a newer harness (schema 99, and this one knows 1)

        hint: update this checkout, or use another workspace with `--base-dir DIR`
        ");
        assert_eq!(unlocked(&context), before, "{line}");
    });
    assert!(server.requests().is_empty());
}

#[test]
fn the_state_of_a_newer_harness_is_left_alone() {
    let (server, context) = of_a_newer_harness("state.json");
    let before = unlocked(&context);
    assert_outcome!(run(&context, "status"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: `[BASE]/state.json` was written by a newer harness (schema 99, and this one knows 1)

    hint: update this checkout, or use another workspace with `--base-dir DIR`
    ");
    // For most of these a lack of rights is as good a reason.
    for line in ["up", "up --fresh", "up --no-start --fresh", "build-sample", "down", "clean", "clean --cache"] {
        let outcome = context.xtask(line.split(' ')).run().exited(3);
        assert_eq!(unlocked(&context), before, "{line}: {outcome}");
    }
    assert!(server.requests().is_empty());
    // The context would bring it down.
    fs::remove_file(context.base_dir().join("state.json")).unwrap();
}

#[test]
fn the_state_of_a_newer_harness_is_looked_at_before_anything_is_fetched() {
    let (server, context) = of_a_newer_harness("state.json");
    let before = unlocked(&context);
    let outcome = run(&context, "up --no-start");
    let after = unlocked(&context);
    fs::remove_file(context.base_dir().join("state.json")).unwrap();
    assert_eq!((outcome.code, after), (3, before), "{outcome}");
    assert!(server.requests().is_empty());
}

/// What it says lies in Docker would stay there for ever.
#[test]
fn the_record_of_a_newer_harness_is_left_alone() {
    let (_server, context) = of_a_newer_harness("in-docker.json");
    // What there is of releases may be looked up before.
    let left =
        || unlocked(&context).into_iter().filter(|line| !line.starts_with("cache/releases/")).collect::<Vec<_>>();
    let before = left();
    for line in ["up --no-start --fresh", "clean --dry-run", "clean", "clean --cache"] {
        let outcome = run(&context, line).exited(3);
        let sentence = "in-docker.json` was written by a newer harness (schema 99, and this one knows 1)";
        assert!(outcome.stderr.contains(sentence), "{outcome}");
        assert_eq!(left(), before, "{line}: {outcome}");
    }
    fs::remove_file(context.base_dir().join("in-docker.json")).unwrap();
}
