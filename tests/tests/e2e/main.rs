//! End to end: the built binary, real containerd, real BuildKit, real runc, as root. Every test has its own workspace, and
//! its context checks afterwards that no process, mount or file is left.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod daemons;
mod failing;
mod healing;
mod main_job;
mod places;
mod reset;
mod source;

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

/// The pid of a daemon, as `status` tells it.
fn pid(context: &TestContext, daemon: &str) -> Option<u64> {
    status(context, daemon)["pid"].as_u64()
}

/// What `status` tells of a daemon.
fn status(context: &TestContext, daemon: &str) -> serde_json::Value {
    let report = run(context, &["status", "--json"]).success().json();
    let daemons = report["daemons"].as_array().unwrap().clone();
    daemons.into_iter().find(|status| status["daemon"] == daemon).unwrap()
}

/// What the hello sample must print.
fn hello() -> String {
    std::fs::read_to_string(repository().join("fixtures/hello/linux/expected.txt")).unwrap()
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Ends a process without asking it.
fn kill_9(pid: u64) {
    let status = std::process::Command::new("kill").arg("-9").arg(pid.to_string()).status().unwrap();
    assert!(status.success(), "there is no process {pid}");
}
