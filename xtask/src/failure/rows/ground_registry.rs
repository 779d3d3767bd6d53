//! Registries.

use super::{BOTH, CLIENT_AND_DAEMON, Class, Failure};

/// The rows.
pub(super) const ROWS: &[Failure] = &[
    Failure {
        id: "registry-rate-limit",
        class: Class::Ground,
        platforms: BOTH,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[&["toomanyrequests"], &["429 Too Many Requests"]],
        cause: "the registry allows no more pulls for now",
        remedy: "log in to it, or use a mirror",
        link: "https://docs.docker.com/docker-hub/usage/",
    },
    Failure {
        id: "registry-unreachable",
        class: Class::Ground,
        platforms: BOTH,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[
            &["failed to do request:"],
            &["failed to fetch anonymous token:"],
            &["failed to fetch oauth token:"],
            &["unexpected status from", "request to", ": 50"],
            // Docker's own words.
            &["Get \"https://", "dial tcp"],
            &["Get \"https://", "net/http: "],
        ],
        cause: "the registry can't be reached, or is out of order",
        remedy: "check the network and the proxy, or take another base image with `--base-image REF`",
        link: "https://github.com/containerd/containerd/blob/main/docs/hosts.md",
    },
    Failure {
        id: "registry-denied",
        class: Class::Ground,
        platforms: BOTH,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[
            &["pull access denied"],
            &["insufficient_scope: authorization failed"],
            &["unexpected status from", "request to", ": 401 Unauthorized"],
            &["unexpected status from", "request to", ": 403 Forbidden"],
            &["requested access to the resource is denied"],
        ],
        cause: "the registry does not give that image to this user, or has none of that name",
        remedy: "check the image's name, or log in with `docker login`: buildctl reads what that writes, too",
        link: "https://github.com/containerd/containerd/blob/main/core/remotes/docker/resolver.go",
    },
    Failure {
        id: "registry-untrusted",
        class: Class::Ground,
        platforms: BOTH,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[&["x509: "]],
        cause: "this machine does not trust the registry's certificate: a proxy that looks into TLS has its own, or the clock is wrong",
        remedy: "have the system trust that certificate's authority, then run `cargo xtask down` and `cargo xtask up`",
        link: "https://github.com/moby/buildkit/blob/master/docs/buildkitd.toml.md",
    },
];
