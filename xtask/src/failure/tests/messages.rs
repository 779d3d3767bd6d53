//! Each row's message as it really appears, and whom it is taken from.

use super::super::*;
use super::id;
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
    // As https://github.com/moby/moby/blob/master/client/errors.go and request.go there put them, and older ones.
    (
        "docker-down",
        Client,
        "failed to connect to the docker API at npipe:////./pipe/docker_engine; check if the path is correct and if the daemon is running: open //./pipe/docker_engine: The system cannot find the file specified.",
    ),
    (
        "docker-not-elevated",
        Client,
        r#"error during connect: Get "http://%2F%2F.%2Fpipe%2Fdocker_engine/v1.50/version": open //./pipe/docker_engine: Access is denied."#,
    ),
    (
        "docker-not-elevated",
        Client,
        "permission denied while trying to connect to the docker API at npipe:////./pipe/docker_engine",
    ),
    (
        "docker-stopped",
        Client,
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    ),
    (
        "docker-stopped",
        Client,
        "ERROR: failed to dial gRPC: cannot connect to the Docker daemon. Is 'docker daemon' running on this host?: dial unix /var/run/docker.sock: connect: no such file or directory",
    ),
    (
        "docker-stopped",
        Client,
        "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory",
    ),
    (
        "docker-refused",
        Client,
        r#"permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.50/version": dial unix /var/run/docker.sock: connect: permission denied"#,
    ),
    (
        "docker-refused",
        Client,
        "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
    ),
    // As buildctl 0.34.2 said the next six, to a buildkitd that was stopped, and to ports where it was not.
    (
        "daemon-silent",
        Client,
        r#"error: failed to list workers: Unavailable: connection error: desc = "error reading server preface: raw-read unix @->/w/run/buildkitd.sock: use of closed network connection""#,
    ),
    // As it puts that where the other end has hung up before its first word.
    (
        "daemon-silent",
        Client,
        r#"error: failed to list workers: Unavailable: connection error: desc = "transport: failed to write client preface: write unix @->/w/foreign.sock: write: broken pipe""#,
    ),
    (
        "builder-unreachable",
        Client,
        r#"error: failed to list workers: Unavailable: connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:9: connect: connection refused""#,
    ),
    (
        "builder-unreachable",
        Client,
        r#"error: failed to list workers: Unavailable: connection error: desc = "transport: Error while dialing: dial tcp: lookup nosuch.invalid on 192.0.2.53:53: no such host""#,
    ),
    (
        "builder-untrusted",
        Client,
        r#"error: failed to list workers: Unavailable: connection error: desc = "transport: authentication handshake failed: tls: failed to verify certificate: x509: certificate signed by unknown authority""#,
    ),
    (
        "builder-untrusted",
        Client,
        r#"error: failed to list workers: Unavailable: connection error: desc = "error reading server preface: remote error: tls: certificate required""#,
    ),
    (
        "daemon-silent",
        Client,
        "error: failed to list workers: DeadlineExceeded: context deadline exceeded while waiting for connections to become ready",
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
        "not-root",
        Client,
        r#"error: failed to list workers: Unavailable: connection error: desc = "transport: Error while dialing: dial unix /w/run/buildkitd.sock: connect: permission denied""#,
    ),
    (
        "daemon-ended",
        Client,
        "error: failed to solve: failed to read dockerfile: failed to create lease: error reading from server: connection reset by peer",
    ),
    (
        "socket-in-use",
        Client,
        "error: failed to start containerd: another process listens at `/w/run/containerd.sock` (pid 7, `/usr/bin/socat`)",
    ),
    (
        "socket-in-use",
        Daemon,
        "buildkitd: could not open otel socket: listen unix /w/run/otel.sock: bind: address already in use",
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
    // As https://github.com/microsoft/hcsshim/blob/v0.14.1/internal/hcs/errors.go puts it: without the code; and for a Windows
    // that has no words for it, with nothing else.
    (
        "windows-too-old",
        Client,
        "ctr: failed to create shim task: hcs::System::Start x: The virtual machine or container exited unexpectedly.: unknown",
    ),
    ("windows-too-old", Daemon, "hcs::System::Start x: winapi error #3224830214"),
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
    // As https://github.com/microsoft/hcsshim/blob/v0.14.1/internal/wclayer/processimage.go puts it: without the code.
    (
        NO_CONTAINER_RUNTIME,
        Client,
        r"#7 ERROR: hcsshim::ProcessBaseLayer \\?\C:\w\snapshots\1: The specified module could not be found.",
    ),
    (
        NO_CONTAINER_RUNTIME,
        Client,
        "ctr: hcnOpenNetwork failed in Win32: The specified module could not be found. (0x7e)",
    ),
    // https://github.com/containerd/containerd/blob/v2.4.2/plugins/snapshots/windows/windows.go
    (
        "not-ntfs",
        Daemon,
        r#"time="2026-11-23T13:16:07.48Z" level=warning msg="failed to load plugin" error="E:\\w\\root\\io.containerd.snapshotter.v1.windows is not on an NTFS volume - only NTFS volumes are supported: invalid argument" id=io.containerd.snapshotter.v1.windows type=io.containerd.snapshotter.v1"#,
    ),
    // https://github.com/moby/buildkit/issues/6591, and, as a log has it, https://github.com/moby/buildkit/issues/4826
    (
        "system-temp",
        Client,
        r"failed to mount x: failed to create temp dir: mkdir C:\Windows\SystemTemp\buildkit-mount1234: Access is denied.",
    ),
    (
        "system-temp",
        Daemon,
        r#"time="2025-01-30T10:31:58+01:00" level=error msg="/moby.buildkit.v1.frontend.LLBBridge/Solve returned error: rpc error: code = Unknown desc = failed to bind target \"C:\\\\w\\\\Files\" to root \"C:\\\\Windows\\\\SystemTemp\\\\buildkit-mount1038987703\": Access is denied." spanID=72 traceID=2d"#,
    ),
    (
        "no-nat-network",
        Client,
        r#"error: failed to solve: plugin type="nat" name="nat" failed (add): hcnCreateNetwork failed in Win32: Element not found. (0x490)"#,
    ),
    (NO_NETWORK, Run, "curl: (6) Could not resolve host: example.com"),
    ("null-network", Daemon, r#"time="2026-11-23T11:23:03Z" level=warning msg="using null network as the default""#),
    (
        "docker-buildkit",
        Client,
        r"failed to solve: failed to read dockerfile: failed to mount C:\ProgramData\Docker\tmp\buildkit-mount1: [{Type:bind Source:C:\ProgramData\docker\windowsfilter\y3 Options:[rbind ro]}]: invalid windows mount type: 'bind'",
    ),
    (
        "tmpfs-mount",
        Client,
        "error: failed to solve: unable to setup secret mount: invalid windows mount type: 'tmpfs'",
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
    // As BuildKit 0.34.2 said it of a containerd whose root lay on an overlay.
    (
        "no-overlayfs",
        Client,
        r#"error: failed to solve: mount source: "overlay", target: "/w/cachemounts/buildkit2951182680", fstype: overlay, flags: 0, data: "workdir=/w/5/work,upperdir=/w/5/fs,lowerdir=/w/4/fs,index=off,redirect_dir=off", err: invalid argument"#,
    ),
    // https://github.com/containerd/containerd/blob/v2.4.2/plugins/snapshots/overlay/overlay.go
    (
        "no-overlayfs",
        Daemon,
        r#"time="2026-11-23T13:16:07.48Z" level=warning msg="failed to load plugin" error="/w/overlayfs does not support d_type. If the backing filesystem is xfs, please reformat with ftype=1 to enable d_type support" id=io.containerd.snapshotter.v1.overlayfs type=io.containerd.snapshotter.v1"#,
    ),
    // The next three as containerd 2.4.2 said them.
    (
        "runc-missing",
        Client,
        r#"error: failed to solve: process "/bin/sh -c x" did not complete successfully: failed to create shim task: OCI runtime create failed: unable to retrieve OCI runtime error (open /w/log.json: no such file or directory): exec: "runc": executable file not found in $PATH"#,
    ),
    (
        "no-control-groups",
        Client,
        r#"error: failed to solve: process "/bin/sh -c x" did not complete successfully: failed to create shim task: OCI runtime create failed: runc create failed: no cgroup mount found in mountinfo"#,
    ),
    (
        "shim-missing",
        Client,
        r#"error: failed to solve: process "/bin/sh -c x" did not complete successfully: failed to start shim: start failed: fork/exec /w/bin/containerd-shim-runc-v2: no such file or directory"#,
    ),
    // https://github.com/containerd/containerd/blob/v2.4.2/core/runtime/v2/shim_manager.go
    (
        "shim-missing",
        Client,
        r#"ctr: failed to start shim: failed to resolve runtime path: runtime "io.containerd.runhcs.v1" binary not installed "containerd-shim-runhcs-v1.exe": file does not exist"#,
    ),
    // https://github.com/opencontainers/cgroups/blob/v0.1.0/fs2/create.go
    (
        "no-control-groups",
        Client,
        r#"ctr: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: unable to apply cgroup configuration: cannot enter cgroupv2 "/sys/fs/cgroup/x" with domain controllers -- it is in an invalid state"#,
    ),
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
    // The rest of the registries' as BuildKit 0.34.2 said them, of servers that answered so.
    (
        "registry-unreachable",
        Client,
        r#"ERROR: failed to solve: failed to fetch anonymous token: Get "http://auth.invalid/token?scope=repository%3Ax%3Apull&service=x": dial tcp: lookup auth.invalid on 192.0.2.53:53: no such host"#,
    ),
    (
        "registry-unreachable",
        Daemon,
        r#"time="2026-11-23T13:13:38Z" level=error msg="/moby.buildkit.v1.Control/Solve returned error: rpc error: code = Unknown desc = failed to fetch anonymous token: Get \"http://auth.invalid/token\": dial tcp: lookup auth.invalid on 192.0.2.53:53: no such host" spanID=5e traceID=eb"#,
    ),
    (
        "registry-unreachable",
        Client,
        r#"ERROR: failed to solve: x: failed to resolve source metadata for x: failed to do request: Head "https://192.0.2.1/v2/x/manifests/1": net/http: TLS handshake timeout"#,
    ),
    (
        "registry-unreachable",
        Client,
        "error: failed to solve: x: failed to resolve source metadata for x: unexpected status from HEAD request to http://127.0.0.1:49565/v2/x/manifests/1: 503 Service Unavailable",
    ),
    (
        "registry-denied",
        Client,
        "error: failed to solve: x: failed to resolve source metadata for x: unexpected status from HEAD request to http://127.0.0.1:38785/v2/x/manifests/1: 401 Unauthorized",
    ),
    (
        "registry-denied",
        Client,
        "ERROR: failed to solve: x: failed to resolve source metadata for x: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
    ),
    (
        "registry-denied",
        Client,
        "docker: Error response from daemon: pull access denied for x, repository does not exist or may require 'docker login'",
    ),
    (
        "registry-untrusted",
        Client,
        r#"error: failed to solve: x: failed to resolve source metadata for x: failed to do request: Head "https://192.0.2.1/v2/x/manifests/1": tls: failed to verify certificate: x509: certificate signed by unknown authority"#,
    ),
    ("disk-full", Daemon, "write /w/containerd/root/x: no space left on device"),
    ("disk-full", Client, r"error: failed to solve: write C:\w\x: There is not enough space on the disk."),
];

#[test]
fn messages_are_known_as_they_really_appear() {
    for (of, by, line) in MESSAGES {
        // A daemon's news before and after it are no messages, nor is a blank line.
        let text = format!("time=\"…\" level=info msg=\"booting\"\n{line}\n\n");
        if *by == Run {
            let said = format!("#5 x\n------\n > [2/2] RUN x:\n0.512 {line}\n------\nerror: failed to solve");
            assert_eq!(explain_step(&said, None).map(|found| found.failure.id), Some(*of), "{line}");
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
        assert!(!known.said_by.contains(&Run) || known.class.fault() == exit::Class::Failed, "{}", known.id);
        assert_eq!(find(known.id), Some(known));
        ids.push(known.id);
    }
}
