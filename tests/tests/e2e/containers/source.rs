//! Programs of the user's own: folders, archives and source checkouts.

use crate::{hello, machine, pid, run};
use tests::real;
use xtask::component::Component;

#[test]
fn a_folder_of_programs_is_used_and_watched() {
    let context = machine();
    let placed = run(&context, &["up", "--no-start"]).success();
    let folder = context.root().join("mine");
    for program in ["containerd", "ctr", "containerd-shim-runc-v2"] {
        let bytes = std::fs::read(context.base_dir().join("containerd/installed/bin").join(program)).unwrap();
        context.write_program(folder.join(program), bytes);
    }
    let mine = folder.display().to_string();
    let built = run(&context, &["build-sample", "--containerd", &mine]).success();
    assert_eq!(built.stdout, hello(), "{placed}");
    let again = run(&context, &["up", "--containerd", &mine]).success();
    assert!(again.stderr.contains("Up already"), "{again}");
    // A contributor rebuilds: what was up is out of date.
    let mut rebuilt = std::fs::read(folder.join("ctr")).unwrap();
    rebuilt.push(0);
    context.write_program(folder.join("ctr"), rebuilt);
    let restarted = run(&context, &["up", "--containerd", &mine]).success();
    assert!(restarted.stderr.contains("Stopped containerd"), "{restarted}");
}

#[test]
fn an_archive_by_its_path() {
    let context = machine();
    let real = real::programs(context.program());
    let version = real.containerd().parse().unwrap();
    let name = Component::Containerd.asset_name(&version, xtask::platform::Platform::host().unwrap());
    let archive = real.mirror.join(name).display().to_string();
    assert_eq!(run(&context, &["build-sample", "--containerd", &archive]).success().stdout, hello());
}

/// The smallest of the three, as Go itself keeps its source.
#[test]
fn a_source_checkout_is_built_with_the_users_go() {
    let context = machine().keep_proxies();
    let folder = context.root().join("runc");
    let download = std::process::Command::new("go")
        .args(["mod", "download", "-json", "github.com/opencontainers/runc@latest"])
        .output()
        .unwrap();
    let download: serde_json::Value = serde_json::from_slice(&download.stdout).unwrap();
    let copied = std::process::Command::new("cp")
        .args(["-r", "--no-preserve=mode", download["Dir"].as_str().unwrap()])
        .arg(&folder)
        .status();
    assert!(copied.unwrap().success());
    let built = run(&context, &["build-sample", "--runc", folder.to_str().unwrap()]).success();
    assert_eq!(built.stdout, hello());
    assert!(built.stderr.contains("Built runc"), "{built}");
    assert!(built.stderr.contains("Resolved runc unknown (checkout)"), "{built}");
    // Go's cache is the user's, and outlives the workspace that libseccomp may have been unpacked in.
    run(&context, &["clean", "--cache"]).success();
    let other = context.root().join("other").display().to_string();
    run(&context, &["up", "--no-start", "--base-dir", &other, "--runc", folder.to_str().unwrap()]).success();
}

/// buildx is no daemon: it comes beside those that are up, and `--fresh` brings it again.
#[test]
fn buildx_comes_where_it_is_asked_for() {
    let context = machine();
    run(&context, &["up"]).success();
    let before = pid(&context, "containerd");
    let program = context.base_dir().join("buildx/installed/bin/buildx");
    assert!(!program.exists());
    let up = run(&context, &["up", "--buildx", "latest"]).success();
    assert!(program.exists() && up.stderr.contains("Up already"), "{up}");
    assert_eq!(pid(&context, "containerd"), before);
    run(&context, &["up", "--fresh", "--buildx", "latest"]).success();
    assert!(program.exists());
}
