//! Windows' own ways: the test context, with `cmd` in the place of the binary, and what `down` ends there.
#![cfg(windows)]

use std::fs;
use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tests::{TestContext, assert_outcome, context};

fn shell() -> TestContext {
    let system = std::env::var_os("SystemRoot").unwrap();
    TestContext::new(Path::new(&system).join(r"System32\cmd.exe"))
}

/// A script without an end.
const ENDLESS: &str = "@echo ready\r\n:again\r\n@goto again\r\n";

/// A machine with a script that goes on until it is killed.
fn endless() -> TestContext {
    let context = shell();
    context.write("endless.bat", ENDLESS);
    context
}

#[test]
fn a_run_is_killed_with_what_it_started() {
    let context = endless();
    let mut running = context.xtask(["/c", "cmd /c endless.bat"]).spawn();
    running.wait_for_output("ready");
    assert!(running.is_running());
    // Were the second alive, it would hold the output open.
    let killed = running.kill();
    assert!(killed.was_killed(), "{killed}");
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

/// Starts a copy of `cmd` that goes on until it is ended, and so does another one that it starts.
fn start(program: &Path, script: &Path) -> Child {
    fs::copy(shell().program(), program).unwrap();
    let inner = format!("cmd /c {}", script.display());
    let mut started = Command::new(program).args(["/c", &inner]).stdout(Stdio::piped()).spawn().unwrap();
    started.stdout.as_mut().unwrap().read_exact(&mut [0; 5]).unwrap();
    started
}

#[test]
fn a_process_that_is_left_behind_is_named_and_ended() {
    let context = endless();
    let mut left = start(&context.root().join("left.exe"), &context.root().join("endless.bat"));
    let panic = catch_unwind(AssertUnwindSafe(|| drop(context))).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert_eq!(message.matches(" is left: ").count(), 2, "{message}");
    assert!(message.contains("left.exe` (it runs from there"), "{message}");
    assert!(!left.wait().unwrap().success());
}

#[test]
fn down_ends_a_shim_that_was_left_with_what_it_has_started() {
    let context = context!();
    let bin = context.base_dir().join("containerd/installed/bin");
    fs::create_dir(context.base_dir()).unwrap();
    assert!(context.xtask(["down"]).run().success().stderr.contains("Down already"));
    fs::create_dir_all(&bin).unwrap();
    let script = context.write("endless.bat", ENDLESS);
    let mut shim = start(&bin.join("containerd-shim-runhcs-v1.exe"), &script);
    let down = context.xtask(["down"]).run().success();
    assert_eq!(down.stderr.matches("Stopped what was left: ").count(), 2, "{down}");
    assert!(down.stderr.contains("containerd-shim-runhcs-v1.exe"), "{down}");
    assert!(!shim.wait().unwrap().success());
}
