//! Mirrors: a folder, or a URL, with upstream's files.

use super::{mirror_file, resolved};
use crate::common::{PLATFORM, asset, asset_name, done, only, run, run_for};
use std::fs;
use tests::{Fault, ReleaseServer, Times, assert_outcome, context, sha256_hex};
use xtask::component::Component::{self, Buildkit, Containerd, Runc};
use xtask::platform::Os;

#[test]
fn a_mirror_is_a_folder_of_upstreams_files() {
    let context = context!().without("go");
    for version in ["2.3.4", "2.10.0", "2.11.0-rc.1"] {
        mirror_file(&context, Containerd, version);
    }
    let name = asset_name(Buildkit, "0.32.2", PLATFORM);
    context.write(format!("mirror/{name}"), asset(Buildkit, "0.32.2", PLATFORM));
    for look_alike in
        [format!("{name}.sbom.json"), "containerd-static-9.9.9-windows-amd64.tar.gz".into(), "README".into()]
    {
        context.write(format!("mirror/{look_alike}"), "");
    }
    assert_outcome!(run(&context, "resolve --source mirror"), @"
    exit code: 0
    ----- stdout -----
    containerd 2.10.0
      source  mirror
      url     [ROOT]/mirror/containerd-2.10.0-windows-amd64.tar.gz
      size    [SIZE]
      sha256  [SHA256] (from containerd-2.10.0-windows-amd64.tar.gz.sha256sum)
      skipped 2.11.0-rc.1: it is a pre-release (`prerelease` takes those)
    buildkit 0.32.2
      source  mirror
      url     [ROOT]/mirror/buildkit-v0.32.2.windows-amd64.tar.gz
      size    [SIZE]
      sha256  none (unverified)
    ----- stderr -----
    ");
    assert_eq!(resolved(&context, Containerd, "--source ./mirror --containerd 2.3")["version"], "2.3.4");
    assert_eq!(resolved(&context, Containerd, "--source mirror --containerd prerelease")["version"], "2.11.0-rc.1");
    let fetched = done(&context, "up --no-start --source mirror").stderr;
    assert!(fetched.contains(&format!("warning: `{name}` is unverified: nobody vouches for its digest")), "{fetched}");
    assert_eq!(fetched.matches("warning:").count(), 1, "{fetched}");
    assert_outcome!(run(&context, "resolve --source mirror --containerd 2.3.9"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: the mirror `[ROOT]/mirror` has no containerd for windows-amd64 that `2.3.9` asks for

    hint: the newest there is 2.10.0
    ");
    assert_outcome!(run(&context, "resolve --source mirror --containerd main"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--containerd main` is a Go ref, and the mirror `[ROOT]/mirror` has only released files

    hint: use `--source go` for it
    ");
    assert_outcome!(run(&context, "resolve --source nowhere"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--source [ROOT]/nowhere` is no mirror: there is no such folder

    hint: give a folder of release files, a URL, or one of auto, github and go
    ");
    context.write("a file", "");
    assert_outcome!(context.xtask(["resolve", "--platform", PLATFORM, "--source", "a file"]).run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--source [ROOT]/a file` is no mirror: it is no folder

    hint: give a folder of release files, a URL, or one of auto, github and go
    ");
    context.write("empty/nothing", "");
    assert_outcome!(run(&context, "resolve --source empty"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: the mirror `[ROOT]/empty` has no containerd for windows-amd64 that `latest` asks for

    hint: use another `--source`, or give the path of an archive
    ");
    context.write(format!("mirror/{name}.sha256sum"), "no digest");
    assert_outcome!(run(&context, "resolve --source mirror"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: `[ROOT]/mirror/buildkit-v0.32.2.windows-amd64.tar.gz.sha256sum` holds no digest of `buildkit-v0.32.2.windows-amd64.tar.gz`

    hint: mend the mirror, or take another `--source`
    ");
}

/// containerd is not released for it.
#[test]
fn windows_on_arm_has_only_half_of_what_it_takes() {
    let context = context!();
    let name = asset_name(Component::Buildkit, only(Component::Buildkit), "windows-arm64");
    context.write(format!("mirror/{name}"), "");
    let name = asset_name(Component::Containerd, only(Component::Containerd), "windows-amd64");
    context.write(format!("mirror/{name}"), "");
    assert_outcome!(run_for(&context, "windows-arm64", "resolve --source mirror"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: the mirror `[ROOT]/mirror` has no containerd for windows-arm64 that `latest` asks for; for windows-arm64 BuildKit has a build, and containerd has none

    hint: use another `--source`, or give the path of an archive
    ");
}

#[test]
fn a_mirrors_runc_has_no_version_in_its_name() {
    let context = context!();
    for component in Component::needed_on(Os::Linux) {
        let name = asset_name(*component, only(*component), "linux-arm64");
        context.write(format!("mirror/{name}"), asset(*component, only(*component), "linux-arm64"));
    }
    let sum = sha256_hex(&asset(Runc, "1.3.0", "linux-arm64"));
    context.write("mirror/runc.sha256sum", format!("{} *runc.amd64\n{sum} *runc.arm64\n", "0".repeat(64)));
    let outcome = run_for(&context, "linux-arm64", "resolve --source mirror");
    assert!(outcome.stdout.contains(&format!("{sum} (from runc.sha256sum)")), "{outcome}");
    assert_outcome!(outcome, @"
    exit code: 0
    ----- stdout -----
    containerd 2.3.4
      source  mirror
      url     [ROOT]/mirror/containerd-2.3.4-linux-arm64.tar.gz
      size    [SIZE]
      sha256  none (unverified)
    buildkit 0.32.2
      source  mirror
      url     [ROOT]/mirror/buildkit-v0.32.2.linux-arm64.tar.gz
      size    [SIZE]
      sha256  none (unverified)
    runc unknown
      source  mirror
      url     [ROOT]/mirror/runc.arm64
      size    [SIZE]
      sha256  [SHA256] (from runc.sha256sum)
    ----- stderr -----
    ");
    assert_outcome!(run_for(&context, "linux-arm64", "resolve --source mirror --runc 1.3.0"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: the mirror `[ROOT]/mirror` has runc in a file whose name tells no version, so `1.3.0` can't be picked there

    hint: ask for `--runc latest`, or give the file's path
    ");
    assert_eq!(run_for(&context, "linux-arm64", "up --no-start --source mirror").code, 0);
    assert_eq!(fs::read(context.base_dir().join("runc/installed/bin/runc")).unwrap(), b"runc 1.3.0");
}

#[test]
fn a_mirror_behind_a_url_needs_a_listing_only_for_what_is_not_exact() {
    let server = ReleaseServer::start();
    for (component, version) in [(Containerd, "2.3.4"), (Containerd, "2.10.0"), (Buildkit, "0.32.2")] {
        let (name, bytes) = (asset_name(component, version, PLATFORM), asset(component, version, PLATFORM));
        server.mirror_file(&format!("{name}.sha256sum"), format!("{}  {name}\n", sha256_hex(&bytes)));
        server.mirror_file(&name, bytes);
    }
    let context = context!().without("go");
    let url = server.mirror_url();
    let mirror = |line: &str| run(&context, &format!("{line} --source {url}"));
    assert_outcome!(mirror("resolve"), @"
    exit code: 0
    ----- stdout -----
    containerd 2.10.0
      source  mirror
      url     http://[SERVER]/mirror/containerd-2.10.0-windows-amd64.tar.gz
      sha256  [SHA256] (from containerd-2.10.0-windows-amd64.tar.gz.sha256sum)
    buildkit 0.32.2
      source  mirror
      url     http://[SERVER]/mirror/buildkit-v0.32.2.windows-amd64.tar.gz
      sha256  [SHA256] (from buildkit-v0.32.2.windows-amd64.tar.gz.sha256sum)
    ----- stderr -----
    ");
    assert_eq!(mirror("up --no-start").code, 0);
    server.forbid_listing();
    assert_outcome!(mirror("resolve"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: the mirror `http://[SERVER]/mirror` shows no listing, so `--containerd latest` can't be picked from it

    hint: ask for an exact version: `--containerd 1.2.3`
    ");
    let exact = "resolve --containerd 2.3.4 --buildkit 0.32.2";
    assert_outcome!(mirror(exact), @"
    exit code: 0
    ----- stdout -----
    containerd 2.3.4
      source  mirror
      url     http://[SERVER]/mirror/containerd-2.3.4-windows-amd64.tar.gz
      size    [SIZE]
      sha256  [SHA256] (from containerd-2.3.4-windows-amd64.tar.gz.sha256sum)
    buildkit 0.32.2
      source  mirror
      url     http://[SERVER]/mirror/buildkit-v0.32.2.windows-amd64.tar.gz
      size    [SIZE]
      sha256  [SHA256] (from buildkit-v0.32.2.windows-amd64.tar.gz.sha256sum)
    ----- stderr -----
    ");
    assert_outcome!(mirror("up --no-start --containerd 2.9.9 --buildkit 0.32.2"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: http://[SERVER]/mirror/containerd-2.9.9-windows-amd64.tar.gz answered 404 Not Found

    hint: check the version and the address
    ");
    assert_outcome!(mirror("resolve --containerd 2.3.4 --buildkit main"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--buildkit main` is a Go ref, and the mirror `http://[SERVER]/mirror` has only released files

    hint: use `--source go` for it
    ");
    server.fault("/mirror/", Fault::Status(401), Times::Always);
    assert_outcome!(mirror("resolve"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: http://[SERVER]/mirror/ answered 401 Unauthorized

    hint: check that GH_TOKEN or GITHUB_TOKEN, where set, is valid, and that no proxy blocks the address
    ");
}
