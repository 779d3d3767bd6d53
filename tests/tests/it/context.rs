//! The test context itself, with `/bin/sh` in the place of the binary.
#![cfg(unix)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::time::Duration;
use tests::{ReleaseServer, StandIn, TestContext, Then, assert_outcome};

fn shell() -> TestContext {
    TestContext::new("/bin/sh")
}

/// What a panic said.
fn panic_message<T>(run: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(run)).err();
    let message = panic.and_then(|panic| panic.downcast_ref::<String>().cloned());
    message.unwrap_or_else(|| "it did not panic".to_owned())
}

#[test]
fn a_run_sees_a_machine_of_its_own() {
    let server = ReleaseServer::start();
    let context = shell().server(&server).base_name("bäse dir");
    let script =
        r#"echo "$BUILDKIT_WINDOWS_BASE_DIR $GITHUB_API_URL $HOME $TMPDIR"; echo "${CI-none}" "${GH_TOKEN-none}""#;
    let outcome = context.xtask(["-c", script]).run();
    assert_outcome!(outcome, @r"
    exit code: 0
    ----- stdout -----
    [BASE] http://[SERVER] [HOME] [TMP]
    none none
    ----- stderr -----
    ");
    assert!(outcome.stdout.contains("bäse dir"));
    assert!(!context.base_dir().exists());
}

#[test]
fn what_differs_from_run_to_run_is_filtered() {
    let context = shell();
    let base = context.base_dir().display().to_string();
    let lines = [
        format!(r"{base}/bin/ctr.exe {base}\logs\containerd.log"),
        "up since 2026-07-01T10:11:12.345Z, process 4711, pid 12, in 1.2s, 340ms and 1m 2s".to_owned(),
        format!("17.3 MiB, 12 bytes, sha256:{}", tests::sha256_hex(b"")),
        r#"{"pid": 12, "size":34, "version": "2.3.4"}"#.to_owned(),
    ];
    let outcome =
        context.xtask(["-c", "printf '%s\\n' \"$@\" >&2; exit 3", "sh"].map(String::from).into_iter().chain(lines));
    assert_outcome!(outcome.run(), @r#"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    [BASE]/bin/ctr [BASE]/logs/containerd.log
    up since [TIME], process [PID], pid [PID], in [DURATION], [DURATION] and [DURATION]
    [SIZE], [SIZE], sha256:[SHA256]
    {"pid": "[NUMBER]", "size":"[NUMBER]", "version": "2.3.4"}
    "#);
}

#[test]
fn without_a_server_github_refuses() {
    let context = shell();
    let url = context.xtask(["-c", "printf %s $GITHUB_API_URL"]).run().stdout;
    let refused = std::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_run_that_hangs_is_killed_and_tells_what_it_printed() {
    let context = shell();
    let run = context.xtask(["-c", "echo so far; exec sleep 1000"]).timeout(Duration::from_millis(200));
    let message = panic_message(|| run.run());
    assert!(message.contains("took too long") && message.contains("so far"), "{message}");
}

#[test]
fn a_run_can_be_watched_interrupted_and_killed() {
    let context = shell();
    let script = "trap 'echo bye; exit 7' INT; echo ready; while :; do sleep 0.01; done";
    let mut running = context.xtask(["-c", script]).spawn();
    running.wait_for_output("ready");
    running.interrupt();
    assert_eq!(running.wait().exited(7).stdout, "ready\nbye\n");
    let mut running = context.xtask(["-c", script]).spawn();
    running.wait_for_output("ready");
    assert_eq!(running.kill().code, 128 + 9);
}

#[test]
fn programs_are_hidden_and_put_in_front() {
    let go = StandIn::new("go", "").answers("version", "go version go1.2.3 linux/amd64\n").script();
    let context = shell().with_program("go", go);
    assert_eq!(context.xtask(["-c", "go version"]).run().success().stdout, "go version go1.2.3 linux/amd64\n");
    let stand_in = StandIn::new("other", "1").script();
    let context = shell().with_program("hidden", &stand_in).with_program("other", &stand_in).without("hidden");
    assert_eq!(context.xtask(["-c", "other --version && hidden --version"]).run().exited(127).stdout, "other 1\n");
}

#[test]
fn a_run_without_rights_has_none() {
    let context = shell();
    let outcome = context.unprivileged_xtask(["-c", "id -u; touch here && test ! -w /etc && echo \"$HOME\""]).run();
    assert_ne!(outcome.clone().success().stdout.lines().next(), Some("0"));
    assert!(context.root().join("here").exists());
}

#[test]
fn the_workspace_is_listed_with_its_contents() {
    let context = shell();
    assert!(context.tree().is_empty());
    context.write(context.base_dir().join("bin/ctr"), b"abc");
    std::os::unix::fs::symlink("bin/ctr", context.base_dir().join("link")).unwrap();
    assert_eq!(context.tree(), ["bin/", "bin/ctr 3 ba7816bf8f01cfea", "link -> bin/ctr"]);
    assert!(context.strays().is_empty());
}

#[test]
fn a_process_that_is_left_behind_is_named_and_ended() {
    let context = shell();
    let daemon = StandIn::new("containerd", "2.3.4").then(Then::IgnoreStop).script();
    let daemon = context.write_program(context.base_dir().join("bin/containerd"), daemon);
    // The shell ends at once and leaves the daemon to others, as `up` does.
    let script = format!("'{}' serve </dev/null >/dev/null 2>&1 & echo $!", daemon.display());
    let pid = context.xtask(["-c", &script]).run().success().stdout;
    let root = context.root().to_owned();
    let message = panic_message(|| drop(context));
    let expected = format!("process {} is left: `/bin/sh {} serve`", pid.trim(), daemon.display());
    assert!(message.contains(&expected), "{message}");
    assert!(!root.exists());
    let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
}

#[test]
fn a_mount_that_is_left_behind_is_named_and_taken_away() {
    let context = shell();
    let folder = context.root().join("a mount");
    std::fs::create_dir(&folder).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "none"]).arg(&folder).stderr(Stdio::null()).status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("not tested: mounting takes rights that this user does not have");
        return;
    }
    let message = panic_message(|| drop(context));
    assert!(message.contains("a mount is left:") && message.contains("a mount"), "{message}");
    assert!(!folder.exists());
}

#[test]
fn a_workspace_that_is_up_is_brought_down_and_a_failure_of_that_is_told() {
    let context = shell();
    context.write(context.base_dir().join("state.json"), "{}");
    // `/bin/sh down` finds no script of that name.
    let message = panic_message(|| drop(context));
    assert!(message.contains("`down` failed:\nexit code:"), "{message}");
    let context = shell();
    context.write(context.base_dir().join("state.json"), "{}");
    context.write("down", "test -n \"$BUILDKIT_WINDOWS_BASE_DIR\"");
}

#[test]
fn stand_ins_answer_and_then_do_as_told() {
    let context = shell();
    let says = |program: &str, version: &str, arguments: &[&str], stand_in: fn(StandIn) -> StandIn| {
        let script = stand_in(StandIn::new(program, version)).script();
        let path = context.write_program(program, script);
        let outcome = context.xtask([path.as_os_str()].into_iter().chain(arguments.iter().map(|it| it.as_ref()))).run();
        (outcome.code, outcome.stdout, outcome.stderr)
    };
    let (code, version, _) = says("containerd", "2.3.4", &["--version"], |it| it);
    assert_eq!(code, 0);
    assert!(version.starts_with("containerd github.com/containerd/containerd/v2 v2.3.4 "), "{version}");
    let (_, version, _) = says("runc", "1.3.0", &["--version"], |it| it);
    assert!(version.starts_with("runc version 1.3.0\n"), "{version}");
    let (_, config, _) = says("containerd", "2.3.4", &["config", "default"], |it| {
        it.answers("config default", "root = '/var/lib/containerd'\n")
    });
    assert_eq!(config, "root = '/var/lib/containerd'\n");
    let exits = |it: StandIn| it.then(Then::Exit { code: 9, saying: "can't\n".to_owned() });
    assert_eq!(says("buildkitd", "0.32.2", &["--root", "x"], exits), (9, String::new(), "can't\n".to_owned()));
}

#[test]
fn a_stand_in_that_never_answers_ends_when_asked_to() {
    let context = shell();
    let path = context.write_program("buildkitd", StandIn::new("buildkitd", "0.32.2").then(Then::NeverAnswer).script());
    let running = context.xtask([path.as_os_str(), "serve".as_ref()]).spawn();
    running.interrupt();
    assert_eq!(running.wait().code, 128 + 2);
}

#[test]
fn a_container_that_is_left_behind_is_told_by_its_root() {
    let context = shell();
    // A container's root as containerd mounts it: an overlay below the workspace, in a namespace of its own. The shim
    // that would give it away is not there, and its executable and folder are paths of its own.
    let script = r#"
        mkdir lower upper work merged && mount -t overlay overlay -o "lowerdir=/,upperdir=$PWD/upper,workdir=$PWD/work" merged &&
        mount -t proc proc merged/proc && cd merged && pivot_root . mnt && cd / && umount -l /mnt && echo ready && exec sleep 1000"#;
    let mut container = Command::new("unshare");
    container.args(["--mount", "sh", "-c", script]).current_dir(context.root());
    let Ok(mut container) = container.stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else { return };
    let mut ready = [0; 6];
    let is_ready = std::io::Read::read_exact(container.stdout.as_mut().unwrap(), &mut ready).is_ok();
    if is_ready {
        let message = panic_message(|| drop(context));
        let _ = container.kill();
        assert!(message.contains(&format!("process {} is left: ", container.id())), "{message}");
        assert!(message.contains("(its root is mounted from there)"), "{message}");
    } else {
        eprintln!("not tested: a root of one's own takes rights that this user does not have");
    }
    assert!(!container.wait().unwrap().success());
}
