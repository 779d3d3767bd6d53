//! What is in the cache or on its way already is not downloaded again.

use super::{BYTES, UP, assert_installed, cached_large, large, start, with_large};
use crate::common::{done, only, remove, run, server};
use std::fs;
use tests::Times::Times;
use tests::archives::{corrupt, truncated};
use tests::{Fault, Outcome, assert_outcome, context};
use xtask::component::Component::{Buildkit, Containerd};

#[test]
fn what_the_cache_holds_is_not_downloaded_unless_it_was_tampered_with() {
    let (server, context) = with_large();
    done(&context, UP);
    let cached = cached_large(&context);
    let downloads = |tamper: &dyn Fn()| {
        remove(&context, &["containerd"]);
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
    let first = start(&context);
    // Were they to come one after the other, there would be only one at a time.
    server.wait_for_stalls(2);
    let mut second = start(&context);
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
