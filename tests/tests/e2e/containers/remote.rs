//! A buildkitd that the harness did not start: at a socket, and not there at all.

use super::docker::workspace;
use super::healing::fault;
use crate::{machine, run, xtask};
use std::process::{Command, Stdio};
use xtask::component::Component;

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
    let file = format!("unix://{}", context.write("no-socket", "").display());
    refused(&["--addr", &file], 3, &format!("failed to reach a buildkitd at `{file}`: that is no socket"));
    let report = run(&context, &["build-sample", "--json", "--addr", "unix:///no/such"]).exited(3);
    assert_eq!(report.json()["failure"]["id"], "builder-unreachable", "{report}");
    let folder = context.root().join("files").display().to_string();
    let line = ["--addr", &address, "--tls-dir", &folder];
    refused(&line, 2, &format!("`--tls-dir {folder}` has no `ca.pem` that can be read: No such file"));
    context.write("files/ca.pem", "-----BEGIN CERTIFICATE-----\n");
    refused(&line, 2, &format!("`--tls-dir {folder}` has no `cert.pem` that can be read"));
    context.write("files/cert.pem", "-----BEGIN CERTIFICATE-----\n");
    context.write("files/key.pem", "-----BEGIN CERTIFICATE-----\n");
    refused(&line, 2, &format!("`{folder}/key.pem` holds no private key in PEM form"));
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
