//! A buildkitd that the harness did not start: with TLS, at a socket, and not there at all.

use super::docker::{with, workspace};
use super::healing::fault;
use crate::explained::means;
use crate::{hello, machine, run, xtask};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tests::docker::Engine;
use tests::started::{PATIENCE, Started};
use tests::{Outcome, TestContext, real};
use xtask::component::Component;
use xtask::error::Error;
use xtask::poll::{self, Look};

/// A buildkitd with TLS that the harness did not start, ended when it is dropped.
struct Buildkitd {
    _child: Started,
    address: String,
}

impl Buildkitd {
    fn start(context: &TestContext, tls: &Path) -> Self {
        let workspace = workspace(context);
        // From a copy: what runs from the workspace would be taken for the workspace's own.
        let programs = context.root().join("others");
        fs::create_dir(&programs).unwrap();
        for (component, program) in [(Component::Buildkit, "buildkitd"), (Component::Runc, "runc")] {
            let bytes = fs::read(workspace.program(component, program)).unwrap();
            context.write_program(programs.join(program), bytes);
        }
        let log = programs.join("log");
        let mut command = Command::new(programs.join("buildkitd"));
        command.args(["--addr", "tcp://127.0.0.1:0", "--containerd-worker=false", "--oci-worker=true"]);
        command.args(["--oci-worker-snapshotter", "native", "--oci-worker-net", "host", "--cdi-disabled"]);
        command.arg("--root").arg(programs.join("root")).arg("--oci-worker-binary").arg(programs.join("runc"));
        command.arg("--config").arg(context.write("others/buildkitd.toml", ""));
        command.arg("--otel-socket-path").arg(programs.join("otel.sock"));
        command.arg("--tlscacert").arg(tls.join("ca.pem"));
        command.arg("--tlscert").arg(tls.join("server.pem")).arg("--tlskey").arg(tls.join("server.key"));
        command.env("TMPDIR", &programs).current_dir(&programs);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).unwrap());
        let mut child = Started::new(command.spawn().unwrap());
        let look = || {
            let text = fs::read_to_string(&log).unwrap();
            if let Some((_, rest)) = text.split_once("running server on ") {
                return Ok(Look::Ready(rest.split(['"', '\n']).next().unwrap().to_owned()));
            }
            child.check()?;
            Ok(Look::NotYet("it does not say where it listens".into()))
        };
        let address = poll::until(PATIENCE, look, Error::ground).unwrap_or_else(|error| {
            panic!("buildkitd does not come up: {error}\n{}", fs::read_to_string(&log).unwrap())
        });
        Self { _child: child, address: format!("tcp://{address}") }
    }
}

#[test]
fn an_address_and_its_files_are_looked_at_before_anything_else() {
    let context = machine();
    let refused = |line: &[&str], code: i32, sentence: &str| {
        let outcome = run(&context, &[&["build-sample"], line].concat()).exited(code);
        assert!(outcome.stderr.contains(&format!("error: {sentence}")), "{outcome}");
        assert!(outcome.stderr.contains("hint: ") && !outcome.stderr.contains("Resolved"), "{outcome}");
    };
    refused(&["--addr", "unix:///no/such"], 3, "failed to reach a buildkitd at `unix:///no/such`: No such file");
    // The client's end of a connection: nobody listens there, and nobody else gets the port while it is held.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let server = listener.accept().unwrap();
    let address = format!("tcp://{}", client.local_addr().unwrap());
    refused(&["--addr", &address], 3, &format!("failed to reach a buildkitd at `{address}`: Connection refused"));
    drop(server);
    let folder = context.root().join("files").display().to_string();
    let line = ["--addr", &address, "--tls-dir", &folder];
    refused(&line, 2, &format!("`--tls-dir {folder}` has no `ca.pem` that can be read: No such file"));
    context.write("files/ca.pem", "-----BEGIN CERTIFICATE-----\n");
    refused(&line, 2, &format!("`--tls-dir {folder}` has no `cert.pem` that can be read"));
    context.write("files/cert.pem", "-----BEGIN CERTIFICATE-----\n");
    context.write("files/key.pem", "-----BEGIN CERTIFICATE-----\n");
    refused(&line, 2, &format!("`{folder}/key.pem` holds no private key in PEM form"));
}

/// A folder with a daemon's certificate, and one with what a client needs.
fn certificates(context: &TestContext, name: &str) -> PathBuf {
    let folder = context.root().join(name);
    fs::create_dir(&folder).unwrap();
    context.write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n");
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).current_dir(&folder).output().unwrap();
        assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    };
    openssl(&[&["req", "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca"], &key[..]].concat());
    for (name, key_file, file) in [("server", "server.key", "server.pem"), ("client", "key.pem", "cert.pem")] {
        let subject = format!("/CN={name}");
        let request = ["req", "-keyout", key_file, "-out", "request", "-subj", &subject];
        openssl(&[&request, &key[..key.len() - 2]].concat());
        let sign = ["x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
        openssl(&[&sign[..], &["-days", "2", "-extfile", "names", "-out", file]].concat());
    }
    folder
}

#[test]
fn a_remote_buildkitd_is_built_on_and_no_daemon_is_started() {
    let context = machine();
    let engine = Engine::start(&context);
    run(&context, &["up", "--no-start"]).success();
    let (good, other) = (certificates(&context, "tls"), certificates(&context, "others-tls"));
    let buildkitd = Buildkitd::start(&context, &good);
    let version = &real::programs(context.program()).buildkit;
    let build = |client: &str, tls: Option<&Path>| -> Outcome {
        let line = ["build-sample", "--json", "--client", client, "--addr", &buildkitd.address, "--buildkit", version];
        let run = with(&engine, &context, &line);
        tls.into_iter().fold(run, |run, folder| run.arg("--tls-dir").arg(folder)).run()
    };
    let docker = build("buildx", Some(&good)).success();
    assert_eq!(docker.json()["printed"], hello());
    let buildctl = build("buildctl", Some(&good)).success();
    assert!(buildctl.json()["printed"].is_null() && buildctl.stderr.contains("nothing here can run it"), "{buildctl}");
    let versions = serde_json::json!({ "buildkit": version });
    for (outcome, client) in [(&docker, "buildx"), (&buildctl, "buildctl")] {
        assert_eq!((&outcome.json()["versions"], &outcome.json()["client"]), (&versions, &client.into()), "{outcome}");
        let is_idle = outcome.stderr.contains("`--buildkit` changes nothing here");
        assert_eq!(is_idle, client == "buildx", "only buildctl is BuildKit's: {outcome}");
    }
    // A key to another certificate, and what only looks like one.
    let mixed = context.root().join("mixed-tls");
    let garbage = context.root().join("garbage-tls");
    for (folder, key) in [
        (&mixed, fs::read(other.join("key.pem")).unwrap()),
        (&garbage, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_vec()),
    ] {
        for file in ["ca.pem", "cert.pem"] {
            context.write(folder.join(file), fs::read(good.join(file)).unwrap());
        }
        context.write(folder.join("key.pem"), key);
    }
    for client in ["buildx", "buildctl"] {
        for folder in [&mixed, &garbage] {
            let wrong = build(client, Some(folder)).exited(3);
            assert!(wrong.stderr.contains("and that key.pem is the key to that"), "{wrong}");
        }
        let plain = build(client, None).exited(3);
        assert!(plain.stderr.contains("hint: if it wants TLS, give a folder with ca.pem"), "{plain}");
        let foreign = build(client, Some(&other)).exited(3);
        assert!(foreign.stderr.contains("hint: check that ca.pem signed its certificate"), "{foreign}");
        // buildx says no more than that it is inactive.
        if client == "buildctl" {
            means(&context, &foreign.stderr, "builder-untrusted");
        }
    }
    assert_eq!(crate::status(&context, "buildkitd")["answering"], false, "none was started");
    // What is there again is the workspace's own.
    let own = with(&engine, &context, &["build-sample"]).run().success();
    assert_eq!(own.stdout, hello());
    assert!(own.stderr.contains("it is made anew"), "{own}");
    drop(buildkitd);
}

#[test]
fn another_workspaces_buildkitd_is_a_remote_one() {
    let context = machine();
    let other = context.root().join("other").display().to_string();
    run(&context, &["up", "--base-dir", &other]).success();
    let address = format!("unix://{other}/run/buildkitd.sock");
    let built = run(&context, &["build-sample", "--addr", &address]).success();
    assert!(built.stderr.contains("nothing here can run it"), "{built}");
    assert!(built.stderr.contains("Resolved buildkit") && !built.stderr.contains("Resolved containerd"), "{built}");
    run(&context, &["down", "--base-dir", &other]).success();
}

#[test]
fn what_only_the_workspaces_own_could_do_is_refused() {
    let context = machine();
    for (option, sentence, hint) in [
        ("--heal", "`--heal` resets the workspace's own state", "`buildctl --addr ADDRESS prune --all`"),
        ("--containerd=2.3", "`--containerd` is for the workspace's own daemons", "BUILDKIT_WINDOWS_CONTAINERD"),
        ("--runc=1.3", "`--runc` is for the workspace's own daemons", "BUILDKIT_WINDOWS_RUNC"),
        ("--network=nat", "`--network` is for the workspace's own daemons", "BUILDKIT_WINDOWS_NETWORK"),
        ("--group=builders", "`--group` is for the workspace's own daemons", "BUILDKIT_WINDOWS_GROUP"),
    ] {
        let refused = run(&context, &["build-sample", "--addr", "unix:///no/such", option]).exited(2);
        assert!(refused.stderr.contains(&format!("error: {sentence}")) && refused.stderr.contains(hint), "{refused}");
    }
    let reached = run(&context, &["build-sample", "--addr", "unix:///no/such", "--heal=no"]).exited(3);
    assert!(reached.stderr.contains("failed to reach"), "{reached}");
}

/// Whose state it is, who heals it: a `reset` here would throw away the wrong cache.
#[test]
fn stale_state_over_there_is_healed_over_there() {
    let context = machine();
    let sample = fault(&context, false);
    let address = format!("unix://{}", workspace(&context).run().join("buildkitd.sock").display());
    let here = context.root().join("here").display().to_string();
    let build = |arguments: &[&str]| {
        let line = ["build-sample", "--base-dir", &here, "--addr", &address, "--sample", &sample];
        xtask(&context, &[&line[..], arguments].concat()).env("CI", "true").run()
    };
    let failed = build(&["--keep"]).exited(1);
    assert!(!failed.stderr.contains("cargo xtask reset") && !failed.stderr.contains("Reset"), "{failed}");
    assert!(failed.stderr.contains("`--keep` changes nothing here"), "{failed}");
    let command = format!("buildctl --addr {address} prune --all");
    assert!(failed.stderr.contains(&format!("; run `{command}`, or ask whoever runs that buildkitd")), "{failed}");
    let program = workspace(&context).program(Component::Buildkit, "buildctl");
    let pruned = Command::new(program).args(command.split(' ').skip(1)).stdout(Stdio::null()).status().unwrap();
    assert!(pruned.success());
    build(&[]).success();
}

/// What takes a call and never answers it is no buildkitd.
#[test]
fn a_buildkitd_that_never_answers_is_given_up() {
    let context = machine();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let failed = run(&context, &["build-sample", "--client", "buildctl", "--addr", &address]).exited(3);
    assert!(failed.stderr.contains(&format!("error: a buildkitd at `{address}` gives no answer: ")), "{failed}");
    drop(listener);
}
