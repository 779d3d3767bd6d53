//! What runs, what it says, and that it is only ever ours.

use crate::{machine, pid, run, status, xtask};
use std::process::{Command, Stdio};

#[test]
fn up_again_is_a_no_op_that_says_so() {
    let context = machine();
    run(&context, &["up"]).success();
    let pids = (pid(&context, "containerd"), pid(&context, "buildkitd"));
    let again = run(&context, &["up"]).success();
    assert!(again.stderr.contains("Up already: containerd"), "{again}");
    assert_eq!((pid(&context, "containerd"), pid(&context, "buildkitd")), pids);
}

#[test]
fn another_version_restarts_both_and_keeps_what_was_built() {
    let context = machine();
    let older = tests::real::programs(context.program()).older_containerd.clone();
    run(&context, &["build-sample", "--containerd", &older]).success();
    assert_eq!(status(&context, "containerd")["version"], older.as_str());
    let newer = run(&context, &["build-sample"]).success();
    assert!(newer.stderr.contains("Stopped containerd") && newer.stderr.contains("CACHED"), "{newer}");
    assert_eq!(newer.stdout, crate::hello());
    assert_ne!(status(&context, "containerd")["version"], older.as_str());
}

#[test]
fn a_pid_in_use_by_another_program_is_never_taken_for_ours() {
    let context = machine();
    run(&context, &["up"]).success();
    run(&context, &["down"]).success();
    let mut innocent = Command::new("sleep").arg("600").stdout(Stdio::null()).spawn().unwrap();
    let pid = innocent.id();
    let state = format!(
        r#"{{"schema": 1, "request": {{"platform": "linux-amd64", "source": "auto", "specs": []}}, "daemons": [{{
            "component": "containerd", "version": "1", "pid": {pid}, "start_time": 1, "executable": "/x/containerd",
            "endpoint": "/x", "since": "2026-01-01T00:00:00Z"}}]}}"#
    );
    context.write(context.base_dir().join("state.json"), state);
    let seen = status(&context, "containerd");
    assert_eq!((&seen["answering"], &seen["pid"]), (&false.into(), &serde_json::Value::Null), "{seen}");
    run(&context, &["down"]).success();
    assert!(innocent.try_wait().unwrap().is_none(), "`down` has killed a process that isn't its own");
    innocent.kill().unwrap();
    innocent.wait().unwrap();
}

#[test]
fn two_at_once_end_with_one_stack() {
    let context = machine();
    let one = xtask(&context, &["up"]).spawn();
    let two = xtask(&context, &["up"]).spawn();
    let (one, two) = (one.wait().success(), two.wait().success());
    let both = format!("{one}{two}");
    assert!(both.contains("Up already"), "the second finds what the first has started: {both}");
    assert!(both.contains("Waiting for") && both.contains("cargo xtask up"), "and says for whom it waits: {both}");
}

#[test]
fn logs_tell_both_stories() {
    let context = machine();
    run(&context, &["up"]).success();
    let both = run(&context, &["logs"]).success().stdout;
    assert!(both.contains("containerd | time=") && both.contains("buildkitd  | time="), "{both}");
    let last = run(&context, &["logs", "buildkitd", "--lines", "1"]).success().stdout;
    assert_eq!(last.lines().count(), 1);
    assert!(last.starts_with("time=") && last.contains("running server on"), "{last}");

    let mut follower = xtask(&context, &["logs", "--follow", "-n", "1"]).spawn();
    follower.wait_for_output("buildkitd  | ");
    run(&context, &["build-sample"]).success();
    follower.interrupt();
    let followed = follower.wait().success();
    assert!(followed.stdout.lines().count() >= 2, "{followed}");
}

#[test]
fn in_the_foreground_both_end_with_it() {
    let context = machine();
    let mut foreground = xtask(&context, &["up", "--foreground"]).spawn();
    foreground.wait_for_output("buildkitd  | ");
    // Nobody has to wait for it: it only shows what happens.
    assert_eq!(run(&context, &["build-sample"]).success().stdout, crate::hello());
    foreground.interrupt();
    let ended = foreground.wait().success();
    assert!(ended.stdout.contains("containerd | time=") && ended.stderr.contains("Stopped containerd"), "{ended}");
    assert_eq!(pid(&context, "containerd"), None);
}

#[test]
fn in_the_foreground_a_daemon_that_ends_by_itself_is_a_failure() {
    let context = machine();
    let mut foreground = xtask(&context, &["up", "--foreground"]).spawn();
    foreground.wait_for_output("buildkitd  | ");
    crate::kill_9(pid(&context, "buildkitd").unwrap());
    let ended = foreground.wait();
    assert_eq!(ended.code, 3, "{ended}");
    assert!(ended.stderr.contains("error: buildkitd ended by itself"), "{ended}");
    assert_eq!(pid(&context, "containerd"), None);
}

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
        crate::kill_9(pid(&context, daemon).unwrap());
    }
    let down = run(&context, &["down"]).success();
    assert!(down.stderr.contains("what was left") && down.stderr.contains("containerd-shim-runc-v2"), "{down}");
}

#[test]
fn the_daemon_accepts_its_configuration_and_keeps_to_it() {
    let context = machine();
    run(&context, &["up"]).success();
    let program = context.base_dir().join("containerd/installed/bin/containerd");
    let config = context.base_dir().join("containerd/config.toml");
    let shown = run(&context, &["config"]).success().stdout;
    assert_eq!(shown, std::fs::read_to_string(&config).unwrap());
    let dump = Command::new(program).arg("--config").arg(config).args(["config", "dump"]).output().unwrap();
    let dump = String::from_utf8(dump.stdout).unwrap();
    assert!(dump.contains("disabled_plugins"), "{dump}");
    let foreign = |line: &&str| ["'/var/lib/", "'/run/", "'/etc/", "'/opt/"].iter().any(|place| line.contains(place));
    // The dump adds its own default to `imports`; the daemon loads those of the file only.
    let left: Vec<_> = dump.lines().filter(foreign).filter(|line| !line.starts_with("imports")).collect();
    assert_eq!(left, Vec::<&str>::new());
    let diff = run(&context, &["config", "--diff"]).success().stdout;
    assert!(diff.contains("-root = '/var/lib/containerd'") && diff.contains("+root = '"), "{diff}");
}

#[test]
fn a_build_takes_what_is_up_unless_it_asks_for_something_else() {
    let context = machine();
    let older = tests::real::programs(context.program()).older_containerd.clone();
    run(&context, &["up", "--containerd", &older]).success();
    let built = context.xtask(["build-sample"]).run().success();
    assert!(built.stderr.contains(&format!("Up already: containerd {older}")), "{built}");
}

#[test]
fn placing_what_is_in_place_leaves_the_daemons_alone() {
    let context = machine();
    run(&context, &["up"]).success();
    let before = pid(&context, "containerd");
    run(&context, &["up", "--no-start"]).success();
    assert_eq!(pid(&context, "containerd"), before);
}

#[test]
fn locked_means_locked_even_when_something_is_up() {
    let context = machine();
    run(&context, &["up"]).success();
    let older = tests::real::programs(context.program()).older_containerd.clone();
    run(&context, &["up", "--no-start", "--containerd", &older]).success();
    let lock = std::fs::read_to_string(context.base_dir().join("versions.lock.json")).unwrap();
    run(&context, &["up"]).success();
    context.write(context.base_dir().join("versions.lock.json"), lock);
    run(&context, &["up", "--locked"]).success();
    assert_eq!(status(&context, "containerd")["version"], older.as_str());
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
    let mut following = command.stdout(Stdio::piped()).spawn().unwrap();
    // More is logged until it has noticed: nobody notices a closed pipe without writing to it.
    while following.try_wait().unwrap().is_none() {
        run(&context, &["build-sample"]).success();
    }
    assert!(following.wait().unwrap().success());
}
