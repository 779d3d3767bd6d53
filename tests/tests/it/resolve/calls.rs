//! The calls to GitHub: not more than are needed, and no token for anyone else.

use super::resolved;
use crate::common::{PLATFORM, asset, asset_name, done, offer_containerd, run, server};
use std::fs;
use std::path::Path;
use tests::{Host, Release, context};
use xtask::component::Component::{Buildkit, Containerd};

#[test]
fn an_unchanged_list_is_not_asked_for_twice() {
    let server = server();
    // The first run uses two calls up; what is answered with 304 costs none. One is for what changes, and the last
    // one stays: without any, not even an unchanged answer is to be had.
    server.calls_left(4);
    let context = context!().server(&server);
    let first = run(&context, "resolve --source github").success();
    for _ in 0..3 {
        assert_eq!(run(&context, "resolve --source github").success().stdout, first.stdout);
    }
    let statuses: Vec<u16> = server.requests().iter().map(|it| it.status).collect();
    assert_eq!(statuses, [200, 200, 304, 304, 304, 304, 304, 304]);
    // And an answer that has changed is seen.
    offer_containerd(&server, "2.3.5");
    assert_eq!(resolved(&context, Containerd, "--source github")["version"], "2.3.5");
    assert_eq!(server.requests_for("containerd").last().unwrap().status, 200);
    done(&context, "resolve --source github");
}

#[test]
fn the_token_goes_to_the_api_and_nowhere_else() {
    let server = server();
    let sums = Release::new("v0.33.0").without_digest();
    let name = asset_name(Buildkit, "0.33.0", PLATFORM);
    server.release(Buildkit.repository(), sums.asset_with_sha256sum(&name, asset(Buildkit, "0.33.0", PLATFORM)));
    let context = context!().server(&server);
    let command = context.xtask(["up", "--no-start", "--verbose", "--platform", PLATFORM]);
    let outcome = command.env("GH_TOKEN", "s3cret").env("GITHUB_TOKEN", "0ther").run().success();
    assert!(!outcome.render().contains("s3cret"), "{outcome}");
    let requests = server.requests();
    assert_eq!(requests.iter().filter(|it| it.host == Host::Downloads).count(), 3, "two archives and a sum");
    for request in requests {
        let expected = request.path.starts_with("/repos/").then_some("Bearer s3cret");
        assert_eq!(request.header("authorization"), expected, "{} at {:?}", request.path, request.host);
    }
    // No file of the workspace, the home or the temporary folder has it either.
    assert!(!holds(context.root(), "s3cret"));
}

/// Whether any file below a folder holds a text.
fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().flatten().any(|entry| match entry.file_type().unwrap().is_dir() {
        true => holds(&entry.path(), text),
        false => fs::read(entry.path()).unwrap().windows(text.len()).any(|window| window == text.as_bytes()),
    })
}
