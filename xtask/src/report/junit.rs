//! The report as JUnit's XML, for whatever shows that: a suite for each cell, with its steps and its samples. Pure.

use super::markup::{Element, el};
use super::model::{Report, View, host};
use super::standing::Standing;
use super::text::first_line;
use crate::result::{Outcome, Sample, Step, StepState, Verdict, Why};

/// The document.
pub fn document(report: &Report) -> String {
    let suites: Vec<Suite> = report.cells.iter().map(Suite::of).collect();
    let sum = |of: fn(&Suite) -> usize| suites.iter().map(of).sum::<usize>();
    let numbers = Suite {
        tests: sum(|suite| suite.tests),
        failures: sum(|suite| suite.failures),
        errors: sum(|suite| suite.errors),
        skipped: sum(|suite| suite.skipped),
        millis: suites.iter().map(|suite| suite.millis).fold(0, u64::saturating_add),
    };
    let cells = report.cells.iter().zip(&suites);
    numbers.on(el("testsuites").attr("name", "night")).all(cells.map(|(view, numbers)| suite(view, numbers))).document()
}

/// The numbers of a suite.
struct Suite {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    millis: u64,
}

impl Suite {
    fn of(view: &View) -> Self {
        let steps = &view.result.steps;
        Self {
            tests: steps.len() + view.result.samples.len() + untold(view).iter().len(),
            failures: view.tally(Verdict::NewlyBroken),
            errors: steps.iter().filter(|step| step.state != StepState::Done).count() + untold(view).iter().len(),
            skipped: view.tally(Verdict::Skipped),
            millis: steps.iter().filter_map(|step| step.took_ms).fold(0, u64::saturating_add),
        }
    }

    fn on(&self, element: Element) -> Element {
        element
            .attr("tests", self.tests.to_string())
            .attr("failures", self.failures.to_string())
            .attr("errors", self.errors.to_string())
            .attr("skipped", self.skipped.to_string())
            .attr("time", seconds(self.millis))
    }
}

/// What is wrong with a cell of which no step and no sample tells it: without that, a dead one would be green.
fn untold(view: &View) -> Option<String> {
    let is_wrong = matches!(view.standing, Standing::Broken | Standing::Died | Standing::Ground);
    let is_told = view.stopped_in().is_some() || view.tally(Verdict::NewlyBroken) > 0;
    (is_wrong && !is_told).then(|| format!("{}, {}", view.standing.words(), view.gist()))
}

fn suite(view: &View, numbers: &Suite) -> Element {
    let result = &view.result;
    let property = |name: &str, value: &str| el("property").attr("name", name).attr("value", value);
    let versions = result.versions.iter().map(|(component, used)| property(component.name(), &used.version));
    let properties =
        el("properties").with(property("host", &host(result))).with(property("verdict", view.standing.words()));
    let id = result.cell.id();
    numbers
        .on(el("testsuite").attr("name", &*id))
        .attr("timestamp", &*result.night.began)
        .with(properties.all(versions))
        .all(result.steps.iter().map(|step| of_step(step, &id)))
        .all(result.samples.iter().map(|sample| of_sample(sample, &id)))
        .all(untold(view).map(|wrong| case(&id, "cell", 0).with(why("error", &wrong, None))))
}

fn of_step(step: &Step, id: &str) -> Element {
    let case = case(&format!("{id}.steps"), &step.name, step.took_ms.unwrap_or_default());
    let ended = match step.state {
        StepState::Done => return case,
        StepState::Running => "it was killed in this step",
        StepState::Failed => "it failed",
        StepState::TimedOut => "its time was up",
        StepState::Killed => "something else ended it",
    };
    case.with(why("error", ended, step.failure.as_ref()))
}

fn of_sample(sample: &Sample, id: &str) -> Element {
    let took = [sample.took.build_ms, sample.took.run_ms].into_iter().flatten().fold(0, u64::saturating_add);
    let case = case(&format!("{id}.samples"), &sample.name, took);
    let reason = sample.reason.as_deref();
    match sample.verdict {
        Verdict::NewlyBroken => case.with(why("failure", reason.unwrap_or("newly broken"), sample.failure.as_ref())),
        Verdict::Skipped => case.with(el("skipped").attr("message", reason.unwrap_or("skipped"))),
        Verdict::NewlyFixed => case.with(el("system-out").text("newly fixed: it is said to fail")),
        Verdict::AsExpected if sample.outcome == Outcome::Fails => {
            case.with(el("system-out").text("it fails, as is said of it"))
        }
        Verdict::AsExpected => case,
    }
}

fn case(class: &str, name: &str, millis: u64) -> Element {
    el("testcase").attr("classname", class).attr("name", name).attr("time", seconds(millis))
}

fn why(kind: &'static str, otherwise: &str, why: Option<&Why>) -> Element {
    let Some(why) = why else { return el(kind).attr("message", otherwise) };
    let lines = [Some(&why.message), why.hint.as_ref(), why.upstream.as_ref()].into_iter().flatten();
    let element = el(kind).attr("message", first_line(&why.message));
    let element = why.id.iter().fold(element, |element, id| element.attr("type", id));
    element.text(lines.map(|line| format!("{line}\n")).collect::<String>())
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}
