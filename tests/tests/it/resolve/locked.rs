//! `--locked`: what the lock file says, and nothing else.

use super::resolved;
use crate::common::{done, offer_containerd, remove, run, run_for, server};
use tests::{Host, assert_outcome, context};
use xtask::component::Component::Containerd;

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
    offer_containerd(&server, "2.3.5");
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
    remove(&context, &["cache", "containerd"]);
    done(&context, "up --no-start --locked");
    let asked: Vec<_> = server.requests_for("containerd").into_iter().map(|it| (it.host, it.path)).collect();
    let path = "containerd/containerd/releases/download/v2.3.4/containerd-2.3.4-windows-amd64.tar.gz";
    assert_eq!(asked[0], (Host::Api, format!("/{path}")));
    assert_eq!(asked.len(), 2, "{asked:#?}");
}
