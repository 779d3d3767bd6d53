//! What only Windows has: its drives and pipes, what is installed for everyone, and samples for its containers.

use crate::{has_containers, hello, machine, run, status, works};
use std::fs;
use std::os::windows::io::{FromRawHandle as _, OwnedHandle};
use std::path::Path;
use std::process::Command;
use tests::{TestContext, real};
use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::Storage::FileSystem::PIPE_ACCESS_DUPLEX;
use windows_sys::Win32::System::Pipes::{CreateNamedPipeW, PIPE_TYPE_BYTE};
use xtask::base_image;

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

/// All that is there, or on a Windows in use, where others write too, what may be of ours by its name.
fn everyones() -> Vec<String> {
    let may_be_ours = |path: &String| {
        let path = path.to_lowercase();
        ["containerd", "buildkit", "docker", "cni", "ocicrypt"].iter().any(|name| path.contains(name))
    };
    let all = EVERYONES.iter().flat_map(|folder| all_in(Path::new(folder)));
    all.filter(|path| !has_containers() || may_be_ours(path)).collect()
}

#[test]
fn a_whole_life_leaves_nothing_behind() {
    let context = machine();
    let before = everyones();
    assert!(has_containers() || !before.is_empty(), "there is something to compare");
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
        assert_eq!(built.stderr.matches("failed to read dockerfile: ").count(), 1, "why is said once: {built}");
        let cure = xtask::os::windows().unwrap().enabling_containers();
        assert!(built.stderr.contains(&format!("hint: this Windows has no container runtime; {cure}")), "{built}");
        crate::explained::means(&context, &built.stderr, "no-container-runtime");
        let warned = built.stderr.find("warning: this Windows has no container runtime").unwrap();
        assert!(warned < built.stderr.find("Resolved containerd").unwrap(), "before anything is downloaded: {built}");
        assert!(context.base_dir().join(r"sample-dockerfile\hello.txt").is_file(), "the sample was staged");
    }
    for daemon in ["containerd", "buildkitd"] {
        assert_eq!(status(&context, daemon)["answering"], true, "{built}");
    }
}

/// Wine has no Docker, nor has a test's machine: what is said of its absence comes before anything is fetched.
#[test]
fn without_docker_there_is_no_buildx() {
    let context = machine().without("docker");
    let refused = run(&context, &["build-sample", "--client", "buildx"]).exited(3);
    assert!(refused.stderr.contains("error: failed to build with Docker: there is no `docker` on PATH"), "{refused}");
    assert!(refused.stderr.contains("hint: install Docker, or build with `--client buildctl`"), "{refused}");
    assert!(!refused.stderr.contains("Resolved"), "{refused}");
}

/// HNS comes with the Containers feature. Where it is, no test knows yet what it answers.
#[test]
fn without_the_containers_feature_there_is_no_network_and_nothing_is_fetched_for_one() {
    if has_containers() {
        eprintln!("not tested: this Windows may have a network");
        return;
    }
    let context = machine();
    for line in
        [&["up", "--network", "nat"][..], &["up", "--fresh", "--network", "nat"], &["build-sample", "--network", "nat"]]
    {
        let refused = run(&context, line).exited(3);
        assert!(
            refused
                .stderr
                .contains("error: failed to ask Windows for its networks: this Windows has no container runtime"),
            "{refused}"
        );
        assert!(refused.stderr.contains("hint: enable the Containers feature with `"), "{refused}");
        assert!(!refused.stderr.contains("Resolved"), "{refused}");
    }
    assert!(!context.base_dir().join("containerd").exists(), "{:?}", context.tree());
    // What is up stays up, and stays what it was.
    run(&context, &["up"]).success();
    let before = crate::pid(&context, "buildkitd");
    run(&context, &["up", "--network", "nat"]).exited(3);
    assert_eq!(crate::pid(&context, "buildkitd"), before);
    let again = run(&context, &["up"]).success();
    assert!(again.stderr.contains("Up already"), "{again}");
}

#[test]
fn the_base_image_is_the_one_for_this_windows() {
    let context = machine();
    let host = xtask::os::windows().unwrap();
    let chosen = format!("Base image {}, for {host}", base_image::for_host(host).reference);
    assert!(run(&context, &["build-sample"]).stderr.contains(&chosen));
    for another in [&["--base-image", "x"][..], &["--sample", &own(&context)]] {
        let built = run(&context, &[&["build-sample"], another].concat());
        assert!(built.stderr.contains("Building") && !built.stderr.contains("Base image"), "{built}");
    }
}

/// A Dockerfile that says itself what it builds on.
fn own(context: &TestContext) -> String {
    context.write("own/Dockerfile", "FROM mcr.microsoft.com/windows/nanoserver:ltsc2022\r\nCMD [\"cmd\"]\r\n");
    context.root().join("own").display().to_string()
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

/// A workspace with a path of some length.
fn deep(length: usize) -> TestContext {
    let context = machine();
    let missing = length - context.root().as_os_str().len() - 1;
    // A folder's name has a limit of its own.
    let name: Vec<u8> = (1..=missing).map(|at| if at % 40 == 0 && at < missing { b'\\' } else { b'd' }).collect();
    let context = context.base_name(std::str::from_utf8(&name).unwrap());
    assert_eq!(context.base_dir().as_os_str().len(), length);
    context
}

/// The folder that a container's program is started in has a limit, and the paths of files have none.
#[test]
fn as_deep_as_a_program_can_be() {
    let context = deep(164);
    works(&context, &[]);
    run(&context, &["reset", "--hard"]).success();
    run(&context, &["clean", "--cache"]).success();
    assert!(!context.base_dir().exists());
    for length in [165, 300] {
        let context = deep(length);
        let refused = run(&context, &["up"]).exited(2);
        assert!(refused.stderr.contains("error: the workspace can't lie in `"), "{refused}");
        assert!(refused.stderr.contains("hint: choose another folder with `--base-dir DIR`"), "{refused}");
        assert!(!context.base_dir().exists());
    }
}

#[test]
fn every_containerd_of_the_last_years_starts() {
    let context = machine();
    let before = everyones();
    for version in &real::programs(context.program()).containerds {
        // Its library for pipes asks for what Wine has not: `failed to get listener … Path not found`.
        if version.starts_with("1.6.") && !has_containers() {
            continue;
        }
        works(&context, &["--containerd", version]);
        assert_eq!(status(&context, "containerd")["version"], version.as_str());
    }
    assert_eq!(everyones(), before, "nothing is written outside the workspace");
}

#[test]
fn a_foreign_process_on_the_pipe_is_named_and_left_alone() {
    let context = machine();
    run(&context, &["up", "--no-start"]).success();
    let pipe = status(&context, "containerd")["endpoint"].as_str().unwrap().to_owned();
    let other = listen(&pipe);
    let failed = run(&context, &["up"]);
    assert_eq!(failed.code, 3, "{failed}");
    let ours = format!("(pid {}, ", std::process::id());
    assert!(failed.stderr.contains("another process listens at") && failed.stderr.contains(&ours), "{failed}");
    drop(other);
    works(&context, &[]);
}

/// A pipe of this process, until it is dropped.
fn listen(pipe: &str) -> OwnedHandle {
    let name: Vec<u16> = pipe.encode_utf16().chain([0]).collect();
    // SAFETY: the name ends with a zero, and the handle is told apart below.
    let handle = unsafe {
        CreateNamedPipeW(name.as_ptr(), PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 1, 512, 512, 0, std::ptr::null())
    };
    assert_ne!(handle, INVALID_HANDLE_VALUE, "{}", std::io::Error::last_os_error());
    // SAFETY: it was made just now, and nobody else has it.
    unsafe { OwnedHandle::from_raw_handle(handle) }
}

/// The fixtures are what the real programs print, so that the snapshots of the patched ones are worth something.
#[test]
fn the_fixtures_are_what_containerd_prints() {
    let context = machine();
    let fixtures = crate::repository().join("fixtures/containerd-config");
    let is_one = |name: &str| Some(name.strip_prefix("windows-")?.strip_suffix(".toml")?.to_owned());
    let names = fs::read_dir(&fixtures).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let versions: Vec<String> = names.filter_map(|name| is_one(&name)).collect();
    assert!(versions.len() >= 7, "{versions:?}");
    for version in &versions {
        let fixture = fs::read_to_string(fixtures.join(format!("windows-{version}.toml"))).unwrap();
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

/// A slip of the keyboard must not cost what runs.
#[test]
fn a_group_that_nobody_knows_changes_nothing() {
    let context = machine();
    run(&context, &["up", "--group", "Everyone, Users,"]).success();
    let before = crate::pid(&context, "buildkitd");
    let refused = run(&context, &["up", "--group", "nosuch"]).exited(2);
    assert!(
        refused.stderr.contains("error: `--group nosuch`: this Windows knows no user or group of that name"),
        "{refused}"
    );
    assert_eq!(crate::pid(&context, "buildkitd"), before);
}

/// A cell is not done without containers, and leaves nothing all the same: no process, no pipe, no file.
#[test]
fn a_nights_cell_ends_where_containers_begin() {
    if has_containers() {
        return;
    }
    let context = machine();
    let real = real::programs(context.program());
    let line = ["night", "--containerd", real.containerd(), "--buildkit", &real.buildkit];
    let ended = run(&context, &line).exited(3);
    assert!(ended.stdout.starts_with("ground "), "{ended}");
    let results = context.base_dir().join("night/results");
    let name = format!("local_buildkit-{}_containerd-{}.json", real.buildkit, real.containerd());
    let result = xtask::result::parse(&std::fs::read_to_string(results.join(name)).unwrap(), "it").unwrap();
    let states: Vec<_> = result.steps.iter().map(|step| (step.name.as_str(), step.state.name())).collect();
    assert_eq!(states, [("up", "done"), ("build-sample", "failed"), ("down", "done"), ("clean", "done")]);
    assert!(result.steps[1].failure.as_ref().unwrap().id.is_some(), "{result:#?}");
    assert_eq!(result.left_behind, Vec::<String>::new());
    assert!(result.host.build.unwrap().starts_with("10.0."));
    assert!(!context.base_dir().join("night/cell-1").exists());
}

/// What can't be tried for want of containers is no verdict on a release.
#[test]
fn a_bisection_without_containers_tells_nothing() {
    if has_containers() {
        return;
    }
    let context = machine();
    let real = real::programs(context.program());
    let line = ["bisect", "--component", "containerd", "--good", &real.containerds[1], "--bad", "latest"];
    let ended = run(&context, &line).exited(3);
    assert!(ended.stdout.contains(&format!("skip {} # ", real.containerds[1])), "{ended}");
    // The daemons come up there, so a command can tell.
    let judge = ["--afresh", "--", "cmd", "/c", "buildctl debug workers && ctr version && exit 7"];
    let judged = run(&context, &[&line[..], &judge].concat()).exited(2);
    assert!(
        judged.stdout.contains(&format!("bad {} # the command ended with exit code 7", real.containerds[1])),
        "{judged}"
    );
}
