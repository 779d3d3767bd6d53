//! What these programs do wrong, and others do right.

use super::{CLIENT_AND_DAEMON, Class, Failure, LINUX, RUN, WINDOWS};

/// The rows.
pub(super) const ROWS: &[Failure] = &[
    Failure {
        id: "no-seccomp",
        class: Class::ReleaseBug,
        platforms: LINUX,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[&["seccomp: config provided but seccomp not supported"]],
        cause: "runc was built without seccomp",
        remedy: "take a released runc with `--source github`, or another one with `--runc PATH`",
        link: "https://github.com/opencontainers/runc#build-tags",
    },
    Failure {
        id: "system-volume-information",
        class: Class::ReleaseBug,
        platforms: WINDOWS,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[&["System Volume Information: Access is denied"]],
        cause: "BuildKit before 0.27 reads what only Windows may when it copies or exports a root folder",
        remedy: "take a newer one with `--buildkit latest`, or copy from another folder",
        link: "https://github.com/moby/buildkit/issues/4985",
    },
    Failure {
        id: "default-path",
        class: Class::ReleaseBug,
        platforms: WINDOWS,
        said_by: RUN,
        matchers: &[&["'powershell' is not recognized"], &["'pwsh' is not recognized"]],
        cause: "BuildKit gave RUN a PATH of its own, without PowerShell's folder",
        remedy: "set it with `ENV PATH`, or name the whole path in `SHELL`",
        link: "https://github.com/moby/buildkit/issues/4901",
    },
];
