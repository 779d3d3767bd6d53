//! `resolve` and `up --no-start` against a release server: what is chosen, from where, and what is said about it.
//!
//! Also what the other tests of the binary share: releases on the shelf, and a short way to run a command.

use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use tests::{Fault, Host, Outcome, Release, ReleaseServer, StandIn, TestContext, Times, assert_outcome, context};
use tests::{sha256_hex, tar_gz};
use xtask::component::Component::{self, Buildkit, Containerd, Runc};
use xtask::platform::{Os, Platform};
use xtask::version::Spec;

/// What most of these tests ask for: the same on every host, and only two components.
pub(crate) const PLATFORM: &str = "windows-amd64";

pub(crate) fn platform(name: &str) -> Platform {
    name.parse().unwrap()
}

/// The name of a component's asset.
pub(crate) fn asset_name(component: Component, version: &str, of: &str) -> String {
    let Ok(Spec::Exact(version)) = version.parse() else { panic!("{version} is no version") };
    component.asset_name(&version, platform(of))
}

/// A component's asset with all of its programs, as far as unpacking goes: they are not to be run.
pub(crate) fn asset(component: Component, version: &str, of: &str) -> Vec<u8> {
    asset_with(component, version, of, b"")
}

/// The same with programs that have something in them.
pub(crate) fn asset_with(component: Component, version: &str, of: &str, filling: &[u8]) -> Vec<u8> {
    let of = platform(of);
    if component == Runc {
        return format!("runc {version}").into_bytes();
    }
    let programs = component.programs(of.os).iter();
    let files: Vec<(String, Vec<u8>)> = programs
        .map(|program| {
            (format!("bin/{}", of.exe(program)), [format!("{program} {version}").as_bytes(), filling].concat())
        })
        .collect();
    let files: Vec<_> = files.iter().map(|(name, content)| (name.as_str(), content.as_slice(), 0o755)).collect();
    tar_gz(&files)
}

/// A release with the asset for a platform.
pub(crate) fn release(component: Component, version: &str, of: &str) -> Release {
    Release::new(&format!("v{version}")).asset(&asset_name(component, version, of), asset(component, version, of))
}

/// A server that has one release of each component for a platform: containerd 2.3.4, BuildKit 0.32.2, runc 1.3.0.
pub(crate) fn server_for(of: &str) -> ReleaseServer {
    let server = ReleaseServer::start();
    for component in Component::needed_on(platform(of).os) {
        server.release(component.repository(), release(*component, only(*component), of));
    }
    server
}

/// A server with what most tests ask for.
pub(crate) fn server() -> ReleaseServer {
    server_for(PLATFORM)
}

/// The version that [`server`] has.
pub(crate) fn only(component: Component) -> &'static str {
    match component {
        Containerd => "2.3.4",
        Buildkit => "0.32.2",
        Runc => "1.3.0",
    }
}

/// Runs a command, typed as a line, for [`PLATFORM`].
pub(crate) fn run(context: &TestContext, line: &str) -> Outcome {
    run_for(context, PLATFORM, line)
}

/// Runs a command for a platform.
pub(crate) fn run_for(context: &TestContext, of: &str, line: &str) -> Outcome {
    context.xtask(line.split_whitespace()).env("BUILDKIT_WINDOWS_PLATFORM", of).run()
}

/// Runs a command that must succeed.
#[track_caller]
pub(crate) fn done(context: &TestContext, line: &str) -> Outcome {
    run(context, line).success()
}

/// What `resolve --json` says about a component.
fn resolved(context: &TestContext, component: Component, line: &str) -> Value {
    let list = run(context, &format!("resolve --json {line}")).success().json();
    let found = list.as_array().unwrap().iter().find(|found| found["component"] == component.name());
    found.unwrap_or_else(|| panic!("no {component} in {list:#}")).clone()
}

/// Puts a component's asset into a mirror folder, with its `.sha256sum` beside it.
fn mirror_file(context: &TestContext, component: Component, version: &str) -> PathBuf {
    let name = asset_name(component, version, PLATFORM);
    let bytes = asset(component, version, PLATFORM);
    context.write(format!("mirror/{name}.sha256sum"), format!("{}  {name}\n", sha256_hex(&bytes)));
    context.write(format!("mirror/{name}"), bytes)
}

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
    error: GitHub has no containerd that `2.13.0` asks for

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
fn the_json_has_these_keys_and_no_others() {
    let server = server();
    let context = context!().server(&server);
    let list = run(&context, "resolve --json").success().json();
    let expected = |component: Component| {
        let (version, repository) = (only(component), component.repository());
        let (name, bytes) = (asset_name(component, version, PLATFORM), asset(component, version, PLATFORM));
        json!({
            "component": component.name(),
            "version": version,
            "source": "github",
            "url": format!("{}/{repository}/releases/download/v{version}/{name}", server.api_url()),
            "size": bytes.len(),
            "sha256": sha256_hex(&bytes),
            "skipped": [],
        })
    };
    assert_eq!(list, json!([expected(Containerd), expected(Buildkit)]));
}

#[test]
fn a_series_is_looked_for_on_further_pages_and_the_newest_is_not() {
    let server = server();
    server.page_size(2);
    for version in ["2.4.1", "2.4.0", "2.3.9", "2.3.8"] {
        server.release(Containerd.repository(), release(Containerd, version, PLATFORM));
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
    error: GitHub has no containerd that `2.2` asks for

    hint: the newest there is 2.4.1
    ");
    let pages: Vec<_> = server.requests_for("containerd").into_iter().skip(2).map(|it| it.path).collect();
    assert_eq!(pages.len(), 3, "{pages:#?}");
    assert!(pages[2].ends_with("&page=3"), "{pages:#?}");
    server.release(Containerd.repository(), release(Containerd, "2.2.7", PLATFORM));
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
    error: GitHub has no containerd that `9.9.9` asks for

    hint: the newest there is 2.3.4
    ");
    assert_outcome!(run(&context, "resolve --containerd 9.9"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: GitHub has no containerd that `9.9` asks for

    hint: the newest there is 2.3.4
    ");
    assert_outcome!(run_for(&context, "windows-arm64", "resolve"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: GitHub has no containerd for windows-arm64 that `latest` asks for: 2.3.4 was released without `containerd-2.3.4-windows-arm64.tar.gz`

    hint: ask for another version or platform, or build it with `--source go`
    ");
    assert_outcome!(run_for(&context, "windows-arm64", "resolve --containerd 2.3.4"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: containerd 2.3.4 was released without `containerd-2.3.4-windows-arm64.tar.gz`

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
    assert_outcome!(run(&context, "resolve --buildkit 0.40.0"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: buildkit 0.40.0 is ambiguous: the release has 2 files named `buildkit-v0.40.0.windows-amd64.tar.gz`

    hint: ask for another version, or download the right file and give its path
    ");
    assert_outcome!(run(&context, "resolve"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: buildkit 0.40.0 is ambiguous: the release has 2 files named `buildkit-v0.40.0.windows-amd64.tar.gz`

    hint: ask for another version, or download the right file and give its path
    ");
    assert!(!context.base_dir().join("versions.lock.json").exists());
}

#[test]
fn a_digest_is_the_apis_or_the_sum_files_or_there_is_none() {
    let server = server();
    let name = asset_name(Containerd, "2.3.5", PLATFORM);
    let bytes = asset(Containerd, "2.3.5", PLATFORM);
    let release = |it: Release| server.release(Containerd.repository(), it);
    release(Release::new("v2.3.5").asset_with_sha256sum(&name, &bytes).without_digest());
    release(Release::new("v2.3.6").asset(&asset_name(Containerd, "2.3.6", PLATFORM), &bytes).without_digest());
    let odd = asset_name(Containerd, "2.3.7", PLATFORM);
    release(Release::new("v2.3.7").asset(&odd, &bytes).asset(&format!("{odd}.sha256sum"), "<html>").without_digest());
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
    server.release(Containerd.repository(), release(Containerd, "2.3.5", PLATFORM));
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
fn holds(folder: &std::path::Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().flatten().any(|entry| match entry.file_type().unwrap().is_dir() {
        true => holds(&entry.path(), text),
        false => fs::read(entry.path()).unwrap().windows(text.len()).any(|window| window == text.as_bytes()),
    })
}

#[test]
fn when_no_calls_are_left_github_says_until_when_and_auto_takes_the_cache() {
    let server = server();
    server.limit_ends(1_900_000_000);
    let context = context!().server(&server).without("go");
    done(&context, "up --no-start");
    server.calls_left(0).release(Containerd.repository(), release(Containerd, "2.3.5", PLATFORM));
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
    error: failed to find containerd `latest`: the cache has none, `go` is not on PATH, and can't reach http://[SERVER]/repos/containerd/containerd/releases?per_page=100: tcp connect error: Connection refused (os error 111)

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

/// A `go` that knows what the module proxy would say, and how old it is itself.
fn stand_in_for_go(needed: &str, toolchain: &str) -> Vec<u8> {
    let module = |name: &str, versions: &str, newest: &str, go: StandIn| {
        let list = format!(r#"{{"Path": "{name}", "Versions": [{versions}]}}"#);
        let one = format!(r#"{{"Path": "{name}", "Version": "{newest}", "GoVersion": "{needed}"}}"#);
        go.answers(&format!("list -mod=mod -m -versions -json {name}"), &list)
            .answers(&format!("list -mod=mod -m -json {name}@{newest}"), &one)
    };
    let go = StandIn::new("go", "").answers("env GOVERSION GOTOOLCHAIN", &format!("go1.26.8\n{toolchain}\n"));
    let containerd = "github.com/containerd/containerd/v2";
    let go = module(containerd, r#""v2.3.4", "v2.10.0", "v2.9.0", "v2.11.0-rc.1""#, "v2.10.0", go);
    module("github.com/moby/buildkit", r#""v0.32.2""#, "v0.32.2", go).script()
}

#[test]
#[cfg(unix)]
fn auto_takes_the_go_module_proxy_when_nothing_else_is_left() {
    let context = context!().with_program("go", stand_in_for_go("1.25", "auto"));
    assert_outcome!(run(&context, "resolve"), @"
    exit code: 0
    ----- stdout -----
    containerd 2.10.0
      source  go
      url     github.com/containerd/containerd/v2@v2.10.0
      sha256  none (checked by Go, against its checksum database)
      skipped 2.11.0-rc.1: it is a pre-release (`prerelease` takes those)
    buildkit 0.32.2
      source  go
      url     github.com/moby/buildkit@v0.32.2
      sha256  none (checked by Go, against its checksum database)
    ----- stderr -----
    note: can't reach http://[SERVER]/repos/containerd/containerd/releases?per_page=100: tcp connect error: Connection refused (os error 111); taking containerd 2.10.0, buildkit 0.32.2 from the Go module proxy
    ");
    assert_eq!(resolved(&context, Containerd, "--source go")["url"], "github.com/containerd/containerd/v2@v2.10.0");
    let context = context!().with_program("go", stand_in_for_go("1.99", "auto"));
    done(&context, "resolve --source go");
    let context = context!().with_program("go", stand_in_for_go("1.99", "local"));
    assert_outcome!(run(&context, "resolve --source go"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: failed to build containerd v2.10.0: it needs Go 1.99, and `go` is 1.26.8

    hint: install Go 1.99 or newer, or let it fetch a newer toolchain with GOTOOLCHAIN=auto
    ");
}

#[test]
fn offline_takes_the_cache_and_makes_no_call() {
    let server = server();
    let context = context!().server(&server);
    assert_outcome!(run(&context, "resolve --offline"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: the cache `[BASE]/cache` holds no containerd that `latest` asks for

    hint: run the command once with a network, or give a mirror with `--source DIR`
    ");
    assert_outcome!(run(&context, "up --no-start --offline"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: the cache `[BASE]/cache` holds no containerd that `latest` asks for

    hint: run the command once with a network, or give a mirror with `--source DIR`
    ");
    assert!(server.requests().is_empty());
    let online = run(&context, "up --no-start").success();
    let lock = fs::read(context.base_dir().join("versions.lock.json")).unwrap();
    server.forget_requests();
    for line in ["resolve --offline", "resolve --offline --containerd 2.3", "up --no-start --offline"] {
        done(&context, line);
    }
    // Even when nothing is installed any more.
    fs::remove_dir_all(context.base_dir().join("containerd")).unwrap();
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
    assert_eq!(fs::read(context.base_dir().join("versions.lock.json")).unwrap(), lock, "{online}");
    // The newest of what it holds, and not what came last.
    for version in ["2.10.0", "2.9.9"] {
        server.release(Containerd.repository(), release(Containerd, version, PLATFORM));
        done(&context, &format!("up --no-start --containerd {version}"));
    }
    assert_eq!(resolved(&context, Containerd, "--offline")["version"], "2.10.0");
}

#[test]
fn locked_takes_what_the_lock_file_says_and_nothing_else() {
    let server = server();
    let context = context!().server(&server);
    assert_outcome!(run(&context, "resolve --locked"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: `--locked`, but `[BASE]/versions.lock.json` says nothing of containerd for windows-amd64

    hint: run the command once without `--locked`
    ");
    done(&context, "up --no-start");
    server.release(Containerd.repository(), release(Containerd, "2.3.5", PLATFORM));
    assert_eq!(resolved(&context, Containerd, "")["version"], "2.3.5");
    server.forget_requests();
    for line in ["--locked", "--locked --containerd 2.3", "--locked --containerd 2.3.4", "--locked --source github"] {
        assert_eq!(resolved(&context, Containerd, line)["version"], "2.3.4", "{line}");
    }
    done(&context, "up --no-start --locked");
    assert!(server.requests().is_empty());
    assert_outcome!(run(&context, "resolve --locked --containerd 2.3.5"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: `--locked`, but `[BASE]/versions.lock.json` has containerd 2.3.4, and that is not what `--containerd 2.3.5` is now

    hint: ask for `--containerd 2.3.4`, or leave `--locked` out
    ");
    // Another platform's lock file is none.
    assert_outcome!(run_for(&context, "windows-arm64", "resolve --locked"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: `--locked`, but `[BASE]/versions.lock.json` says nothing of containerd for windows-arm64

    hint: run the command once without `--locked`
    ");
    // Without a cache it is fetched from where the lock file says.
    for folder in ["cache", "containerd"] {
        fs::remove_dir_all(context.base_dir().join(folder)).unwrap();
    }
    done(&context, "up --no-start --locked");
    let asked: Vec<_> = server.requests_for("containerd").into_iter().map(|it| (it.host, it.path)).collect();
    let path = "containerd/containerd/releases/download/v2.3.4/containerd-2.3.4-windows-amd64.tar.gz";
    assert_eq!(asked[0], (Host::Api, format!("/{path}")));
    assert_eq!(asked.len(), 2, "{asked:#?}");
}

#[test]
fn the_lock_files_digest_beats_the_apis() {
    let server = server();
    let context = context!().server(&server);
    done(&context, "up --no-start");
    let name = asset_name(Containerd, "2.3.4", PLATFORM);
    let other = asset_with(Containerd, "2.3.4", PLATFORM, b"replaced");
    server.release(Containerd.repository(), Release::new("v2.3.4").asset(&name, &other));
    let known = sha256_hex(&asset(Containerd, "2.3.4", PLATFORM));
    assert_eq!(resolved(&context, Containerd, "")["sha256"], known);
    for folder in ["cache", "containerd"] {
        fs::remove_dir_all(context.base_dir().join(folder)).unwrap();
    }
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
    error: the mirror `[ROOT]/mirror` has no containerd that `2.3.9` asks for

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
    error: the mirror `[ROOT]/empty` has no containerd that `latest` asks for

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

#[test]
fn resolve_and_up_agree() {
    let server = server();
    for version in ["2.4.0", "2.5.0-rc.1"] {
        server.release(Containerd.repository(), release(Containerd, version, PLATFORM));
    }
    let unverified = release(Buildkit, "0.33.0", PLATFORM).without_digest();
    server.release(Buildkit.repository(), unverified);
    let context = context!().server(&server);
    let archive = mirror_file(&context, Containerd, "2.3.4");
    mirror_file(&context, Buildkit, "0.32.2");
    for program in Containerd.programs(Os::Windows) {
        context.write(format!("programs/bin/{program}.exe"), *program);
    }
    let path = format!("--containerd {}", archive.display());
    let lines = [
        "",
        "--containerd 2.3",
        "--containerd 2.3.4",
        "--containerd prerelease",
        "--source mirror",
        &path,
        "--containerd ./programs",
        "--offline",
    ];
    for line in lines {
        let line = format!("resolve --json {line}");
        let told = run(&context, &line).success().json();
        done(&context, &line.replace("resolve --json", "up --no-start"));
        let lock = fs::read_to_string(context.base_dir().join("versions.lock.json")).unwrap();
        let mut recorded: Value = serde_json::from_str(&lock).unwrap();
        let mut recorded = recorded["components"].take();
        for (told, recorded) in told.as_array().unwrap().iter().zip(recorded.as_array_mut().unwrap()) {
            // Fetching finds out what nobody told.
            for found in ["size", "sha256"].into_iter().filter(|found| told[found].is_null()) {
                assert!(!recorded[found].is_null());
                recorded[found] = Value::Null;
            }
        }
        assert_eq!(told, recorded, "{line}");
    }
}
