//! When a reset goes to the last level, and when that would help nobody.

use crate::{hello, machine, pid, run};
use std::os::unix::net::UnixListener;
use std::process::Command;

/// As one does whose disk or whose kernel makes it wait for ever.
#[test]
fn a_daemon_that_hangs_is_replaced_and_costs_nobody_the_data() {
    let context = machine();
    for daemon in ["containerd", "buildkitd"] {
        run(&context, &["up"]).success();
        let pid = pid(&context, daemon).unwrap().to_string();
        assert!(Command::new("kill").args(["-STOP", &pid]).status().unwrap().success());
        let reset = run(&context, &["reset", "--json"]).success();
        let report = reset.json();
        let levels: Vec<_> = report["resets"].as_array().unwrap().iter().map(|done| &done["level"]).collect();
        assert_eq!(levels, ["prune", "prune --all", "prune-histories"], "{daemon}: {reset}");
    }
    assert_eq!(run(&context, &["build-sample"]).success().stdout, hello());
}

#[test]
fn a_reset_deletes_nothing_where_that_can_not_help() {
    let context = machine();
    run(&context, &["build-sample"]).success();
    run(&context, &["down"]).success();
    let roots = || context.tree().into_iter().filter(|line| line.contains("root/")).collect::<Vec<_>>();
    let before = roots();
    assert!(before.len() > 10, "{before:?}");
    let _foreign = UnixListener::bind(context.base_dir().join("run/containerd.sock")).unwrap();
    for line in [&["reset"][..], &["reset", "--hard"]] {
        let refused = run(&context, line).exited(3);
        assert!(refused.stderr.contains("another process listens at"), "{refused}");
        assert!(!refused.stderr.contains("deleted"), "{refused}");
    }
    assert_eq!(roots(), before);
}
