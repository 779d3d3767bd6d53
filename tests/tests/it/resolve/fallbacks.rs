//! What is taken when GitHub gives nothing: the cache, the Go module proxy, or neither.

use super::resolved;
use crate::common::{done, lock_file, offer_containerd, remove, run, server};
use std::fs;
use tests::{assert_outcome, context, insta};
use xtask::component::Component::Containerd;

#[test]
fn when_no_calls_are_left_github_says_until_when_and_auto_takes_the_cache() {
    let server = server();
    server.limit_ends(1_900_000_000);
    let context = context!().server(&server).without("go");
    done(&context, "up --no-start");
    server.calls_left(0);
    offer_containerd(&server, "2.3.5");
    let refused = run(&context, "resolve --source github");
    assert!(refused.stderr.contains("2030-03-17T17:46:40Z"), "{refused}");
    assert_outcome!(refused, @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: http://[SERVER]/repos/containerd/containerd/releases?per_page=100 takes no more calls until [TIME]

    hint: set GH_TOKEN to a GitHub token, which raises the limit, or try again after [TIME]
    ");
    assert_outcome!(run(&context, "resolve"), @"
    exit code: 0
    ----- stdout -----
    containerd 2.3.4
      source  github
      url     http://[SERVER]/containerd/containerd/releases/download/v2.3.4/containerd-2.3.4-windows-amd64.tar.gz
      size    [SIZE]
      sha256  [SHA256] (from the cache)
    buildkit 0.32.2
      source  github
      url     http://[SERVER]/moby/buildkit/releases/download/v0.32.2/buildkit-v0.32.2.windows-amd64.tar.gz
      size    [SIZE]
      sha256  [SHA256] (from the cache)
    ----- stderr -----
    note: http://[SERVER]/repos/containerd/containerd/releases?per_page=100 takes no more calls until [TIME]; taking containerd 2.3.4, buildkit 0.32.2 from the cache
    ");
    // What the cache does not hold can't be had.
    assert_outcome!(run(&context, "resolve --containerd 2.2"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: failed to find containerd `2.2`: the cache has none, `go` is not on PATH, and http://[SERVER]/repos/containerd/containerd/releases?per_page=100 takes no more calls until [TIME]

    hint: install Go to build it from source, give a mirror with `--source DIR|URL`, or try again when GitHub answers
    ");
    assert_outcome!(run(&context, "up --no-start"), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
    note: http://[SERVER]/repos/containerd/containerd/releases?per_page=100 takes no more calls until [TIME]; taking containerd 2.3.4, buildkit 0.32.2 from the cache
        Resolved containerd 2.3.4 (github)
        Resolved buildkit 0.32.2 (github)
    ");
}

#[test]
fn without_github_cache_and_go_it_says_so() {
    let context = context!().without("go");
    assert_outcome!(run(&context, "resolve"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: failed to find containerd `latest`: the cache has none, `go` is not on PATH, and can't reach http://[SERVER]/repos/containerd/containerd/releases?per_page=100: tcp connect error: Connection refused [OS ERROR]

    hint: install Go to build it from source, give a mirror with `--source DIR|URL`, or try again when GitHub answers
    ");
    assert_outcome!(run(&context, "resolve --source go"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: failed to build containerd from source: `go` is not on PATH

    hint: install Go 1.26.8 or newer, or take released programs with `--source github` or a mirror
    ");
    let server = server();
    let context = context!().without("go").server(&server);
    assert_outcome!(run(&context, "resolve --buildkit main"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: failed to build buildkit from source: `go` is not on PATH

    hint: install Go 1.26.8 or newer, or take released programs with `--source github` or a mirror
    ");
}

#[test]
fn offline_takes_the_cache_and_makes_no_call() {
    let server = server();
    let context = context!().server(&server);
    insta::allow_duplicates!(for line in ["resolve --offline", "up --no-start --offline"] {
        eprintln!("$ cargo xtask {line}");
        assert_outcome!(run(&context, line), @"
        exit code: 3
        ----- stdout -----
        ----- stderr -----
        error: the cache `[BASE]/cache` holds no containerd that `latest` asks for

        hint: run the command once with a network, or give a mirror with `--source DIR`
        ");
    });
    assert!(server.requests().is_empty());
    let online = run(&context, "up --no-start").success();
    let lock = fs::read(lock_file(&context)).unwrap();
    server.forget_requests();
    for line in ["resolve --offline", "resolve --offline --containerd 2.3", "up --no-start --offline"] {
        done(&context, line);
    }
    // Even when nothing is installed any more.
    remove(&context, &["containerd"]);
    assert_outcome!(run(&context, "up --no-start --offline"), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
        Resolved containerd 2.3.4 (github)
        Resolved buildkit 0.32.2 (github)
        Fetching containerd-2.3.4-windows-amd64.tar.gz
        Unpacked containerd-2.3.4-windows-amd64.tar.gz (from the cache, [SIZE])
    ");
    assert!(server.requests().is_empty(), "{:#?}", server.requests());
    assert_eq!(fs::read(lock_file(&context)).unwrap(), lock, "{online}");
    // The newest of what it holds, and not what came last.
    for version in ["2.10.0", "2.9.9"] {
        offer_containerd(&server, version);
        done(&context, &format!("up --no-start --containerd {version}"));
    }
    assert_eq!(resolved(&context, Containerd, "--offline")["version"], "2.10.0");
}
