//! Servers that say no: busy ones are asked again, and a refusal is taken for an answer.

use super::{BYTES, UP, assert_installed, forget, with_large};
use crate::common::{done, run, server};
use std::time::{Duration, Instant};
use tests::Times::Times;
use tests::filters::bind;
use tests::{Fault, insta};
use xtask::http::{Http, Retry};

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
