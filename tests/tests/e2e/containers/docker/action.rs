//! The builder as the action that a workflow uses, whose next step builds with Docker.

use super::workspace;
use crate::containers::builder::{build_context, succeeded};
use crate::{machine, pid, repository};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tests::docker::Engine;
use tests::{TestContext, real};
use xtask::component::Component;

/// A job on a runner, with one of its steps: the files by which a step talks to it.
struct Job<'a> {
    context: &'a TestContext,
    engine: &'a Engine,
}

impl Job<'_> {
    fn file(&self, name: &str) -> PathBuf {
        self.context.root().join("job").join(name)
    }

    /// The name and the value of all that was told by one of the files.
    fn told(&self, name: &str) -> Vec<(String, String)> {
        let text = fs::read_to_string(self.file(name)).unwrap();
        let mut lines = text.lines();
        let mut told = Vec::new();
        while let Some((name, end)) = lines.next().and_then(|line| line.split_once("<<")) {
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
            told.push((name.to_owned(), value.join("\n")));
        }
        told
    }

    /// Runs one end of the action as the runner does, with what the other end has left in its state.
    fn run(&self, script: &str, inputs: &[(&str, &str)]) -> Output {
        let target = self.context.program().ancestors().nth(2).unwrap();
        let cargo_home = std::env::var_os("CARGO_HOME")
            .unwrap_or_else(|| Path::new(&std::env::var_os("HOME").unwrap()).join(".cargo").into());
        let mut node = Command::new("node");
        node.arg(repository().join(".github/action").join(script)).current_dir(self.context.root());
        node.env("CARGO_TARGET_DIR", target).env("CARGO_HOME", cargo_home).env("HOME", self.context.home());
        node.env("BUILDKIT_WINDOWS_SOURCE", &real::programs(self.context.program()).mirror);
        node.env("DOCKER_HOST", self.engine.host()).env("DOCKER_CONFIG", self.file("docker"));
        node.env("RUNNER_TEMP", self.context.root()).env("GITHUB_ACTIONS", "true");
        for name in ["GITHUB_STATE", "GITHUB_ENV", "GITHUB_OUTPUT"] {
            self.context.write(self.file(name), fs::read(self.file(name)).unwrap_or_default());
            node.env(name, self.file(name));
        }
        node.envs(inputs.iter().map(|(name, value)| (format!("INPUT_{}", name.to_uppercase()), value)));
        node.envs(self.told("GITHUB_STATE").into_iter().map(|(name, value)| (format!("STATE_{name}"), value)));
        node.output().expect("`node`: Debian's nodejs")
    }
}

#[test]
fn the_action_gives_a_job_a_builder_and_takes_it_away_again() {
    // The action's own choice of a folder.
    let context = machine().base_name("buildkit-windows");
    let engine = Engine::start(&context);
    let job = Job { context: &context, engine: &engine };
    let containerd = real::programs(context.program()).older_containerd();
    succeeded(&job.run("main.js", &[("containerd", containerd), ("network", ""), ("github-token", "pl4nted")]));
    for daemon in ["containerd", "buildkitd"] {
        let environment = fs::read(format!("/proc/{}/environ", pid(&context, daemon).unwrap())).unwrap();
        let environment = String::from_utf8_lossy(&environment);
        assert!(environment.contains("PATH=") && !environment.contains("pl4nted"), "{daemon}: {environment}");
    }
    let outputs = job.told("GITHUB_OUTPUT");
    let output = |name: &str| &outputs.iter().find(|(told, _)| told == name).unwrap().1;
    assert_eq!(output("builder"), "buildkit-exp");
    assert_eq!(output("containerd-version"), containerd);
    assert_eq!(*output("buildkit-version"), real::programs(context.program()).buildkit);
    assert_eq!(*output("endpoint"), workspace(&context).endpoint(Component::Buildkit).buildctl_address());

    // The next step needs no more than Docker's own words.
    let mut build = Command::new("docker");
    build.args(["buildx", "build", "--load", "--tag", "own:1", "."]).current_dir(build_context(&context));
    build.env("DOCKER_HOST", engine.host()).env("DOCKER_CONFIG", job.file("docker")).env("HOME", context.home());
    succeeded(&build.envs(job.told("GITHUB_ENV")).output().unwrap());
    assert_eq!(engine.answer(&["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]), "own:1\n");

    succeeded(&job.run("post.js", &[]));
    assert!(!context.base_dir().exists(), "nothing of it stays");
    let plugins = fs::read_dir(job.file("docker/cli-plugins")).map_or(0, Iterator::count);
    assert_eq!(plugins, 0, "nor Docker's plugin");
    assert_eq!(
        engine.answer(&["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]),
        "own:1\n",
        "but what the job made"
    );
}

/// Whether GitHub's runner takes a line for a command.
fn is_command(line: &str) -> bool {
    line.trim_start().starts_with("::") || line.contains("##[")
}

#[test]
fn the_action_passes_its_inputs_to_no_shell_and_cleans_up_after_its_own_failure() {
    let context = machine().base_name("buildkit-windows");
    let engine = Engine::start(&context);
    let job = Job { context: &context, engine: &engine };
    let marker = context.root().join("marker");
    let hostile =
        format!("$(touch {0}); `touch {0}` & touch {0}\n::error::\n::add-mask::x ##[error]", marker.display());
    let failed = job.run("main.js", &[("buildkit", &hostile)]);
    let said = String::from_utf8_lossy(&failed.stderr);
    assert!(said.contains("touch") && !said.lines().any(is_command), "a runner reads commands from stderr too: {said}");
    let said = String::from_utf8_lossy(&failed.stdout);
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.starts_with("::error::") && said.lines().count() == 1, "{said}");
    assert!(!marker.exists());
    succeeded(&job.run("post.js", &[]));
    assert!(!context.base_dir().exists());
}

#[test]
fn a_plugin_that_can_not_be_deleted_keeps_nothing_else() {
    let context = machine().base_name("buildkit-windows");
    let engine = Engine::start(&context);
    let job = Job { context: &context, engine: &engine };
    succeeded(&job.run("main.js", &[]));
    let daemons = ["containerd", "buildkitd"].map(|daemon| pid(&context, daemon).unwrap());
    // Nobody deletes this one, root neither.
    let state = fs::read_to_string(job.file("GITHUB_STATE")).unwrap();
    context.write(job.file("GITHUB_STATE"), state + "plugin<<end\n/proc/version\nend\n");
    let failed = job.run("post.js", &[]);
    let said = String::from_utf8_lossy(&failed.stdout);
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.starts_with("::error::") && said.contains("/proc/version") && said.lines().count() == 1, "{said}");
    assert!(!context.base_dir().exists(), "all the rest is gone");
    assert!(daemons.iter().all(|pid| xtask::os::process(*pid).is_none()));
}
