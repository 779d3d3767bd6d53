//! What only Windows has: its drives and pipes, what is installed for everyone, and samples for its containers.

use crate::{has_containers, hello, machine, run, status, works, xtask};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use tests::real;

/// Where containerd and BuildKit lie, and write, when they are installed.
const EVERYONES: [&str; 2] = [r"C:\ProgramData", r"C:\Program Files"];

/// Every path in a folder.
fn all_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        found.push(entry.path().display().to_string());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(all_in(&entry.path()));
        }
    }
    found.sort();
    found
}

fn everyones() -> Vec<String> {
    EVERYONES.iter().flat_map(|folder| all_in(Path::new(folder))).collect()
}

#[test]
fn a_whole_life_leaves_nothing_behind() {
    let context = machine();
    let before = everyones();
    assert!(!before.is_empty(), "there is something to compare");
    run(&context, &["resolve"]).success();
    run(&context, &["up"]).success();
    run(&context, &["up"]).success();
    run(&context, &["status"]).success();
    run(&context, &["logs"]).success();
    run(&context, &["config", "--diff"]).success();
    run(&context, &["build-sample"]);
    run(&context, &["reset"]).success();
    run(&context, &["reset", "--hard"]).success();
    let down = run(&context, &["down"]).success();
    assert!(down.stderr.find("Stopped buildkitd") < down.stderr.find("Stopped containerd"), "{down}");
    assert!(xtask::os::processes_of(context.base_dir()).is_empty(), "none of its processes is left");
    run(&context, &["up"]).success();
    run(&context, &["clean", "--cache"]).success();
    assert!(!context.base_dir().exists(), "no file is left: {:?}", context.tree());
    assert_eq!(context.strays(), Vec::<String>::new(), "nothing is written outside the workspace");
    assert_eq!(everyones(), before, "nothing is written outside the workspace");
}

/// Where there is no container runtime, everything up to it is real all the same.
#[test]
fn the_sample_goes_as_far_as_this_windows_can() {
    let context = machine();
    let built = run(&context, &["build-sample"]);
    if has_containers() {
        assert_eq!((built.code, built.stdout.replace("\r\n", "\n")), (0, hello()), "{built}");
    } else {
        assert_eq!(built.code, 3, "{built}");
        assert!(built.stderr.contains("hcsshim::ActivateLayer") && built.stderr.contains("(0x7e)"), "{built}");
        assert!(built.stderr.contains("Enable-WindowsOptionalFeature -Online -FeatureName Containers"), "{built}");
        assert!(context.base_dir().join(r"sample-dockerfile\hello.txt").is_file(), "the sample was staged");
    }
    for daemon in ["containerd", "buildkitd"] {
        assert_eq!(status(&context, daemon)["answering"], true, "{built}");
    }
}

#[test]
fn a_path_may_be_typed_in_any_way() {
    let context = machine();
    let base = context.base_dir().display().to_string();
    works(&context, &[]);
    let ways = [base.replace('\\', "/"), base.to_uppercase(), format!(r"{base}\"), format!(r"{base}\..\base\.")];
    for way in &ways {
        let again = run(&context, &["up", "--base-dir", way]).success();
        assert!(again.stderr.contains("Up already"), "`{way}` is the same workspace: {again}");
    }
    let down = run(&context, &["down", "--base-dir", &ways[0]]).success();
    assert!(down.stderr.contains("Stopped containerd"), "{down}");
}

/// `CreateProcess` and what containerd does with its paths have a limit, and files below it have none.
#[test]
fn as_deep_as_windows_lets_a_program_be() {
    let context = machine();
    let deep = |length: usize| {
        let root = context.root().display().to_string();
        let missing = length - root.len() - 1;
        format!(
            r"{root}\{}",
            "deep".repeat(missing.div_ceil(4))[..missing].replace("deepdeepdeepdeep", r"deepdeepdeepdee\")
        )
    };
    let base = deep(200);
    works(&context, &["--base-dir", &base]);
    run(&context, &["reset", "--hard", "--base-dir", &base]).success();
    run(&context, &["clean", "--cache", "--base-dir", &base]).success();
    assert!(!Path::new(&base).exists());
    for length in [205, 300] {
        let refused = run(&context, &["up", "--base-dir", &deep(length)]).exited(2);
        assert!(refused.stderr.contains("the workspace can't lie in `"), "{refused}");
        assert!(refused.stderr.contains("hint: choose a shorter one with `--base-dir DIR`"), "{refused}");
    }
}

#[test]
fn a_foreign_process_on_the_pipe_is_named_and_left_alone() {
    let context = machine();
    run(&context, &["up", "--no-start"]).success();
    let pipe = status(&context, "containerd")["endpoint"].as_str().unwrap().to_owned();
    // Somebody else's containerd, not from a workspace's folder.
    let theirs = context.root().join("theirs");
    fs::create_dir(&theirs).unwrap();
    let program = theirs.join("containerd.exe");
    fs::copy(context.base_dir().join(r"containerd\installed\bin\containerd.exe"), &program).unwrap();
    let mut other = Command::new(&program)
        .args(["--address", &pipe, "--log-level", "error", "--root"])
        .arg(theirs.join("root"))
        .arg("--state")
        .arg(theirs.join("state"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ctr = context.base_dir().join(r"containerd\installed\bin\ctr.exe");
    let answers = || {
        let asked = Command::new(&ctr).args(["--address", &pipe, "--timeout", "1s", "version"]).output();
        asked.is_ok_and(|output| output.status.success())
    };
    while !answers() {
        assert!(other.try_wait().unwrap().is_none(), "it has ended by itself");
    }
    let failed = xtask(&context, &["up"]).run();
    let is_alive = other.try_wait().unwrap().is_none();
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(failed.code, 3, "{failed}");
    let named = format!("(pid {}, ", other.id());
    assert!(failed.stderr.contains("another process listens at") && failed.stderr.contains(&named), "{failed}");
    assert!(is_alive, "it was ended");
}

/// The fixtures are what the real programs print, so that the snapshots of the patched ones are worth something.
#[test]
fn the_fixtures_are_what_containerd_prints() {
    let context = machine();
    let fixtures = crate::repository().join("fixtures/containerd-config");
    for version in &real::programs(context.program()).containerds {
        let fixture = fixtures.join(format!("windows-{version}.toml"));
        // The newest may be newer than the fixtures.
        let Ok(fixture) = fs::read_to_string(fixture) else { continue };
        run(&context, &["up", "--no-start", "--containerd", version]).success();
        let program = context.base_dir().join(r"containerd\installed\bin\containerd.exe");
        let printed = Command::new(program).args(["config", "default"]).output().unwrap().stdout;
        // From 2.0 on it names the build of the Windows that it runs on.
        let unbuilt = |text: &str| {
            text.lines().filter(|line| !line.contains("platforms =")).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(unbuilt(&String::from_utf8(printed).unwrap()), unbuilt(&fixture), "{version}");
    }
}
