//! Each row's message as it really appears, and whom it is taken from.

use super::*;
use Speaker::{Client, Daemon, Run};

/// Who said what, and which row that is. What a log says stands as it is in the log, with its quotes escaped.
const MESSAGES: &[(&str, Speaker, &str)] = &[
    (
        "stale-snapshot",
        Client,
        "error: failed to solve: failed to prepare 0x1 as 0x2: parent snapshot sha256:8d5 does not exist: not found",
    ),
    (
        "stale-snapshot",
        Client,
        "#39 ERROR: failed to apply diffs: failed to stat lower snapshot oqp2: snapshot oqp2 does not exist: not found",
    ),
    (
        "stale-snapshot",
        Client,
        "error: failed to solve: failed to load cache key: failed to prepare extraction snapshot \"extract-810343375-eUiw sha256:2f8d\": parent snapshot sha256:e644 does not exist: not found",
    ),
    ("stale-content", Client, "failed to extract layer sha256:1: content digest sha256:a058d: not found"),
    ("stale-lease", Client, "error: lease \"ref_qhyz4o0hxbz8bjbl8cvrjqvgb\": not found"),
    (
        "stale-lease",
        Daemon,
        r#"time="2026-11-23T11:23:03Z" level=error msg="/moby.buildkit.v1.Control/UpdateBuildHistory returned error: rpc error: code = NotFound desc = lease \"ref_q\": not found" spanID=52 traceID=ac"#,
    ),
    ("root-in-use", Daemon, "buildkitd: could not lock /w/buildkit/root/buildkitd.lock, another instance running?"),
    ("no-worker", Daemon, "buildkitd: no worker found, rebuild the buildkit daemon?"),
    (
        "no-worker",
        Daemon,
        r#"time="2026-11-23T11:23:03Z" level=warning msg="skipping containerd worker, as \"/w/run/containerd.sock\" does not exist""#,
    ),
    (
        "containerd-unreachable",
        Daemon,
        r#"buildkitd: failed to connect client to "/w/run/containerd.sock" . make sure containerd is running: context deadline exceeded"#,
    ),
    (
        "containerd-unreachable",
        Daemon,
        r#"buildkitd: connection error: desc = "transport: Error while dialing: dial unix:///w/run/containerd.sock: timeout""#,
    ),
    (
        "containerd-unreachable",
        Client,
        r#"error: failed to solve: Unavailable: connection error: desc = "transport: Error while dialing: dial unix /w/run/containerd.sock: connect: connection refused""#,
    ),
    (
        "containerd-unreachable",
        Client,
        r#"error: failed to solve: failed to read dockerfile: failed to create lease: connection error: desc = "transport: Error while dialing: dial npipe:////./pipe/buildkit-windows-cfb5008b37cb-containerd: timeout""#,
    ),
    (
        "daemon-down",
        Client,
        r#"error: failed to list workers: Unavailable: connection error: desc = "transport: Error while dialing: dial unix /w/run/buildkitd.sock: connect: no such file or directory""#,
    ),
    (
        "daemon-down",
        Client,
        "ctr: cannot access socket /w/run/containerd.sock: stat /w/run/containerd.sock: no such file or directory",
    ),
    (
        "daemon-down",
        Client,
        r#"error: failed to list workers: Unavailable: connection error: desc = "transport: Error while dialing: open \\.\pipe\buildkitd: The system cannot find the file specified.""#,
    ),
    (
        "docker-down",
        Client,
        "error during connect: Get http://%2F%2F.%2Fpipe%2Fdocker_engine/v1.40/info: open //./pipe/docker_engine: The system cannot find the file specified.",
    ),
    ("unknown-group", Daemon, "failed to lookup sid for group nosuch"),
    (
        "not-elevated",
        Client,
        r#"error: failed to list workers: Unavailable: connection error: desc = "transport: Error while dialing: open \\.\pipe\buildkitd: Access is denied.""#,
    ),
    (
        "not-elevated",
        Client,
        r#"error: failed to get status: rpc error: code = Unavailable desc = connection error: desc = "transport: error while dialing: open //./pipe/buildkitd: Access is denied.""#,
    ),
    (
        "not-elevated",
        Client,
        r#"error: failed to list workers: Unavailable: connection error: desc = "transport: Error while dialing: dial unix /w/run/buildkitd.sock: connect: permission denied""#,
    ),
    (
        "daemon-ended",
        Client,
        "error: failed to solve: failed to read dockerfile: failed to create lease: error reading from server: connection reset by peer",
    ),
    (
        "pipe-in-use",
        Daemon,
        r"containerd: failed to get listener for main endpoint: open \\.\pipe\containerd: Access is denied.",
    ),
    ("pipe-in-use", Daemon, "buildkitd: open //./pipe/buildkit-windows-d6b46e6cd11f-buildkitd: Access denied."),
    (
        "base-image-platform",
        Client,
        "error: failed to solve: mcr.microsoft.com/windows/nanoserver:ltsc2019: failed to resolve source metadata for mcr.microsoft.com/windows/nanoserver:ltsc2019: no match for platform in manifest: not found",
    ),
    (
        "windows-build-mismatch",
        Client,
        "ctr: failed to create shim task: hcs::CreateComputeSystem x: The container operating system does not match the host operating system.: unknown",
    ),
    ("windows-build-mismatch", Daemon, "hcs::CreateComputeSystem x: Das Betriebssystem passt nicht. (0xc0370101)"),
    (
        "windows-too-old",
        Client,
        "hcs::System::Start: failure in a Windows system call: The virtual machine or container exited unexpectedly. (0xc0370106)",
    ),
    (
        "windows-layer-format",
        Client,
        "hcsshim::PrepareLayer failed in Win32: The container image contains a layer with an unrecognized format. (0xc0370112)",
    ),
    (
        "windows-layer-format",
        Client,
        "hcs::CreateComputeSystem x: The container image contains a layer with an unrecognized format.",
    ),
    (
        "no-windows-image",
        Client,
        r"#7 ERROR: hcsshim::ProcessBaseLayer \\?\C:\ProgramData\containerd\root\io.containerd.snapshotter.v1.windows\snapshots\1060: The system cannot find the path specified.",
    ),
    (
        "windows-layer-in-use",
        Client,
        "hcsshim::ActivateLayer failed in Win32: The process cannot access the file because it is being used by another process. (0x20)",
    ),
    ("windows-layer-denied", Client, r"hcsshim::ProcessBaseLayer \\?\C:\w\snapshots\1: Access is denied."),
    (
        "windows-out-of-resources",
        Client,
        "docker: Error response from daemon: hcsshim::CreateComputeSystem 632b: Insufficient system resources exist to complete the requested service.",
    ),
    (NO_CONTAINER_RUNTIME, Client, "hcsshim::ActivateLayer failed in Win32: Module not found. (0x7e)"),
    (
        NO_CONTAINER_RUNTIME,
        Daemon,
        "hcsshim::ActivateLayer failed in Win32: The specified module could not be found. (0x7e)",
    ),
    (
        "no-nat-network",
        Client,
        r#"error: failed to solve: plugin type="nat" name="nat" failed (add): hcnCreateNetwork failed in Win32: Element not found. (0x490)"#,
    ),
    (NO_NETWORK, Daemon, r#"time="2026-11-23T11:23:03Z" level=warning msg="using null network as the default""#),
    (
        "docker-buildkit",
        Client,
        r"failed to solve: failed to read dockerfile: failed to mount C:\ProgramData\Docker\tmp\buildkit-mount1: [{Type:bind Source:C:\ProgramData\docker\windowsfilter\y3 Options:[rbind ro]}]: invalid windows mount type: 'bind'",
    ),
    (
        "run-mount",
        Client,
        "error: failed to solve: failed to create shim task: invalid OCI spec - Type 'windows-layer' not supported: unknown",
    ),
    (
        "several-mounts",
        Client,
        "Lower mount invalid: number of mounts should always be 1 for Windows layers: invalid argument",
    ),
    ("copy-link", Client, "error: failed to solve: diffApply not yet supported on windows"),
    ("container-user", Run, "Access is denied."),
    ("container-user", Run, r"Access to the path 'C:\app' is denied."),
    ("default-path", Run, "'powershell' is not recognized as an internal or external command,"),
    ("privileged", Client, "ERROR: Error response from daemon: Windows does not support privileged mode"),
    (
        "system-volume-information",
        Client,
        r"#7 ERROR: open C:\Users\x\AppData\Local\Temp\buildkit-mount1788466376\System Volume Information: Access is denied.",
    ),
    (
        "system-volume-information",
        Daemon,
        r#"time="2024-06-03T16:09:54+03:00" level=error msg="/moby.buildkit.v1.Control/Solve returned error: rpc error: code = Unknown desc = open C:\\Users\\x\\AppData\\Local\\Temp\\buildkit-mount1788466376\\System Volume Information: Access is denied.""#,
    ),
    ("no-seccomp", Client, "error during container init: seccomp: config provided but seccomp not supported"),
    ("no-overlayfs", Daemon, "containerd: failed to create snapshotter: overlay is not supported"),
    (
        "registry-rate-limit",
        Client,
        "ERROR: Error response from daemon: toomanyrequests: You have reached your pull rate limit.",
    ),
    (
        "registry-rate-limit",
        Client,
        "ERROR: failed to solve: alpine: failed to copy: httpReadSeeker: failed open: unexpected status code https://registry.example/v2/alpine/manifests/x: 429 Too Many Requests",
    ),
    (
        "registry-unreachable",
        Client,
        r#"error: failed to solve: x: failed to resolve source metadata for x: failed to do request: Head "https://registry.invalid/v2/": dial tcp: lookup registry.invalid: no such host"#,
    ),
    ("disk-full", Daemon, "write /w/containerd/root/x: no space left on device"),
    ("disk-full", Client, r"error: failed to solve: write C:\w\x: There is not enough space on the disk."),
];

fn id(text: &str, by: Option<Speaker>) -> Option<&'static str> {
    explain(text, by).map(|found| found.failure.id)
}

#[test]
fn messages_are_known_as_they_really_appear() {
    for (of, by, line) in MESSAGES {
        // A daemon's news before and after it are no messages, nor is a blank line.
        let text = format!("time=\"…\" level=info msg=\"booting\"\n{line}\n\n");
        if *by == Run {
            let said = format!("#5 x\n------\n > [2/2] RUN x:\n0.512 {line}\n------\nerror: failed to solve");
            assert_eq!(explain_step(&said).map(|found| found.failure.id), Some(*of), "{line}");
        } else {
            assert_eq!(id(&text, Some(*by)), Some(*of), "{line}");
        }
        assert_eq!(id(&text, None), Some(*of), "not knowing who said it: {line}");
    }
}

#[test]
fn every_row_has_such_a_message_and_all_that_belongs_to_it() {
    let mut ids = Vec::new();
    for known in all() {
        assert!(MESSAGES.iter().any(|(of, ..)| *of == known.id), "{}", known.id);
        assert!(known.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", known.id);
        assert!(!ids.contains(&known.id), "twice: {}", known.id);
        assert!(known.link.starts_with("https://"), "{}", known.id);
        let texts = [known.cause, known.remedy];
        assert!(texts.iter().all(|text| !text.is_empty() && !text.ends_with('.')), "{}", known.id);
        assert!(!known.platforms.is_empty() && !known.said_by.is_empty(), "{}", known.id);
        assert!(known.matchers.iter().all(|parts| !parts.is_empty()) && !known.matchers.is_empty(), "{}", known.id);
        // What a RUN says is never a verdict on the ground.
        assert!(!known.said_by.contains(&Run) || known.class.fault() == error::Class::Failed, "{}", known.id);
        assert_eq!(find(known.id), Some(known));
        ids.push(known.id);
    }
}

#[test]
fn who_said_it_makes_the_difference() {
    let words = r"open \\.\pipe\x: Access is denied.";
    for (by, of) in [(Client, Some("not-elevated")), (Daemon, Some("pipe-in-use"))] {
        assert_eq!(id(words, Some(by)), of);
    }
    let log = r#"time="…" level=fatal msg="failed to listen: open \\\\.\\pipe\\x: Access is denied.""#;
    assert_eq!((id(log, None), id(&format!("error: {words}"), None)), (Some("pipe-in-use"), Some("not-elevated")));
    let printed = explain_step(&format!("#5 x\n------\n > [2/2] RUN x:\n0.5 {words}\n------\nerror: x"));
    assert_eq!(printed.map(|found| found.failure.id), Some("container-user"));
}

#[test]
fn the_innermost_message_wins() {
    let wrapped =
        "error: failed to solve: failed to load cache key: failed to do request: write /w/x: no space left on device";
    assert_eq!(id(wrapped, Some(Client)), Some("disk-full"));
    // The last of several lines, and in it the message that says more.
    let two = "error: no space left on device\nerror: open //./pipe/docker_engine: The system cannot find the file specified.";
    assert_eq!(id(two, Some(Client)), Some("docker-down"));
}

#[test]
fn words_from_two_lines_make_no_match() {
    assert_eq!(explain("parent snapshot\ndoes not exist: not found", None), None);
    assert_eq!(explain("does not exist: not found: parent snapshot", None), None);
}

#[test]
fn a_command_or_what_it_printed_is_no_message() {
    let words = "no space left on device";
    for line in [
        format!("#5 [2/3] RUN echo {words}"),
        format!("#5 0.512 {words}"),
        format!("0.512 {words}"),
        format!(" > [2/3] RUN echo {words}:"),
        format!("   2 | >>> RUN echo {words}"),
        format!("#5 ERROR: process \"/bin/sh -c echo {words}\" did not complete successfully: exit code: 1"),
        format!(
            r#"time="…" level=error msg="x: process \"/bin/sh -c echo {words}\" did not complete successfully: exit code: 1""#
        ),
    ] {
        for by in [None, Some(Client), Some(Daemon)] {
            assert_eq!(explain(&line, by), None, "{line}");
        }
    }
}

#[test]
fn an_id_mistyped_is_near_the_one_meant() {
    for (typed, meant) in
        [("stale-snapshots", "stale-snapshot"), ("Disk-Full", "disk-full"), ("elevated", "not-elevated")]
    {
        assert_eq!(nearest(typed).first(), Some(&meant), "{:?}", nearest(typed));
    }
    assert_eq!(nearest("qqq"), Vec::<&str>::new());
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
        assert_eq!(explain_step(&said).map(|found| found.failure.id), Some(NO_NETWORK), "{printed}");
    }
}

#[test]
fn any_of_several_failed_steps_may_have_wanted_a_name() {
    let [quiet, curl] = ["RUN exit 1:\n", "RUN curl x:\n0.5 curl: (6) Could not resolve host: x\n"];
    let said = format!("#1 x\n------\n > {quiet}------\n------\n > {curl}------\nerror: failed to solve\n");
    assert!(explain_step(&said).is_some(), "{said}");
}

#[test]
fn the_words_alone_are_not_why_a_build_failed() {
    let words = "Could not resolve host: example.com";
    let echo = format!("RUN echo {words} & exit 1");
    let other_step = format!("#4 [1/3] RUN curl -k x\n#4 0.5 curl: (6) {words}\n{}", failed_step("RUN exit 1", ""));
    let source = failed_step("RUN exit 1", "0.5 other").replace("   2 | >>>", &format!("   1 | RUN x\n   2 | {words}"));
    let copied = failed_step("COPY x /", &format!("0.5 {words}"));
    for said in [failed_step(&echo, "0.5 other"), other_step, source, copied, words.to_owned(), String::new()] {
        assert_eq!(explain_step(&said), None, "{said}");
    }
}
