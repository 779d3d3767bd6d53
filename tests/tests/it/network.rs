//! `--network nat`: its plugins by the same ways as every component, and no word of them without it.

use super::common::{PLATFORM, asset, asset_name, done, lock_file, only, release, run, run_for, server};
use std::fs;
use std::path::PathBuf;
use tests::{Release, ReleaseServer, TestContext, assert_outcome, context, sha256_hex, zip};
use xtask::component::Component::{Buildkit, Cni, Containerd};

const UP: &str = "up --no-start --network nat";

/// A server that has the plugins too.
fn with_plugins() -> ReleaseServer {
    let server = server();
    server.release(Cni.repository(), release(Cni, only(Cni), PLATFORM));
    server
}

/// A server with something else in the place of the plugins' archive.
fn with_archive(bytes: &[u8]) -> ReleaseServer {
    let server = server();
    server.release(Cni.repository(), Release::new("v0.3.1").asset(&asset_name(Cni, "0.3.1", PLATFORM), bytes));
    server
}

fn installed(context: &TestContext) -> PathBuf {
    context.base_dir().join("cni/installed/bin")
}

#[test]
fn the_plugins_are_a_component_like_any_other() {
    let server = with_plugins();
    let context = context!().server(&server);
    let before = run(&context, "resolve --json").success().json();
    assert_eq!(before.as_array().unwrap().len(), 2, "nobody asked for a network");
    assert!(server.requests_for("windows-container-networking").is_empty());
    let found = run(&context, "resolve --json --network nat").success().json();
    let bytes = asset(Cni, "0.3.1", PLATFORM);
    let name = "windows-container-networking-cni-amd64-v0.3.1.zip";
    let url = format!("{}/microsoft/windows-container-networking/releases/download/v0.3.1/{name}", server.api_url());
    let expected = serde_json::json!({
        "component": "cni", "version": "0.3.1", "source": "github", "url": url,
        "size": bytes.len(), "sha256": sha256_hex(&bytes), "skipped": [],
    });
    assert_eq!(found[2], expected);
    let up = done(&context, UP);
    assert!(up.stderr.contains(&format!("Unpacked {name} (")), "{up}");
    // Of the archive's two programs, the one that is needed.
    let programs: Vec<_> = fs::read_dir(installed(&context)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(programs, ["nat.exe"]);
    assert_eq!(fs::read(installed(&context).join("nat.exe")).unwrap(), b"nat 0.3.1");
    assert!(fs::read_to_string(lock_file(&context)).unwrap().contains(name));
    server.forget_requests();
    fs::remove_dir_all(context.base_dir().join("cni")).unwrap();
    done(&context, &format!("{UP} --offline --locked"));
    assert!(installed(&context).join("nat.exe").is_file() && server.requests().is_empty());
    // Without a network the plugins are left in peace.
    done(&context, "up --no-start");
    assert!(installed(&context).join("nat.exe").is_file());
}

#[test]
fn the_plugins_come_from_a_mirror_an_archive_or_a_folder_too() {
    let context = context!();
    for component in [Containerd, Buildkit, Cni] {
        let name = asset_name(component, only(component), PLATFORM);
        context.write(format!("mirror/{name}"), asset(component, only(component), PLATFORM));
    }
    let name = asset_name(Cni, "0.3.1", PLATFORM);
    let sums = format!("{}  release/{name}\n", sha256_hex(&asset(Cni, "0.3.1", PLATFORM)));
    // So these are named beside the plugins.
    context.write(format!("mirror/{name}.sha256"), sums);
    context.write("programs/nat.exe", "mine");
    let resolved = |line: &str| {
        let outcome = run(&context, &format!("resolve --source mirror --network nat {line}")).success();
        outcome.stdout[outcome.stdout.find("\ncni ").unwrap() + 1..].to_owned()
    };
    assert!(resolved("").contains(&format!("(from {name}.sha256)")), "{}", resolved(""));
    assert!(resolved("--cni 0.3").starts_with("cni 0.3.1\n  source  mirror\n"), "{}", resolved("--cni 0.3"));
    let archive = format!("--cni mirror/{name}");
    assert!(resolved(&archive).starts_with("cni 0.3.1\n  source  archive\n"), "{}", resolved(&archive));
    assert!(resolved(&archive).contains(&format!("{name}.sha256)\n")), "{}", resolved(&archive));
    assert!(resolved("--cni ./programs").starts_with("cni unknown\n  source  folder\n"));
    for (line, content) in [("", "nat 0.3.1"), ("--cni ./programs", "mine"), (archive.as_str(), "nat 0.3.1")] {
        done(&context, &format!("{UP} --source mirror {line}"));
        assert_eq!(fs::read_to_string(installed(&context).join("nat.exe")).unwrap(), content, "{line}");
    }
}

#[test]
fn a_mirror_without_a_listing_is_asked_for_the_digest_by_its_name() {
    let server = ReleaseServer::start();
    for component in [Containerd, Buildkit, Cni] {
        let name = asset_name(component, only(component), PLATFORM);
        server.mirror_file(&name, asset(component, only(component), PLATFORM));
    }
    let (name, sum) = (asset_name(Cni, only(Cni), PLATFORM), sha256_hex(&asset(Cni, only(Cni), PLATFORM)));
    server.mirror_file(&format!("{name}.sha256"), format!("{sum}  release/{name}\n")).forbid_listing();
    let context = context!();
    let exact = [Containerd, Buildkit, Cni].map(|component| format!("--{component} {}", only(component))).join(" ");
    let line = format!("resolve --network nat --source {} {exact}", server.mirror_url());
    let found = run(&context, &line).success().stdout;
    assert!(found.contains(&format!("{sum} (from {name}.sha256)")), "{found}");
}

#[test]
fn a_zip_archive_from_a_stranger_writes_nothing() {
    for (entry, why) in [
        ("../escaped", "leads out of the folder"),
        ("plugins/../../escaped", "leads out of the folder"),
        ("/tmp/escaped-absolute", "is an absolute path"),
        ("..\\escaped", "has a backslash in it"),
        ("C:/escaped", "has a drive or a stream in it"),
        ("nat.exe", "is there twice"),
    ] {
        let server = with_archive(&zip(&[("nat.exe", b"plugin"), (entry, b"out")]));
        let context = context!().server(&server);
        let refused = run(&context, UP).exited(3);
        let why = format!("its entry `{}` {why}\n", entry.escape_debug());
        assert!(refused.stderr.contains(&why), "{refused}");
        assert!(!context.base_dir().join("cni/installed").exists() && !context.base_dir().join("staging").exists());
        assert_eq!(context.strays(), Vec::<String>::new(), "{entry}");
    }
}

#[test]
fn a_zip_archive_that_is_none_says_so() {
    let good = asset(Cni, "0.3.1", PLATFORM);
    for bytes in [&good[..good.len() / 2], b"<html>not here</html>".as_slice()] {
        let server = with_archive(bytes);
        let context = context!().server(&server);
        let refused = run(&context, UP).exited(3);
        let why = "the list of its files, with which a zip archive ends, is missing";
        assert!(refused.stderr.contains(why), "{refused}");
    }
    let server = with_archive(&zip(&[("sdnbridge.exe", b"other")]));
    let context = context!().server(&server);
    let refused = run(&context, UP).exited(3);
    assert!(refused.stderr.contains("holds no `bin/nat.exe`, which cni needs"), "{refused}");
}

#[test]
fn where_it_makes_no_sense_it_is_a_usage_error() {
    let context = context!();
    context.write("plugins.tar", "");
    assert_outcome!(run_for(&context, "linux-arm64", UP), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--network nat` is for Windows only, and the programs are for linux-arm64

    hint: leave it out: on Linux, RUN has the host's network
    ");
    assert!(!context.base_dir().exists(), "{:?}", context.tree());
    let server = with_plugins();
    let context = context.server(&server);
    assert_outcome!(run(&context, "resolve --network nat --cni ./plugins.tar"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--cni [ROOT]/plugins.tar` is no archive that ends in .zip

    hint: give an archive as upstream releases it, a folder of programs or a source checkout
    ");
}

#[test]
fn a_release_for_another_processor_is_passed_over() {
    let server = with_plugins();
    for component in [Containerd, Buildkit] {
        server.release(component.repository(), release(component, "9.9.9", "windows-arm64"));
    }
    let context = context!().server(&server);
    assert_outcome!(run_for(&context, "windows-arm64", "resolve --network nat"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: GitHub has no cni for windows-arm64 that `latest` asks for: 0.3.1 was released without `windows-container-networking-cni-arm64-v0.3.1.zip`

    hint: ask for another version or platform, or build it with `--source go`
    ");
}
