//! What makes no sense, or can't work here: one clear sentence, a hint, the right exit code, and nothing changed.
//!
//! What is wrong with releases and archives is in `resolve.rs` and `fetch.rs`.

use super::resolve::{PLATFORM, asset_name, done, release, run, server};
use std::fs;
use std::process::Command;
use tests::filters::bind;
use tests::{Outcome, ReleaseServer, TestContext, assert_outcome, context, insta, tar_gz};
use xtask::component::Component::Containerd;
use xtask::platform::Platform;

/// What was typed and what came of it, a paragraph each; this host's platform has a name of its own.
struct Transcript(String);

impl Transcript {
    fn new() -> Self {
        Self(String::new())
    }

    fn add(&mut self, typed: &[&str], outcome: &Outcome) {
        let host = format!("this {} host", Platform::host().unwrap());
        self.0 +=
            &format!("$ cargo xtask {}\n{}\n", typed.join(" "), outcome.render().replace(&host, "this [HOST] host"));
    }

    /// Runs each line, all of which must end with the same code and leave the workspace as it was.
    fn of(context: &TestContext, code: i32, lines: &[&[&str]]) -> Self {
        let before = unlocked(context);
        let mut transcript = Self::new();
        for line in lines {
            let outcome = context.xtask(*line).run().exited(code);
            transcript.add(line, &outcome);
            assert_eq!(unlocked(context), before, "{line:?}");
        }
        transcript
    }
}

/// The workspace but for what marks it as one, and its lock, which every command takes that might change something.
fn unlocked(context: &TestContext) -> Vec<String> {
    context.tree().into_iter().filter(|line| !line.starts_with("lock") && !line.starts_with("CACHEDIR.TAG ")).collect()
}

/// Whether the daemons could be started here, as far as rights go.
fn has_rights() -> bool {
    xtask::os::check_rights().is_ok()
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    let context = context!();
    let lines: &[&[&str]] = &[
        &[],
        &["start"],
        &["resolve", "--containerd", "no spec!"],
        &["resolve", "--buildkit", ""],
        &["resolve", "--runc", "a..b"],
        &["resolve", "--platform", "plan9-amd64"],
        &["resolve", "--platform", "linux"],
        &["resolve", "--source", ""],
        &["resolve", "--source", "no such folder"],
        &["resolve", "--base-dir", ""],
        &["resolve", "--offline", "--quiet", "--verbose"],
        &["up", "--no-start", "--foreground"],
        &["build-sample", "--timeout", "soon"],
        &["logs", "runc"],
        &["logs", "--lines", "few"],
        &["completions", "tcsh"],
    ];
    let transcript = Transcript::of(&context, 2, lines);
    let _filters = bind(&context);
    insta::assert_snapshot!(transcript.0);
}

#[test]
#[cfg(unix)]
fn a_workspace_must_lie_where_the_daemons_can_mount_it() {
    let context = context!();
    let lines: &[&[&str]] =
        &[&["status", "--base-dir", "/a:b"], &["up", "--base-dir", "/a,b"], &["clean", "--base-dir", "/run/workspace"]];
    let transcript = Transcript::of(&context, 2, lines);
    let _filters = bind(&context);
    insta::assert_snapshot!(transcript.0, @"
    $ cargo xtask status --base-dir /a:b
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the workspace can't lie in `/a:b`: overlay mounts can't name a path with `:` in it

    hint: choose another folder with `--base-dir DIR`

    $ cargo xtask up --base-dir /a,b
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the workspace can't lie in `/a,b`: overlay mounts can't name a path with `,` in it

    hint: choose another folder with `--base-dir DIR`

    $ cargo xtask clean --base-dir /run/workspace
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the workspace can't lie in `/run/workspace`: the daemons get a `/run` of their own

    hint: choose a folder on a disk with `--base-dir DIR`
    ");
}

#[test]
fn programs_for_another_platform_are_not_run() {
    let context = context!();
    let other = if cfg!(windows) { "linux-amd64" } else { "windows-amd64" };
    let lines: &[&[&str]] = &[
        &["up", "--platform", other],
        &["build-sample", "--platform", other],
        &["reset", "--platform", other],
        &["config", "--platform", other],
        &["bench", "--platform", other],
    ];
    let transcript = Transcript::of(&context, 2, lines).0.replace(other, "[OTHER]");
    let _filters = bind(&context);
    insta::assert_snapshot!(transcript, @"
    $ cargo xtask up --platform [OTHER]
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: programs for [OTHER] can't be run on this [HOST] host

    hint: `cargo xtask resolve` and `cargo xtask up --no-start` work for other platforms too

    $ cargo xtask build-sample --platform [OTHER]
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: programs for [OTHER] can't be run on this [HOST] host

    hint: `cargo xtask resolve` and `cargo xtask up --no-start` work for other platforms too

    $ cargo xtask reset --platform [OTHER]
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: programs for [OTHER] can't be run on this [HOST] host

    hint: `cargo xtask resolve` and `cargo xtask up --no-start` work for other platforms too

    $ cargo xtask config --platform [OTHER]
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: programs for [OTHER] can't be run on this [HOST] host

    hint: `cargo xtask resolve` and `cargo xtask up --no-start` work for other platforms too

    $ cargo xtask bench --platform [OTHER]
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: programs for [OTHER] can't be run on this [HOST] host

    hint: `cargo xtask resolve` and `cargo xtask up --no-start` work for other platforms too
    ");
    assert!(!context.base_dir().exists());
}

#[test]
fn without_rights_nothing_is_even_asked_for() {
    let server = server();
    let context = context!().server(&server);
    let mut transcript = Transcript::new();
    for line in [&["up"], &["build-sample"], &["reset"]] {
        let outcome = context.unprivileged_xtask(line).run().exited(3);
        transcript.add(line, &outcome);
    }
    let _filters = bind(&context);
    insta::assert_snapshot!(transcript.0, @r#"
    $ cargo xtask up
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: containerd needs root on Linux, and this is another user

    hint: run it as root: `sudo env PATH="$PATH" cargo xtask …`

    $ cargo xtask build-sample
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: containerd needs root on Linux, and this is another user

    hint: run it as root: `sudo env PATH="$PATH" cargo xtask …`

    $ cargo xtask reset
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: containerd needs root on Linux, and this is another user

    hint: run it as root: `sudo env PATH="$PATH" cargo xtask …`
    "#);
    assert!(server.requests().is_empty());
    assert!(!context.base_dir().exists());
}

#[test]
#[cfg(unix)]
fn a_workspace_that_cannot_be_written_says_who_owns_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = server();
    let context = context!().server(&server).base_name("theirs/base");
    let theirs = context.root().join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o555)).unwrap();
    let outcome = context.unprivileged_xtask(["up", "--no-start", "--platform", PLATFORM]).run();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o755)).unwrap();
    assert_outcome!(outcome, @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: failed to create the workspace `[BASE]`: Permission denied (os error 13)

    hint: check who owns it, or put the workspace elsewhere with `--base-dir DIR`
    ");
    assert!(server.requests().is_empty());
}

#[test]
fn where_there_is_no_workspace_there_is_nothing_to_do() {
    let context = context!();
    let lines: &[&[&str]] = &[&["down"], &["clean"], &["clean", "--dry-run"], &["clean", "--cache"], &["status"]];
    let mut transcript = Transcript::of(&context, 0, lines);
    for line in [["logs"].as_slice(), &["logs", "buildkitd", "--follow"]] {
        let outcome = context.xtask(line).run().exited(3);
        transcript.add(line, &outcome);
    }
    let _filters = bind(&context);
    insta::assert_snapshot!(transcript.0);
    assert!(!context.base_dir().exists());
    let outcome = context.xtask(["status", "--json"]).run().success();
    let daemons = outcome.json()["daemons"].as_array().unwrap().clone();
    assert!(daemons.len() == 2 && daemons.iter().all(|daemon| daemon["answering"] == false), "{outcome}");
    if has_rights() {
        assert_outcome!(context.xtask(["reset"]).run(), @"
        exit code: 0
        ----- stdout -----
        ----- stderr -----
               Reset nothing: there is no workspace
        ");
    }
}

#[test]
fn a_workspace_that_is_a_file_stays_one() {
    let server = server();
    let context = context!().server(&server);
    context.write(context.base_dir(), "not a folder");
    // For some of these a lack of rights is as good a reason.
    for line in ["up --no-start", "resolve", "status", "logs", "down", "clean", "clean --dry-run"] {
        let outcome = run(&context, line).exited(3);
        assert!(outcome.stderr.contains("\n\nhint: "), "{line}: {outcome}");
        assert_eq!(fs::read_to_string(context.base_dir()).unwrap(), "not a folder", "{line}");
    }
    assert_outcome!(run(&context, "up --no-start"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: failed to create the workspace `[BASE]`: File exists (os error 17)

    hint: a file is where a folder should be: move it, or put the workspace elsewhere with `--base-dir DIR`
    ");
    assert_outcome!(run(&context, "clean --dry-run"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: failed to read `[BASE]/state.json`: Not a directory (os error 20)

    hint: a file is where a folder should be: move it, or put the workspace elsewhere with `--base-dir DIR`
    ");
}

#[test]
fn a_folder_of_somebody_elses_is_left_alone() {
    let server = server();
    let context = context!().server(&server);
    context.write(context.base_dir().join("thesis.txt"), "years of work");
    let before = context.tree();
    for line in ["up --no-start", "resolve", "status", "logs", "down", "clean", "clean --cache", "reset"] {
        let outcome = run(&context, line);
        assert_eq!(context.tree(), before, "{line}: {outcome}");
    }
    assert_outcome!(run(&context, "up --no-start"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `[BASE]` is not empty, and no workspace of this harness

    hint: choose an empty or a new folder with `--base-dir DIR`
    ");
    assert!(server.requests_for("/objects/").is_empty());
}

/// A workspace in which a newer harness has left a file, and something to do for one that does not look first.
fn of_a_newer_harness(file: &str) -> (ReleaseServer, TestContext) {
    let server = server();
    let context = context!().server(&server);
    done(&context, "up --no-start");
    context.write(context.base_dir().join(file), r#"{"schema": 99, "what": "nobody knows yet"}"#);
    server.release(Containerd.repository(), release(Containerd, "2.3.5", PLATFORM));
    server.forget_requests();
    (server, context)
}

#[test]
fn the_lock_file_of_a_newer_harness_is_left_alone() {
    let (server, context) = of_a_newer_harness("versions.lock.json");
    let before = unlocked(&context);
    let mut said = Transcript::new();
    for line in [["resolve"].as_slice(), &["resolve", "--locked"], &["up", "--no-start"]] {
        let outcome = run(&context, &line.join(" ")).exited(3);
        assert_eq!(unlocked(&context), before, "{line:?} {outcome}");
        said.add(line, &outcome);
    }
    let _filters = bind(&context);
    insta::assert_snapshot!(said.0, @"
    $ cargo xtask resolve
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: `[BASE]/versions.lock.json` was written by a newer harness (schema 99, and this one knows 1)

    hint: update this checkout, or use another workspace with `--base-dir DIR`

    $ cargo xtask resolve --locked
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: `[BASE]/versions.lock.json` was written by a newer harness (schema 99, and this one knows 1)

    hint: update this checkout, or use another workspace with `--base-dir DIR`

    $ cargo xtask up --no-start
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: `[BASE]/versions.lock.json` was written by a newer harness (schema 99, and this one knows 1)

    hint: update this checkout, or use another workspace with `--base-dir DIR`
    ");
    assert!(server.requests().is_empty());
}

#[test]
fn the_state_of_a_newer_harness_is_left_alone() {
    let (server, context) = of_a_newer_harness("state.json");
    let before = unlocked(&context);
    assert_outcome!(run(&context, "status"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: `[BASE]/state.json` was written by a newer harness (schema 99, and this one knows 1)

    hint: update this checkout, or use another workspace with `--base-dir DIR`
    ");
    // For most of these a lack of rights is as good a reason.
    for line in ["up", "up --fresh", "up --no-start --fresh", "build-sample", "down", "clean", "clean --cache"] {
        let outcome = context.xtask(line.split(' ')).run().exited(3);
        assert_eq!(unlocked(&context), before, "{line}: {outcome}");
    }
    assert!(server.requests().is_empty());
    // The context would bring it down.
    fs::remove_file(context.base_dir().join("state.json")).unwrap();
}

#[test]
fn the_state_of_a_newer_harness_is_looked_at_before_anything_is_fetched() {
    let (server, context) = of_a_newer_harness("state.json");
    let before = unlocked(&context);
    let outcome = run(&context, "up --no-start");
    let after = unlocked(&context);
    fs::remove_file(context.base_dir().join("state.json")).unwrap();
    assert_eq!((outcome.code, after), (3, before), "{outcome}");
    assert!(server.requests().is_empty());
}

#[test]
fn blanks_and_letters_of_any_alphabet_are_fine_in_a_workspaces_path() {
    let server = server();
    let context = context!().server(&server).base_name("a base/with ü ж & 空");
    assert_eq!(done(&context, "up --no-start").stdout, "");
    done(&context, "resolve --locked");
    let here = context.tree();
    // Relative, as people type it.
    let relative = "another base/with ü";
    let command = context.xtask(["up", "--no-start", "--platform", PLATFORM, "--base-dir", relative]);
    assert_eq!(command.run().code, 0);
    assert!(context.root().join(relative).join("containerd/installed/bin/ctr.exe").is_file());
    assert_eq!(context.tree(), here);
    assert!(context.strays().is_empty());
}

#[test]
fn an_unknown_sample_names_those_that_there_are() {
    if !has_rights() {
        eprintln!("not tested: without rights `build-sample` goes no further than that");
        return;
    }
    let context = context!();
    let lines: &[&[&str]] = &[&["build-sample", "--sample", "nothing"], &["build-sample", "--sample", "./nothing"]];
    let transcript = Transcript::of(&context, 2, lines);
    let _filters = bind(&context);
    insta::assert_snapshot!(transcript.0, @"
    $ cargo xtask build-sample --sample nothing
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--sample nothing` is no sample, nor a folder with a Dockerfile

    hint: samples are multi-stage

    $ cargo xtask build-sample --sample ./nothing
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--sample ./nothing` is no sample, nor a folder with a Dockerfile

    hint: samples are multi-stage
    ");
}

#[test]
fn a_path_must_hold_the_component() {
    let server = server();
    let context = context!().server(&server);
    done(&context, "up --no-start");
    let at = |path: &str, bytes: &[u8]| drop(context.write(path, bytes));
    fs::create_dir(context.root().join("empty")).unwrap();
    at("half/bin/containerd.exe", b"");
    at("linux/bin/containerd", b"");
    at("linux/bin/ctr", b"");
    at("checkout/go.mod", b"module github.com/moby/buildkit\n\ngo 1.25\n");
    at("damaged.tar.gz", b"this is no archive");
    at("other.tar.gz", &tar_gz(&[("bin/buildctl.exe", b"", 0o755)]));
    at("containerd.zip", b"PK");
    let name = asset_name(Containerd, "2.3.4", PLATFORM);
    at(&format!("sums/{name}"), &tar_gz(&[("bin/containerd.exe", b"", 0o755)]));
    at(&format!("sums/{name}.sha256sum"), format!("{}  {name}\n", "0".repeat(64)).as_bytes());
    at(&format!("bad-sums/{name}"), b"");
    at(&format!("bad-sums/{name}.sha256sum"), b"404: Not Found");
    let before = unlocked(&context);
    let mut transcript = Transcript::new();
    let sums = [format!("sums/{name}"), format!("bad-sums/{name}")].map(|path| format!("./{path}"));
    let usage = ["./nowhere", "/nowhere.tar.gz", "./empty", "./half", "./linux", "./checkout", "./containerd.zip"]
        .map(|path| (2, path));
    let ground = ["./damaged.tar.gz", "./other.tar.gz", &sums[0], &sums[1]].map(|path| (3, path));
    for (code, path) in usage.into_iter().chain(ground) {
        let typed = ["up", "--no-start", "--containerd", path];
        let outcome = context.xtask(typed).env("BUILDKIT_WINDOWS_PLATFORM", PLATFORM).run();
        assert_eq!(outcome.code, code, "{path}: {outcome}");
        transcript.add(&typed, &outcome);
        assert_eq!(unlocked(&context), before, "{path}");
    }
    let _filters = bind(&context);
    insta::assert_snapshot!(transcript.0);
}

#[test]
fn a_checkout_that_is_too_new_for_go_says_which_one_it_needs() {
    let server = server();
    let context = context!().server(&server);
    context.write("checkout/go.mod", "module github.com/containerd/containerd/v2\n\ngo 1.99\n");
    for program in Containerd.programs(PLATFORM.parse::<Platform>().unwrap().os) {
        context.write(format!("checkout/cmd/{program}/main.go"), "package main\n\nfunc main() {}\n");
    }
    let up = |context: &TestContext| {
        let command =
            context.xtask(["up", "--no-start", "--quiet", "--containerd", "./checkout", "--platform", PLATFORM]);
        command.env("GOTOOLCHAIN", "local").env_remove("GOFLAGS").run()
    };
    let version = Command::new("go").args(["env", "GOVERSION"]).env("GOTOOLCHAIN", "local").output();
    if let Ok(version) = version {
        let version = String::from_utf8(version.stdout).unwrap();
        let outcome = up(&context);
        let expected = format!("it needs Go 1.99, and `go` is {}\n", version.trim().trim_start_matches("go"));
        assert!(outcome.code == 3 && outcome.stderr.contains(&expected), "{outcome}");
        assert!(outcome.stderr.contains("hint: install Go 1.99 or newer"), "{outcome}");
    }
    let context = context.without("go");
    assert_outcome!(up(&context), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: failed to build containerd from source: `go` is not on PATH

    hint: install Go 1.26.8 or newer, or take released programs with `--source github` or a mirror
    ");
    for folder in ["containerd/installed", "staging"] {
        assert!(!context.base_dir().join(folder).exists(), "{folder}");
    }
}
