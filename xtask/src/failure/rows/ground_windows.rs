//! Pipes, rights, disks, features and resources of Windows.
//!
//! Go asks Windows for its messages in English, and gets those of its own language where it has no other. So a row has the
//! code too, where the program that speaks tells it.

use super::{CLIENT, CLIENT_AND_DAEMON, Class, DAEMON, Failure, NO_CONTAINER_RUNTIME, WINDOWS};

/// The rows.
pub(super) const ROWS: &[Failure] = &[
    Failure {
        id: "not-elevated",
        class: Class::Ground,
        platforms: WINDOWS,
        said_by: CLIENT,
        matchers: &[
            &["./pipe/", ": Access is denied"],
            &[r".\pipe\", ": Access is denied"],
            // Wine's words.
            &["./pipe/", ": Access denied"],
            &[r".\pipe\", ": Access denied"],
        ],
        cause: "the daemons let only administrators in, and this process has not their rights",
        remedy: "run the same command in a terminal opened with *Run as administrator*",
        link: "https://github.com/moby/buildkit/issues/4864",
    },
    Failure {
        id: "pipe-in-use",
        class: Class::Ground,
        platforms: WINDOWS,
        said_by: DAEMON,
        matchers: &[
            &["open", "./pipe/", ": Access is denied"],
            &["open", r".\pipe\", ": Access is denied"],
            // Wine's words.
            &["open", "./pipe/", ": Access denied"],
            &["open", r".\pipe\", ": Access denied"],
        ],
        cause: "the pipe belongs to another process",
        remedy: "stop that one, or use another workspace with `--base-dir DIR`",
        link: "https://github.com/moby/moby/issues/47955",
    },
    Failure {
        id: "unknown-group",
        class: Class::Ground,
        platforms: WINDOWS,
        said_by: DAEMON,
        matchers: &[&["failed to lookup sid for group"]],
        cause: "this Windows knows no group of that name",
        remedy: "give one of those that `net localgroup` lists with `--group NAME`",
        link: "https://github.com/moby/buildkit/blob/master/docs/windows.md",
    },
    Failure {
        id: NO_CONTAINER_RUNTIME,
        class: Class::Ground,
        platforms: WINDOWS,
        said_by: CLIENT_AND_DAEMON,
        // vmcompute.dll and computenetwork.dll come with the feature. Some of hcsshim's calls tell no code.
        matchers: &[
            &["hcsshim::", "(0x7e)"],
            &["hcsshim::", "The specified module could not be found"],
            &["hcn", "failed in Win32", "(0x7e)"],
            // Wine's words.
            &["hcsshim::", "Module not found"],
        ],
        cause: "this Windows has no container runtime",
        remedy: "enable the Containers feature, then restart",
        link: "https://learn.microsoft.com/virtualization/windowscontainers/quick-start/set-up-environment",
    },
    Failure {
        id: "windows-layer-in-use",
        class: Class::Ground,
        platforms: WINDOWS,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[
            &["hcsshim::ActivateLayer failed in Win32", "(0x20)"],
            &["hcsshim::ActivateLayer", "being used by another process"],
        ],
        cause: "another process holds a layer's files: an antivirus program, mostly, or a step that runs at the same time",
        remedy: "try again; exclude the workspace from what the antivirus program scans, or build one step at a time with `max-parallelism = 1` in buildkitd.toml",
        link: "https://github.com/microsoft/hcsshim/issues/2553",
    },
    Failure {
        id: "windows-layer-denied",
        class: Class::Ground,
        platforms: WINDOWS,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[&["hcsshim::ProcessBaseLayer", "Access is denied"]],
        cause: "this Windows does not let a layer be unpacked, mostly for an antivirus program",
        remedy: "exclude the workspace from what the antivirus program scans, and run as administrator",
        link: "https://github.com/microsoft/hcsshim/issues/2380",
    },
    Failure {
        id: "windows-out-of-resources",
        class: Class::Ground,
        platforms: WINDOWS,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[&["Insufficient system resources exist"]],
        cause: "Windows has no resources left for one more container",
        remedy: "end other containers, or build fewer steps at once with `max-parallelism` in buildkitd.toml",
        link: "https://github.com/microsoft/hcsshim/issues/869",
    },
    Failure {
        id: "not-ntfs",
        class: Class::Ground,
        platforms: WINDOWS,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[&["only NTFS volumes are supported"]],
        cause: "the workspace lies on a disk that is not NTFS, and Windows keeps layers on no other",
        remedy: "put the workspace on an NTFS disk with `--base-dir DIR`",
        link: "https://github.com/containerd/containerd/blob/main/plugins/snapshots/windows/windows.go",
    },
    Failure {
        id: "system-temp",
        class: Class::Ground,
        platforms: WINDOWS,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[&["SystemTemp", "buildkit-mount", "Access is denied"]],
        cause: "buildkitd runs as SYSTEM, whose folder for temporary files no layer can be mounted in",
        remedy: "start the daemons as an administrator instead, with `cargo xtask down` and `cargo xtask up`",
        link: "https://github.com/moby/buildkit/issues/6591",
    },
    Failure {
        id: "no-nat-network",
        class: Class::Ground,
        platforms: WINDOWS,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[&["hcnCreateNetwork failed in Win32", "0x490"], &["hcnOpenNetwork failed in Win32"]],
        cause: "Windows' network for containers, `nat`, is missing",
        remedy: "start Docker once, which makes it, or make it with New-HnsNetwork; or build with `--network none`",
        link: "https://github.com/containerd/containerd/issues/13288",
    },
];
