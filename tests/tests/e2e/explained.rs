//! What the real programs say when they fail, and that it is known.

use crate::{machine, pid, run, status};
use std::process::{Command, Stdio};
use std::time::Duration;
use tests::TestContext;
use xtask::error::Error;
use xtask::poll::{self, Look};

/// Runs one of the workspace's programs, which fails, and tells what it said.
pub(crate) fn fails(context: &TestContext, program: &str, arguments: &[&str]) -> String {
    let program = context.base_dir().join(format!("{program}{}", std::env::consts::EXE_SUFFIX));
    let output = Command::new(&program).args(arguments).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{} {arguments:?} works: {said}", program.display());
    said
}

/// What a text means to `explain`.
#[track_caller]
pub(crate) fn means(context: &TestContext, text: &str, id: &str) {
    let explained = context.xtask(["explain", "--json"]).stdin(text).run();
    assert_eq!(explained.code, 0, "{explained}{text}");
    assert_eq!(explained.json()["id"], id, "{explained}{text}");
}

const BUILDKITD: &str = "buildkit/installed/bin/buildkitd";
pub(crate) const BUILDCTL: &str = "buildkit/installed/bin/buildctl";

/// Where a daemon listens, or would, as the options of its clients have it.
fn endpoint(context: &TestContext, daemon: &str) -> String {
    let endpoint = status(context, daemon)["endpoint"].as_str().unwrap().to_owned();
    if cfg!(windows) { endpoint.replace('\\', "/") } else { endpoint }
}

fn address(endpoint: &str) -> String {
    format!("{}://{endpoint}", if cfg!(windows) { "npipe" } else { "unix" })
}

/// The options of a buildkitd of its own beside the workspace's.
fn options<'a>(root: &'a str, address: &'a str, containerd: &'a str) -> Vec<&'a str> {
    let options = ["--root", root, "--addr", address, "--containerd-worker-addr", containerd];
    let none_else: &[&str] = if cfg!(windows) { &[] } else { &["--oci-worker=false"] };
    [&options[..], none_else].concat()
}

#[test]
fn a_second_buildkitd_on_one_root() {
    let context = machine();
    run(&context, &["up"]).success();
    let root = context.base_dir().join("buildkit").join("root").display().to_string();
    let containerd = endpoint(&context, "containerd");
    let second = address(&format!("{}-second", endpoint(&context, "buildkitd")));
    let options = [&options(&root, &second, &containerd)[..], &["--containerd-worker=true"]].concat();
    means(&context, &fails(&context, BUILDKITD, &options), "root-in-use");
}

#[test]
fn a_buildkitd_before_its_containerd() {
    let context = machine();
    run(&context, &["up", "--no-start"]).success();
    let root = context.root().join("root").display().to_string();
    let (mine, none) = (address(&endpoint(&context, "buildkitd")), endpoint(&context, "containerd"));
    std::fs::create_dir_all(context.base_dir().join("run")).unwrap();
    means(&context, &fails(&context, BUILDKITD, &options(&root, &mine, &none)), "no-worker");
}

#[test]
fn a_client_whose_daemon_is_down() {
    let context = machine();
    run(&context, &["up", "--no-start"]).success();
    let none = endpoint(&context, "buildkitd");
    let said = fails(&context, BUILDCTL, &["--addr", &address(&none), "--timeout", "5", "debug", "workers"]);
    means(&context, &said, "daemon-down");
    let none = status(&context, "containerd")["endpoint"].as_str().unwrap().to_owned();
    let said = fails(&context, "containerd/installed/bin/ctr", &["-a", &none, "--timeout", "5s", "version"]);
    means(&context, &said, "daemon-down");
}

#[test]
fn a_build_whose_containerd_is_down() {
    let context = machine();
    run(&context, &["up"]).success();
    let address = address(&endpoint(&context, "buildkitd"));
    crate::kill(pid(&context, "containerd").unwrap());
    context.write("sample/Dockerfile", "FROM scratch\nCOPY Dockerfile /\n");
    let sample = context.root().join("sample").display().to_string();
    let [here, dockerfile] = ["context", "dockerfile"].map(|name| format!("{name}={sample}"));
    let build = ["--addr", &address, "build", "--progress", "plain", "--frontend", "dockerfile.v0"];
    let build = [&build[..], &["--local", &here, "--local", &dockerfile]].concat();
    let mut said = String::new();
    let look = || {
        said = fails(&context, BUILDCTL, &build);
        // buildkitd may not have noticed yet, and hears it from the connection that it has.
        let has_noticed = !said.contains("error reading from server");
        Ok(if has_noticed { Look::Ready(()) } else { Look::NotYet(said.clone()) })
    };
    poll::until(Duration::from_secs(60), look, Error::ground).unwrap();
    means(&context, &said, "containerd-unreachable");
}

/// What both daemons log while all is well is no reason for anything.
#[test]
fn what_is_logged_of_a_good_start_means_nothing_but_that_there_is_no_network() {
    let context = machine();
    run(&context, &["up"]).success();
    let logs = run(&context, &["logs"]).success().stdout;
    let explained = context.xtask(["explain", "--json"]).stdin(&logs).run();
    if cfg!(windows) {
        assert_eq!(explained.json()["id"], "null-network", "{explained}{logs}");
    } else {
        assert_eq!(explained.code, 1, "{explained}{logs}");
    }
}

/// A pipe that somebody listens at is told apart from one that this user is kept out of by who complains.
#[cfg(windows)]
#[test]
fn a_buildkitd_whose_pipe_is_taken() {
    let context = machine();
    run(&context, &["up"]).success();
    let root = context.root().join("root").display().to_string();
    let (taken, containerd) = (address(&endpoint(&context, "buildkitd")), endpoint(&context, "containerd"));
    let options = [&options(&root, &taken, &containerd)[..], &["--containerd-worker=true"]].concat();
    means(&context, &fails(&context, BUILDKITD, &options), "pipe-in-use");
}

/// `up` looks a group up by itself first, so buildkitd is asked directly.
#[cfg(windows)]
#[test]
fn a_group_that_this_windows_does_not_know() {
    let context = machine();
    run(&context, &["up"]).success();
    let root = context.root().join("root").display().to_string();
    let (own, containerd) =
        (address(&format!("{}-other", endpoint(&context, "buildkitd"))), endpoint(&context, "containerd"));
    let options = [&options(&root, &own, &containerd)[..], &["--containerd-worker=true", "--group", "nosuch"]].concat();
    means(&context, &fails(&context, BUILDKITD, &options), "unknown-group");
}
