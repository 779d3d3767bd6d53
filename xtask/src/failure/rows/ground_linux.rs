//! What Linux must have, and must let this user do.

use super::{CLIENT, CLIENT_AND_DAEMON, Class, Failure, LINUX};

/// The rows.
pub(super) const ROWS: &[Failure] = &[
    Failure {
        id: "not-root",
        class: Class::Ground,
        platforms: LINUX,
        said_by: CLIENT,
        matchers: &[
            &["dial unix", "connect: permission denied"],
            &["ctr: cannot access socket", ": permission denied"],
        ],
        cause: "the daemons let only root in",
        remedy: "run the same command as root: `sudo env PATH=\"$PATH\" HOME=\"$HOME\" cargo xtask …`",
        link: "https://github.com/moby/buildkit/blob/master/docs/rootless.md",
    },
    Failure {
        id: "socket-in-use",
        class: Class::Ground,
        platforms: LINUX,
        said_by: CLIENT_AND_DAEMON,
        // The first is the harness's own: daemons take a socket from whoever listens there.
        matchers: &[
            &["failed to start ", ": another process listens at `/"],
            &["listen unix", "bind: address already in use"],
        ],
        cause: "another process listens at that socket",
        remedy: "stop that one, or use another workspace with `--base-dir DIR`",
        link: "https://man7.org/linux/man-pages/man7/unix.7.html",
    },
    Failure {
        id: "no-overlayfs",
        class: Class::Ground,
        platforms: LINUX,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[
            &["fstype: overlay", "err: invalid argument"],
            &["snapshotter not loaded: overlayfs"],
            &["failed to mount overlay: "],
            &["does not support d_type"],
        ],
        cause: "the workspace lies on a file system that overlayfs can't stack on",
        remedy: "put the workspace on ext4 or xfs with `--base-dir DIR`",
        link: "https://github.com/containerd/containerd/blob/main/plugins/snapshots/overlay/overlayutils/check.go",
    },
    Failure {
        id: "runc-missing",
        class: Class::Ground,
        platforms: LINUX,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[&["unable to retrieve OCI runtime error", "runc", "executable file not found in $PATH"]],
        cause: "containerd's shim finds no runc",
        remedy: "run `cargo xtask down`, then `cargo xtask up`, which brings one",
        link: "https://github.com/containerd/containerd/blob/main/docs/getting-started.md",
    },
    Failure {
        id: "no-control-groups",
        class: Class::Ground,
        platforms: LINUX,
        said_by: CLIENT_AND_DAEMON,
        matchers: &[
            &["no cgroup mount found in mountinfo"],
            &["cannot enter cgroupv2"],
            &["unable to apply cgroup configuration"],
            &["can't be set: controller", "not available"],
        ],
        cause: "runc can't make a control group: none are mounted, or this place in their tree has no controllers",
        remedy: "see `cargo xtask doctor`; inside a container, give it control groups of its own, as with `--privileged --cgroupns=private`",
        link: "https://github.com/opencontainers/cgroups/blob/main/fs2/create.go",
    },
];
