//! What lies between a good end and a bad one, and ends that make no sense. Trying them is in the end-to-end tests.

use crate::common::{PLATFORM, release, run};
use tests::{ReleaseServer, assert_outcome, context};
use xtask::component::Component::{Buildkit, Containerd};

fn server() -> ReleaseServer {
    let server = ReleaseServer::start();
    for version in ["0.34.0", "0.33.1", "0.33.0", "0.32.2"] {
        server.release(Buildkit.repository(), release(Buildkit, version, PLATFORM));
    }
    server.release(Buildkit.repository(), release(Buildkit, "0.34.0-rc1", PLATFORM).prerelease());
    server.release(Buildkit.repository(), release(Buildkit, "0.35.0", "linux-arm64"));
    server.page_size(2);
    server
}

#[test]
fn releases_between_the_ends_are_listed() {
    let server = server();
    let context = context!().server(&server);
    let list = |line: &str| run(&context, &format!("bisect --component buildkit --list {line}")).success().stdout;
    assert_eq!(list("--good 0.32 --bad latest"), "0.32.2\n0.33.0\n0.33.1\n0.34.0\n");
    assert_eq!(list("--good 0.33.1 --bad 0.34.0-rc1"), "0.33.1\n0.34.0-rc1\n");
}

#[test]
fn ends_that_make_no_sense_are_refused() {
    let server = server();
    let context = context!().server(&server);
    let refused = |line: &str| run(&context, &format!("bisect --component buildkit {line}"));
    assert_outcome!(refused("--good 0.34.0 --bad 0.32"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the ends are the wrong way round: 0.32.2 is older than 0.34.0

    hint: swap them; to find since when something works, swap them and give a command that fails when it does
    ");
    assert_outcome!(refused("--good latest --bad 0.34"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--good` and `--bad` are both 0.34.0

    hint: give a version that is good and a later one that is bad
    ");
    assert_outcome!(refused("--good 0.32 --bad 0.40"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no buildkit 0.40

    hint: the newest there are 0.34.0, 0.34.0-rc1, 0.33.1, 0.33.0, 0.32.2
    ");
    assert_outcome!(refused("--good 0.32 --bad master"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `master` is no release of buildkit

    hint: give a version or a series such as 2.3; with `--refs` tags, branches and commits are taken
    ");
    assert_outcome!(refused("--good 0.32"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the following required arguments were not provided:
      --bad <SPEC>

    Usage: cargo xtask bisect --component <COMPONENT> --good <SPEC> --base-dir <DIR> --platform <OS-ARCH> --bad <SPEC> [-- <COMMAND>...]

    For more information, try '--help'.
    ");
    assert_outcome!(refused("--good 0.32 --bad latest --sample hello -- true"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the argument '--sample <NAME|PATH>' cannot be used with '[COMMAND]...'

    Usage: cargo xtask bisect --component <COMPONENT> --good <SPEC> --bad <SPEC> --sample <NAME|PATH> --base-dir <DIR> --platform <OS-ARCH> [-- <COMMAND>...]

    For more information, try '--help'.
    ");
    assert_outcome!(refused("--good 0.32 --bad latest --checkout ."), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the following required arguments were not provided:
      --refs

    Usage: cargo xtask bisect --refs --component <COMPONENT> --good <SPEC> --bad <SPEC> --checkout <DIR> --base-dir <DIR> --platform <OS-ARCH> [-- <COMMAND>...]

    For more information, try '--help'.
    ");
    assert_outcome!(refused("--good v0.32.2 --bad master --refs --source ."), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--refs` builds commits, and the mirror `[ROOT]` has only released files

    hint: leave `--source` out, or give a clone of moby/buildkit with `--checkout DIR`
    ");
    assert_outcome!(run(&context, "bisect --component runc --good 1 --bad 2"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: invalid value 'runc' for '--component <COMPONENT>'
      [possible values: buildkit, containerd]

    For more information, try '--help'.
    ");
    assert_outcome!(run(&context, "bisect --resume --good 0.32"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the argument '--resume' cannot be used with '--good <SPEC>'

    Usage: cargo xtask bisect --resume --base-dir <DIR> --platform <OS-ARCH> [-- <COMMAND>...]

    For more information, try '--help'.
    ");
}

#[test]
#[cfg(target_os = "linux")]
fn there_must_be_something_to_go_on_with() {
    let context = context!();
    if xtask::os::check_rights().is_ok() {
        let resumed = context.xtask(["bisect", "--resume"]).run();
        assert_outcome!(resumed, @"
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: there is no bisection to go on with: there is no `[BASE]/bisect/state.json`

        hint: begin one with `--component`, `--good` and `--bad`
        ");
        context.write(context.base_dir().join("bisect/state.json"), r#"{"schema":1,"question":"#);
        assert_outcome!(context.xtask(["bisect", "--resume"]).run(), @"
        exit code: 3
        ----- stdout -----
        ----- stderr -----
        error: failed to read the bisection `[BASE]/bisect/state.json`: EOF while parsing a value at line 1 column 23

        hint: delete the file, and begin anew
        ");
        context.write(context.base_dir().join("bisect/state.json"), r#"{"schema":9}"#);
        assert_outcome!(context.xtask(["bisect", "--resume"]).run(), @"
        exit code: 3
        ----- stdout -----
        ----- stderr -----
        error: `[BASE]/bisect/state.json` was written by a newer harness (schema 9, and this one knows 1)

        hint: update this checkout, or use another workspace with `--base-dir DIR`
        ");
    }
}

#[test]
fn commits_between_refs_are_githubs() {
    let server = ReleaseServer::start();
    let repository = Containerd.repository();
    server.commit(repository, "aaaa", &[], &["v2.3.0"]);
    server.commit(repository, "bbbb", &["aaaa"], &[]);
    server.commit(repository, "cccc", &["aaaa"], &["topic"]);
    server.commit(repository, "dddd", &["bbbb", "cccc"], &[]);
    server.commit(repository, "eeee", &["dddd"], &["main"]);
    server.page_size(2);
    let context = context!().server(&server);
    let refs = |line: &str| run(&context, &format!("bisect --component containerd --refs --list {line}"));
    // What was made beside it came with the merge.
    assert_outcome!(refs("--good 2.3.0 --bad main"), @"
    exit code: 0
    ----- stdout -----
    aaaa Change what aaaa changes
    bbbb Change what bbbb changes
    dddd Change what dddd changes
    eeee Change what eeee changes
    ----- stderr -----
    ");
    assert_outcome!(refs("--good main --bad v2.3.0"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the ends are the wrong way round: `--bad v2.3.0` comes before `--good main`

    hint: swap them; to find since when something works, swap them and give a command that fails when it does
    ");
    assert_outcome!(refs("--good main --bad eeee"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--good main` and `--bad eeee` are the same commit

    hint: give a commit that is good and a later one that is bad
    ");
    assert_outcome!(refs("--good bbbb --bad topic"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--bad topic` is not on top of `--good bbbb`: they are on different branches

    hint: they part at aaaa: if that is good, give it as `--good`
    ");
    // A name may have in it what means something else in a URL.
    server.commit(repository, "ffff", &["eeee"], &["fix/#1?b=%20"]);
    let odd = refs("--good dddd --bad fix/#1?b=%20").success().stdout;
    assert_eq!(odd.lines().map(|line| &line[..4]).collect::<Vec<_>>(), ["dddd", "eeee", "ffff"]);
    assert_outcome!(refs("--good nowhere --bad main"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: failed to list the commits of containerd/containerd from `nowhere` to `main`: GitHub doesn't know both

    hint: give tags, branches or commits that are in that repository, not in a fork of it
    ");
}

/// Where only the deepest candidate is too deep for a socket, before anything is tried of any.
#[test]
#[cfg(target_os = "linux")]
fn a_command_must_be_able_to_reach_the_daemons() {
    // Of a platform that nothing runs of here: what is not refused before ends there.
    let platform = if cfg!(target_arch = "aarch64") { "linux-amd64" } else { "linux-arm64" };
    let server = ReleaseServer::start();
    for version in ["0.33.9", "0.33.10"] {
        server.release(Buildkit.repository(), release(Buildkit, version, platform));
    }
    let bisect = |length: usize, more: &[&str]| {
        let context = context!().server(&server);
        let deepest = context.root().join("bisect/0.33.10/run/containerd.sock.ttrpc");
        let name = "d".repeat(length - deepest.as_os_str().len() - 1);
        let line = ["bisect", "--component", "buildkit", "--platform", platform, "--good", "0.33.9", "--bad", "0.33"];
        context.base_name(&name).xtask([&line[..], more].concat()).run().exited(2).stderr
    };
    let refused = bisect(108, &["--", "true"]);
    let socket = "/bisect/0.33.10/run/buildkitd.sock`: the path is too long for a socket";
    assert!(refused.starts_with("error: the command can't reach `") && refused.contains(socket), "{refused}");
    assert!(refused.contains("hint: put the workspace into a shorter folder with `--base-dir DIR`"), "{refused}");
    // A sample is the harness's own affair, and a command may be as deep as that.
    for let_through in [bisect(108, &[]), bisect(107, &["--", "true"])] {
        assert!(let_through.contains(&format!("programs for {platform} can't be run")), "{let_through}");
    }
}

/// git is not to be had under Wine.
#[cfg(unix)]
mod clones {
    use crate::common::run;
    use tests::{assert_outcome, context, git};

    #[test]
    fn commits_between_refs_are_a_clones() {
        let context = context!();
        let clone = context.root().join("clone");
        context.write("clone/go.mod", "module github.com/moby/buildkit\n");
        git(&clone, &["init", "-q", "-b", "main"]);
        git(&clone, &["add", "."]);
        for (subject, tag) in [("one", "v0.1.0"), ("two", "x"), ("three", "v0.2.0")] {
            git(&clone, &["commit", "-q", "--allow-empty", "-m", subject]);
            git(&clone, &["tag", tag]);
        }
        git(&clone, &["checkout", "-q", "-b", "beside", "v0.1.0"]);
        git(&clone, &["commit", "-q", "--allow-empty", "-m", "beside"]);
        let refs =
            |line: &str| run(&context, &format!("bisect --component buildkit --refs --list --checkout clone {line}"));
        let listed = refs("--good 0.1.0 --bad v0.2.0").success().stdout;
        let subjects: Vec<_> = listed.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(subjects, ["one", "two", "three"]);
        assert!(listed.starts_with(&git(&clone, &["rev-parse", "v0.1.0"])), "{listed}");
        assert_outcome!(refs("--good 0.2.0 --bad 0.1.0"), @"
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: the ends are the wrong way round: `--bad v0.1.0` comes before `--good v0.2.0`

        hint: swap them; to find since when something works, swap them and give a command that fails when it does
        ");
        assert_outcome!(refs("--good 0.2.0 --bad main"), @"
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: `--good v0.2.0` and `--bad main` are the same commit

        hint: give a commit that is good and a later one that is bad
        ");
        assert_outcome!(refs("--good 0.9.0 --bad main"), @"
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: `[ROOT]/clone` has no commit `v0.9.0`

        hint: fetch it first, or give another ref
        ");
        let parted = refs("--good main --bad beside").exited(2);
        assert!(parted.stderr.contains(&git(&clone, &["rev-parse", "v0.1.0"])), "{parted}");
        context.write("other/go.mod", "module example.invalid/other\n");
        assert_outcome!(run(&context, "bisect --component buildkit --refs --list --checkout other --good a --bad b"), @"
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: `--checkout [ROOT]/other` is no clone of buildkit

        hint: give a clone of moby/buildkit
        ");
    }
}
