//! The nightly workflow, typed here: what its steps say is taken out of the file, and run as a runner would, with real daemons.

use crate::{machine, repository};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tests::{Outcome, Release, ReleaseServer, TestContext, real};
use xtask::component::Component;
use xtask::matrix::Matrix;
use xtask::process::Argv;
use xtask::report::text;
use xtask::result;

const REPOSITORY: &str = "owner/name";

/// A step: what it types, and the variables that it is given.
#[derive(Debug, Default)]
struct Step {
    types: String,
    variables: Vec<String>,
}

/// The steps of a job that type something, by their names. What belongs to what is told by the file's own indentation.
fn steps(job: &str) -> BTreeMap<String, Step> {
    let workflow = fs::read_to_string(repository().join(".github/workflows/nightly.yml")).unwrap();
    let mut steps: BTreeMap<String, Step> = BTreeMap::new();
    let (mut is_in_job, mut name, mut block) = (false, String::new(), "");
    for line in workflow.lines() {
        let text = line.trim_start();
        match line.len() - text.len() {
            2 => is_in_job = text == format!("{job}:"),
            6 if is_in_job => (name, block) = (text.trim_start_matches("- name: ").to_owned(), ""),
            8 if is_in_job => {
                block = text.split(':').next().unwrap();
                if let Some(types) = text.strip_prefix("run: ").filter(|types| *types != "|") {
                    steps.entry(name.clone()).or_default().types = types.to_owned();
                }
            }
            10.. if is_in_job && block == "run" => {
                let types = &mut steps.entry(name.clone()).or_default().types;
                *types = format!("{types}{text}\n");
            }
            10 if is_in_job && block == "env" => {
                let variable = text.split(':').next().unwrap().to_owned();
                steps.entry(name.clone()).or_default().variables.push(variable);
            }
            _ => {}
        }
    }
    steps.retain(|_, step| !step.types.is_empty());
    assert!(steps.values().all(|step| !step.types.contains("${{")), "only variables reach a shell: {steps:#?}");
    steps
}

/// The machines of a run on GitHub, which share a folder here.
struct Runner {
    context: TestContext,
    server: ReleaseServer,
}

impl Runner {
    /// A checkout with few samples, of which one doesn't print what it is expected to.
    ///
    /// `cargo xtask` runs the binary under test: cargo itself would build another one out of this checkout.
    fn new() -> Self {
        let context = machine();
        let cargo =
            format!("#!/bin/sh\n[ \"$1\" = xtask ] && shift && exec '{}' \"$@\"\n", context.program().display());
        let context = context.with_program("cargo", cargo);
        copy(&repository().join("fixtures/hello"), &context.root().join("fixtures/hello"));
        for name in ["heredocs", "broken"] {
            copy(
                &repository().join("sample-dockerfile/heredocs"),
                &context.root().join("sample-dockerfile").join(name),
            );
        }
        context.write("sample-dockerfile/broken/linux/expected.txt", "what it never prints\n");
        let server = ReleaseServer::start();
        server.issues(REPOSITORY, Vec::new());
        Self { context: context.server(&server), server }
    }

    /// Runs a step on a machine of its own, with the values of its variables: all of them and no others.
    fn run(&self, step: &Step, machine: &str, values: &[(&str, &str)]) -> Outcome {
        let mirror = real::programs(self.context.program()).mirror.to_str().unwrap().to_owned();
        let values = [&[("GITHUB_TOKEN", "secret"), ("BUILDKIT_WINDOWS_NETWORK", "none")], values].concat();
        let root = self.context.root();
        let mut run = self.context.bash(&step.types).timeout(Duration::from_secs(200));
        // Where everything else would be asked on GitHub, the daemons come from this machine.
        run = run.env("BUILDKIT_WINDOWS_SOURCE", mirror);
        for name in &step.variables {
            let value = values.iter().find(|(known, _)| known == name);
            run = run.env(name, value.unwrap_or_else(|| panic!("{name} has no value: {step:#?}")).1);
        }
        run.env("CARGO_MANIFEST_DIR", root.join("xtask"))
            .env("BUILDKIT_WINDOWS_BASE_DIR", root.join(machine))
            .env("GITHUB_OUTPUT", root.join("output"))
            .env("GITHUB_STEP_SUMMARY", root.join("summary"))
            .env("GITHUB_REPOSITORY", REPOSITORY)
            .env("GITHUB_SERVER_URL", "https://github.com")
            .env("GITHUB_RUN_ID", "7")
            .run()
    }

    fn output(&self, name: &str) -> String {
        let written = fs::read_to_string(self.context.root().join("output")).unwrap();
        written.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).unwrap().to_owned()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn what_is_typed_into_a_run_of_ones_own_may_be_a_branch() {
    let context = machine();
    let server = ReleaseServer::start();
    for (component, version) in [(Component::Buildkit, "0.33.1"), (Component::Containerd, "2.4.2")] {
        let name = match component {
            Component::Buildkit => format!("buildkit-v{version}.windows-amd64.tar.gz"),
            _ => format!("containerd-{version}-windows-amd64.tar.gz"),
        };
        let release = Release::new(&format!("v{version}")).asset(&name, "");
        server.release(component.repository(), release);
    }
    let cargo = format!("#!/bin/sh\nshift && exec '{}' \"$@\"\n", context.program().display());
    let context = context.with_program("cargo", cargo).server(&server);
    let step = &steps("matrix")["Which cells there are"];
    // The example in the input's description, and where the step would look by itself.
    let typed =
        [("BUILDKIT_WINDOWS_BUILDKIT", "0.33,main"), ("BUILDKIT_WINDOWS_CONTAINERD", ""), ("RUNNERS", "windows-2025")];
    let run = typed.iter().fold(context.bash(&step.types), |run, (name, value)| run.env(name, value));
    let output = context.root().join("output");
    run.env("GITHUB_OUTPUT", &output).run().success();
    let told = fs::read_to_string(output).unwrap();
    let cells: Matrix = serde_json::from_str(told.strip_prefix("cells=").unwrap()).unwrap();
    let buildkits: Vec<_> = cells.include.iter().map(|cell| cell.buildkit.as_str()).collect();
    assert_eq!(buildkits, ["main", "0.33.1"]);
    for name in ["Resolve", "Night"] {
        assert!(steps("cell")[name].variables.iter().any(|of| of == "BUILDKIT_WINDOWS_NETWORK"), "{name}");
    }
    for (job, name) in [("matrix", "Which cells there are"), ("cell", "Resolve"), ("cell", "Night")] {
        let step = &steps(job)[name];
        assert!(!step.variables.iter().any(|of| of == "BUILDKIT_WINDOWS_SOURCE"), "only `auto` has both: {step:?}");
    }
}

#[test]
fn a_run_of_ones_own_waits_for_no_runner_that_can_not_be() {
    let context = tests::context!();
    let step = &steps("matrix")["Refuse `local`"];
    assert_eq!(step.variables, ["RUNNERS"]);
    for (runners, code) in
        [("", 0), ("windows-2025,my-local-one", 0), ("local", 1), ("windows-2022, local", 1), ("local,windows-2022", 1)]
    {
        let ran = context.bash(&step.types).env("RUNNERS", runners).run().exited(code);
        assert_eq!(ran.stdout.starts_with("::error::no runner is called local"), code == 1, "{runners}: {ran}");
    }
}

/// What a step types into PowerShell, in bash's words; on Windows it is the former's.
fn in_bash(step: &Step) -> Step {
    let types = step.types.replace("$Env:CELL | ", "printf '%s\\n' \"$CELL\" | ").replace("$Env:", "$");
    Step { types: types.replace("Tee-Object", "tee"), variables: step.variables.clone() }
}

#[test]
fn what_the_nightly_types_makes_a_night_a_report_and_an_issue() {
    let runner = Runner::new();
    let root = runner.context.root();
    let matrix = steps("matrix");
    runner.run(&matrix["When the night began"], "m", &[]).success();
    let nothing_typed_in =
        [("BUILDKIT_WINDOWS_BUILDKIT", ""), ("BUILDKIT_WINDOWS_CONTAINERD", ""), ("RUNNERS", "local")];
    runner.run(&matrix["Which cells there are"], "m", &nothing_typed_in).success();
    let began = runner.output("began");
    assert_ne!(text::moment(&began), began, "it is a time");
    // Another one, which no cell can have by its own clock.
    let (cells, began) = (runner.output("cells"), "2025-12-24T02:17:00Z");
    let include = serde_json::from_str::<Matrix>(&cells).unwrap().include;
    assert_eq!(include.len(), 4, "{cells}");

    let (report, announce) = (steps("report"), &steps("issue")["Announce"]);
    // A night whose machines all died: there is not even the folder.
    let dead = runner.run(&report["Report"], "r", &[("CELLS", &cells), ("BEGAN", began)]).success();
    assert!(dead.stderr.contains("Reported 4 cells: 4 ") && root.join("report/index.html").is_file(), "{dead}");
    runner.run(announce, "i", &[("CELLS", &cells)]).success();
    assert!(runner.server.issues_of(REPOSITORY).is_empty());

    let cell = steps("cell");
    std::thread::scope(|scope| {
        for (index, of) in include.iter().enumerate() {
            let (runner, cell) = (&runner, &cell);
            scope.spawn(move || {
                let machine = format!("c{index}");
                let asked = [
                    ("BUILDKIT_WINDOWS_BUILDKIT", of.buildkit.as_str()),
                    ("BUILDKIT_WINDOWS_CONTAINERD", &of.containerd),
                ];
                let mut resolve = in_bash(&cell["Resolve"]);
                resolve.types = resolve.types.replace("resolved.json", &format!("resolved-{index}.json"));
                runner.run(&resolve, &machine, &asked).success();
                // As `toJSON` writes it: over several lines.
                let of = format!("{{\"include\":[{}]}}", serde_json::to_string_pretty(of).unwrap());
                let mut night = in_bash(&cell["Night"]);
                // Each machine has a folder of its own, and the artifacts are merged.
                night.types = night.types.replace("--out results", &format!("--out {machine}-results"));
                let red = runner.run(&night, &machine, &[("CELL", &of), ("BEGAN", began)]).exited(1);
                assert!(red.stderr.contains("of 1 cell, 1 failed"), "{red}");
                let complete = in_bash(&cell["See whether all is downloaded"]);
                runner.run(&complete, &machine, &asked).success();
                copy(&runner.context.root().join(format!("{machine}-results")), &runner.context.root().join("results"));
            });
        }
    });

    for file in fs::read_dir(root.join("results")).unwrap().flatten().map(|entry| entry.path()) {
        if file.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let result = result::parse(&fs::read_to_string(&file).unwrap(), &file.display().to_string()).unwrap();
        let broken = result.samples.iter().find(|sample| sample.name == "broken").unwrap();
        let result::Cell { buildkit, containerd, .. } = &result.cell;
        let mirror = Argv::new(&real::programs(runner.context.program()).mirror).shown();
        let typed = format!("--sample broken --buildkit {buildkit} --containerd {containerd} --source {mirror}`");
        for why in [&broken.failure, &result.steps[2].failure] {
            let hint = why.as_ref().and_then(|why| why.hint.as_deref()).unwrap();
            assert!(
                hint.contains(&typed) && !hint.contains("cell-"),
                "what can be typed when the cell is gone: {hint}"
            );
        }
    }

    let reported = runner.run(&report["Report"], "r", &[("CELLS", &cells), ("BEGAN", began)]).success();
    assert!(reported.stderr.contains("Reported 4 cells: 4 newly broken, in `report/index.html`"), "{reported}");
    runner.run(&report["Tell it in the run's summary"], "r", &[]).success();
    let summary = fs::read_to_string(root.join("summary")).unwrap();
    assert!(summary.starts_with("# BuildKit \u{d7} containerd, 2025-12-24 02:17 UTC\n"), "{summary}");
    let found: Vec<_> = summary.lines().map(str::trim_end).filter(|line| line.starts_with("- ")).collect();
    assert_eq!(found, ["- \u{2717} newly broken: <code>broken</code>, 4 of 4 cells"], "{summary}");
    for earlier in 1..=15 {
        fs::create_dir(root.join(format!("nights/2020-01-{earlier:02}T02:17:00Z"))).unwrap();
    }
    runner
        .run(&report["Put the night to the earlier ones, of which thirteen stay"], "r", &[("BEGAN", began)])
        .success();
    let mut nights: Vec<_> =
        fs::read_dir(root.join("nights")).unwrap().flatten().map(|entry| entry.file_name()).collect();
    nights.sort();
    assert_eq!(
        (nights.len(), nights[0].to_str(), nights[13].to_str()),
        (14, Some("2020-01-03T02:17:00Z"), Some(began))
    );
    assert_eq!(fs::read_dir(root.join("nights").join(began)).unwrap().count(), 4);
    for (when, newest) in [("2025-12-23T02:17:00Z", "no"), (began, "yes"), ("2025-12-25T02:17:00Z", "yes")] {
        fs::write(root.join("output"), "").unwrap();
        runner.run(&report["See whether a later night has been"], "r", &[("BEGAN", when)]).success();
        assert_eq!(runner.output("newest"), newest, "{when}");
    }
    // With nights to compare with, of which one is this one.
    runner.run(&report["Report"], "r", &[("CELLS", &cells), ("BEGAN", began)]).success();

    assert!(runner.run(announce, "i", &[("CELLS", &cells)]).success().stderr.contains("Opened issue #1"));
    assert!(runner.run(announce, "i", &[("CELLS", &cells)]).success().stderr.contains("Updated issue #1"));
    let [issue] = runner.server.issues_of(REPOSITORY).try_into().unwrap();
    assert!(issue.body.contains("<code>broken</code>, in 4 cells") && issue.comments.is_empty(), "{issue:#?}");
    assert!(issue.body.contains("(<https://github.com/owner/name/actions/runs/7>)"), "{issue:#?}");
    assert_eq!(runner.context.strays(), Vec::<String>::new());
}
