//! The test context on Windows, with `cmd` in the place of the binary.
#![cfg(windows)]

use std::time::Duration;
use tests::{TestContext, assert_outcome, context};

fn shell() -> TestContext {
    let system = std::env::var_os("SystemRoot").unwrap();
    TestContext::new(std::path::Path::new(&system).join(r"System32\cmd.exe"))
}

/// A machine with a script that goes on until it is killed.
fn endless() -> TestContext {
    let context = shell();
    context.write("endless.bat", "@echo ready\r\n:again\r\n@goto again\r\n");
    context
}

#[test]
fn a_run_is_killed_with_what_it_started() {
    let context = endless();
    let mut running = context.xtask(["/c", "cmd /c endless.bat"]).spawn();
    running.wait_for_output("ready");
    assert!(running.is_running());
    // Were the second alive, it would hold the output open.
    assert_eq!(running.kill().code, 1);
}

#[test]
fn a_run_can_be_interrupted() {
    let context = context!();
    context.write(context.base_dir().join("containerd/containerd.log"), "time=\"2026-01-02T03:04:05Z\" msg=hello\n");
    let mut following = context.xtask(["logs", "--follow"]).timeout(Duration::from_secs(60)).spawn();
    following.wait_for_output("hello");
    following.interrupt();
    assert_outcome!(following.wait(), @r#"
    exit code: 0
    ----- stdout -----
    containerd | time="[TIME]" msg=hello
    ----- stderr -----
    "#);
}

#[test]
fn a_process_that_is_left_behind_is_named_and_ended() {
    let context = endless();
    let program = context.root().join("left.exe");
    std::fs::copy(context.program(), &program).unwrap();
    let mut left = std::process::Command::new(program)
        .arg("/c")
        .arg(context.root().join("endless.bat"))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(context))).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("left.exe` (it runs from there"), "{message}");
    assert!(!left.wait().unwrap().success());
}
