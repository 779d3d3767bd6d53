//! Where a digest comes from, and which one counts.

use super::resolved;
use crate::common::{PLATFORM, asset, asset_name, asset_with, containerd_of, done, remove, run, server};
use tests::{Release, assert_outcome, context, sha256_hex};
use xtask::component::Component::Containerd;

#[test]
fn a_digest_is_the_apis_or_the_sum_files_or_there_is_none() {
    let server = server();
    let name = asset_name(Containerd, "2.3.5", PLATFORM);
    let bytes = asset(Containerd, "2.3.5", PLATFORM);
    let release = |it: Release| server.release(Containerd.repository(), it);
    release(Release::new("v2.3.5").asset_with_sha256sum(&name, &bytes).without_digest());
    release(containerd_of("2.3.6", &bytes).without_digest());
    let no_sum = format!("{}.sha256sum", asset_name(Containerd, "2.3.7", PLATFORM));
    release(containerd_of("2.3.7", &bytes).asset(&no_sum, "<html>").without_digest());
    let context = context!().server(&server);
    let digest_line = |version: &str| {
        let outcome = run(&context, &format!("resolve --containerd {version}")).success();
        outcome.stdout.lines().find(|line| line.trim().starts_with("sha256")).unwrap().trim().to_owned()
    };
    let known = sha256_hex(&asset(Containerd, "2.3.4", PLATFORM));
    assert_eq!(digest_line("2.3.4"), format!("sha256  {known} (from GitHub)"));
    assert_eq!(digest_line("2.3.5"), format!("sha256  {} (from {name}.sha256sum)", sha256_hex(&bytes)));
    assert_eq!(digest_line("2.3.6"), "sha256  none (unverified)");
    assert_outcome!(run(&context, "resolve --containerd 2.3.7"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: `http://[SERVER]/containerd/containerd/releases/download/v2.3.7/containerd-2.3.7-windows-amd64.tar.gz.sha256sum` holds no digest of `containerd-2.3.7-windows-amd64.tar.gz`

    hint: ask for another version, or download it and give its path: `--containerd PATH`
    ");
    // What is in its place already is not spoken of, and two archives at once would speak in any order.
    done(&context, "up --no-start --containerd 2.3.4");
    assert_outcome!(run(&context, "up --no-start --containerd 2.3.6"), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
        Resolved containerd 2.3.6 (github)
        Resolved buildkit 0.32.2 (github)
        Fetching containerd-2.3.6-windows-amd64.tar.gz
        Unpacked containerd-2.3.6-windows-amd64.tar.gz ([SIZE])
    warning: `containerd-2.3.6-windows-amd64.tar.gz` is unverified: nobody vouches for its digest
    ");
    assert_eq!(resolved(&context, Containerd, "--containerd 2.3.6")["sha256"], sha256_hex(&bytes), "it is locked now");
}

#[test]
fn the_lock_files_digest_beats_the_apis() {
    let server = server();
    let context = context!().server(&server);
    done(&context, "up --no-start");
    let other = asset_with(Containerd, "2.3.4", PLATFORM, b"replaced");
    server.release(Containerd.repository(), containerd_of("2.3.4", &other));
    let known = sha256_hex(&asset(Containerd, "2.3.4", PLATFORM));
    assert_eq!(resolved(&context, Containerd, "")["sha256"], known);
    remove(&context, &["cache", "containerd"]);
    let outcome = run(&context, "up --no-start");
    assert!(outcome.stderr.contains(&format!("expected {known}, found {}", sha256_hex(&other))), "{outcome}");
    assert_outcome!(outcome, @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
        Resolved containerd 2.3.4 (github)
        Resolved buildkit 0.32.2 (github)
        Fetching containerd-2.3.4-windows-amd64.tar.gz
    error: `containerd-2.3.4-windows-amd64.tar.gz` from http://[SERVER]/containerd/containerd/releases/download/v2.3.4/containerd-2.3.4-windows-amd64.tar.gz has the wrong SHA-256: expected [SHA256], found [SHA256]

    hint: try again; if it stays so, the file is not the one that was released: don't use it
    ");
    assert!(!context.base_dir().join("containerd").exists());
}
