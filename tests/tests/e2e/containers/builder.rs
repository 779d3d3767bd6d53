//! The builder for builds of one's own.

use super::docker::workspace;
use crate::{machine, run, xtask};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use tests::{TestContext, real};
use xtask::component::Component;

/// A context that needs no base image.
pub(super) fn build_context(context: &TestContext) -> PathBuf {
    context.write("own/Dockerfile", "FROM scratch\nCOPY here /there\n");
    context.write("own/here", "made by a builder of one's own\n");
    context.root().join("own")
}

pub(super) fn succeeded(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {said}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_builder_of_ones_own_takes_neither_docker_nor_anything_of_the_users() {
    let context = machine().without("docker");
    let made = run(&context, &["builder", "--json"]).success();
    let told = made.json();
    assert!(made.stderr.contains("Builder buildkit-exp, which leads to unix://"), "{made}");
    assert_eq!(told["builder"], "buildkit-exp");
    let programs = real::programs(context.program());
    assert_eq!(told["versions"]["buildkit"], programs.buildkit.as_str());
    assert_eq!(told["versions"]["containerd"], programs.containerd());
    let endpoint = workspace(&context).endpoint(Component::Buildkit).buildctl_address();
    assert_eq!(told["endpoint"], endpoint.as_str());

    // As variables, for `export` and for a workflow's file of them.
    let variables = run(&context, &["builder"]).success();
    assert!(variables.stderr.contains("Up already"), "{variables}");
    let variables: Vec<_> = variables.stdout.lines().map(|line| line.split_once('=').unwrap()).collect();
    let environment = told["environment"].as_object().unwrap();
    assert_eq!(variables.len(), environment.len());
    assert!(variables.iter().all(|(name, value)| environment[*name] == *value), "{variables:?}");

    let mut build = Command::new(told["buildx"].as_str().unwrap());
    build.args(["build", "--output", "type=local,dest=out", "."]).current_dir(build_context(&context));
    succeeded(&build.envs(variables).env("HOME", context.home()).output().unwrap());
    assert_eq!(fs::read_to_string(context.root().join("own/out/there")).unwrap(), "made by a builder of one's own\n");
    run(&context, &["clean"]).success();
    assert_eq!(context.strays(), Vec::<String>::new());
}

#[test]
fn a_builder_is_not_promised_where_buildx_could_not_reach_it() {
    let context = machine().base_name(&"deep/".repeat(30));
    let refused = xtask(&context, &["builder"]).run();
    assert_eq!(refused.code, 2, "{refused}");
    assert!(refused.stderr.contains("too long for a socket") && refused.stderr.contains("--base-dir"), "{refused}");
}
