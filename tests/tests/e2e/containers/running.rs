//! What the daemons do while containers run, and what is left of those.

use crate::{kill, machine, pid, run, xtask};
use std::process::{Command, Stdio};
use tests::started::{PATIENCE, Started};
use xtask::error::Error;
use xtask::poll::{self, Look};

#[test]
fn down_ends_what_the_daemons_have_left() {
    let context = machine();
    context.write(
        "loop/Dockerfile",
        "FROM base\nCMD [\"/bin/sh\", \"-c\", \"echo spinning; while :; do read x < /hold; done\"]\nRUN echo x > /hold\n",
    );
    let sample = context.root().join("loop").display().to_string();
    let mut building = xtask(&context, &["build-sample", "--sample", &sample]).spawn();
    building.wait_for_output("spinning\n");
    // The harness dies; shim and container go on, and even their daemons are gone.
    drop(building.kill());
    for daemon in ["buildkitd", "containerd"] {
        kill(pid(&context, daemon).unwrap());
    }
    let down = run(&context, &["down"]).success();
    assert!(down.stderr.contains("what was left") && down.stderr.contains("containerd-shim-runc-v2"), "{down}");
}

#[test]
fn a_container_without_a_shim_ends_with_the_rest() {
    let context = machine();
    context.write("loop/Dockerfile", "FROM base\nCMD [\"/bin/sh\", \"-c\", \"echo spinning; while :; do read x < /hold; done\"]\nRUN echo x > /hold\n");
    let sample = context.root().join("loop").display().to_string();
    let mut building = xtask(&context, &["build-sample", "--sample", &sample]).spawn();
    building.wait_for_output("spinning\n");
    drop(building.kill());
    // As `pkill -9 containerd` does: its shim is called so too.
    let ours = context.base_dir().join("containerd/installed/bin").display().to_string();
    assert!(Command::new("pkill").args(["-9", "-f", &ours]).status().unwrap().success());
    run(&context, &["down"]).success();
    let workspace =
        xtask::workspace::Workspace::new(context.base_dir().to_owned(), xtask::platform::Platform::host().unwrap());
    for hierarchy in std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
        assert!(!hierarchy.path().join(workspace.cgroup_parent()).exists(), "{} is left", hierarchy.path().display());
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_following() {
    let context = machine();
    run(&context, &["up"]).success();
    let script = "\"$0\" logs --follow | head -n 1";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(context.program()).env("BUILDKIT_WINDOWS_BASE_DIR", context.base_dir());
    let mut following = Started::new(command.stdout(Stdio::null()).spawn().unwrap());
    // More is logged until it has noticed: nobody notices a closed pipe without writing to it.
    let look = || match following.ended() {
        Some(status) => Ok(Look::Ready(status)),
        None => {
            run(&context, &["build-sample"]).success();
            Ok(Look::NotYet("it still follows".into()))
        }
    };
    let status = poll::until(PATIENCE, look, Error::ground).unwrap();
    assert!(status.success(), "{status}");
}

#[test]
fn someone_without_rights_is_told_so_and_changes_nothing() {
    let context = machine();
    run(&context, &["up"]).success();
    let status = context.unprivileged_xtask(["status"]).run().success();
    assert_eq!(status.stdout.matches("this user gets no answer: containerd needs root").count(), 2, "{status}");
    for command in ["down", "clean", "reset"] {
        let refused = context.unprivileged_xtask([command]).run().exited(3);
        assert!(refused.stderr.contains("containerd needs root"), "{refused}");
    }
    assert_eq!(crate::status(&context, "buildkitd")["answering"], true);
}
