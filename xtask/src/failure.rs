//! What the messages of BuildKit, containerd and runc mean: a catalogue as data, and its look-up.

use crate::error;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// BuildKit's and containerd's data no longer agree: a reset heals it.
    StaleState,
    /// Network, disk, rights, a daemon, or what Windows has to be told first.
    Ground,
    /// The image is not for this machine.
    HostMismatch,
    /// The build asks for what BuildKit can't do there.
    UnsupportedFeature,
    /// These programs are at fault, and others are not.
    ReleaseBug,
}

impl Class {
    /// Whose fault it is when a build ends with it. A machine that can't run an image says nothing about a release, so that is
    /// the ground's too.
    pub fn fault(self) -> error::Class {
        match self {
            Class::Ground | Class::HostMismatch => error::Class::Ground,
            Class::StaleState | Class::UnsupportedFeature | Class::ReleaseBug => error::Class::Failed,
        }
    }
}

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
    /// What kind of failure it is.
    pub class: Class,
}

impl Failure {
    /// Cause, remedy and link, as a hint.
    pub fn hint(&self) -> String {
        self.hint_with(self.remedy)
    }

    /// The same, with a remedy that is made for just this machine.
    pub fn hint_with(&self, remedy: &str) -> String {
        format!("{}; {remedy} ({})", self.cause, self.link)
    }
}

/// The id of what also [`crate::os::check_container_runtime`] finds, which knows the command for just this Windows.
pub const NO_CONTAINER_RUNTIME: &str = "no-container-runtime";

/// The known messages, the more telling ones first.
const CATALOGUE: &[Failure] = &[
    Failure {
        id: "stale-snapshot",
        matcher: &["parent snapshot", "does not exist: not found"],
        cause: "BuildKit refers to a snapshot that containerd no longer has",
        remedy: "run `cargo xtask reset`",
        link: "https://github.com/moby/buildkit/issues/4024",
        class: Class::StaleState,
    },
    Failure {
        id: "stale-content",
        matcher: &["content digest sha256:", "not found"],
        cause: "BuildKit refers to content that containerd no longer has",
        remedy: "run `cargo xtask reset`",
        link: "https://github.com/moby/buildkit/issues/6521",
        class: Class::StaleState,
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
        cause: "the base image was not made for this platform, or not for this build of Windows",
        remedy: "take another base image with `--base-image REF`, and drop any `# syntax=` line",
        link: "https://github.com/moby/buildkit/issues/5173",
        class: Class::HostMismatch,
    },
    Failure {
        id: "not-elevated",
        matcher: &["dial", "pipe", "Access is denied"],
        cause: "a daemon's pipe lets only administrators in, and this process is not elevated",
        remedy: "open a terminal with *Run as administrator*, and run the same command there",
        link: "https://github.com/moby/buildkit/issues/4864",
        class: Class::Ground,
    },
    Failure {
        id: "pipe-in-use",
        matcher: &[r"\\.\pipe\", "Access is denied"],
        cause: "the pipe belongs to another process",
        remedy: "stop that one, or use another workspace with `--base-dir DIR`",
        link: "https://github.com/moby/moby/issues/47955",
        class: Class::Ground,
    },
    Failure {
        id: "windows-build-mismatch",
        matcher: &["container operating system does not match the host"],
        cause: "the base image is of a build of Windows that this one can't run",
        remedy: "take another base image with `--base-image REF`",
        link: "https://learn.microsoft.com/virtualization/windowscontainers/deploy-containers/version-compatibility",
        class: Class::HostMismatch,
    },
    Failure {
        id: "windows-build-mismatch",
        matcher: &["0xc0370101"],
        cause: "the base image is of a build of Windows that this one can't run",
        remedy: "take another base image with `--base-image REF`",
        link: "https://learn.microsoft.com/virtualization/windowscontainers/deploy-containers/version-compatibility",
        class: Class::HostMismatch,
    },
    Failure {
        id: "windows-too-old",
        matcher: &["0xc0370106"],
        cause: "the container ended before it began, as it does when the base image is newer than this Windows is patched",
        remedy: "install this Windows' updates, or take an older base image with `--base-image REF`",
        link: "https://github.com/microsoft/Windows-Containers/issues/591",
        class: Class::HostMismatch,
    },
    Failure {
        id: "windows-layer-format",
        matcher: &["layer with an unrecognized format"],
        cause: "the base image's layers are newer than this Windows can read, as those of ltsc2025 are on Windows 11 25H2",
        remedy: "take an older base image with `--base-image REF`, such as `mcr.microsoft.com/windows/nanoserver:ltsc2022`",
        link: "https://github.com/microsoft/hcsshim/issues/2566",
        class: Class::HostMismatch,
    },
    Failure {
        id: "windows-layer-format",
        matcher: &["0xc0370112"],
        cause: "the base image's layers are newer than this Windows can read, as those of ltsc2025 are on Windows 11 25H2",
        remedy: "take an older base image with `--base-image REF`, such as `mcr.microsoft.com/windows/nanoserver:ltsc2022`",
        link: "https://github.com/microsoft/hcsshim/issues/2566",
        class: Class::HostMismatch,
    },
    Failure {
        id: "windows-layer-in-use",
        matcher: &["hcsshim::ActivateLayer failed in Win32", "(0x20)"],
        cause: "another process holds a layer's files, mostly an antivirus program or another build",
        remedy: "try again, and exclude the workspace from what the antivirus program scans",
        link: "https://github.com/microsoft/hcsshim/issues/2553",
        class: Class::Ground,
    },
    Failure {
        id: "windows-layer-denied",
        matcher: &["hcsshim::ProcessBaseLayer", "Access is denied"],
        cause: "this Windows does not let a layer be unpacked, mostly for an antivirus program",
        remedy: "exclude the workspace from what the antivirus program scans, and run as administrator",
        link: "https://github.com/microsoft/hcsshim/issues/2380",
        class: Class::Ground,
    },
    Failure {
        id: NO_CONTAINER_RUNTIME,
        matcher: &["hcsshim::ActivateLayer failed in Win32", "0x7e"],
        cause: "this Windows has no container runtime",
        remedy: "enable the Containers feature, then restart",
        link: "https://learn.microsoft.com/virtualization/windowscontainers/quick-start/set-up-environment",
        class: Class::Ground,
    },
    Failure {
        id: "no-seccomp",
        matcher: &["seccomp: config provided but seccomp not supported"],
        cause: "runc was built without seccomp",
        remedy: "take a released runc with `--source github`, or another one with `--runc PATH`",
        link: "https://github.com/opencontainers/runc#build-tags",
        class: Class::ReleaseBug,
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

/// What a RUN that wanted a name from the network failed of, where it has no network.
const NO_NETWORK: Failure = Failure {
    id: "no-network",
    matcher: &[],
    cause: "RUN has no network",
    remedy: "give it Windows' own with `cargo xtask up --network nat`, then build again",
    link: "https://github.com/moby/buildkit/issues/4960",
    class: Class::UnsupportedFeature,
};

/// How programs that containers have say that a name can't be looked up.
const UNRESOLVED: &[&str] = &[
    // Windows PowerShell and all that .NET Framework runs; PowerShell 7, .NET and Go.
    "remote name could not be resolved",
    "No such host is known",
    "no such host",
    // curl and git; certutil and what else takes WinINet; ping; Python; Node.
    "Could not resolve host",
    "The server name or address could not be resolved",
    "Ping request could not find host",
    "getaddrinfo failed",
    "getaddrinfo ENOTFOUND",
];

/// Whether a build that had no network failed for that reason: what the failed step itself printed last says so.
///
/// At its end `buildctl` says that once more, between two lines of dashes, below the step's name.
pub fn no_network(said: &str) -> Option<&'static Failure> {
    let wanted_a_name = |section: &str| {
        // The next failed step's section begins just behind this one's end.
        let (step, printed) = section.trim_start_matches("------\n").split_once('\n').unwrap_or_default();
        // PowerShell breaks its messages into lines, and each line has a time before it.
        let words: Vec<&str> = printed.lines().flat_map(|line| without_time(line).split_whitespace()).collect();
        let printed = words.join(" ");
        step.starts_with(" > ") && step.contains("RUN ") && UNRESOLVED.iter().any(|message| printed.contains(message))
    };
    said.split("\n------\n").any(wanted_a_name).then_some(&NO_NETWORK)
}

/// A line without the seconds that it came after: `12.34 curl: …`.
fn without_time(line: &str) -> &str {
    match line.trim_start().split_once(' ') {
        Some((time, rest)) if time.contains('.') && time.parse::<f64>().is_ok() => rest,
        _ => line,
    }
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
            (
                "not-elevated",
                r#"error: failed to list workers: Unavailable: connection error: desc = "transport: Error while dialing: open \\.\pipe\buildkitd: Access is denied.""#,
            ),
            (
                "not-elevated",
                r#"error: failed to get status: rpc error: code = Unavailable desc = connection error: desc = "transport: error while dialing: open //./pipe/buildkitd: Access is denied.""#,
            ),
            (
                "pipe-in-use",
                r"containerd: failed to get listener for main endpoint: open \\.\pipe\containerd: Access is denied.",
            ),
            (
                "base-image-platform",
                "error: failed to solve: mcr.microsoft.com/windows/nanoserver:ltsc2019: failed to resolve source metadata for mcr.microsoft.com/windows/nanoserver:ltsc2019: no match for platform in manifest: not found",
            ),
            (
                "windows-build-mismatch",
                "ctr: failed to create shim task: hcs::CreateComputeSystem x: The container operating system does not match the host operating system.: unknown",
            ),
            ("windows-build-mismatch", "hcs::CreateComputeSystem x: Das Betriebssystem passt nicht. (0xc0370101)"),
            (
                "windows-too-old",
                "hcs::System::Start: failure in a Windows system call: The virtual machine or container exited unexpectedly. (0xc0370106)",
            ),
            (
                "windows-layer-format",
                "hcsshim::PrepareLayer failed in Win32: The container image contains a layer with an unrecognized format. (0xc0370112)",
            ),
            (
                "windows-layer-format",
                "hcs::CreateComputeSystem x: The container image contains a layer with an unrecognized format.",
            ),
            (
                "windows-layer-in-use",
                "hcsshim::ActivateLayer failed in Win32: The process cannot access the file because it is being used by another process. (0x20)",
            ),
            ("windows-layer-denied", r"hcsshim::ProcessBaseLayer \\?\C:\w\snapshots\1: Access is denied."),
            ("no-container-runtime", "hcsshim::ActivateLayer failed in Win32: Module not found. (0x7e)"),
            (
                "no-container-runtime",
                "hcsshim::ActivateLayer failed in Win32: The specified module could not be found. (0x7e)",
            ),
            ("no-seccomp", "error during container init: seccomp: config provided but seccomp not supported"),
            ("disk-full", "write /w/containerd/root/x: no space left on device"),
        ];
        for (id, line) in known {
            let text = format!("time=\"…\" level=info msg=\"booting\"\n{line}\n");
            assert_eq!(explain(&text).map(|failure| failure.id), Some(id), "{line}");
        }
    }

    /// The end of what `buildctl` says of a failed step.
    fn failed_step(step: &str, printed: &str) -> String {
        format!(
            "#5 [2/3] {step}\n#5 0.51 {printed}\n#5 ERROR: process did not complete\n------\n > [2/3] {step}:\n{printed}\n------\n\
             Dockerfile:2\n--------------------\n   2 | >>> {step}\n--------------------\nerror: failed to solve: process did not complete successfully: exit code: 1\n"
        )
    }

    #[test]
    fn a_step_that_could_not_look_up_a_name_had_no_network() {
        for printed in [
            "0.512 curl: (6) Could not resolve host: example.com",
            "1.204 Exception calling \"DownloadString\": \"The remote name could not be \n1.204 resolved: 'community.chocolatey.org'\"",
            "2.100 Invoke-WebRequest: No such host is known. (example.com:443)",
            "0.900 dial tcp: lookup registry.example: no such host",
        ] {
            let said = failed_step("RUN curl https://example.com", printed);
            assert_eq!(no_network(&said).map(|failure| failure.id), Some("no-network"), "{printed}");
        }
    }

    #[test]
    fn any_of_several_failed_steps_may_have_wanted_a_name() {
        let [quiet, curl] = ["RUN exit 1:\n", "RUN curl x:\n0.5 curl: (6) Could not resolve host: x\n"];
        let said = format!("#1 x\n------\n > {quiet}------\n------\n > {curl}------\nerror: failed to solve\n");
        assert!(no_network(&said).is_some(), "{said}");
    }

    #[test]
    fn the_words_alone_are_not_why_a_build_failed() {
        let words = "Could not resolve host: example.com";
        let echo = format!("RUN echo {words} & exit 1");
        let other_step = format!("#4 [1/3] RUN curl -k x\n#4 0.5 curl: (6) {words}\n{}", failed_step("RUN exit 1", ""));
        let source =
            failed_step("RUN exit 1", "0.5 other").replace("   2 | >>>", &format!("   1 | RUN x\n   2 | {words}"));
        let copied = failed_step("COPY x /", &format!("0.5 {words}"));
        for said in [failed_step(&echo, "0.5 other"), other_step, source, copied, words.to_owned(), String::new()] {
            assert_eq!(no_network(&said), None, "{said}");
        }
    }

    #[test]
    fn words_from_two_lines_make_no_match() {
        assert_eq!(explain("parent snapshot\ndoes not exist: not found"), None);
        assert_eq!(explain("does not exist: not found: parent snapshot"), None);
    }
}
