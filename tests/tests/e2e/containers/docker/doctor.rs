//! What `doctor` makes of a real Docker: where it is found, and with which buildx.

use super::{with, workspace};
use crate::{machine, run, xtask};
use std::fs;
use tests::docker::Engine;
use tests::{Outcome, Xtask};
use xtask::component::Component;

/// The verdict of a check, what was found, and what is to be done.
fn told(outcome: &Outcome, name: &str) -> (String, String, String) {
    let report = outcome.json();
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("no `{name}`: {outcome}"));
    let text = |field: &str| check[field].as_str().unwrap_or_default().to_owned();
    (text("verdict"), text("found"), text("advice"))
}

#[test]
fn docker_is_judged_where_it_is_looked_for_and_with_the_buildx_that_it_has() {
    let context = machine();
    let engine = Engine::start(&context);
    // Plugins of this machine's are in folders of the system's; one of this user's is stronger.
    let config = context.root().join("users-docker");
    let doctor = ["doctor", "--json", "--offline"];
    let here = |run: Xtask| run.env("DOCKER_CONFIG", &config).run();

    let found = here(with(&engine, &context, &doctor));
    let (good, said, _) = told(&found, "docker");
    let place = format!(", linux containers, by DOCKER_HOST at `{}`", engine.host());
    assert!(good == "ok" && said.ends_with(&place), "{found}");

    run(&context, &["up", "--no-start", "--buildx", "latest"]).success();
    let plugins = config.join("cli-plugins");
    fs::create_dir_all(&plugins).unwrap();
    let program = workspace(&context).program(Component::Buildx, "buildx");
    std::os::unix::fs::symlink(program, plugins.join("docker-buildx")).unwrap();
    let found = here(with(&engine, &context, &doctor));
    let (good, said, _) = told(&found, "buildx");
    assert!(good == "ok" && said.starts_with("Docker's plugin: v"), "{found}");

    let made = ["context", "create", "gone", "--docker", "host=unix:///no/such.sock"];
    let mut docker = std::process::Command::new("docker");
    assert!(
        docker.args(made).env("DOCKER_CONFIG", &config).env_remove("DOCKER_HOST").output().unwrap().status.success()
    );
    let sent = xtask(&context, &doctor).env_remove("DOCKER_HOST").env("DOCKER_CONTEXT", "gone");
    let found = here(sent.env("BUILDKIT_WINDOWS_CLIENT", "buildx")).exited(3);
    let (bad, said, advice) = told(&found, "docker");
    assert!(bad == "problem" && said.contains(", by the context `gone` at `unix:///no/such.sock`"), "{found}");
    assert!(advice.ends_with("`docker context use default`"), "{found}");
}
