//! A buildkitd with TLS that the harness did not start, for either client.

use super::{with, workspace};
use crate::explained::means;
use crate::{hello, machine, run};
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
        // buildx says no more than that it is inactive; buildctl, which is there, tells why.
        means(&context, &foreign.stderr, "builder-untrusted");
        assert_eq!(foreign.json()["failure"]["id"], "builder-untrusted", "{foreign}");
    }
    assert_eq!(crate::status(&context, "buildkitd")["answering"], false, "none was started");
    // What is there again is the workspace's own.
    let own = with(&engine, &context, &["build-sample"]).run().success();
    assert_eq!(own.stdout, hello());
    assert!(own.stderr.contains("it is made anew"), "{own}");
    drop(buildkitd);
}
