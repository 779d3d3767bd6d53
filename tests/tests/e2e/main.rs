//! End to end: the built binary, real containerd, real BuildKit, real runc, as root or as an administrator. Every test has its
//! own workspace, and its context checks afterwards that no process, mount or file is left.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

#[cfg(unix)]
mod containers;
mod daemons;
mod explained;
mod healing;
mod keeping;
mod places;
mod reset;
#[cfg(windows)]
mod windows;

use std::path::Path;
use tests::{Outcome, TestContext, real};

/// A machine whose releases are the real programs.
fn machine() -> TestContext {
    let context = tests::context!();
    // Before any test's own time runs.
    real::programs(context.program());
    context
}

/// A run with the real programs as the source.
fn run(context: &TestContext, arguments: &[&str]) -> Outcome {
    xtask(context, arguments).run()
}

/// The same, still to be started.
fn xtask(context: &TestContext, arguments: &[&str]) -> tests::Xtask {
    context.xtask(arguments).env("BUILDKIT_WINDOWS_SOURCE", &real::programs(context.program()).mirror)
}

/// Whether containers can be run here. Wine can't, nor can a Windows without the Containers feature.
fn has_containers() -> bool {
    xtask::os::check_container_runtime().is_ok()
}

/// Puts the daemons to a test: the hello sample on Linux, and on Windows, where each workspace would have to fetch its base image
/// anew, an answer of both.
fn works(context: &TestContext, arguments: &[&str]) -> Outcome {
    if cfg!(unix) {
        let built = run(context, &[&["build-sample"], arguments].concat()).success();
        assert_eq!(
            built.stdout.replace("\r\n", "\n"),
            hello(),
            "stdout is what the container printed, and nothing else"
        );
        return built;
    }
    let up = run(context, &[&["up"], arguments].concat()).success();
    for daemon in ["containerd", "buildkitd"] {
        let status = status(context, daemon);
        assert_eq!(status["answering"], true, "{status}");
    }
    up
}

/// The pid of a daemon, as `status` tells it.
fn pid(context: &TestContext, daemon: &str) -> Option<u32> {
    status(context, daemon)["pid"].as_u64().map(|pid| pid.try_into().unwrap())
}

/// What `status` tells of a daemon.
fn status(context: &TestContext, daemon: &str) -> serde_json::Value {
    let report = run(context, &["status", "--json"]).success().json();
    let daemons = report["daemons"].as_array().unwrap().clone();
    daemons.into_iter().find(|status| status["daemon"] == daemon).unwrap()
}

/// What the hello sample must print.
fn hello() -> String {
    std::fs::read_to_string(repository().join("fixtures/hello").join(std::env::consts::OS).join("expected.txt"))
        .unwrap()
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Kills a run as soon as it has printed a text, which must not be the last that it does.
fn kill_at(context: &TestContext, line: &[&str], text: &str) -> Outcome {
    let mut running = xtask(context, line).spawn();
    running.wait_for_output(text);
    let killed = running.kill();
    assert!(killed.was_killed(), "{line:?} had ended before it was killed at `{text}`: {killed}");
    killed
}

/// Kills a run in the middle of what it does: as soon as something is so, and while it still is. A run that was too quick for that
/// is begun anew, each time from what `prepare` makes.
fn kill_when(context: &TestContext, line: &[&str], prepare: impl Fn(), what: &str, is_time: impl Fn() -> bool) {
    let mut last = None;
    for _ in 0..20 {
        prepare();
        assert!(!is_time(), "{what} is so before {line:?} has begun");
        let mut running = xtask(context, line).spawn();
        while running.is_running() && !is_time() {
            std::thread::yield_now();
        }
        let killed = running.kill();
        if killed.was_killed() && is_time() {
            return;
        }
        last = Some(killed);
    }
    panic!("{line:?} could not be killed when {what}: {}", last.unwrap());
}

/// Ends a process without asking it.
fn kill(pid: u32) {
    let process = xtask::os::process(pid).unwrap_or_else(|| panic!("there is no process {pid}"));
    xtask::os::kill(&process);
}
