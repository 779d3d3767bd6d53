//! BuildKit refers to what containerd no longer has.

use super::{BOTH, CLIENT_AND_DAEMON, Class, Failure};

/// The rows.
pub(super) const ROWS: &[Failure] = &[
    Failure {
        id: "stale-snapshot",
        class: Class::StaleState,
        platforms: BOTH,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[
            &["parent snapshot", "does not exist: not found"],
            &["failed to stat lower snapshot", "does not exist: not found"],
        ],
        cause: "BuildKit refers to a snapshot that containerd no longer has",
        remedy: "run `cargo xtask reset`",
        link: "https://github.com/moby/buildkit/issues/4024",
    },
    Failure {
        id: "stale-content",
        class: Class::StaleState,
        platforms: BOTH,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[&["content digest sha256:", ": not found"]],
        cause: "BuildKit refers to content that containerd no longer has",
        remedy: "run `cargo xtask reset`",
        link: "https://github.com/moby/buildkit/issues/6521",
    },
    Failure {
        id: "stale-lease",
        class: Class::StaleState,
        platforms: BOTH,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[&["lease \"", "\": not found"]],
        cause: "BuildKit's record of a build refers to a lease that containerd no longer has",
        remedy: "run `cargo xtask reset`, which takes that for no failure",
        link: "https://github.com/moby/buildkit/blob/master/cmd/buildctl/prunehistories.go",
    },
];
