//! Bisections with real daemons, over releases that were made to fail.

use super::releases::{HANGS, Mirror};
use crate::machine;
use std::fs;
use std::process::Command;
use std::time::Duration;
use tests::filters::bind;
use tests::{Outcome, TestContext, Xtask, git, insta, real};
use xtask::component::Component;
use xtask::poll::{self, Look};

/// A mirror with eight versions of containerd, 2.9.0 to 2.9.7: from `broken` on no container of theirs comes to run, and the
/// `dead` ones don't even start.
fn mirror(context: &TestContext, broken: u64, dead: &[u64]) {
    let mirror = Mirror::new(context);
    let (faulty, corpse) = (mirror.faulty(), mirror.scripted("exit 1"));
    for patch in 0..8 {
        let from = match patch {
            patch if dead.contains(&patch) => &corpse,
            patch if patch >= broken => &faulty,
            _ => &mirror.whole,
        };
        mirror.offer(&format!("2.9.{patch}"), from);
    }
}

fn bisect(context: &TestContext, arguments: &[&str]) -> Xtask {
    context.xtask([&["bisect"], arguments].concat()).env("BUILDKIT_WINDOWS_SOURCE", context.root().join("mirror"))
}

const ALL: [&str; 6] = ["--component", "containerd", "--good", "2.9.0", "--bad", "latest"];

/// Every step has cleaned up after itself.
#[track_caller]
fn nothing_is_left(context: &TestContext) {
    let folders = fs::read_dir(context.base_dir().join("bisect")).unwrap().flatten();
    let left: Vec<_> = folders.filter(|entry| entry.path().is_dir()).collect();
    assert!(left.is_empty(), "{left:?}");
}

fn log(outcome: &Outcome) -> Vec<&str> {
    outcome.stdout.lines().collect()
}

#[test]
fn the_release_that_broke_the_sample_is_found_past_one_that_does_not_start() {
    let context = machine();
    mirror(&context, 3, &[4]);
    let found = bisect(&context, &ALL).run().success();
    let _filters = bind(&context);
    let shown = found.stdout.replace(&real::programs(context.program()).buildkit, "[BUILDKIT]");
    insta::assert_snapshot!(shown, @"
    # bisect containerd: 8 versions, good is 2.9.0, bad is latest
    # judged by the hello sample
    # with buildkit [BUILDKIT] and runc latest, on linux-amd64
    good 2.9.0
    bad 2.9.7 # failed to build `docker.io/library/buildkit-sample:latest` (exit code 1): failed…e successfully: failed to start shim: start failed: made to fail: exit status 1
    skip 2.9.4 # `[BASE]/bisect/2.9.4/containerd/installed/bin/containerd config default` failed with exit code 1: made to fail
    good 2.9.2
    bad 2.9.3 # failed to build `docker.io/library/buildkit-sample:latest` (exit code 1): failed…e successfully: failed to start shim: start failed: made to fail: exit status 1
    # first bad version: 2.9.3
    # last good version: 2.9.2
    # https://github.com/containerd/containerd/compare/v2.9.2...v2.9.3
    ");
    nothing_is_left(&context);
    let kept = fs::read_to_string(context.base_dir().join("bisect/log")).unwrap();
    assert_eq!(kept, found.stdout);
}

#[test]
fn those_beside_it_that_do_not_start_leave_it_open() {
    let context = machine();
    mirror(&context, 5, &[4, 5]);
    let found = bisect(&context, &ALL).run().exited(3);
    let end: Vec<_> = log(&found).into_iter().skip_while(|line| !line.starts_with("# the first bad")).collect();
    assert_eq!(
        end,
        [
            "# the first bad one is one of these, and all but the last could not be tried:",
            "#   2.9.4",
            "#   2.9.5",
            "#   2.9.6",
            "# last good: 2.9.3",
            "# https://github.com/containerd/containerd/compare/v2.9.3...v2.9.6",
        ]
    );
    assert!(found.stderr.contains("`cargo xtask bisect --resume` tries only those again"), "{found}");
    // All else is known, and the end is the same as long as these don't start.
    let again = bisect(&context, &["--resume"]).run().exited(3);
    let mut tried: Vec<_> = again.stderr.lines().filter(|line| line.contains("Trying")).collect();
    tried.sort_unstable();
    assert!(tried.len() == 2 && tried[0].contains("2.9.4") && tried[1].contains("2.9.5"), "{again}");
    assert!(again.stdout.ends_with(&(end.join("\n") + "\n")), "{again}");
    nothing_is_left(&context);
}

#[test]
fn ends_are_tried_before_they_are_believed() {
    let context = machine();
    mirror(&context, 1, &[7]);
    let refused = |good: &str, bad: &str| {
        bisect(&context, &["-q", "--component", "containerd", "--good", good, "--bad", bad]).run().exited(2)
    };
    assert!(refused("2.9.1", "2.9.2").stderr.contains("`--good 2.9.1` is bad"));
    let context = machine();
    mirror(&context, 9, &[7]);
    let line = ["-q", "--component", "containerd", "--good", "2.9.0", "--bad"];
    let unknown = bisect(&context, &[&line[..], &["2.9.7"]].concat()).run().exited(3);
    assert!(unknown.stderr.contains("`--bad 2.9.7` could not be tried"), "{unknown}");
    assert!(unknown.stderr.contains("`cargo xtask bisect --resume` tries it again"), "{unknown}");
    // What is known of the other end is kept, and only this one is tried again.
    let again = bisect(&context, &["--resume"]).run().exited(3);
    let tried: Vec<_> = again.stderr.lines().filter(|line| line.contains("Trying")).collect();
    assert!(tried.len() == 1 && tried[0].contains("2.9.7"), "{again}");
    assert_eq!(log(&again)[3], "good 2.9.0");
    let kept = || fs::read_to_string(context.base_dir().join("bisect/log")).unwrap();
    assert_eq!(kept(), again.stdout);
    let good = bisect(&context, &[&line[..], &["2.9.1", "--afresh"]].concat()).run().exited(2);
    assert!(good.stderr.contains("`--bad 2.9.1` is good"), "{good}");
    assert_eq!(kept(), good.stdout);
    assert!(good.stdout.ends_with("good 2.9.1\n# `--bad 2.9.1` is good\n"), "{good}");
    bisect(&context, &["--resume"]).run().exited(2);
    nothing_is_left(&context);
}

/// What a command sees of a step, as a script.
fn script(context: &TestContext, text: &str) -> String {
    context.write_program("judge", format!("#!/bin/sh\n{text}")).display().to_string()
}

#[test]
fn a_command_decides_with_both_daemons_up() {
    let context = machine();
    mirror(&context, 9, &[]);
    // It asks both daemons before it fails from 2.9.3 on, and can't tell of 2.9.2. Of the first it also builds the sample.
    let harness = format!("{} build-sample --json --client buildctl", context.program().display());
    let judge = script(
        &context,
        &format!(
            "[ -z \"$GH_TOKEN$GITHUB_TOKEN\" ] || exit 126\n\
             buildctl debug workers >&2 && ctr version >&2 || exit 126\n\
             case $BUILDKIT_WINDOWS_BASE_DIR in *.0) {harness} >{root}/nested.json && env >{root}/nested.env || exit 126;; esac\n\
             case $BUILDKIT_WINDOWS_BASE_DIR in *.[01]) exit 0;; *.2) exit 125;; *) exit 7;; esac\n",
            root = context.root().display()
        ),
    );
    let bisection = bisect(&context, &[&ALL[..], &["--", &judge]].concat()).env("CI", "true");
    let bisection = bisection.env("BUILDKIT_WINDOWS_CONTAINERD", "latest").env("BUILDKIT_WINDOWS_HEAL", "yes");
    let found = bisection.env("GH_TOKEN", "pl4nted").env("GITHUB_TOKEN", "pl4nted").run().exited(3);
    let lines = log(&found);
    assert!(lines.contains(&"good 2.9.0") && lines.contains(&"skip 2.9.2 # the command ended with exit code 125"));
    assert!(lines.contains(&"bad 2.9.7 # the command ended with exit code 7"), "{found}");
    assert!(lines.contains(&"# last good: 2.9.1"), "{found}");
    let told = fs::read_to_string(context.base_dir().join("bisect/2.9.0.log")).unwrap();
    assert!(told.contains("PLATFORMS") && told.contains("Server:"), "{told}");
    // What it builds with is what is judged, whatever was asked for beside that.
    let nested: serde_json::Value =
        serde_json::from_slice(&fs::read(context.root().join("nested.json")).unwrap()).unwrap();
    assert_eq!(nested["versions"]["containerd"], "2.9.0", "{nested}");
    let environment = fs::read_to_string(context.root().join("nested.env")).unwrap();
    assert!(environment.lines().any(|line| line == "BUILDKIT_WINDOWS_HEAL=no"), "{environment}");
    // Only what it could not tell of is tried again, and it can't when the command is gone.
    fs::remove_file(&judge).unwrap();
    let unrunnable = bisect(&context, &["--resume"]).run().exited(2);
    assert!(
        unrunnable.stderr.contains(&format!("error: the command `{judge}` can't be run: No such file")),
        "{unrunnable}"
    );
    let tried: Vec<_> = unrunnable.stderr.lines().filter(|line| line.contains("Trying")).collect();
    assert!(tried.len() == 1 && tried[0].contains("2.9.2"), "{unrunnable}");
    nothing_is_left(&context);
}

#[test]
fn a_killed_one_is_cleared_away_by_the_next_whatever_that_tries() {
    let context = machine();
    let mirror = Mirror::new(&context);
    mirror.offer("2.9.0", &mirror.scripted(HANGS));
    for version in ["2.9.1", "2.9.2"] {
        mirror.offer(version, &mirror.scripted("exit 1"));
    }
    let between = |good, bad| ["--component", "containerd", "--good", good, "--bad", bad, "--sample", "label"];
    let running = bisect(&context, &between("2.9.0", "2.9.2")).spawn();
    let fifo = context.base_dir().join("bisect/2.9.0/f");
    let look = || Ok(if fifo.exists() { Look::Ready(()) } else { Look::NotYet(String::new()) });
    poll::until(Duration::from_secs(60), look, xtask::error::Error::ground).unwrap();
    let killed = running.kill();
    assert!(killed.was_killed(), "{killed}");
    // Beside it lies what has the name of a sample: as in `build-sample`, the sample is meant.
    context.write("label/Dockerfile", "FROM base\n");
    let next = bisect(&context, &between("2.9.1", "2.9.2")).run().exited(3);
    assert!(next.stderr.contains("bisect/2.9.0` away, which an earlier bisection has left"), "{next}");
    assert_eq!(log(&next)[1], "# judged by the sample `label`");
    nothing_is_left(&context);
}

#[test]
fn an_interrupted_one_goes_on_where_it_was() {
    let context = machine();
    mirror(&context, 9, &[]);
    // The third one to be tried never ends, until there is a file.
    let judge = script(
        &context,
        &format!(
            "case $BUILDKIT_WINDOWS_BASE_DIR in\n*.0) exit 0;;\n*.7) exit 1;;\nesac\n\
             if [ -e {root}/go ]; then exit 1; fi\n\
             mkfifo {root}/fifo; exec 3<>{root}/fifo; echo waiting >{root}/waits; read -r _ <&3\n",
            root = context.root().display()
        ),
    );
    let mut running = bisect(&context, &[&ALL[..], &["--", &judge]].concat()).spawn();
    running.wait_for_output("bad 2.9.7");
    let waits = || context.root().join("waits").exists().then_some(()).ok_or(());
    let look = || Ok(waits().map_or_else(|()| Look::NotYet(String::new()), Look::Ready));
    poll::until(Duration::from_secs(60), look, xtask::error::Error::ground).unwrap();
    running.interrupt();
    let interrupted = running.wait().exited(3);
    assert!(interrupted.stderr.contains("`cargo xtask bisect --resume` goes on with it"), "{interrupted}");
    let kept = fs::read_to_string(context.base_dir().join("bisect/log")).unwrap();
    assert!(
        kept.ends_with("bad 2.9.7 # the command ended with exit code 1\n# the bisection was interrupted\n"),
        "{kept}"
    );
    nothing_is_left(&context);
    assert_eq!(context.strays(), Vec::<String>::new());
    // Another one would lose what this one has found out.
    let other = bisect(&context, &ALL).run().exited(2);
    assert!(other.stderr.contains("has not ended, with 2 tried"), "{other}");
    // Nor does it go on with something else than it was begun with.
    let elsewhere = bisect(&context, &["--resume", "--runc", "1.2.3", "--offline"]).run().exited(2);
    let why = "was begun with no `--offline` and `--runc latest`, and now there is `--offline` and `--runc 1.2.3`";
    assert!(elsewhere.stderr.contains(why), "{elsewhere}");
    context.write("go", "");
    let resumed = bisect(&context, &["--resume"]).run().success();
    let tried = resumed.stderr.lines().filter(|line| line.contains("Trying")).count();
    assert_eq!(tried, 3, "both ends are known: {resumed}");
    let lines = log(&resumed);
    assert_eq!(lines[3], "good 2.9.0");
    assert!(lines.contains(&"# first bad version: 2.9.1"), "{resumed}");
    // It has ended.
    bisect(&context, &["--resume"]).run().exited(2);
}

/// A real change between two real releases: containerd 2.4 has no `enable_cdi` any more, which 2.3 had.
#[test]
fn a_setting_that_a_release_no_longer_has_is_found() {
    let context = machine();
    let real = real::programs(context.program());
    let (good, bad) = (real.older_containerd(), real.containerd());
    let line = ["bisect", "--component", "containerd", "--good", good, "--bad", bad, "--", "sh", "-c"];
    let judge = "containerd config default | grep enable_cdi >&2";
    let found = crate::run(&context, &[&line[..], &[judge]].concat()).success();
    let end: Vec<_> = log(&found).into_iter().skip(3).collect();
    assert_eq!(
        end,
        [
            &format!("good {good}"),
            &format!("bad {bad} # the command ended with exit code 1"),
            &format!("# first bad version: {bad}"),
            &format!("# last good version: {good}"),
            &format!("# https://github.com/containerd/containerd/compare/v{good}...v{bad}"),
        ]
    );
    let told = fs::read_to_string(context.base_dir().join(format!("bisect/{good}.log"))).unwrap();
    assert!(told.contains("enable_cdi = true"), "{told}");
}

/// containerd's source as Go keeps it, as a clone with three commits: from the second on `ctr plugins` fails, and the third
/// changes nothing that is built.
#[test]
fn the_commit_that_broke_it_is_found_in_a_clone() {
    let context = machine().keep_proxies();
    let clone = context.root().join("clone");
    let module =
        format!("{}@v{}", Component::Containerd.go_modules()[0], real::programs(context.program()).containerd());
    let download = Command::new("go").args(["mod", "download", "-json", &module]).output().unwrap();
    let download: serde_json::Value = serde_json::from_slice(&download.stdout).unwrap();
    let from = download["Dir"].as_str().unwrap();
    let copied = Command::new("cp").args(["-r", "--no-preserve=mode", from]).arg(&clone).status();
    assert!(copied.unwrap().success());
    let commit = |subject: &str| {
        git(&clone, &["add", "--all", "--force"]);
        git(&clone, &["commit", "-q", "-m", subject]);
        git(&clone, &["rev-parse", "HEAD"])
    };
    git(&clone, &["init", "-q", "-b", "main"]);
    let whole = commit("Begin");
    let fault =
        "package main\n\nimport \"os\"\n\nfunc init() {\n\tif os.Args[1] == \"plugins\" {\n\t\tos.Exit(7)\n\t}\n}\n";
    context.write("clone/cmd/ctr/fault.go", fault);
    let broken = commit("Break ctr");
    context.write("clone/NOTES", "none\n");
    commit("Add notes");
    let clone_folder = clone.display().to_string();
    let refs = ["bisect", "--component", "containerd", "--refs", "--checkout", &clone_folder];
    let bisect = |more: &[&str]| {
        let ends = ["--good", &whole, "--bad", "main"];
        crate::run(&context, &[&refs[..], &ends, more].concat()).success()
    };
    assert_eq!(log(&bisect(&["--list"])).len(), 3);
    // As a bisection of another clone leaves it that was killed.
    context.write(context.base_dir().join("bisect/source/.git/HEAD"), "ref: refs/heads/main\n");
    let found = bisect(&["--", "ctr", "plugins", "ls"]);
    let lines = log(&found);
    assert!(lines.contains(&format!("bad {broken} # the command ended with exit code 7").as_str()), "{found}");
    assert!(lines.contains(&format!("# first bad commit: {broken} Break ctr").as_str()), "{found}");
    assert!(lines.contains(&format!("# last good commit: {whole} Begin").as_str()), "{found}");
    let link = format!("# https://github.com/containerd/containerd/compare/{whole}...{broken} (if both are pushed)");
    assert_eq!(lines.last(), Some(&link.as_str()), "{found}");
    // The clone is as it was, and its copy is gone.
    assert_eq!(git(&clone, &["status", "--porcelain"]), "");
    assert_eq!(git(&clone, &["rev-parse", "--abbrev-ref", "HEAD"]), "main");
    nothing_is_left(&context);
}
