//! Pipes, features and resources of Windows.

use super::{CLIENT, CLIENT_AND_DAEMON, Class, DAEMON, Failure, NO_CONTAINER_RUNTIME, WINDOWS};

/// The rows.
pub(super) const ROWS: &[Failure] = &[
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
        id: "docker-down",
        class: Class::Ground,
        platforms: WINDOWS,
        said_by: CLIENT,
        matchers: &[
            &["./pipe/docker", ": The system cannot find the file specified"],
            &[r".\pipe\docker", ": The system cannot find the file specified"],
        ],
        cause: "Docker is not running, or not in the mode for these containers",
        remedy: "start it, and let it switch to Windows containers",
        link: "https://github.com/docker/for-win/issues/3384",
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
        matchers: &[&["hcsshim::ActivateLayer failed in Win32", "0x7e"]],
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
        remedy: "try again, and exclude the workspace from what the antivirus program scans",
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
