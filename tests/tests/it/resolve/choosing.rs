//! Which release is taken, and what is said when none can be.

use super::resolved;
use crate::common::{PLATFORM, asset_name, lock_file, offer_containerd, release, run, run_for, server};
use serde_json::json;
use tests::{Release, assert_outcome, context, insta};
use xtask::component::Component::{Buildkit, Buildx, Containerd};

#[test]
fn the_newest_complete_release_is_taken_whatever_the_list_begins_with() {
    let server = server();
    let containerd = |it: Release| server.release(Containerd.repository(), it);
    containerd(release(Containerd, "1.7.30", PLATFORM));
    containerd(Release::new("api/v1.11.0"));
    containerd(release(Containerd, "2.10.0", PLATFORM));
    containerd(release(Containerd, "2.9.9", PLATFORM));
    containerd(release(Containerd, "2.11.0", "linux-amd64"));
    containerd(release(Containerd, "2.12.0-rc.1", PLATFORM).prerelease());
    containerd(release(Containerd, "2.13.0", PLATFORM).draft());
    server.release(Buildkit.repository(), release(Buildkit, "1.20.0", PLATFORM).draft());
    server.release(Buildkit.repository(), Release::new("dockerfile/1.25.0"));
    let context = context!().server(&server);
    assert_outcome!(run(&context, "resolve"), @"
    exit code: 0
    ----- stdout -----
    containerd 2.10.0
      source  github
      url     http://[SERVER]/containerd/containerd/releases/download/v2.10.0/containerd-2.10.0-windows-amd64.tar.gz
      size    [SIZE]
      sha256  [SHA256] (from GitHub)
      skipped 2.13.0: it is a draft
      skipped 2.12.0-rc.1: it is a pre-release (`prerelease` takes those)
      skipped 2.11.0: it was released without `containerd-2.11.0-windows-amd64.tar.gz`
    buildkit 0.32.2
      source  github
      url     http://[SERVER]/moby/buildkit/releases/download/v0.32.2/buildkit-v0.32.2.windows-amd64.tar.gz
      size    [SIZE]
      sha256  [SHA256] (from GitHub)
      skipped 1.20.0: it is a draft
    ----- stderr -----
    ");
    let found = resolved(&context, Containerd, "");
    assert_eq!(found["version"], "2.10.0");
    let skipped = |version: &str, reason: &str| json!({"version": version, "reason": reason});
    let expected = json!([
        skipped("2.13.0", "it is a draft"),
        skipped("2.12.0-rc.1", "it is a pre-release (`prerelease` takes those)"),
        skipped("2.11.0", "it was released without `containerd-2.11.0-windows-amd64.tar.gz`"),
    ]);
    assert_eq!(found["skipped"], expected);
    assert_eq!(resolved(&context, Containerd, "--containerd prerelease")["version"], "2.12.0-rc.1");
    assert_eq!(resolved(&context, Containerd, "--containerd 2.12.0-rc.1")["version"], "2.12.0-rc.1");
    assert_eq!(resolved(&context, Containerd, "--containerd 1.7")["version"], "1.7.30");
    assert_eq!(resolved(&context, Containerd, "--containerd 2")["version"], "2.10.0");
    assert_outcome!(run(&context, "resolve --containerd 2.13.0"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: GitHub has no containerd for windows-amd64 that `2.13.0` asks for

    hint: use another `--source`, or give the path of an archive
    ");
    assert_outcome!(run(&context, "resolve --containerd 2.11.0"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: containerd 2.11.0 was released without `containerd-2.11.0-windows-amd64.tar.gz`

    hint: ask for another version or platform, or build it with `--source go` (`--containerd 2.11.0`)
    ");
}

#[test]
fn a_series_is_looked_for_on_further_pages_and_the_newest_is_not() {
    let server = server();
    server.page_size(2);
    for version in ["2.4.1", "2.4.0", "2.3.9", "2.3.8"] {
        offer_containerd(&server, version);
    }
    let context = context!().server(&server);
    // The first page is 2.3.4 and 2.4.1.
    assert_eq!(resolved(&context, Containerd, "")["version"], "2.4.1");
    assert_eq!(server.requests_for("containerd").len(), 1);
    assert_eq!(resolved(&context, Containerd, "--containerd 2.4")["version"], "2.4.1");
    assert_outcome!(run(&context, "resolve --containerd 2.2"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: GitHub has no containerd for windows-amd64 that `2.2` asks for

    hint: the newest there is 2.4.1
    ");
    let pages: Vec<_> = server.requests_for("containerd").into_iter().skip(2).map(|it| it.path).collect();
    assert_eq!(pages.len(), 3, "{pages:#?}");
    assert!(pages[2].ends_with("&page=3"), "{pages:#?}");
    offer_containerd(&server, "2.2.7");
    assert_eq!(resolved(&context, Containerd, "--containerd 2.2")["version"], "2.2.7");
}

#[test]
fn an_exact_version_is_asked_for_by_its_tag() {
    let server = server();
    let context = context!().server(&server);
    for spec in ["2.3.4", "v2.3.4"] {
        server.forget_requests();
        assert_eq!(resolved(&context, Containerd, &format!("--containerd {spec}"))["version"], "2.3.4");
        let asked: Vec<_> = server.requests_for("containerd").into_iter().map(|it| it.path).collect();
        assert_eq!(asked, ["/repos/containerd/containerd/releases/tags/v2.3.4"]);
    }
}

#[test]
fn what_cannot_be_satisfied_is_one_sentence_with_a_hint() {
    let server = server();
    let name = asset_name(Buildkit, "0.40.0", PLATFORM);
    let twice = Release::new("v0.40.0").asset(&name, "one").asset(&name, "two");
    let context = context!().server(&server);
    assert_outcome!(run(&context, "resolve --containerd 9.9.9"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: GitHub has no containerd for windows-amd64 that `9.9.9` asks for

    hint: the newest there is 2.3.4
    ");
    assert_outcome!(run(&context, "resolve --containerd 9.9"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: GitHub has no containerd for windows-amd64 that `9.9` asks for

    hint: the newest there is 2.3.4
    ");
    assert_outcome!(run_for(&context, "windows-arm64", "resolve"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: GitHub has no containerd for windows-arm64 that `latest` asks for: 2.3.4 was released without `containerd-2.3.4-windows-arm64.tar.gz`; for windows-arm64 BuildKit has a build, and containerd has none

    hint: ask for another version or platform, or build it with `--source go`
    ");
    assert_outcome!(run_for(&context, "windows-arm64", "resolve --containerd 2.3.4"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: containerd 2.3.4 was released without `containerd-2.3.4-windows-arm64.tar.gz`; for windows-arm64 BuildKit has a build, and containerd has none

    hint: ask for another version or platform, or build it with `--source go` (`--containerd 2.3.4`)
    ");
    assert_outcome!(run(&context, "resolve --source github --buildkit main"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--buildkit main` is a Go ref, and GitHub's releases have only versions

    hint: use `--source go`, or leave `--source` out
    ");
    server.release(Buildkit.repository(), twice);
    insta::allow_duplicates!(for line in ["resolve --buildkit 0.40.0", "resolve"] {
        eprintln!("$ cargo xtask {line}");
        assert_outcome!(run(&context, line), @"
        exit code: 3
        ----- stdout -----
        ----- stderr -----
        error: buildkit 0.40.0 is ambiguous: the release has 2 files named `buildkit-v0.40.0.windows-amd64.tar.gz`

        hint: ask for another version, or download the right file and give its path
        ");
    });
    assert!(!lock_file(&context).exists());
}

/// A `--fresh` that can't fetch all of what it is asked for would leave less than there was.
#[test]
fn what_cannot_be_had_costs_nothing_of_what_there_is() {
    let server = server();
    server.release(Buildx.repository(), release(Buildx, "0.36.1", PLATFORM));
    let context = context!().server(&server);
    run(&context, "up --no-start").success();
    let program = context.base_dir().join("containerd/installed/bin/containerd.exe");
    for line in ["--containerd 9.9.9", "--buildx 9.9.9"] {
        let failed = run(&context, &format!("up --no-start --fresh {line}")).exited(3);
        assert!(failed.stderr.contains("`9.9.9` asks for"), "{failed}");
        assert!(program.exists(), "{failed}");
    }
    run(&context, "up --no-start --fresh --buildx 0.36.1").success();
    assert!(program.exists() && context.base_dir().join("buildx/installed/bin/buildx.exe").exists());
}
