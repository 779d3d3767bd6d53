//! The result file of a cell, as it grows.

use super::cell::Stage;
use crate::apart::{self, Ended};
use crate::commands::samples::progress;
use crate::component::Component;
use crate::error::{Class, Context as _, Error, Result};
use crate::failure;
use crate::files;
use crate::install;
use crate::matrix::Cell;
use crate::os;
use crate::platform::{Os, Platform};
use crate::result::{CellResult, Exit, Expected, Host, Outcome, Sample, StepState, Took, Used, Verdict, Why};
use crate::workspace::Workspace;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// A cell's result, its file, and its log.
pub struct Record {
    result: CellResult,
    file: PathBuf,
    log: PathBuf,
    timeout: Duration,
    /// Whether the file says what is known: a full disk may have room again when the cell's folder is gone.
    is_written: bool,
}

/// A step that runs.
pub struct Step {
    began: Instant,
    /// How much the log held when it began.
    said_before: u64,
}

impl Record {
    /// Nothing was done yet.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn new(stage: &Stage, cell: &Cell) -> Result<Self> {
        let cell = cell.for_result();
        let log = stage.out.join(cell.id() + ".log");
        let file = stage.out.join(cell.file_name());
        let mut result = CellResult::new(stage.night.clone(), cell, host(stage.context.workspace.platform()));
        result.logs = vec![file_name(&log)];
        let record = Self { result, file, log, timeout: stage.timeout, is_written: true };
        record.write()?;
        Ok(record)
    }

    /// Whether the file could be written when it last had to be.
    pub fn is_written(&self) -> bool {
        self.is_written
    }

    /// Where the steps say what they do.
    pub fn log(&self) -> &Path {
        &self.log
    }

    fn write(&self) -> Result<()> {
        files::write_whole(&self.file, self.result.to_json()?.as_bytes())
    }

    /// Takes note of a step that begins.
    pub fn begin(&mut self, name: &str) -> Step {
        self.result.begin(name, SystemTime::now());
        self.is_written = self.write().is_ok();
        let said_before = fs::metadata(&self.log).map_or(0, |metadata| metadata.len());
        Step { began: Instant::now(), said_before }
    }

    /// Takes note of a step's end; tells why it failed, if it did.
    pub fn finish(&mut self, step: &Step, ended: &Ended, printed: &str) -> Option<String> {
        let said = fs::read(&self.log).unwrap_or_default();
        let from = usize::try_from(step.said_before).unwrap_or_default().min(said.len());
        let said = String::from_utf8_lossy(&said[from..]).into_owned();
        let report = report(printed);
        let why = why(ended, &said, &report, self.timeout, self.result.host.platform.os);
        self.result.samples.extend(samples(printed, &report, ended, why.as_ref()));
        let failure = why.as_ref().map(|why| why.message.clone());
        self.note_end(step, state(ended), exit(ended), why);
        failure
    }

    /// Takes note of a step that could not be done, and tells why.
    pub fn fail(&mut self, step: &Step, error: &Error) -> String {
        self.note_end(step, StepState::Failed, None, Some(Why::from(error)));
        error.to_string()
    }

    fn note_end(&mut self, step: &Step, state: StepState, exit: Option<Exit>, failure: Option<Why>) {
        if let Some(running) = self.result.running_mut() {
            running.state = state;
            running.took_ms = u64::try_from(step.began.elapsed().as_millis()).ok();
            running.exit = exit;
            running.failure = failure;
        }
        self.is_written = self.write().is_ok();
    }

    /// Takes note of what is used, as far as it is there by now.
    pub fn note_versions(&mut self, workspace: &Workspace) {
        for component in Component::ALL {
            if let Some(record) = install::installed(workspace, component) {
                let resolution = record.resolution;
                let digest = resolution.sha256.map(|sha256| format!("sha256:{sha256}"));
                let used = Used { version: resolution.version, digest, source: resolution.source.to_string() };
                self.result.versions.insert(component, used);
            }
        }
    }

    /// Copies the daemons' logs, which go with the cell, and names the copies where the logs were named: those are deleted. Tells
    /// why some could not be copied.
    pub fn keep_logs(&mut self, workspace: &Workspace) -> Vec<Error> {
        let mut lost = Vec::new();
        for component in [Component::Containerd, Component::Buildkit] {
            let from = workspace.log(component);
            if !from.exists() {
                continue;
            }
            let to = self.file.with_file_name(format!("{}.{}.log", self.result.cell.id(), component.main_program()));
            match fs::copy(&from, &to).trying(|| format!("copy `{}` to `{}`", from.display(), to.display())) {
                Ok(_) => {
                    let kept = file_name(&to);
                    let of_steps = self.result.steps.iter_mut().filter_map(|step| step.failure.as_mut());
                    let of_samples = self.result.samples.iter_mut().filter_map(|sample| sample.failure.as_mut());
                    of_steps.chain(of_samples).for_each(|why| rename(why, &from.display().to_string(), &kept));
                    self.result.logs.push(kept);
                }
                Err(error) => lost.push(error),
            }
        }
        lost
    }

    /// Takes note of the cell's end.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn end(mut self, left_behind: Vec<String>) -> Result<CellResult> {
        self.result.left_behind = left_behind;
        let worst = worst(self.result.steps.iter().map(|step| (step.state, step.exit.as_ref())));
        self.result.end(worst.map_or_else(Exit::done, Exit::of));
        self.write()?;
        Ok(self.result)
    }
}

fn rename(why: &mut Why, from: &str, to: &str) {
    for text in [Some(&mut why.message), why.hint.as_mut()].into_iter().flatten() {
        *text = text.replace(from, to);
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn host(platform: Platform) -> Host {
    let (name, build) = os::system();
    Host { platform, name, build }
}

fn state(ended: &Ended) -> StepState {
    match ended {
        Ended::Exited(0) => StepState::Done,
        Ended::Exited(_) => StepState::Failed,
        Ended::TimedOut => StepState::TimedOut,
        Ended::Died(_) | Ended::Interrupted => StepState::Killed,
    }
}

fn exit(ended: &Ended) -> Option<Exit> {
    let Ended::Exited(code) = ended else { return None };
    Some(Exit { code: i64::from(*code), class: class(*code).map_or("done", Class::name).into() })
}

/// A code that the harness itself doesn't use is a crash of it, which says nothing of the releases.
fn class(code: i32) -> Option<Class> {
    match code {
        0 => None,
        1 => Some(Class::Failed),
        2 => Some(Class::Usage),
        _ => Some(Class::Ground),
    }
}

/// What a cell ends with: that it failed counts most. One that had to be ended tells nothing of the releases.
fn worst<'a>(steps: impl Iterator<Item = (StepState, Option<&'a Exit>)>) -> Option<Class> {
    let classes: Vec<Class> = steps
        .filter(|(state, _)| *state != StepState::Done)
        .map(|(_, exit)| {
            let class = exit.and_then(|exit| i32::try_from(exit.code).ok()).and_then(class);
            class.unwrap_or(Class::Ground)
        })
        .collect();
    [Class::Failed, Class::Usage, Class::Ground].into_iter().find(|class| classes.contains(class))
}

/// Why a step failed: as its JSON has it, else as its last `error:` line says it.
fn why(ended: &Ended, said: &str, report: &Value, timeout: Duration, on: Os) -> Option<Why> {
    let plain = |message: String| {
        let known = failure::explain(&message, None, Some(on)).map(|found| found.failure);
        Why {
            id: known.map(|known| known.id.to_owned()),
            class: known.map(|known| known.class.name().to_owned()),
            message,
            hint: None,
            upstream: known.map(|known| known.link.to_owned()),
        }
    };
    match ended {
        Ended::Exited(0) => None,
        Ended::TimedOut => {
            Some(plain(format!("the cell took longer than {}, so it was ended", humantime::format_duration(timeout))))
        }
        Ended::Died(_) | Ended::Interrupted => Some(plain(format!("it {}", apart::told(ended)))),
        Ended::Exited(_) => {
            let told: Option<Why> = serde_json::from_value(report["failure"].clone()).ok();
            let upstream = |why: &Why| failure::find(why.id.as_deref()?).map(|known| known.link.to_owned());
            Some(match told {
                Some(why) => Why { upstream: why.upstream.clone().or_else(|| upstream(&why)), ..why },
                None => {
                    let last = |start: &str| {
                        said.lines().rev().find_map(|line| line.strip_prefix(start)).map(|text| text.trim().to_owned())
                    };
                    let why = plain(last("error: ").unwrap_or_else(|| format!("it {}", apart::told(ended))));
                    Why { hint: last("hint: "), ..why }
                }
            })
        }
    }
}

/// What a step has printed at its end: one object, or the last of many lines. Nothing, if it was ended before.
fn report(printed: &str) -> Value {
    let last = printed.lines().last().unwrap_or_default();
    serde_json::from_str(printed).or_else(|_| serde_json::from_str(last)).unwrap_or_default()
}

/// What became of the samples that a step has tried: several, also of a step that was ended, or the one of `build-sample`.
fn samples(printed: &str, report: &Value, ended: &Ended, why: Option<&Why>) -> Vec<Sample> {
    if let Ok(samples) = serde_json::from_value(report["samples"].clone()) {
        return samples;
    }
    let Some(name) = report["sample"].as_str() else {
        return progress::read(printed, why.map_or("it did not end", |why| &why.message));
    };
    let (outcome, verdict) = match ended {
        Ended::Exited(0) => (Outcome::Works, Verdict::AsExpected),
        Ended::Exited(1) => (Outcome::Fails, Verdict::NewlyBroken),
        // Failed ground says nothing of these versions.
        _ => (Outcome::Skipped, Verdict::Skipped),
    };
    let took: Took = serde_json::from_value(report["took"].clone()).unwrap_or_default();
    vec![Sample {
        name: name.to_owned(),
        title: "Hello".to_owned(),
        expected: Expected::Works,
        expected_failure: None,
        upstream: why.and_then(|why| why.upstream.clone()),
        outcome,
        verdict,
        reason: None,
        failure: why.cloned(),
        took,
        healed: report["healed"].as_str().map(str::to_owned),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TIMEOUT: Duration = Duration::from_secs(90);

    #[test]
    fn a_cells_class_is_its_worst_steps() {
        let failed = |code| (StepState::Failed, exit(&Ended::Exited(code)));
        let done = || (StepState::Done, exit(&Ended::Exited(0)));
        let of = |steps: Vec<(StepState, Option<Exit>)>| {
            worst(steps.iter().map(|(state, exit)| (*state, exit.as_ref()))).map(Class::name)
        };
        assert_eq!(of(vec![done(), done()]), None);
        assert_eq!(of(vec![done(), failed(1), failed(3)]), Some("failed"));
        assert_eq!(of(vec![failed(3), done()]), Some("ground"));
        assert_eq!(of(vec![failed(101)]), Some("ground"), "a crash of the harness");
        assert_eq!(of(vec![failed(2), failed(3)]), Some("usage"));
        assert_eq!(of(vec![(StepState::TimedOut, None), done()]), Some("ground"));
        assert_eq!(of(vec![(StepState::Running, None)]), Some("ground"));
    }

    #[test]
    fn why_a_step_failed_is_in_its_json_or_its_last_error() {
        let json = json!({
            "sample": "hello",
            "failure": { "id": "disk-full", "class": "ground", "message": "no space", "hint": "free some" },
            "took": { "build_ms": 5, "run_ms": null, "total_ms": 9 },
        });
        let told = why(&Ended::Exited(3), "error: something else", &json, TIMEOUT, Os::Linux).unwrap();
        assert_eq!((told.message.as_str(), told.id.as_deref()), ("no space", Some("disk-full")));
        assert!(told.upstream.is_some());
        let samples = samples("", &json, &Ended::Exited(3), Some(&told));
        assert_eq!((samples[0].outcome, samples[0].took.build_ms), (Outcome::Skipped, Some(5)));
        let said = "error: first\nwarning: x\nerror: it broke\n\nhint: mend it\n";
        let plain = why(&Ended::Exited(1), said, &Value::Null, TIMEOUT, Os::Linux).unwrap();
        assert_eq!((plain.message.as_str(), plain.hint.as_deref()), ("it broke", Some("mend it")));
        assert_eq!(why(&Ended::Exited(0), said, &Value::Null, TIMEOUT, Os::Linux), None);
        let late = why(&Ended::TimedOut, "", &Value::Null, TIMEOUT, Os::Linux).unwrap();
        assert_eq!(late.message, "the cell took longer than 1m 30s, so it was ended");
        let killed = why(&Ended::Died("signal: 9".into()), "", &Value::Null, TIMEOUT, Os::Linux).unwrap();
        assert_eq!(killed.message, "it was ended by something else (signal: 9)");
    }

    #[test]
    fn a_log_that_is_deleted_is_named_by_its_copy() {
        let hint = Some("buildkitd's whole log is in `/x/cell-1/buildkitd.log`".to_owned());
        let mut why = Why { id: None, class: None, message: "x".into(), hint, upstream: None };
        rename(&mut why, "/x/cell-1/buildkitd.log", "cell.buildkitd.log");
        assert_eq!(why.hint.as_deref(), Some("buildkitd's whole log is in `cell.buildkitd.log`"));
    }

    #[test]
    fn several_samples_are_taken_as_they_are_told() {
        let row = json!({
            "name": "copy", "title": "Copy", "expected": "works", "outcome": "fails", "verdict": "newly broken",
            "reason": null, "failure": null, "healed": null, "took": { "build_ms": 1, "run_ms": null },
        });
        let other = json!({
            "name": "tmpfs", "title": "tmpfs", "expected": "works", "outcome": "skipped", "verdict": "skipped",
            "reason": "it was being tried", "failure": null, "healed": null, "took": {},
        });
        let found = |printed: &str, ended: &Ended| {
            let report = report(printed);
            let why = why(ended, "", &report, TIMEOUT, Os::Linux);
            samples(printed, &report, ended, why.as_ref())
        };
        let lines = format!("{}\n{}\n", json!({ "ended": row }), json!({ "began": other }));
        let whole = json!({ "samples": [row] });
        for printed in [serde_json::to_string_pretty(&whole).unwrap(), format!("{lines}{whole}\n")] {
            let told = found(&printed, &Ended::Exited(1));
            assert_eq!((told.len(), told[0].verdict), (1, Verdict::NewlyBroken));
        }
        let told = found(&lines, &Ended::TimedOut);
        assert_eq!(told.len(), 2, "what was told before its time was up");
        assert_eq!(told[0].verdict, Verdict::NewlyBroken);
        let reason = told[1].reason.as_deref();
        assert_eq!(reason, Some("it was being tried: the cell took longer than 1m 30s, so it was ended"));
        assert!(found("", &Ended::TimedOut).is_empty());
    }
}
