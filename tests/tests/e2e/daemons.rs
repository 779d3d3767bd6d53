//! What runs, what it says, and that it is only ever ours.

use crate::{has_containers, machine, pid, run, status, works, xtask};
use std::process::{Command, Stdio};
use tests::unzip;

#[test]
fn up_again_is_a_no_op_that_says_so() {
    let context = machine();
    run(&context, &["up"]).success();
    let pids = (pid(&context, "containerd"), pid(&context, "buildkitd"));
    let again = run(&context, &["up"]).success();
    assert!(again.stderr.contains("Up already: containerd"), "{again}");
    assert_eq!((pid(&context, "containerd"), pid(&context, "buildkitd")), pids);
}

#[cfg(unix)]
#[test]
fn a_daemon_is_given_no_token() {
    let context = machine();
    xtask(&context, &["up"]).env("GH_TOKEN", "pl4nted").env("GITHUB_TOKEN", "pl4nted").run().success();
    for daemon in ["containerd", "buildkitd"] {
        let environment = std::fs::read(format!("/proc/{}/environ", pid(&context, daemon).unwrap())).unwrap();
        let environment = String::from_utf8_lossy(&environment);
        assert!(environment.contains("PATH=") && !environment.contains("pl4nted"), "{daemon}: {environment}");
    }
}

#[test]
fn another_version_restarts_both_and_keeps_what_was_built() {
    let context = machine();
    let older = tests::real::programs(context.program()).older_containerd();
    works(&context, &["--containerd", older]);
    assert_eq!(status(&context, "containerd")["version"], older);
    let newer = works(&context, &["--containerd", "latest"]);
    assert!(newer.stderr.contains("Stopped containerd"), "{newer}");
    assert_eq!(newer.stderr.contains("CACHED"), cfg!(unix), "{newer}");
    assert_ne!(status(&context, "containerd")["version"], older);
}

#[test]
fn a_pid_in_use_by_another_program_is_never_taken_for_ours() {
    let context = machine();
    run(&context, &["up"]).success();
    run(&context, &["down"]).success();
    // It waits for a word on its input, which never comes.
    let mut innocent = if cfg!(windows) { Command::new("cmd") } else { Command::new("cat") };
    innocent.args(if cfg!(windows) { &["/c", "pause"][..] } else { &[] });
    let mut innocent = innocent.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let pid = innocent.id();
    let state = format!(
        r#"{{"schema": 1, "request": {{"platform": "{}", "source": "auto", "specs": []}}, "daemons": [{{
            "component": "containerd", "version": "1", "pid": {pid}, "start_time": 1, "executable": "/x/containerd",
            "endpoint": "/x", "since": "2026-01-01T00:00:00Z"}}]}}"#,
        xtask::platform::Platform::host().unwrap()
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
}

#[test]
fn logs_are_followed_until_ctrl_c() {
    let context = machine();
    run(&context, &["up"]).success();
    let mut follower = xtask(&context, &["logs", "--follow", "-n", "1"]).spawn();
    follower.wait_for_output("buildkitd  | ");
    // Its end is something to log.
    run(&context, &["down"]).success();
    follower.wait_for_output("stopping server");
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
    works(&context, &[]);
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
    crate::kill(pid(&context, "buildkitd").unwrap());
    let ended = foreground.wait();
    assert_eq!(ended.code, 3, "{ended}");
    assert!(ended.stderr.contains("error: buildkitd ended by itself"), "{ended}");
    assert_eq!(pid(&context, "containerd"), None);
}

#[test]
fn the_daemon_accepts_its_configuration_and_keeps_to_it() {
    let context = machine();
    for version in &tests::real::programs(context.program()).containerds {
        run(&context, &["up", "--no-start", "--containerd", version]).success();
        let shown = run(&context, &["config", "--containerd", version]).success().stdout;
        let config = context.write("config.toml", &shown);
        let program = format!("containerd/installed/bin/containerd{}", std::env::consts::EXE_SUFFIX);
        let mut dump = Command::new(context.base_dir().join(program));
        let dump = dump.arg("--config").arg(config).args(["config", "dump"]).output().unwrap();
        let dump = String::from_utf8(dump.stdout).unwrap();
        assert!(dump.contains("disabled_plugins"), "{version}: {dump}");
        // From 2.2 on the dump adds its own default to `imports`; the daemon loads those of the file only.
        let left = |text: &str| text.lines().filter(|line| is_outside(line)).map(str::to_owned).collect::<Vec<_>>();
        let left_in_dump: Vec<_> = left(&dump).into_iter().filter(|line| !line.starts_with("imports")).collect();
        assert_eq!((left(&shown), left_in_dump), (vec![], vec![]), "{version}");
        let diff = run(&context, &["config", "--diff", "--containerd", version]).success().stdout;
        assert!(diff.contains("-root = ") && diff.contains("+root = "), "{diff}");
    }
}

#[test]
fn a_daemon_is_started_with_what_config_shows() {
    let context = machine();
    run(&context, &["up"]).success();
    let shown = run(&context, &["config"]).success().stdout;
    assert_eq!(shown, std::fs::read_to_string(context.base_dir().join("containerd/config.toml")).unwrap());
}

/// Whether a line of a configuration has a path in it where containerd lies when it is installed.
fn is_outside(line: &str) -> bool {
    let places: &[&str] = match cfg!(windows) {
        true => &["programdata", "program files"],
        false => &["'/var/lib/", "'/run/", "'/etc/", "'/opt/"],
    };
    places.iter().any(|place| line.to_lowercase().contains(place))
}

#[test]
fn a_build_takes_what_is_up_unless_it_asks_for_something_else() {
    let context = machine();
    let older = tests::real::programs(context.program()).older_containerd();
    run(&context, &["up", "--containerd", older]).success();
    let built = context.xtask(["build-sample"]).run();
    assert_eq!(built.code == 0, has_containers(), "{built}");
    assert!(built.stderr.contains(&format!("Up already: containerd {older}")), "{built}");
}

#[test]
fn placing_what_is_in_place_leaves_the_daemons_alone() {
    let context = machine();
    run(&context, &["up"]).success();
    let before = pid(&context, "containerd");
    run(&context, &["up", "--no-start"]).success();
    assert_eq!(pid(&context, "containerd"), before);
    // Other programs can't take the place of those that run.
    let older = tests::real::programs(context.program()).older_containerd();
    let replaced = run(&context, &["up", "--no-start", "--containerd", older]).success();
    assert!(replaced.stderr.contains("`--no-start` leaves what it had to stop so"), "{replaced}");
    // What is there is what `config` is about, though nobody says so again.
    assert_eq!(
        context.xtask(["config"]).run().success().stdout,
        run(&context, &["config", "--containerd", older]).stdout
    );
}

#[test]
fn locked_means_locked_even_when_something_is_up() {
    let context = machine();
    run(&context, &["up"]).success();
    let older = tests::real::programs(context.program()).older_containerd();
    run(&context, &["up", "--no-start", "--containerd", older]).success();
    let lock = std::fs::read_to_string(context.base_dir().join("versions.lock.json")).unwrap();
    run(&context, &["up"]).success();
    context.write(context.base_dir().join("versions.lock.json"), lock);
    run(&context, &["up", "--locked"]).success();
    assert_eq!(status(&context, "containerd")["version"], older);
}

#[test]
fn doctor_knows_the_workspaces_own_daemons_and_a_bundle_holds_their_logs() {
    let context = machine();
    run(&context, &["up"]).success();
    let report = run(&context, &["doctor", "--json", "--offline"]).json();
    let checks = report["checks"].as_array().unwrap();
    let endpoints = checks.iter().find(|check| check["check"] == "endpoints").unwrap();
    assert_eq!(endpoints["found"], "the workspace's own daemons listen there", "{endpoints}");
    assert_eq!(endpoints["verdict"], "ok");
    run(&context, &["bundle", "all.zip", "--offline"]).success();
    let files = unzip(&std::fs::read(context.root().join("all.zip")).unwrap());
    let text = |name: &str| {
        let found = files.iter().find(|(found, _)| *found == format!("buildkit-windows/{name}"));
        String::from_utf8(found.unwrap_or_else(|| panic!("no {name}")).1.clone()).unwrap()
    };
    assert!(text("containerd/containerd.log").contains("containerd successfully booted"));
    assert!(text("buildkit/buildkitd.log").contains("running server on"));
    let versions: serde_json::Value = serde_json::from_str(&text("versions.json")).unwrap();
    assert_eq!(versions["installed"]["containerd"]["resolution"]["component"], "containerd", "{versions}");
    assert!(text("containerd/config.toml").contains("disabled_plugins") && text("state.json").contains("\"pid\""));
}
