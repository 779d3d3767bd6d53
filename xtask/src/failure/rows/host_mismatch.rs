//! Images that are not for this machine.
//!
//! Of an error that Windows has no words for, Go prints the code as `winapi error #` and a decimal number, and hcsshim often no
//! other.

use super::{BOTH, CLIENT_AND_DAEMON, Class, Failure, WINDOWS};

/// The rows.
pub(super) const ROWS: &[Failure] = &[
    Failure {
        id: "base-image-platform",
        class: Class::HostMismatch,
        platforms: BOTH,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[&["no match for platform in manifest"]],
        cause: "the base image was not made for this platform, or not for this build of Windows",
        remedy: "take another base image with `--base-image REF`, and drop any `# syntax=` line",
        link: "https://github.com/moby/buildkit/issues/5173",
    },
    Failure {
        id: "windows-build-mismatch",
        class: Class::HostMismatch,
        platforms: WINDOWS,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[
            &["container operating system does not match the host"],
            &["0xc0370101"],
            &["winapi error #3224830209"],
        ],
        cause: "the base image is of a build of Windows that this one can't run",
        remedy: "take another base image with `--base-image REF`",
        link: "https://learn.microsoft.com/virtualization/windowscontainers/deploy-containers/version-compatibility",
    },
    Failure {
        id: "windows-too-old",
        class: Class::HostMismatch,
        platforms: WINDOWS,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[
            &["virtual machine or container exited unexpectedly"],
            &["0xc0370106"],
            &["winapi error #3224830214"],
        ],
        cause: "the container ended before it began, as it does when the base image is newer than this Windows is patched",
        remedy: "install this Windows' updates, or take an older base image with `--base-image REF`",
        link: "https://github.com/microsoft/Windows-Containers/issues/591",
    },
    Failure {
        id: "windows-layer-format",
        class: Class::HostMismatch,
        platforms: WINDOWS,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[&["layer with an unrecognized format"], &["0xc0370112"], &["winapi error #3224830226"]],
        cause: "the base image's layers are newer than this Windows can read, as those of ltsc2025 are on Windows 11 25H2",
        remedy: "take an older base image with `--base-image REF`, such as `mcr.microsoft.com/windows/nanoserver:ltsc2022`",
        link: "https://github.com/microsoft/hcsshim/issues/2566",
    },
    Failure {
        id: "no-windows-image",
        class: Class::HostMismatch,
        platforms: WINDOWS,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[&["hcsshim::ProcessBaseLayer", "cannot find the path specified"]],
        cause: "the base image is no Windows image: one of Linux, or `scratch`",
        remedy: "take a Windows base image with `--base-image REF`",
        link: "https://github.com/moby/buildkit/issues/5758",
    },
];
