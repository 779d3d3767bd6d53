//! The result file of a cell, as it grows.

use super::again::Again;
use super::cell::Stage;
use super::telling;
use crate::apart::Ended;
use crate::component::Component;
use crate::error::{Context as _, Error, Result};
use crate::files;
use crate::install;
use crate::matrix::Cell;
use crate::os;
use crate::platform::Platform;
use crate::result::{CellResult, Exit, Host, StepState, Used, Why};
use crate::workspace::Workspace;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// A cell's result, its file, and its log.
pub struct Record<'a> {
    result: CellResult,
    again: Again<'a>,
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

impl<'a> Record<'a> {
    /// Nothing was done yet of a cell that has this folder.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn new(stage: &'a Stage<'a>, cell: &Cell, folder: &Path) -> Result<Self> {
        let cell = cell.for_result();
        let log = stage.out.join(cell.id() + ".log");
        let file = stage.out.join(cell.file_name());
        let again = Again::new(stage, cell.clone(), folder);
        let mut result = CellResult::new(stage.night.clone(), cell, host(stage.context.workspace.platform()));
        result.logs = vec![file_name(&log)];
        let record = Self { result, again, file, log, timeout: stage.timeout, is_written: true };
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
        let report = telling::report(printed);
        let mut why = telling::why(ended, &said, &report, self.timeout, self.result.host.platform.os);
        let mut samples = telling::samples(printed, &report, ended, why.as_ref());
        let name = self.result.running().map_or("", |step| &step.name);
        self.again.lead(name, why.as_mut(), &mut samples);
        self.result.samples.extend(samples);
        let failure = why.as_ref().map(|why| why.message.clone());
        self.note_end(step, telling::state(ended), telling::exit(ended), why);
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
        let worst = telling::worst(self.result.steps.iter().map(|step| (step.state, step.exit.as_ref())));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_deleted_is_named_by_its_copy() {
        let hint = Some("buildkitd's whole log is in `/x/cell-1/buildkitd.log`".to_owned());
        let mut why = Why { id: None, class: None, message: "x".into(), hint, upstream: None };
        rename(&mut why, "/x/cell-1/buildkitd.log", "cell.buildkitd.log");
        assert_eq!(why.hint.as_deref(), Some("buildkitd's whole log is in `cell.buildkitd.log`"));
    }
}
