//! What this host or this user can't run.

use super::{on_any_host, unlocked};
use crate::common::server;
use tests::filters::bind;
use tests::{context, insta};

#[test]
fn programs_for_another_platform_are_not_run() {
    let context = context!();
    let other = if cfg!(windows) { "linux-amd64" } else { "windows-amd64" };
    let before = unlocked(&context);
    let _filters = bind(&context);
    insta::allow_duplicates!(for command in ["up", "build-sample", "reset", "config", "bench"] {
        eprintln!("$ cargo xtask {command}");
        let outcome = context.xtask([command, "--platform", other]).run();
        let said = on_any_host(&outcome).replace(other, "[OTHER]");
        insta::assert_snapshot!(said, @"
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: programs for [OTHER] can't be run on this [HOST] host

        hint: `cargo xtask resolve` and `cargo xtask up --no-start` work for other platforms too
        ");
        assert_eq!(unlocked(&context), before, "{command}");
    });
    assert!(!context.base_dir().exists());
}

#[test]
fn without_rights_nothing_is_even_asked_for() {
    let server = server();
    let context = context!().server(&server);
    let said = if cfg!(windows) {
        "error: containerd needs an administrator's rights on Windows, and this process has none: it is not elevated\n\n\
         hint: open a terminal with *Run as administrator*, and run the same command there\n"
    } else {
        "error: containerd needs root on Linux, and this is another user\n\n\
         hint: run it as root: `sudo env PATH=\"$PATH\" HOME=\"$HOME\" cargo xtask …`\n"
    };
    for command in ["up", "build-sample"] {
        let outcome = context.unprivileged_xtask([command]).run().exited(3);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", said), "{command}");
    }
    let report = context.unprivileged_xtask(["build-sample", "--json"]).run().exited(3).json();
    assert_eq!(report["failure"]["id"], if cfg!(windows) { "not-elevated" } else { "not-root" }, "{report}");
    let known = xtask::failure::find(report["failure"]["id"].as_str().unwrap()).unwrap();
    let os = xtask::platform::Platform::host().unwrap().os;
    assert!(known.platforms.contains(&os), "not a row of this system: {report}");
    assert_eq!(report["exit"], serde_json::json!({ "code": 3, "class": "ground" }));
    let reset = context.unprivileged_xtask(["reset"]).run().success();
    assert!(reset.stderr.ends_with("Reset nothing: there is no workspace\n"), "{reset}");
    assert!(server.requests().is_empty());
    assert!(!context.base_dir().exists());
}

/// Only what daemons have to do with takes rights: fetching, looking and tidying up after that don't.
#[test]
#[cfg(unix)]
fn without_rights_what_needs_none_is_done() {
    use crate::common::PLATFORM;
    let server = server();
    let context = context!().server(&server);
    let lines: [&[&str]; 5] = [
        &["resolve", "--platform", PLATFORM],
        &["up", "--no-start", "--platform", PLATFORM],
        &["status"],
        &["down", "--platform", PLATFORM],
        &["clean", "--platform", PLATFORM],
    ];
    for line in lines {
        let outcome = context.unprivileged_xtask(line).run();
        assert_eq!(outcome.code, 0, "{line:?}: {outcome}");
    }
}
