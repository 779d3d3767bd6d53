//! The fault that the harness was made for, made for real: BuildKit refers to what containerd no longer has.

use super::failing::with_stand_in;
use crate::{hello, kill, kill_at, kill_when, machine, pid, run, status, xtask};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tests::{StandIn, TestContext, Then, real};
use xtask::files;
use xtask::platform::Platform;
use xtask::workspace::Workspace;

/// What builds fail with when the context has changed since, and when it has not.
const FAULTS: [(&str, bool); 2] = [("stale-snapshot", true), ("stale-content", false)];

/// A copy of the hello sample that a test may change.
pub(super) fn sample(context: &TestContext) -> String {
    let hello = crate::repository().join("fixtures/hello").join(std::env::consts::OS);
    for file in fs::read_dir(hello).unwrap().flatten().filter(|file| file.file_name() != "expected.txt") {
        context.write(PathBuf::from("hello").join(file.file_name()), fs::read(file.path()).unwrap());
    }
    context.root().join("hello").display().to_string()
}

fn change(context: &TestContext, line: &str) {
    let text = fs::read_to_string(context.root().join("hello/hello.txt")).unwrap();
    context.write("hello/hello.txt", format!("{text}{line}\n"));
}

/// Makes the fault: containerd's root is deleted and made anew between a stop and a start, and BuildKit's stays.
///
/// The harness would not have that: it marks both roots as a pair. So the new one is given the old one's mark.
pub(super) fn forget_what_containerd_has(context: &TestContext) {
    run(context, &["down"]).success();
    let root = context.base_dir().join("containerd/root");
    let mark = fs::read(root.join("buildkit-windows-pair")).unwrap();
    fs::remove_dir_all(&root).unwrap();
    context.write(root.join("buildkit-windows-pair"), mark);
    let up = run(context, &["up"]).success();
    assert!(!up.stderr.contains("did not belong together"), "the guard was not got round: {up}");
}

pub(super) fn fault(context: &TestContext, is_changed: bool) -> String {
    let sample = sample(context);
    run(context, &["build-sample", "--sample", &sample]).success();
    forget_what_containerd_has(context);
    if is_changed {
        change(context, "changed");
    }
    sample
}

#[test]
fn a_reset_heals_what_a_build_alone_does_not() {
    for (id, is_changed) in FAULTS {
        let context = machine();
        let sample = fault(&context, is_changed);
        for attempt in ["first", "second"] {
            let failed = run(&context, &["build-sample", "--json", "--sample", &sample]).exited(1);
            assert_eq!(failed.json()["failure"]["id"], id, "{attempt}: {failed}");
            assert!(failed.stderr.contains("run `cargo xtask reset`"), "{attempt}: {failed}");
        }
        // The command to type is for the workspace that it was.
        let base = context.base_dir().display().to_string();
        let typed = xtask(&context, &["build-sample", "--sample", &sample, "--base-dir", &base]);
        let failed = typed.env_remove("BUILDKIT_WINDOWS_BASE_DIR").run().exited(1);
        assert!(failed.stderr.contains(&format!("run `cargo xtask reset --base-dir {base}`")), "{failed}");
        run(&context, &["reset"]).success();
        run(&context, &["build-sample", "--sample", &sample]).success();
    }
}

#[test]
fn healing_stops_at_the_lowest_level_that_does_and_says_which() {
    for (id, is_changed) in FAULTS {
        let context = machine();
        let sample = fault(&context, is_changed);
        // Asked for in either of the two ways.
        let (option, variable) = if is_changed { ("--heal", "") } else { ("--json", "yes") };
        let line =
            xtask(&context, &["build-sample", option, "--sample", &sample]).env("BUILDKIT_WINDOWS_HEAL", variable);
        let line = if is_changed { line.arg("--json") } else { line };
        let built = line.run().success();
        let report = built.json();
        let resets = report["resets"].as_array().unwrap();
        let healed = report["healed"].as_str().unwrap_or_else(|| panic!("{id}: {built}"));
        assert_eq!(resets.last().unwrap()["level"], healed, "{id}: {built}");
        assert!(report["printed"].as_str().unwrap().contains("This line was added by RUN."), "{id}: {built}");
        assert!(report["failure"].is_null() && report["exit"]["class"] == "done", "{id}: {built}");
        assert!(built.stderr.contains("does not exist: not found") == is_changed, "{id}: {built}");
        assert!(built.stderr.contains("this is stale state, so it is reset"), "{id}: {built}");
        assert!(built.stderr.contains(&format!("warning: it was built and run only after a reset: `{healed}`")));
        for level in &resets[..resets.len() - 1] {
            let note = format!("`{}` did not heal it", level["level"].as_str().unwrap());
            assert!(built.stderr.contains(&note), "{id}: {built}");
        }
        // No lower level would have done: what was freed before is not what healed it.
        assert_eq!(healed, if is_changed { "prune" } else { "prune --all" }, "{id}: {built}");
        let again = run(&context, &["build-sample", "--heal", "--json", "--sample", &sample]).success();
        assert!(again.json()["healed"].is_null() && again.stderr.contains("CACHED"), "{again}");
    }
}

/// BuildKit's records of past builds each have a lease in containerd, and can't be deleted without.
#[test]
fn a_lease_that_is_gone_is_no_failure_and_is_told() {
    let context = machine();
    for line in ["one", "two"] {
        let sample = sample(&context);
        change(&context, line);
        run(&context, &["build-sample", "--sample", &sample]).success();
    }
    let leases = ctr(&context, "buildkit_history", &["leases", "list", "--quiet"]);
    let leases: Vec<&str> = leases.lines().collect();
    assert_eq!(leases.len(), 2, "{leases:?}");
    ctr(&context, "buildkit_history", &[&["leases", "delete"], &leases[..]].concat());
    let reset = run(&context, &["reset", "--json"]).success();
    let report = reset.json();
    let last = report["resets"].as_array().unwrap().last().unwrap();
    assert_eq!(last, &serde_json::json!({ "level": "prune-histories", "freed_bytes": null, "missing_leases": 2 }));
    assert!(reset.stderr.contains("prune-histories: done, but for 2 whose lease is gone already"), "{reset}");
    assert_eq!(run(&context, &["build-sample"]).success().stdout, hello());
}

/// Everything is real but for buildctl, which says that buildkitd answers, and waits for ever when it is to prune.
#[test]
fn a_level_that_hangs_gives_way_to_the_last_one() {
    let context = machine();
    run(&context, &["up", "--no-start"]).success();
    let workspace = Workspace::new(context.base_dir().to_owned(), Platform::host().unwrap());
    let is_asked = xtask::tools::buildctl(&workspace).args(["--timeout", "5", "debug", "workers"]).shown();
    let (_, is_asked) = is_asked.split_once(' ').unwrap();
    let script = StandIn::new("buildctl", "0.1.0").answers(is_asked, "").then(Then::NeverAnswer).script();
    let folder = with_stand_in(&context, "buildkit", "buildctl", script);
    run(&context, &["up", "--buildkit", &folder]).success();
    let reset = run(&context, &["reset", "--json", "--timeout", "1s"]).success();
    assert!(reset.stderr.contains("warning: `buildctl prune` took longer than 1s"), "{reset}");
    let report = reset.json();
    assert_eq!((report["resets"].as_array().unwrap().len(), &report["resets"][0]["level"]), (1, &"hard".into()));
}

/// The same in the middle of a healing: what the level took is not taken from the attempt after it. buildctl is the real one but
/// for `prune`.
#[test]
fn a_level_that_hangs_takes_no_time_from_the_build() {
    let context = machine();
    let sample = fault(&context, true);
    let buildctl = context.root().join("buildctl");
    fs::copy(context.base_dir().join("buildkit/installed/bin/buildctl"), &buildctl).unwrap();
    let hang = "mkfifo \"$0.$$\" && exec 3<>\"$0.$$\" && rm \"$0.$$\" && read -r _ <&3";
    let script =
        format!("#!/bin/sh\ncase \"$*\" in *' prune '*) {hang};; esac\nexec '{}' \"$@\"\n", buildctl.display());
    let folder = with_stand_in(&context, "buildkit", "buildctl", script.into_bytes());
    let line = ["build-sample", "--json", "--heal", "--sample", &sample, "--timeout", "15s", "--buildkit", &folder];
    let healed = run(&context, &line).success();
    assert!(healed.stderr.contains("warning: `buildctl prune` took longer than 15s"), "{healed}");
    assert_eq!(healed.json()["healed"], "hard", "{healed}");
}

#[test]
fn ci_heals_unasked_and_makes_it_an_annotation() {
    let context = machine();
    let sample = fault(&context, false);
    let in_ci = |arguments: &[&str]| {
        let line = [&["build-sample", "-q", "--sample", &sample], arguments].concat();
        xtask(&context, &line).env("CI", "true").env("GITHUB_ACTIONS", "true").run()
    };
    let told_off = in_ci(&["--heal=no"]).exited(1);
    assert!(!told_off.stderr.contains("::warning::"), "{told_off}");
    let healed = in_ci(&[]).success();
    let warnings: Vec<_> = healed.stderr.lines().filter(|line| line.starts_with("::warning::")).collect();
    assert_eq!(warnings.len(), 2, "{healed}");
    assert!(warnings[0].contains("not found; this is stale state") && warnings[1].ends_with("healed it"), "{healed}");
    assert_eq!(healed.stdout, hello(), "stdout is what the container printed, as ever");
}

#[test]
fn the_words_in_a_run_cost_nobody_a_cache() {
    let context = machine();
    let words = "parent snapshot x does not exist: not found";
    context.write("lying/Dockerfile", format!("FROM base\nRUN echo '{words}' && exit 1\n"));
    let lying = context.root().join("lying").display().to_string();
    let failed = xtask(&context, &["build-sample", "--json", "--sample", &lying]).env("BUILDKIT_WINDOWS_HEAL", "1");
    let failed = failed.run().exited(1);
    assert_eq!(failed.json()["resets"], serde_json::json!([]), "{failed}");
    assert!(!failed.stderr.contains("Reset"), "{failed}");
}

/// What the harness itself does, and what may become of it on the way, keeps both roots or neither.
#[test]
fn the_harness_does_not_get_there_by_itself() {
    let context = machine();
    let sample = sample(&context);
    let older = real::programs(context.program()).older_containerd().to_owned();
    let works = |after: &str| {
        for line in [None, Some(after)] {
            if let Some(line) = line {
                change(&context, line);
            }
            let built = run(&context, &["build-sample", "--json", "--sample", &sample]);
            assert_eq!(built.code, 0, "after {after}: {built}");
        }
    };
    works("nothing");
    for line in
        [&["up"][..], &["down"], &["up", "--fresh"], &["up", "--containerd", &older], &["up", "--containerd", "latest"]]
    {
        run(&context, line).success();
        works(&line.join(" "));
    }
    context.write(
        "held/Dockerfile",
        "FROM base\nRUN echo x > /hold; printf 'at-%s\\n' 42; while :; do read x < /hold; done\n",
    );
    let held = context.root().join("held").display().to_string();
    for killed in [&["containerd"][..], &["buildkitd"], &["containerd", "buildkitd"]] {
        killed.iter().for_each(|daemon| kill(pid(&context, daemon).unwrap()));
        works(&format!("a kill of {killed:?}"));
        // And in the middle of a build.
        let mut building = xtask(&context, &["build-sample", "--sample", &held]).spawn();
        building.wait_for_output("at-42");
        killed.iter().for_each(|daemon| kill(pid(&context, daemon).unwrap()));
        building.wait().exited(3);
        works(&format!("a kill of {killed:?} while they built"));
    }
    let base = context.base_dir();
    let [mark, containerd, buildkit] =
        ["containerd/root/buildkit-windows-pair", "containerd/root", "buildkit/root"].map(|path| base.join(path));
    for line in [&["up", "--fresh"][..], &["reset", "--hard"]] {
        // Between the two, containerd deletes all that BuildKit refers to; then the roots go.
        for text in ["Removed image", "Stopped containerd"] {
            kill_at(&context, line, text);
            works(&format!("{line:?}, killed at {text}"));
        }
        for path in [&mark, &buildkit, &containerd] {
            let prepare = || works("nothing");
            kill_when(&context, line, prepare, &format!("{} is gone", path.display()), || !path.exists());
            works(&format!("{line:?}, killed without {}", path.display()));
        }
    }
    // And while both come back, one after the other.
    for path in [&containerd, &mark, &buildkit] {
        let prepare = || {
            run(&context, &["down"]).success();
            for root in [&containerd, &buildkit] {
                files::delete(root).unwrap();
            }
        };
        kill_when(&context, &["up"], prepare, &format!("{} is there", path.display()), || path.exists());
        works(&format!("an `up` killed at {}", path.display()));
    }
}

/// What another workspace holds, and another's images in this one's containerd, is not for a healing to touch.
#[test]
fn nothing_that_is_not_the_workspaces_own_is_touched() {
    let other = machine();
    let foreign = other.root().join("foreign.tar").display().to_string();
    run(&other, &["build-sample"]).success();
    // By `ctr` itself: by containerd's transfer service it may end before all of the archive has come, seen on a busy machine.
    ctr(&other, "buildkit", &["images", "export", "--local", &foreign, "docker.io/library/buildkit-sample:latest"]);
    let of_the_other = || {
        let pids = ["containerd", "buildkitd"].map(|daemon| pid(&other, daemon));
        let snapshots = ctr(&other, "buildkit", &["snapshots", "list"]);
        // BuildKit looks into a layer through a view of it, which it takes away when it gets round to it.
        let is_view = |line: &str| line.split_whitespace().next().is_some_and(|key| key.ends_with("-view"));
        let kept: Vec<_> = snapshots.lines().filter(|line| !is_view(line)).map(str::to_owned).collect();
        assert!(kept.len() > 2, "a heading, and some to compare: {snapshots}");
        (pids, ctr(&other, "buildkit", &["images", "list"]), kept)
    };
    let before = of_the_other();

    let context = machine();
    let sample = fault(&context, false);
    ctr(&context, "foreign", &["images", "import", &foreign]);
    let images = ctr(&context, "foreign", &["images", "check"]);
    assert!(images.contains("docker.io/library/buildkit-sample:latest") && images.contains(" complete "), "{images}");
    let healed = run(&context, &["build-sample", "--heal", "--json", "--sample", &sample]).success();
    assert_eq!(healed.json()["healed"], "prune --all", "{healed}");
    assert_eq!(ctr(&context, "foreign", &["images", "check"]), images);

    assert_eq!(of_the_other(), before);
    assert_eq!(status(&other, "buildkitd")["answering"], true);
    let again = run(&other, &["build-sample"]).success();
    assert!(again.stderr.contains("CACHED"), "{again}");
}

/// A buildkitd that another started is another's to reset, whatever it says, and whatever was asked for.
#[test]
fn a_remote_buildkitd_is_not_reset() {
    let theirs = machine();
    let sample = fault(&theirs, true);
    let pids = || ["containerd", "buildkitd"].map(|daemon| pid(&theirs, daemon));
    let before = pids();
    let socket = format!("unix://{}", theirs.base_dir().join("run/buildkitd.sock").display());
    let mine = machine();
    let line = ["build-sample", "--json", "--client", "buildctl", "--addr", &socket, "--sample", &sample];
    // Where anything of the workspace's own would be healed.
    let failed = xtask(&mine, &line).env("CI", "true").run().exited(1);
    let report = failed.json();
    assert_eq!((&report["failure"]["id"], &report["resets"]), (&"stale-snapshot".into(), &serde_json::json!([])));
    assert!(!failed.stderr.contains("cargo xtask reset"), "{failed}");
    assert_eq!(pids(), before);
    let still = run(&theirs, &["build-sample", "--json", "--sample", &sample]).exited(1);
    assert_eq!(still.json()["failure"]["id"], "stale-snapshot", "{still}");
}

/// containerd's own client, in a namespace of its own.
fn ctr(context: &TestContext, namespace: &str, arguments: &[&str]) -> String {
    let base = context.base_dir();
    let mut ctr = Command::new(base.join("containerd/installed/bin/ctr"));
    ctr.arg("--address").arg(base.join("run/containerd.sock")).args(["--namespace", namespace]).args(arguments);
    let output = ctr.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
