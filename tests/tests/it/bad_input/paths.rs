//! A path in a version's place: archives, folders and checkouts that don't do.

use super::{Transcript, unlocked};
use crate::common::{PLATFORM, asset_name, done, platform, run, server};
use std::fs;
use std::process::Command;
use tests::filters::bind;
use tests::{TestContext, assert_outcome, context, insta, tar_gz};
use xtask::component::Component::Containerd;

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
    let usage = ["./nowhere", "./nowhere.tar.gz", "./empty", "./half", "./linux", "./checkout", "./containerd.zip"]
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
    for program in Containerd.programs(platform(PLATFORM).os) {
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

/// containerd's shim for Windows is no part of containerd's own module, so that a folder of one's own may lack it.
#[test]
fn a_containerd_without_its_shim_is_taken_and_said_to_run_no_container() {
    let server = server();
    let context = context!().server(&server);
    for program in ["containerd.exe", "ctr.exe"] {
        context.write(format!("mine/{program}"), program);
    }
    let up = || context.xtask(["up", "--no-start", "--containerd", "./mine", "--platform", PLATFORM]).run().success();
    assert!(up().stderr.contains("holds no `containerd-shim-runhcs-v1.exe`: this containerd can run no container"));
    context.write("mine/containerd-shim-runhcs-v1.exe", "shim");
    assert!(!up().stderr.contains("warning:"));
    let shim = context.base_dir().join("containerd/installed/bin/containerd-shim-runhcs-v1.exe");
    assert_eq!(fs::read_to_string(shim).unwrap(), "shim");
}

#[test]
fn a_fresh_start_with_what_cannot_be_had_costs_nothing() {
    let server = server();
    let context = context!().server(&server);
    done(&context, "up --no-start");
    let before = unlocked(&context);
    run(&context, "up --no-start --fresh --containerd 9.9").exited(3);
    assert_eq!(unlocked(&context), before);
}
