//! Nights with real daemons: cells that work, and cells that were made to fail, to hang, to die and to leave things behind.

use super::releases::{HANGS, Mirror};
use crate::machine;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tests::{ReleaseServer, TestContext, Xtask, real};
use xtask::poll::{self, Look};
use xtask::result::{self, CellResult, State, StepState};
use xtask::workspace::Workspace;

/// What became of the cells, by their version of containerd.
fn results(folder: PathBuf) -> BTreeMap<String, CellResult> {
    let files = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    let read = |path: PathBuf| result::parse(&fs::read_to_string(&path).unwrap(), &path.display().to_string()).unwrap();
    files.map(read).map(|result| (format!("{} {}", result.cell.buildkit, result.cell.containerd), result)).collect()
}

fn in_default(context: &TestContext) -> BTreeMap<String, CellResult> {
    let real = real::programs(context.program());
    let results = results(context.base_dir().join("night/results"));
    let of_newest = format!("{} ", real.buildkit);
    results.into_iter().map(|(name, result)| (name.trim_start_matches(&of_newest).to_owned(), result)).collect()
}

fn states(result: &CellResult) -> Vec<(&str, &str)> {
    result.steps.iter().map(|step| (step.name.as_str(), step.state.name())).collect()
}

#[track_caller]
fn nothing_is_left(context: &TestContext) {
    let folders = fs::read_dir(context.base_dir().join("night")).unwrap().flatten();
    let left: Vec<_> = folders.filter(|entry| entry.file_name().to_string_lossy().starts_with("cell-")).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(context.strays(), Vec::<String>::new());
}

#[test]
fn two_of_each_run_apart_out_of_one_download_each() {
    let context = machine();
    let real = real::programs(context.program());
    let server = ReleaseServer::start();
    for file in fs::read_dir(&real.mirror).unwrap().flatten() {
        server.mirror_file(file.file_name().to_str().unwrap(), fs::read(file.path()).unwrap());
    }
    let older = real.older_buildkit.as_ref().unwrap();
    let containerds = format!("{},{}", real.older_containerd(), real.containerd());
    let buildkits = format!("{older},{}", real.buildkit);
    let night = |arguments: &[&str]| {
        let line = [&["night", "--containerd", &containerds, "--buildkit", &buildkits], arguments].concat();
        context.xtask(line).env("BUILDKIT_WINDOWS_SOURCE", server.mirror_url()).timeout(Duration::from_secs(300)).run()
    };
    let done = night(&["--jobs", "2"]).success();
    assert_eq!(done.stdout.lines().filter(|line| line.starts_with("done ")).count(), 4, "{done}");
    let cells = results(context.base_dir().join("night/results"));
    for buildkit in [older, &real.buildkit] {
        for containerd in &real.containerds {
            let cell = &cells[&format!("{buildkit} {containerd}")];
            let version =
                |name: &str| cell.versions.iter().find(|(of, _)| of.name() == name).unwrap().1.version.clone();
            assert_eq!((&version("buildkit"), &version("containerd")), (buildkit, containerd));
            let steps =
                [("up", "done"), ("build-sample", "done"), ("samples", "done"), ("down", "done"), ("clean", "done")];
            assert_eq!(states(cell), steps, "{cell:#?}");
            assert_eq!((cell.state, cell.exit.as_ref().unwrap().code), (State::Ended, 0));
            let names: Vec<_> = cell.samples.iter().map(|sample| sample.name.as_str()).collect();
            assert!(names[0] == "hello" && names.contains(&"heredocs") && names.contains(&"cache-mount"), "{names:?}");
            let newly = ["newly broken", "newly fixed"];
            assert!(cell.samples.iter().all(|sample| !newly.contains(&sample.verdict.name())), "{cell:#?}");
            assert_eq!(cell.left_behind, Vec::<String>::new());
            for log in &cell.logs {
                assert!(context.base_dir().join("night/results").join(log).exists(), "{log}");
            }
        }
    }
    // Every archive was fetched for all cells together.
    let fetched = || {
        let requests = server.requests_for(".tar.gz").into_iter();
        requests.filter(|request| request.path.ends_with(".tar.gz") && request.status == 200).count()
    };
    assert_eq!(fetched(), 4, "{:#?}", server.requests());
    nothing_is_left(&context);
    // The next night's results take the place of these.
    let cell = r#"[{"runner":"local","platform":"linux-amd64","buildkit":"BUILDKIT","containerd":"latest"}]"#;
    context.write("cells.json", cell.replace("BUILDKIT", older));
    let again = context
        .xtask(["night", "--samples", "heredocs", "--cells", "cells.json"])
        .env("BUILDKIT_WINDOWS_SOURCE", server.mirror_url());
    again.run().success();
    let of_one = results(context.base_dir().join("night/results"));
    let samples: Vec<_> = of_one.values().flat_map(|cell| &cell.samples).map(|sample| sample.name.as_str()).collect();
    assert_eq!((of_one.len(), samples), (1, vec!["hello", "heredocs"]));
    assert_eq!(results(context.base_dir().join("night/previous")), cells);
    assert_eq!(fetched(), 4, "the cache has them");
}

/// Cells with the newest BuildKit and these versions of containerd, on stdin; only hello is tried.
fn night(context: &TestContext, containerds: &[&str], arguments: &[&str]) -> Xtask {
    night_of(context, "none", containerds, arguments)
}

/// The same with some samples.
fn night_of(context: &TestContext, samples: &str, containerds: &[&str], arguments: &[&str]) -> Xtask {
    let buildkit = &real::programs(context.program()).buildkit;
    let cell = |containerd: &&str| {
        serde_json::json!({
            "runner": "local", "platform": xtask::platform::Platform::host().unwrap(),
            "buildkit": buildkit, "containerd": containerd,
        })
    };
    let cells: Vec<_> = containerds.iter().map(cell).collect();
    let line = [&["night", "--samples", samples, "--cells", "-"], arguments].concat();
    let xtask = context.xtask(line).env("BUILDKIT_WINDOWS_SOURCE", context.root().join("mirror"));
    xtask.stdin(&serde_json::json!({ "include": cells }).to_string()).timeout(Duration::from_secs(300))
}

/// Leaves a process that nobody is the parent of and a mount, and kills the harness.
const LEAVES: &str = "cd \"$BUILDKIT_WINDOWS_APART\" && mkdir held && mount -t tmpfs none held && mkfifo g\n\
    (setsid sh -c 'exec 3<>g; cd /; exec cat <&3' >/dev/null 2>&1 &)\n\
    kill -9 $PPID";

#[test]
fn what_becomes_of_one_cell_does_not_touch_the_next() {
    let context = machine();
    let mirror = Mirror::new(&context);
    mirror.offer("2.9.0", &mirror.scripted(LEAVES));
    mirror.offer("2.9.2", &mirror.faulty());
    mirror.offer("2.9.3", &mirror.whole);
    let ended = night(&context, &["2.9.0", "2.9.2", "2.9.3"], &["--keep-going"]).run().exited(1);
    assert!(ended.stderr.contains("error: of 3 cells, 1 failed, 1 with failed ground"), "{ended}");
    let cells = in_default(&context);
    let ending = [("down", "done"), ("clean", "done")];
    let came = |version: &str| {
        let cell = &cells[version];
        let states = states(cell);
        assert_eq!(states[states.len() - 2..], ending, "{version}: {cell:#?}");
        let failed = cell.steps.iter().find(|step| step.state != StepState::Done);
        let why = failed.and_then(|step| step.failure.as_ref()).map(|why| why.message.clone()).unwrap_or_default();
        let failed = failed.map(|step| format!("{} {}", step.name, step.state.name())).unwrap_or_default();
        (cell.exit.as_ref().unwrap().class.clone(), failed, why)
    };
    let (class, failed, why) = came("2.9.0");
    assert_eq!((class.as_str(), failed.as_str()), ("ground", "up killed"));
    assert!(why.contains("signal: 9"), "{why}");
    let left = &cells["2.9.0"].left_behind;
    assert!(left.iter().any(|what| what.starts_with("process `") && what.contains("cat")), "{left:?}");
    assert!(left.iter().any(|what| what.starts_with("mount `") && what.contains("/held")), "{left:?}");
    assert!(ended.stderr.contains("has left behind: mount"), "{ended}");
    let (class, failed, why) = came("2.9.2");
    assert_eq!((class.as_str(), failed.as_str()), ("failed", "build-sample failed"));
    assert!(why.contains("made to fail"), "{why}");
    assert_eq!(cells["2.9.2"].samples[0].verdict.name(), "newly broken");
    assert_eq!(came("2.9.3").0, "done");
    nothing_is_left(&context);
    // Without being told to, a night doesn't go on.
    let stopped = night(&context, &["2.9.2", "2.9.3"], &["--out", "mine"]).run().exited(1);
    assert!(stopped.stderr.contains("of 2 cells, 1 failed, 1 not begun"), "{stopped}");
    let refused = night(&context, &["2.9.3"], &["--out", "mine"]).run().exited(2);
    assert!(refused.stderr.contains("holds results already"), "{refused}");
    assert_eq!(results(context.root().join("mine")).len(), 1);
}

#[test]
fn a_cell_that_hangs_is_ended_when_its_time_is_up() {
    let context = machine();
    let mirror = Mirror::new(&context);
    mirror.offer("2.9.1", &mirror.scripted(HANGS));
    // In a night of its own, because how much others do in that time depends on the machine.
    let ended = night(&context, &["2.9.1"], &["--timeout", "10s"]).run().exited(3);
    assert!(ended.stderr.contains("error: of 1 cell, 1 with failed ground"), "{ended}");
    let cell = &in_default(&context)["2.9.1"];
    assert_eq!(states(cell), [("up", "timed out"), ("down", "done"), ("clean", "done")]);
    assert_eq!(cell.exit.as_ref().unwrap().class, "ground");
    let why = &cell.steps[0].failure.as_ref().unwrap().message;
    assert_eq!(why, "the cell took longer than 10s, so it was ended");
    nothing_is_left(&context);
}

/// Leaves a process and a control group, as a container has it, and has nobody write the cell's log any more; then it kills the
/// harness, so that nobody is left to tidy up but the night itself.
const SPOILS_THE_LOG: &str = "cd \"$BUILDKIT_WINDOWS_APART\" && mkfifo g\n\
    (setsid sh -c 'exec 3<>g; cd /; exec cat <&3' >/dev/null 2>&1 &)\n\
    id=$(printf %s \"$BUILDKIT_WINDOWS_APART\" | sha256sum | cut -c1-12)\n\
    top=/sys/fs/cgroup; [ -e $top/cgroup.procs ] || top=$top/pids\n\
    mkdir -p \"$top/buildkit-windows-$id/container\" && touch ../grouped\n\
    for log in ../results/*-2.9.4.log; do rm \"$log\" && mkdir \"$log\"; done; kill -9 $PPID";

/// Leaves what can't be deleted.
const STAYS: &str = "cd \"$BUILDKIT_WINDOWS_APART\" && mkdir -p held && touch held/fast && chattr +i held/fast; exit 1";

#[test]
fn what_can_not_be_written_or_deleted_keeps_no_cell_from_being_cleaned() {
    let context = machine();
    let mirror = Mirror::new(&context);
    mirror.offer("2.9.3", &mirror.whole);
    mirror.offer("2.9.4", &mirror.scripted(SPOILS_THE_LOG));
    mirror.offer("2.9.5", &mirror.scripted(STAYS));
    let ended = night(&context, &["2.9.4", "2.9.5", "2.9.3"], &["--keep-going"]).run().exited(3);
    let fast = context.base_dir().join("night/cell-2/held/fast");
    let freed = std::process::Command::new("chattr").arg("-i").arg(&fast).status().unwrap();
    assert!(freed.success() && fast.exists(), "{ended}");
    assert!(ended.stderr.contains("error: of 3 cells, 2 with failed ground"), "{ended}");
    assert_eq!(ended.stdout.lines().count(), 3, "{ended}");
    let cells = in_default(&context);
    let states_of = |version: &str| states(&cells[version]);
    assert_eq!(states_of("2.9.4"), [("up", "killed"), ("down", "failed"), ("clean", "done")], "{ended}");
    let left = &cells["2.9.4"].left_behind;
    let cell = Workspace::new(context.base_dir().join("night/cell-1"), xtask::platform::Platform::host().unwrap());
    let groups = ["/sys/fs/cgroup", "/sys/fs/cgroup/pids"].map(|top| Path::new(top).join(cell.cgroup_parent()));
    assert!(
        context.base_dir().join("night/grouped").exists() && !groups.iter().any(|group| group.exists()),
        "{groups:?}"
    );
    assert!(left[0].starts_with("`clean` could not be run: failed to write `"), "{left:?}");
    assert!(left.iter().any(|what| what.starts_with("process `") && what.contains("cat")), "{left:?}");
    assert_eq!(states_of("2.9.5"), [("up", "failed"), ("down", "done"), ("clean", "failed")], "{ended}");
    let left = &cells["2.9.5"].left_behind;
    assert!(left.iter().any(|what| what.contains("cell-2`, which stays: failed to delete")), "{left:?}");
    let why = cells["2.9.5"].steps[2].failure.as_ref().unwrap();
    assert!(why.message.starts_with("failed to delete `"), "{why:?}");
    assert_eq!(cells["2.9.3"].exit.as_ref().unwrap().class, "done", "{ended}");
    assert_eq!(context.strays(), Vec::<String>::new());
    // What stayed is gone with the next night, which a result that can't be written ends.
    let unwritable =
        "for file in \"$BUILDKIT_WINDOWS_APART\"/../results/*.json; do rm \"$file\" && mkdir \"$file\"; done; exit 1";
    mirror.offer("2.9.6", &mirror.scripted(unwritable));
    let ended = night(&context, &["2.9.6", "2.9.3"], &["--keep-going"]).run().exited(3);
    assert!(ended.stderr.contains("error: of 2 cells, 1 without a result, 1 not begun: failed to write"), "{ended}");
    nothing_is_left(&context);
}

#[test]
fn samples_that_had_ended_are_known_when_another_is_ended() {
    let context = machine();
    let mirror = Mirror::new(&context);
    mirror.offer("2.9.3", &mirror.whole);
    let sample = |name: &str, run: &str| {
        let toml = "title = \"T\"\nshows = \"S\"\nlinux.expect = \"works\"\nwindows.expect = \"works\"\n";
        context.write(format!("{name}/sample.toml"), toml);
        context.write(format!("{name}/common/expected.txt"), "right\n");
        let dockerfile = format!("FROM base\nRUN {run}\nCMD [\"/bin/sh\", \"-c\", \"echo right\"]\n");
        context.write(format!("{name}/linux/Dockerfile"), dockerfile);
        context.root().join(name).display().to_string()
    };
    let samples = [sample("ends", "true"), sample("hangs", "sh -c 'kill -STOP $$' && true")].join(",");
    let running = night_of(&context, &samples, &["2.9.3"], &[]).spawn();
    let told = || {
        let files = fs::read_dir(context.base_dir().join("night/results")).into_iter().flatten().flatten();
        let printed = files.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|of| of == "out"));
        printed.filter_map(|path| fs::read_to_string(path).ok()).collect::<String>()
    };
    let look = || {
        let told = told();
        let is_there =
            told.contains("{\"ended\":{\"name\":\"ends\"") && told.contains("{\"began\":{\"name\":\"hangs\"");
        Ok(if is_there { Look::Ready(()) } else { Look::NotYet(told) })
    };
    poll::until(Duration::from_secs(120), look, xtask::error::Error::ground).unwrap();
    running.interrupt();
    let ended = running.wait().exited(3);
    let cell = &in_default(&context)["2.9.3"];
    assert_eq!(states(cell)[2..], [("samples", "killed"), ("down", "done"), ("clean", "done")], "{ended}");
    let known: Vec<_> = cell
        .samples
        .iter()
        .map(|sample| (sample.name.as_str(), sample.verdict.name(), sample.reason.as_deref()))
        .collect();
    let reason = Some("it was being tried: it was interrupted");
    let expected = [("hello", "as expected", None), ("ends", "as expected", None), ("hangs", "skipped", reason)];
    assert_eq!(known, expected, "{ended}");
    nothing_is_left(&context);
}

#[test]
fn a_night_that_can_not_begin_leaves_the_results_of_the_last_ones() {
    let context = machine();
    Mirror::new(&context);
    let night_folder = context.base_dir().join("night");
    for of in ["results", "previous"] {
        fs::create_dir_all(night_folder.join(of)).unwrap();
        fs::write(night_folder.join(of).join("a.json"), of).unwrap();
    }
    let refused = night_of(&context, "nosuch", &["2.9.3"], &[]).run().exited(2);
    assert!(refused.stderr.contains("error: `nosuch` is no sample, nor a folder"), "{refused}");
    for of in ["results", "previous"] {
        assert_eq!(fs::read_to_string(night_folder.join(of).join("a.json")).unwrap(), of);
    }
    // Where its results can't lie is told when all else has been looked at, and has a cure of its own.
    let context = machine();
    Mirror::new(&context);
    let file = context.write("file", "").display().to_string();
    for out in [file.clone(), format!("{file}/folder")] {
        let refused = night(&context, &["2.9.3"], &["--out", &out]).run();
        assert_eq!(refused.code, if out == file { 2 } else { 3 }, "{refused}");
        assert!(refused.stderr.ends_with("\n\nhint: give another folder with `--out DIR`\n"), "{refused}");
    }
}

/// Runs a night until its second cell hangs.
fn hanging(context: &TestContext) -> tests::Running {
    let mirror = Mirror::new(context);
    mirror.offer("2.9.1", &mirror.scripted(HANGS));
    mirror.offer("2.9.3", &mirror.whole);
    let mut running = night(context, &["2.9.3", "2.9.1", "2.9.1-rc.1"], &["--keep-going"]).spawn();
    running.wait_for_output("Cell 2 of 3");
    let fifo = context.base_dir().join("night/cell-2/f");
    let look = || Ok(if fifo.exists() { Look::Ready(()) } else { Look::NotYet(String::new()) });
    poll::until(Duration::from_secs(60), look, xtask::error::Error::ground).unwrap();
    running
}

#[test]
fn an_interrupted_night_cleans_up_and_keeps_what_it_has() {
    let context = machine();
    let running = hanging(&context);
    running.interrupt();
    let ended = running.wait().exited(3);
    assert!(ended.stderr.contains("the night was interrupted: of 3 cells, 1 with failed ground, 1 not begun"));
    let cells = in_default(&context);
    assert_eq!(cells.len(), 2);
    assert_eq!(cells["2.9.3"].exit.as_ref().unwrap().class, "done");
    assert_eq!(states(&cells["2.9.1"]), [("up", "killed"), ("down", "done"), ("clean", "done")]);
    nothing_is_left(&context);
}

#[test]
fn a_killed_night_tells_where_it_died_and_the_next_one_clears_up() {
    let context = machine();
    let mut running = hanging(&context);
    // The step that hangs goes on, and with it the cell's lock is held.
    running.kill_alone();
    let died = &in_default(&context)["2.9.1"];
    assert_eq!((died.state, died.running().unwrap().name.as_str()), (State::Running, "up"));
    let next = night(&context, &["2.9.3"], &[]).run().success();
    assert!(next.stderr.contains("night/cell-2` away, which an earlier night has left"), "{next}");
    assert!(!context.base_dir().join("night/earlier.log").exists());
    nothing_is_left(&context);
}
