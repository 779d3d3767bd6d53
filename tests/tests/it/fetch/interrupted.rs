//! Downloads that break off or stall: they go on where they were, in the same run or the next.

use super::{BREAK, BYTES, UP, assert_installed, cached_large, installed, large, partial, range, start, with_large};
use crate::common::{PLATFORM, asset_name, done, run};
use std::fs;
use std::path::Path;
use std::time::Duration;
use tests::Times::{Always, Times};
use tests::filters::bind;
use tests::{Fault, ReleaseServer, assert_outcome, insta, sha256_hex};
use xtask::component::Component::Containerd;
use xtask::error::Result;
use xtask::fetch::{self, Asset, Cache, Fetched, Form, Origin};
use xtask::http::{Http, Retry};

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
    assert_outcome!(run(&context, UP), @"
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
    assert!(fs::read(cached_large(&context)).unwrap() == large());
    assert!(partial(&context).is_empty());
}

#[test]
fn a_run_that_is_killed_heals_in_the_next() {
    let (server, context) = with_large();
    server.fault(BYTES, Fault::StallAfter(BREAK), Times(1));
    let running = start(&context);
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
