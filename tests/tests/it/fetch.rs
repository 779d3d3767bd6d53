//! `up --no-start` through good and bad nights: resumed, repeated, refused, and never half-done.

use super::resolve::{PLATFORM, asset, asset_name, asset_with, done, only, run, server};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tests::Times::{Always, Times};
use tests::archives::{corrupt, truncated};
use tests::filters::bind;
use tests::{Fault, Hostile, Outcome, Release, ReleaseServer, Request, TestContext, assert_outcome, context, insta};
use tests::{sha256_hex, tar_gz};
use xtask::component::Component::{Buildkit, Containerd};
use xtask::error::Result;
use xtask::fetch::{self, Asset, Cache, Fetched, Form, Origin};
use xtask::http::{Http, Retry};

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
    let name = asset_name(Containerd, "2.3.4", PLATFORM);
    server.release(Containerd.repository(), Release::new("v2.3.4").asset(&name, large()));
    forget(&context);
    server.forget_requests();
    (server, context)
}

/// Takes containerd out of a workspace, with all that is known about it.
fn forget(context: &TestContext) {
    for path in ["containerd", "cache"] {
        fs::remove_dir_all(context.base_dir().join(path)).unwrap();
    }
    fs::remove_file(context.base_dir().join("versions.lock.json")).unwrap();
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

#[test]
fn a_broken_connection_is_continued_in_the_same_run() {
    let (server, context) = with_large();
    server.fault(BYTES, Fault::HangUpAfter(BREAK), Times(1));
    assert_outcome!(run(&context, UP), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
        Resolved containerd 2.3.4 (github)
        Resolved buildkit 0.32.2 (github)
        Fetching containerd-2.3.4-windows-amd64.tar.gz
        Unpacked containerd-2.3.4-windows-amd64.tar.gz ([SIZE])
    ");
    let [first, second] = server.requests_for(BYTES).try_into().unwrap();
    let etag = format!("\"{}-0\"", &sha256_hex(&large())[..16]);
    assert_eq!((range(&first), first.status), (None, 200));
    assert_eq!((range(&second), second.status), (Some(format!("bytes={BREAK}-").as_str()), 206));
    assert_eq!(second.header("if-range"), Some(etag.as_str()));
    assert_installed(&context);
    assert!(partial(&context).is_empty());
}

#[test]
fn a_reset_connection_is_made_again() {
    let (server, context) = with_large();
    // A reset throws away what is under way, so how much has arrived is anyone's guess.
    server.fault(BYTES, Fault::ResetAfter(BREAK), Times(1));
    done(&context, UP);
    assert_eq!(server.requests_for(BYTES).len(), 2);
    assert_installed(&context);
}

#[test]
fn an_interrupted_download_is_kept_for_the_next_run() {
    let (server, context) = with_large();
    // All five attempts; the last four bring nothing.
    server.fault(BYTES, Fault::HangUpAfter(BREAK), Times(1)).fault(BYTES, Fault::HangUpAfter(0), Times(4));
    let name = asset_name(Containerd, "2.3.4", PLATFORM);
    let outcome = run(&context, UP);
    assert_outcome!(outcome, @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
        Resolved containerd 2.3.4 (github)
        Resolved buildkit 0.32.2 (github)
        Fetching containerd-2.3.4-windows-amd64.tar.gz
    error: failed to download `containerd-2.3.4-windows-amd64.tar.gz`: the connection to http://[SERVER]/containerd/containerd/releases/download/v2.3.4/containerd-2.3.4-windows-amd64.tar.gz broke: error reading a body from connection: end of file before message length reached

    hint: run the command again; a download goes on where it broke off
    ");
    assert_eq!(server.requests_for(BYTES).len(), 5);
    let [part] = partial(&context).try_into().unwrap();
    assert!(fs::read(part).unwrap() == large()[..BREAK]);
    assert!(installed(&context).is_empty() && !context.base_dir().join("staging").exists());
    server.forget_requests();
    done(&context, UP);
    let [rest] = server.requests_for(BYTES).try_into().unwrap();
    assert_eq!((range(&rest), rest.status), (Some(format!("bytes={BREAK}-").as_str()), 206));
    assert_installed(&context);
    let cached = context.base_dir().join("cache/archives/sha256").join(sha256_hex(&large())).join(name);
    assert!(fs::read(cached).unwrap() == large());
    assert!(partial(&context).is_empty());
}

#[test]
fn a_run_that_is_killed_heals_in_the_next() {
    let (server, context) = with_large();
    server.fault(BYTES, Fault::StallAfter(BREAK), Times(1));
    let running = context.xtask(UP.split(' ')).env("BUILDKIT_WINDOWS_PLATFORM", PLATFORM).spawn();
    server.wait_for_stalls(1);
    assert_ne!(running.kill().code, 0);
    server.forget_requests();
    done(&context, UP);
    assert_eq!(server.requests_for(BYTES).len(), 1);
    assert_installed(&context);
}

#[test]
fn a_server_that_cannot_continue_starts_over() {
    for fault in [Fault::IgnoreRange, Fault::ChangeEtag] {
        let (server, context) = with_large();
        // Each answer has an ETag of its own: what came before and what would follow are not of one file.
        server.fault(BYTES, Fault::HangUpAfter(BREAK), Times(1)).fault(BYTES, fault, Always);
        let outcome = run(&context, UP).success();
        assert!(outcome.stderr.contains("note: the server can't continue `containerd-2.3.4"), "{outcome}");
        let requests = server.requests_for(BYTES);
        let ranges: Vec<bool> = requests.iter().map(|request| range(request).is_some()).collect();
        assert_eq!(ranges, [false, true], "{fault:?}");
        assert_eq!(requests[1].status, 200);
        assert_installed(&context);
    }
}

#[test]
fn a_busy_server_is_asked_again_and_a_refusal_is_not() {
    let (server, context) = with_large();
    for path in ["/repos/containerd/", BYTES] {
        server.fault(path, Fault::StatusRetryAfter(503, 0), Times(2));
    }
    done(&context, UP);
    for path in ["/repos/containerd/", BYTES] {
        let statuses: Vec<u16> = server.requests_for(path).iter().map(|request| request.status).collect();
        assert_eq!(statuses, [503, 503, 200]);
    }
    assert_installed(&context);
    let mut said = String::new();
    let refusals = [
        ("/repos/containerd/", Fault::Status(403)),
        ("/repos/containerd/", Fault::Status(404)),
        (BYTES, Fault::Status(403)),
        (BYTES, Fault::Status(404)),
        // Nobody sits out an hour.
        (BYTES, Fault::StatusRetryAfter(503, 3600)),
    ];
    for (path, fault) in refusals {
        forget(&context);
        server.forget_requests();
        server.fault(path, fault, Times(1));
        said += &format!("{}\n", run(&context, UP).exited(3));
        assert_eq!(server.requests_for(path).len(), 1, "{path} {fault:?}");
        done(&context, UP);
    }
    let _filters = bind(&context);
    insta::assert_snapshot!(said, @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: http://[SERVER]/repos/containerd/containerd/releases?per_page=100 answered 403 Forbidden

    hint: check that GH_TOKEN or GITHUB_TOKEN, where set, is valid, and that no proxy blocks the address

    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: http://[SERVER]/repos/containerd/containerd/releases?per_page=100 answered 404 Not Found

    hint: check the version and the address

    exit code: 3
    ----- stdout -----
    ----- stderr -----
        Resolved containerd 2.3.4 (github)
        Resolved buildkit 0.32.2 (github)
        Fetching containerd-2.3.4-windows-amd64.tar.gz
    error: failed to download `containerd-2.3.4-windows-amd64.tar.gz`: http://[SERVER]/containerd/containerd/releases/download/v2.3.4/containerd-2.3.4-windows-amd64.tar.gz answered 403 Forbidden

    hint: check that GH_TOKEN or GITHUB_TOKEN, where set, is valid, and that no proxy blocks the address

    exit code: 3
    ----- stdout -----
    ----- stderr -----
        Resolved containerd 2.3.4 (github)
        Resolved buildkit 0.32.2 (github)
        Fetching containerd-2.3.4-windows-amd64.tar.gz
    error: failed to download `containerd-2.3.4-windows-amd64.tar.gz`: http://[SERVER]/containerd/containerd/releases/download/v2.3.4/containerd-2.3.4-windows-amd64.tar.gz answered 404 Not Found

    hint: check the version and the address

    exit code: 3
    ----- stdout -----
    ----- stderr -----
        Resolved containerd 2.3.4 (github)
        Resolved buildkit 0.32.2 (github)
        Fetching containerd-2.3.4-windows-amd64.tar.gz
    error: failed to download `containerd-2.3.4-windows-amd64.tar.gz`: http://[SERVER]/containerd/containerd/releases/download/v2.3.4/containerd-2.3.4-windows-amd64.tar.gz answered 503 Service Unavailable and asks to wait [DURATION]

    hint: the server is in trouble; try again later
    ");
}

#[test]
fn a_server_that_asks_for_no_pause_gets_none() {
    let server = server();
    server.fault("/mirror/", Fault::StatusRetryAfter(503, 0), Times(4));
    let own = Duration::from_secs(20);
    let http = Http::new(false, Retry { attempts: 5, first_pause: own, longest_pause: own, stall: own });
    let start = Instant::now();
    assert!(http.get_text(&server.mirror_url(), None, None).is_ok());
    assert!(start.elapsed() < own, "its own pause");
    assert_eq!(server.requests().len(), 5);
}

/// Fetches containerd's archive as the binary does, with little patience.
fn fetch_impatiently(server: &ReleaseServer, folder: &Path) -> Result<Fetched> {
    let name = asset_name(Containerd, "2.3.4", PLATFORM);
    let url = format!("{}/{}/releases/download/v2.3.4/{name}", server.api_url(), Containerd.repository());
    let asset = Asset {
        file_name: name,
        origin: Origin::Url(url),
        form: Form::TarGz,
        size: Some(large().len() as u64),
        sha256: Some(sha256_hex(&large())),
    };
    let pause = Duration::from_millis(1);
    let retry = Retry { attempts: 2, first_pause: pause, longest_pause: pause, stall: Duration::from_secs(1) };
    fs::create_dir_all(folder.join("staging")).unwrap();
    fetch::fetch(&Http::new(false, retry), &asset, &Cache::new(folder.join("cache")), &folder.join("staging"), &|_| {})
}

#[test]
fn a_stalled_connection_is_given_up_and_made_again() {
    let (server, context) = with_large();
    server.fault(BYTES, Fault::StallAfter(BREAK), Times(1));
    let fetched = fetch_impatiently(&server, &context.root().join("once")).unwrap();
    assert!(fetched.verified && !fetched.from_cache);
    let ranges: Vec<_> = server.requests_for(BYTES).iter().map(|request| range(request).map(str::to_owned)).collect();
    assert_eq!(ranges, [None, Some(format!("bytes={BREAK}-"))]);
    // One that stalls every time is an error.
    server.fault(BYTES, Fault::StallAfter(0), Always);
    let folder = context.root().join("for good");
    let error = fetch_impatiently(&server, &folder).unwrap_err();
    let _filters = bind(&context);
    insta::assert_snapshot!(error, @"failed to download `containerd-2.3.4-windows-amd64.tar.gz`: http://[SERVER]/containerd/containerd/releases/download/v2.3.4/containerd-2.3.4-windows-amd64.tar.gz sent nothing for [DURATION]");
    assert_eq!(fs::read_dir(folder.join("staging")).unwrap().count(), 0);
}

#[test]
fn a_spoilt_archive_changes_nothing() {
    let server = server();
    let context = context!().server(&server);
    done(&context, UP);
    let before = installed(&context);
    assert!(before.len() > 3, "{before:#?}");
    let around = || -> Vec<PathBuf> { fs::read_dir(context.root()).unwrap().map(|it| it.unwrap().path()).collect() };
    let (beside, files) =
        (around(), [("bin/containerd.exe", b"daemon".as_slice(), 0o755), ("bin/ctr.exe", b"", 0o755)]);
    let good = asset_with(Containerd, "2.4.0", PLATFORM, &noise(50_000));
    let mut spoilt = vec![
        ("truncated".to_owned(), truncated(&good)),
        ("corrupted".to_owned(), corrupt(&good)),
        ("not an archive".to_owned(), b"<html>no such page</html>".to_vec()),
        ("empty".to_owned(), Vec::new()),
        ("without ctr".to_owned(), tar_gz(&files[..1])),
    ];
    spoilt.extend(Hostile::ALL.map(|hostile| (format!("{hostile:?}: {}", hostile.entry()), hostile.archive(&files))));
    let mut said = String::new();
    for (patch, (what, bytes)) in spoilt.into_iter().enumerate() {
        let version = format!("2.4.{patch}");
        let release = Release::new(&format!("v{version}")).asset(&asset_name(Containerd, &version, PLATFORM), bytes);
        server.release(Containerd.repository(), release);
        let outcome = run(&context, &format!("{UP} --containerd {version}")).exited(3);
        let steps = ["    Resolved", "    Fetching", "    Unpacked"];
        let errors = outcome.stderr.lines().filter(|line| !steps.iter().any(|step| line.starts_with(step)));
        said += &format!("# {what}\n{}\n\n", errors.collect::<Vec<_>>().join("\n"));
        assert_eq!(installed(&context), before, "{what}");
        assert!(!context.base_dir().join("staging").exists(), "{what}");
        assert_eq!(around(), beside, "{what}");
        assert!(context.strays().is_empty() && !Path::new("/tmp/escaped-absolute").exists(), "{what}");
        assert!(partial(&context).is_empty(), "{what}");
    }
    let _filters = bind(&context);
    insta::assert_snapshot!(said);
}

#[test]
fn a_file_that_is_not_the_one_that_was_promised_changes_nothing() {
    let server = server();
    let context = context!().server(&server);
    done(&context, UP);
    let before = installed(&context);
    let (name, good) = (asset_name(Containerd, "2.4.0", PLATFORM), asset(Containerd, "2.4.0", PLATFORM));
    let promise = sha256_hex(b"something else");
    let check = |found: &[u8], expected: &str, length: &str| {
        let outcome = run(&context, UP).exited(3);
        let digests = format!("has the wrong SHA-256: expected {expected}, found {}{length}\n", sha256_hex(found));
        assert!(outcome.stderr.contains(&format!("error: `{name}` from ")), "{outcome}");
        assert!(outcome.stderr.contains(&digests), "{outcome}");
        assert_eq!(installed(&context), before);
        assert!(!context.base_dir().join("staging").exists() && partial(&context).is_empty());
    };
    server.release(Containerd.repository(), Release::new("v2.4.0").asset_with_digest(&name, &good, &promise));
    check(&good, &promise, "");
    // A proxy that cuts files, and a disk that has lost a bit: the file may or may not be an archive still.
    server.release(Containerd.repository(), Release::new("v2.4.0").asset(&name, &good));
    server.fault(BYTES, Fault::Truncate(100), Times(1)).fault(BYTES, Fault::Corrupt(good.len() / 2), Times(1));
    check(&good[..100], &sha256_hex(&good), &format!(" (100 bytes instead of {})", good.len()));
    check(&corrupt(&good), &sha256_hex(&good), "");
    done(&context, UP);
    assert_ne!(installed(&context), before);
}

#[test]
fn what_the_cache_holds_is_not_downloaded_unless_it_was_tampered_with() {
    let (server, context) = with_large();
    done(&context, UP);
    let cached = context.base_dir().join("cache/archives/sha256").join(sha256_hex(&large()));
    let cached = cached.join(asset_name(Containerd, "2.3.4", PLATFORM));
    let downloads = |tamper: &dyn Fn()| {
        fs::remove_dir_all(context.base_dir().join("containerd")).unwrap();
        tamper();
        server.forget_requests();
        let outcome = run(&context, UP).success();
        assert_installed(&context);
        assert!(fs::read(&cached).unwrap() == large(), "{outcome}");
        (server.requests_for(BYTES).len(), outcome)
    };
    let (count, outcome) = downloads(&|| {});
    assert_eq!(count, 0);
    assert_outcome!(outcome, @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
        Resolved containerd 2.3.4 (github)
        Resolved buildkit 0.32.2 (github)
        Fetching containerd-2.3.4-windows-amd64.tar.gz
        Unpacked containerd-2.3.4-windows-amd64.tar.gz (from the cache, [SIZE])
    ");
    let (count, outcome) = downloads(&|| fs::write(&cached, corrupt(&large())).unwrap());
    assert_eq!(count, 1);
    assert_outcome!(outcome, @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
        Resolved containerd 2.3.4 (github)
        Resolved buildkit 0.32.2 (github)
        Fetching containerd-2.3.4-windows-amd64.tar.gz
    note: the cached `containerd-2.3.4-windows-amd64.tar.gz` was damaged; it is downloaded again
        Unpacked containerd-2.3.4-windows-amd64.tar.gz ([SIZE])
    ");
    let (count, _) = downloads(&|| fs::write(&cached, truncated(&large())).unwrap());
    assert_eq!(count, 1);
    // Nothing new, nothing done.
    server.forget_requests();
    assert_outcome!(run(&context, UP), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
        Resolved containerd 2.3.4 (github)
        Resolved buildkit 0.32.2 (github)
    ");
    assert!(server.requests_for("/objects/").is_empty());
}

#[test]
fn both_archives_come_at_once_and_a_second_run_waits_for_the_first() {
    let server = server();
    server.fault("/objects/", Fault::StallAfter(10), Times(2));
    let context = context!().server(&server);
    let start = || context.xtask(UP.split(' ')).env("BUILDKIT_WINDOWS_PLATFORM", PLATFORM).spawn();
    let first = start();
    // Were they to come one after the other, there would be only one at a time.
    server.wait_for_stalls(2);
    let mut second = start();
    second.wait_for_output("to let go of the workspace");
    server.release_stalls();
    let first: Outcome = first.wait().success();
    assert_eq!(first.stderr.matches("Unpacked").count(), 2, "{first}");
    assert_outcome!(second.wait(), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
         Waiting for `cargo xtask up --no-start` (process [PID]) to let go of the workspace
        Resolved containerd 2.3.4 (github)
        Resolved buildkit 0.32.2 (github)
    ");
    assert_eq!(server.requests_for("/objects/").len(), 2);
    for (component, program) in [(Containerd, "ctr"), (Buildkit, "buildctl")] {
        let placed = context.base_dir().join(format!("{component}/installed/bin/{program}.exe"));
        assert_eq!(fs::read_to_string(placed).unwrap(), format!("{program} {}", only(component)));
    }
}

#[test]
fn a_proxy_is_asked_for_hosts_that_are_not_this_one() {
    let proxy = server();
    let context = context!().server(&proxy);
    let resolve = |api: &str, variables: &[(&str, &str)]| {
        proxy.forget_requests();
        let run = context.xtask(["resolve", "--source", "github", "--platform", PLATFORM]).env("GITHUB_API_URL", api);
        variables.iter().fold(run, |run, (name, value)| run.env(name, value)).run()
    };
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        // Nobody but a proxy can tell where this is.
        assert_eq!(resolve("http://github.invalid", &[(name, &proxy.api_url())]).code, 0, "{name}");
        let hosts: Vec<_> = proxy.requests().iter().map(|request| request.header("host").unwrap().to_owned()).collect();
        assert_eq!(hosts, ["github.invalid"; 2], "{name}");
    }
    // This host itself, and what NO_PROXY names, is asked directly.
    let other = ReleaseServer::start();
    let address = other.api_url();
    let through = ("HTTP_PROXY", address.as_str());
    assert_eq!(resolve(&proxy.api_url(), &[through]).code, 0);
    assert!(other.requests().is_empty());
    if cfg!(unix) {
        // Unix takes 0.0.0.0 for this host, and it is no loopback address.
        let api = proxy.api_url().replace("127.0.0.1", "0.0.0.0");
        let outcome = resolve(&api, &[through, ("NO_PROXY", "example.org,0.0.0.0")]);
        assert_eq!((outcome.code, proxy.requests().len()), (0, 2), "{outcome}");
        assert!(other.requests().is_empty());
        assert_eq!(resolve(&api, &[through]).code, 3, "the other server has no releases");
        assert_eq!((other.requests().len(), proxy.requests().len()), (2, 0));
    }
    assert!(other.requests().iter().all(|request| request.header("host").unwrap().starts_with("0.0.0.0:")));
}
