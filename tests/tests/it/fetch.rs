//! `up --no-start` through good and bad nights: resumed, repeated, refused, and never half-done.

mod cached;
mod interrupted;
mod proxies;
mod refused;
mod spoilt;

use super::common::{PLATFORM, asset_name, asset_with, containerd_of, done, lock_file, remove, server};
use std::fs;
use std::path::PathBuf;
use tests::{ReleaseServer, Request, Running, TestContext, context, sha256_hex};
use xtask::component::Component::Containerd;

/// The bytes of containerd's archive, as the download host is asked for them.
const BYTES: &str = "/objects/containerd/";

/// Where the connection breaks: amid the second block that goes into the cache.
const BREAK: usize = 400_000;

const UP: &str = "up --no-start";

/// Bytes that don't get smaller by compression.
fn noise(length: u32) -> Vec<u8> {
    (0..length / 4)
        .flat_map(|n| (n ^ 0x5bd1_e995).wrapping_mul(2_654_435_761).rotate_left(n % 31).to_le_bytes())
        .collect()
}

/// An archive of containerd that takes several blocks.
fn large() -> Vec<u8> {
    asset_with(Containerd, "2.3.4", PLATFORM, &noise(500_000))
}

/// A server with [`large`], and a machine that has BuildKit already: there is one download to look at.
fn with_large() -> (ReleaseServer, TestContext) {
    let server = server();
    let context = context!().server(&server);
    done(&context, UP);
    server.release(Containerd.repository(), containerd_of("2.3.4", large()));
    forget(&context);
    server.forget_requests();
    (server, context)
}

/// Takes containerd out of a workspace, with all that is known about it.
fn forget(context: &TestContext) {
    remove(context, &["containerd", "cache"]);
    fs::remove_file(lock_file(context)).unwrap();
}

/// Where [`large`] is in the cache.
fn cached_large(context: &TestContext) -> PathBuf {
    let name = asset_name(Containerd, "2.3.4", PLATFORM);
    context.base_dir().join("cache/archives/sha256").join(sha256_hex(&large())).join(name)
}

/// A run that is left to itself.
fn start(context: &TestContext) -> Running {
    context.xtask(UP.split(' ')).env("BUILDKIT_WINDOWS_PLATFORM", PLATFORM).spawn()
}

fn range(request: &Request) -> Option<&str> {
    request.header("range")
}

fn installed(context: &TestContext) -> Vec<String> {
    context.tree().into_iter().filter(|line| line.starts_with("containerd/installed/")).collect()
}

#[track_caller]
fn assert_installed(context: &TestContext) {
    let program = fs::read(context.base_dir().join("containerd/installed/bin/containerd.exe")).unwrap();
    assert!(program == [b"containerd 2.3.4".as_slice(), &noise(500_000)].concat());
    assert!(!context.base_dir().join("staging").exists());
    assert!(context.strays().is_empty());
}

/// The files of downloads that were begun.
fn partial(context: &TestContext) -> Vec<PathBuf> {
    let folder = fs::read_dir(context.base_dir().join("cache/archives/partial"));
    let parts = folder.into_iter().flatten().flatten().map(|entry| entry.path());
    parts.filter(|path| path.extension().is_some_and(|extension| extension == "part")).collect()
}
