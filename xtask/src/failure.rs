//! What the messages of BuildKit, containerd and runc mean: a catalogue as data, and its look-up.

use crate::error::Class;

/// A message that is known, and what to make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// A short stable name.
    pub id: &'static str,
    /// Texts that must all be in one line, in this order.
    matcher: &'static [&'static str],
    /// Why it happens.
    pub cause: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// Where upstream speaks of it.
    pub link: &'static str,
    /// Whose fault it is when a build ends with it.
    pub class: Class,
}

impl Failure {
    /// Cause, remedy and link, as a hint.
    pub fn hint(&self) -> String {
        format!("{}; {} ({})", self.cause, self.remedy, self.link)
    }
}

/// The known messages, the more telling ones first.
const CATALOGUE: &[Failure] = &[
    Failure {
        id: "stale-snapshot",
        matcher: &["parent snapshot", "does not exist: not found"],
        cause: "BuildKit refers to a snapshot that containerd no longer has",
        remedy: "run `cargo xtask reset`",
        link: "https://github.com/moby/buildkit/issues/4024",
        class: Class::Failed,
    },
    Failure {
        id: "stale-content",
        matcher: &["content digest sha256:", "not found"],
        cause: "BuildKit refers to content that containerd no longer has",
        remedy: "run `cargo xtask reset`",
        link: "https://github.com/moby/buildkit/issues/6521",
        class: Class::Failed,
    },
    Failure {
        id: "root-in-use",
        matcher: &["could not lock", "buildkitd.lock"],
        cause: "another buildkitd works on the same root folder",
        remedy: "stop that one, or use another workspace with `--base-dir DIR`",
        link: "https://github.com/moby/buildkit/blob/master/cmd/buildkitd/main.go",
        class: Class::Ground,
    },
    Failure {
        id: "no-worker",
        matcher: &["no worker found"],
        cause: "buildkitd found no containerd to work with",
        remedy: "run `cargo xtask down`, then `cargo xtask up`",
        link: "https://github.com/moby/buildkit/blob/master/cmd/buildkitd/main.go",
        class: Class::Ground,
    },
    Failure {
        id: "containerd-unreachable",
        matcher: &["make sure containerd is running"],
        cause: "nothing answers at containerd's address",
        remedy: "see `cargo xtask logs containerd`",
        link: "https://github.com/moby/buildkit/blob/master/worker/containerd/containerd.go",
        class: Class::Ground,
    },
    Failure {
        id: "unknown-group",
        matcher: &["failed to lookup sid for group"],
        cause: "this Windows knows no group of that name",
        remedy: "give one of those that `net localgroup` lists with `--group NAME`",
        link: "https://github.com/moby/buildkit/blob/master/docs/windows.md",
        class: Class::Ground,
    },
    Failure {
        id: "base-image-platform",
        matcher: &["no match for platform in manifest"],
        cause: "the base image was not made for this platform",
        remedy: "take another base image with `--base-image REF`, and drop any `# syntax=` line",
        link: "https://github.com/moby/buildkit/issues/5173",
        class: Class::Failed,
    },
    Failure {
        id: "no-container-runtime",
        matcher: &["hcsshim::ActivateLayer failed in Win32", "0x7e"],
        cause: "this Windows has no container runtime",
        remedy: "enable the Containers feature and reboot: `Enable-WindowsOptionalFeature -Online -FeatureName Containers -All`",
        link: "https://learn.microsoft.com/virtualization/windowscontainers/quick-start/set-up-environment",
        class: Class::Ground,
    },
    Failure {
        id: "no-seccomp",
        matcher: &["seccomp: config provided but seccomp not supported"],
        cause: "runc was built without seccomp",
        remedy: "take a released runc with `--source github`, or another one with `--runc PATH`",
        link: "https://github.com/opencontainers/runc#build-tags",
        class: Class::Failed,
    },
    Failure {
        id: "no-overlayfs",
        matcher: &["snapshotter", "overlay", "not supported"],
        cause: "the workspace lies on a file system that overlayfs can't stack on",
        remedy: "put the workspace on ext4 or xfs with `--base-dir DIR`",
        link: "https://docs.kernel.org/filesystems/overlayfs.html",
        class: Class::Ground,
    },
    Failure {
        id: "registry-rate-limit",
        matcher: &["toomanyrequests"],
        cause: "the registry allows no more pulls for now",
        remedy: "log in to it, or use a mirror",
        link: "https://docs.docker.com/docker-hub/usage/",
        class: Class::Ground,
    },
    Failure {
        id: "registry-unreachable",
        matcher: &["failed to do request:"],
        cause: "the registry can't be reached",
        remedy: "check the network and the proxy, or take another base image with `--base-image REF`",
        link: "https://github.com/containerd/containerd/blob/main/docs/hosts.md",
        class: Class::Ground,
    },
    Failure {
        id: "disk-full",
        matcher: &["no space left on device"],
        cause: "the disk is full",
        remedy: "free some space, or put the workspace on another disk with `--base-dir DIR`",
        link: "https://github.com/moby/buildkit/blob/master/docs/buildkitd.toml.md",
        class: Class::Ground,
    },
    Failure {
        id: "disk-full",
        matcher: &["There is not enough space on the disk"],
        cause: "the disk is full",
        remedy: "free some space, or put the workspace on another disk with `--base-dir DIR`",
        link: "https://github.com/moby/buildkit/blob/master/docs/buildkitd.toml.md",
        class: Class::Ground,
    },
];

/// What a text of one or more lines means, if any of its messages is known.
pub fn explain(text: &str) -> Option<&'static Failure> {
    CATALOGUE.iter().find(|failure| text.lines().any(|line| has_in_order(line, failure.matcher)))
}

fn has_in_order(line: &str, parts: &[&str]) -> bool {
    let mut rest = line;
    parts.iter().all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_known_as_they_really_appear() {
        let known = [
            ("stale-snapshot", "failed to prepare 0x1 as 0x2: parent snapshot sha256:8d5 does not exist: not found"),
            ("stale-content", "failed to extract layer sha256:1: content digest sha256:a058d: not found"),
            ("root-in-use", "buildkitd: could not lock /w/buildkit/root/buildkitd.lock, another instance running?"),
            ("unknown-group", "failed to lookup sid for group nosuch"),
            ("no-container-runtime", r"hcsshim::ActivateLayer failed in Win32: Module not found. (0x7e)"),
            ("no-seccomp", "error during container init: seccomp: config provided but seccomp not supported"),
            ("disk-full", "write /w/containerd/root/x: no space left on device"),
        ];
        for (id, line) in known {
            let text = format!("time=\"…\" level=info msg=\"booting\"\n{line}\n");
            assert_eq!(explain(&text).map(|failure| failure.id), Some(id), "{line}");
        }
    }

    #[test]
    fn words_from_two_lines_make_no_match() {
        assert_eq!(explain("parent snapshot\ndoes not exist: not found"), None);
        assert_eq!(explain("does not exist: not found: parent snapshot"), None);
    }
}
