//! One cell of a night: its steps, in a base folder of its own.

use super::record::Record;
use crate::apart::{Apart, Ended, Halt};
use crate::component::Component;
use crate::context::Context;
use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::matrix::Cell;
use crate::result::{CellResult, Night};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// In the place of samples' names: that only hello is tried.
pub const NONE: &str = "none";

/// What is tried, one after another, until something fails. Docker would run the images with a containerd of its own.
///
/// The hello sample comes alone first: where not even that works, all the others would only say so again.
fn tried(samples: &[String]) -> Vec<Vec<&str>> {
    let mut tried = vec![vec!["up"], vec!["build-sample", "--json", "--client", "buildctl"]];
    if samples != [NONE] {
        let all = ["samples", "--json-lines", "--client", "buildctl"].into_iter();
        tried.push(all.chain(samples.iter().map(String::as_str)).collect());
    }
    tried
}

/// What all cells of a night share.
pub struct Stage<'a> {
    /// The command that runs them.
    pub context: &'a Context<'a>,
    /// Which night it is.
    pub night: Night,
    /// Where the results go.
    pub out: PathBuf,
    /// The samples to try beside the hello sample: all if none are named.
    pub samples: Vec<String>,
    /// How long a cell may take.
    pub timeout: Duration,
    /// Ctrl-C: it ends the cells that run, and no other is begun.
    pub interrupt: Interrupt,
}

/// Runs a cell, whatever comes of it. Its result file is written before and after each step.
///
/// # Errors
/// When that can't be done. What the cell had started is stopped and deleted by then.
pub fn run_cell(stage: &Stage, number: usize, cell: &Cell) -> Result<CellResult> {
    let context = stage.context;
    let folder = context.workspace.night_cell(number);
    let versions = [(Component::Buildkit, cell.buildkit.parse()?), (Component::Containerd, cell.containerd.parse()?)];
    let apart = Apart::new(context, &context.request.source, folder, &versions)?;
    let mut record = Record::new(stage, cell, apart.workspace().base())?;
    // From here on nothing may go past the tidying, whatever fails: not a full disk, nor a log that somebody holds.
    try_all(stage, &apart, &mut record);
    let left = tidy(context, &apart, &mut record);
    for what in &left {
        context.ui.warn(&format!("{cell} has left behind: {what}"));
    }
    record.end(left)
}

/// Tries all there is to try, until something fails.
fn try_all(stage: &Stage, apart: &Apart, record: &mut Record) {
    let halt = Halt::after(stage.timeout, stage.interrupt.clone());
    for arguments in tried(&stage.samples) {
        let work = |log: &Path| apart.xtask(&arguments, log, &halt);
        let is_done = run_step(stage.context, record, arguments[0], work);
        record.note_versions(apart.workspace());
        // What can't be noted need not be tried.
        if !is_done || !record.is_written() {
            break;
        }
    }
}

/// Stops and deletes all that a cell has, however far it came, and also after Ctrl-C; tells what was left all the same.
fn tidy(context: &Context, apart: &Apart, record: &mut Record) -> Vec<String> {
    for error in record.keep_logs(apart.workspace()) {
        context.ui.warn(&error.to_string());
    }
    run_step(context, record, "down", |log| apart.xtask(&["down"], log, &Halt::for_cleaning()));
    let mut told = Vec::new();
    run_step(context, record, "clean", |log| {
        let left = apart.clean(log);
        told = left.told;
        left.survived.map_or_else(|| Ok((Ended::Exited(0), String::new())), Err)
    });
    told
}

/// Runs a step with the cell's log, and takes note of it; tells whether it did what it is for.
fn run_step<W>(context: &Context, record: &mut Record, name: &str, work: W) -> bool
where
    W: FnOnce(&Path) -> Result<(Ended, String)>,
{
    let step = record.begin(name);
    let failure = match work(record.log()) {
        Ok((ended, printed)) => record.finish(&step, &ended, &printed),
        Err(error) => Some(record.fail(&step, &error)),
    };
    if let Some(failure) = &failure {
        context.ui.warn(&format!("`{name}`: {failure}; see `{}`", record.log().display()));
    }
    failure.is_none()
}
