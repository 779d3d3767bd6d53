//! What fails, whose fault it is, and that nothing is left behind.

use crate::explained::means;
use crate::{machine, pid, run, xtask};
use std::os::unix::net::UnixListener;
use std::time::Duration;
use tests::{StandIn, TestContext, Then, assert_outcome};

fn sample(context: &TestContext, dockerfile: &str, expected: Option<&str>) -> String {
    context.write("sample/Dockerfile", dockerfile);
    if let Some(expected) = expected {
        context.write("sample/expected.txt", expected);
    }
    context.root().join("sample").display().to_string()
}

#[test]
fn a_dockerfile_that_fails_is_a_failed_build() {
    let context = machine();
    let sample = sample(&context, "FROM base\nRUN echo about to fail && exit 7\n", None);
    let failed = run(&context, &["build-sample", "--sample", &sample]);
    assert_eq!(failed.code, 1, "{failed}");
    assert!(failed.stderr.contains("error: failed to build `docker.io/library/buildkit-sample:latest`"), "{failed}");
    assert!(failed.stderr.contains("exit code: 7") && failed.stderr.contains("hint:"), "{failed}");
    assert_eq!(failed.stderr.matches("failed to solve: ").count(), 1, "why is said once: {failed}");
    assert!(failed.stdout.is_empty(), "{failed}");
    assert_eq!(crate::status(&context, "buildkitd")["answering"], true, "the daemons outlive a failed build");
}

#[test]
fn a_failed_step_is_shown_also_where_all_else_is_kept_quiet() {
    let context = machine();
    let sample = sample(&context, "FROM base\nRUN echo fine\nRUN echo about to fail && exit 7\n", None);
    for options in [&["-q"][..], &["-q", "--json"]] {
        let failed = run(&context, &[&["build-sample", "--sample", &sample], options].concat()).exited(1);
        assert!(
            failed.stderr.starts_with(" > [") && failed.stderr.contains("] RUN echo about to fail && exit 7:\n"),
            "{failed}"
        );
        assert!(failed.stderr.contains(" about to fail\n(all of it is shown without `--quiet`)\nerror: "), "{failed}");
    }
}

#[test]
fn a_dockerfile_with_an_error_in_it() {
    let context = machine();
    let sample = sample(&context, "FROM base\nRUNN x\n", None);
    let failed = run(&context, &["build-sample", "-q", "--sample", &sample]);
    assert_outcome!(failed, @r"
    exit code: 1
    ----- stdout -----
    ----- stderr -----
    error: failed to build `docker.io/library/buildkit-sample:latest` (exit code 1): failed to solve: dockerfile parse error on line 2: unknown instruction: RUNN (did you mean RUN?)

    hint: buildkitd's whole log is in `[BASE]/buildkit/buildkitd.log`
    ");
}

#[test]
fn a_registry_that_cannot_be_reached_is_the_grounds_fault() {
    let context = machine();
    let sample = sample(&context, "FROM registry.invalid/nothing:1\n", None);
    let failed = run(&context, &["build-sample", "--sample", &sample]);
    assert_eq!(failed.code, 3, "{failed}");
    assert!(failed.stderr.contains("hint: the registry can't be reached"), "{failed}");
    // What a RUN prints is no verdict on the ground.
    let lying =
        self::sample(&context, "FROM base\nRUN echo 'failed to do request: no space left on device' && exit 1\n", None);
    assert_eq!(run(&context, &["build-sample", "--sample", &lying]).code, 1);
}

#[test]
fn a_container_that_prints_something_else_is_shown_as_a_diff() {
    let context = machine();
    let sample =
        sample(&context, "FROM base\nCMD [\"/bin/sh\", \"-c\", \"echo one; echo three\"]\n", Some("one\ntwo\n"));
    let failed = run(&context, &["build-sample", "-q", "--sample", &sample]);
    assert_outcome!(failed, @r"
    exit code: 1
    ----- stdout -----
    one
    three
    ----- stderr -----
    error: the container of `docker.io/library/buildkit-sample:latest` printed something else than it must:
    --- expected
    +++ printed
    @@ -1,2 +1,2 @@
     one
    -two
    +three

    hint: if the state of an earlier run is to blame, `cargo xtask reset` and try again
    ");
}

/// `ctr` loses what a quick container prints now and then, and that is nobody's failure.
#[test]
fn a_container_that_seems_to_print_nothing_is_run_once_more() {
    let context = machine();
    let sample = sample(&context, "FROM base\nCMD [\"/bin/sh\", \"-c\", \":\"]\n", Some("one\n"));
    let failed = run(&context, &["build-sample", "--json", "--sample", &sample]).exited(1);
    assert_eq!(failed.json()["ran_again"], true, "{failed}");
    assert_eq!(failed.stderr.matches("Running buildkit-sample-").count(), 2, "{failed}");
    assert!(failed.stderr.contains("it is run once more") && failed.stderr.contains("-one"), "{failed}");
}

#[test]
fn a_container_that_fails_is_a_failure() {
    let context = machine();
    let sample = sample(&context, "FROM base\nCMD [\"/bin/sh\", \"-c\", \"echo before; exit 9\"]\n", Some("before\n"));
    let failed = run(&context, &["build-sample", "--sample", &sample]);
    assert_eq!(failed.code, 1, "{failed}");
    assert_eq!(failed.stdout, "before\n");
    assert!(failed.stderr.contains("failed (exit code 9): it gave no reason"), "{failed}");
}

#[test]
fn what_takes_too_long_is_ended() {
    let context = machine();
    run(&context, &["up"]).success();
    let running = sample(
        &context,
        "FROM base\nRUN echo x > /hold\nCMD [\"/bin/sh\", \"-c\", \"while :; do read x < /hold; done\"]\n",
        None,
    );
    let failed = run(&context, &["build-sample", "--timeout", "3s", "--sample", &running]);
    assert_eq!(failed.code, 1, "{failed}");
    assert!(failed.stderr.contains("running took longer than 3s"), "{failed}");
    let building = sample(&context, "FROM base\nRUN echo x > /hold; while :; do read x < /hold; done\n", None);
    let failed = run(&context, &["build-sample", "--timeout", "1s", "--sample", &building]);
    assert!(failed.stderr.contains("building took longer than 1s"), "{failed}");
    assert_eq!(run(&context, &["build-sample"]).success().stdout, crate::hello());
}

/// The real programs, but for one: a folder for `--containerd` or `--buildkit`.
pub(super) fn with_stand_in(context: &TestContext, component: &str, program: &str, script: Vec<u8>) -> String {
    let real = context.base_dir().join(component).join("installed/bin");
    run(context, &["up", "--no-start"]).success();
    let folder = context.root().join("stand-in").join(component);
    for entry in std::fs::read_dir(real).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap();
        context.write_program(folder.join(entry.file_name()), bytes);
    }
    context.write_program(folder.join(program), script);
    folder.display().to_string()
}

#[test]
fn a_daemon_that_ends_at_once_ends_the_wait_and_takes_the_other_along() {
    let context = machine();
    let saying = "could not lock /x/buildkitd.lock, another instance running?";
    let script = StandIn::new("buildkitd", "0.1.0").then(Then::Exit { code: 4, saying: saying.into() }).script();
    let folder = with_stand_in(&context, "buildkit", "buildkitd", script);
    let failed = run(&context, &["up", "-q", "--buildkit", &folder]);
    assert_outcome!(failed, @r"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: buildkitd ended with exit code 4 before it was ready; its log ends:
      could not lock /x/buildkitd.lock, another instance running?

    hint: another buildkitd works on the same root folder; stop that one, or use another workspace with `--base-dir DIR` (https://github.com/moby/buildkit/blob/master/cmd/buildkitd/main.go)
    ");
    assert_eq!(pid(&context, "containerd"), None, "an `up` that fails half-way stops what it started");
    // Whatever step it came from, what is known of it is in the report.
    let failed = run(&context, &["build-sample", "--json", "--buildkit", &folder]).exited(3);
    let report = failed.json();
    assert_eq!(report["failure"]["id"], "root-in-use", "{failed}");
    assert_eq!((&report["failure"]["class"], &report["client"]), (&"ground".into(), &"buildctl".into()), "{failed}");
    assert_eq!(report["exit"], serde_json::json!({ "code": 3, "class": "ground" }), "{failed}");
}

#[test]
fn a_containerd_that_cannot_start_says_why() {
    let context = machine();
    let default =
        std::fs::read_to_string(crate::repository().join("fixtures/containerd-config/linux-2.4.2.toml")).unwrap();
    let then = Then::Exit { code: 1, saying: "failed to load plugin: no space left on device".into() };
    let script = StandIn::new("containerd", "2.4.2").answers("config default", &default).then(then).script();
    let folder = with_stand_in(&context, "containerd", "containerd", script);
    let failed = run(&context, &["up", "--containerd", &folder]);
    assert_eq!(failed.code, 3, "{failed}");
    assert!(failed.stderr.contains("containerd ended with exit code 1 before it was ready"), "{failed}");
    assert!(failed.stderr.contains("hint: the disk is full; free some space"), "{failed}");
}

#[test]
fn a_daemon_that_ignores_being_asked_is_killed() {
    let context = machine();
    run(&context, &["up"]).success();
    // A stopped process can't act on the request to end.
    let pid = pid(&context, "buildkitd").unwrap();
    assert!(std::process::Command::new("kill").args(["-STOP", &pid.to_string()]).status().unwrap().success());
    let down = run(&context, &["down"]).success();
    assert!(down.stderr.contains("Stopped buildkitd"), "{down}");
}

#[test]
fn a_foreign_process_on_the_socket_is_named_and_left_alone() {
    let context = machine();
    run(&context, &["up", "--no-start"]).success();
    std::fs::create_dir_all(context.base_dir().join("run")).unwrap();
    let listener = UnixListener::bind(context.base_dir().join("run/containerd.sock")).unwrap();
    let report = run(&context, &["build-sample", "--json"]).exited(3);
    assert_eq!(report.json()["failure"]["id"], "socket-in-use", "{report}");
    let failed = run(&context, &["up"]);
    assert_eq!(failed.code, 3, "{failed}");
    let ours = format!("(pid {}, ", std::process::id());
    assert!(failed.stderr.contains("another process listens at") && failed.stderr.contains(&ours), "{failed}");
    means(&context, &failed.stderr, "socket-in-use");
    assert!(context.base_dir().join("run/containerd.sock").exists(), "its socket is still there");
    drop(listener);
}

#[test]
fn a_full_disk_is_one_clear_sentence() {
    let context = machine();
    std::fs::create_dir_all(context.base_dir()).unwrap();
    let disk = SmallDisk::mount(context.base_dir());
    let failed = run(&context, &["up"]);
    assert_eq!(failed.code, 3, "{failed}");
    assert!(failed.stderr.contains("No space left on device"), "{failed}");
    assert!(failed.stderr.contains("hint: free some space, or put the workspace on another disk"), "{failed}");
    let left = context.tree().into_iter().filter(|line| line.contains("staging/")).count();
    assert_eq!(left, 0, "nothing half-written stays: {:?}", context.tree());
    // What frees it is this workspace's, not the one that there is by default.
    let base = context.base_dir().to_str().unwrap();
    let doctor = xtask(&context, &["doctor", "--fix", "--offline", "--base-dir", base]);
    let fix = doctor.env_remove("BUILDKIT_WINDOWS_BASE_DIR").run().exited(3);
    assert!(fix.stdout.lines().any(|line| line == format!("cargo xtask clean --cache --base-dir {base}")), "{fix}");
    drop(disk);
}

/// A file system of four megabytes.
struct SmallDisk<'a>(&'a std::path::Path);

impl<'a> SmallDisk<'a> {
    fn mount(folder: &'a std::path::Path) -> Self {
        let mount =
            std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "none"]).arg(folder).status();
        assert!(mount.unwrap().success(), "a tmpfs can be mounted");
        Self(folder)
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        assert!(std::process::Command::new("umount").arg(self.0).status().unwrap().success());
    }
}

#[test]
fn a_file_system_that_nothing_can_be_stacked_on() {
    let context = machine();
    for folder in ["lower", "upper", "work", "stacked"] {
        std::fs::create_dir(context.root().join(folder)).unwrap();
    }
    // An overlay is what a container's own root is: a second one can't be stacked on it.
    let stacked = context.root().join("stacked");
    let mount = |arguments: &[&str]| {
        std::process::Command::new("mount").args(arguments).arg(&stacked).current_dir(context.root()).status()
    };
    assert!(mount(&["-t", "overlay", "-o", "lowerdir=lower,upperdir=upper,workdir=work", "none"]).unwrap().success());
    let failed = run(&context, &["up", "--base-dir", stacked.join("base").to_str().unwrap()]);
    assert!(std::process::Command::new("umount").arg(&stacked).status().unwrap().success());
    assert_eq!(failed.code, 3, "{failed}");
    assert!(failed.stderr.contains("error: failed to start `"), "{failed}");
    assert!(
        failed.stderr.contains("hint: mounts take CAP_SYS_ADMIN, and a workspace on a file system that"),
        "{failed}"
    );
}

#[test]
fn an_ended_daemon_is_the_grounds_fault_not_the_builds() {
    let context = machine();
    let building = sample(
        &context,
        "FROM base\nRUN echo x > /hold; printf 'at-%s\\n' 42; while :; do read x < /hold; done\n",
        None,
    );
    let mut run =
        xtask(&context, &["build-sample", "--json", "--sample", &building]).timeout(Duration::from_secs(120)).spawn();
    run.wait_for_output("at-42");
    crate::kill(pid(&context, "buildkitd").unwrap());
    let failed = run.wait();
    assert_eq!(failed.code, 3, "{failed}");
    assert!(failed.stderr.contains("buildkitd no longer answers"), "{failed}");
    // What the client hears first of it differs.
    let is_clients = |line: &&str| line.starts_with("error: ") && !line.contains("no longer answers");
    let word = failed.stderr.lines().find(is_clients).unwrap_or_else(|| panic!("{failed}"));
    let explained = context.xtask(["explain", "--json"]).stdin(word).run().success().json();
    assert!(["daemon-ended", "daemon-down"].contains(&explained["id"].as_str().unwrap()), "{explained}{failed}");
    assert_eq!(failed.json()["failure"]["id"], explained["id"], "{failed}");
}

/// Whether buildkitd notices that its containerd is gone is a race, so this is a BuildKit whose buildctl says that it waits,
/// and waits for ever.
pub(super) fn with_waiting_buildctl(context: &TestContext) -> String {
    run(context, &["up", "--no-start"]).success();
    let buildctl = context.root().join("buildctl");
    std::fs::copy(context.base_dir().join("buildkit/installed/bin/buildctl"), &buildctl).unwrap();
    let hang = "mkfifo \"$0.$$\" && exec 3<>\"$0.$$\" && rm \"$0.$$\" && echo it waits >&2 && read -r _ <&3";
    let script =
        format!("#!/bin/sh\ncase \"$*\" in *' build '*) {hang};; esac\nexec '{}' \"$@\"\n", buildctl.display());
    with_stand_in(context, "buildkit", "buildctl", script.into_bytes())
}

#[test]
fn a_build_does_not_wait_for_a_daemon_that_has_ended() {
    let context = machine();
    let folder = with_waiting_buildctl(&context);
    for (component, daemon) in [("containerd", "containerd"), ("buildkit", "buildkitd")] {
        let mut building =
            xtask(&context, &["build-sample", "--json", "--timeout", "1h", "--buildkit", &folder]).spawn();
        building.wait_for_output("it waits");
        crate::kill(pid(&context, daemon).unwrap());
        let failed = building.wait().exited(3);
        let report = failed.json();
        assert_eq!(report["failure"]["id"], "daemon-ended", "{failed}");
        let message = report["failure"]["message"].as_str().unwrap();
        let begins = "failed to build `docker.io/library/buildkit-sample:latest`, and ";
        assert!(message.starts_with(&format!("{begins}{daemon} no longer runs")), "{failed}");
        let hint = report["failure"]["hint"].as_str().unwrap();
        assert!(hint.contains(&format!("{component}/{daemon}.log")), "{failed}");
    }
}
