//! One cell of a night: its steps, in a base folder of its own.

use super::record::{Record, Step};
use crate::apart::{Apart, Ended, Halt};
use crate::component::Component;
use crate::context::Context;
use crate::error::Result;
use crate::matrix::Cell;
use crate::result::{CellResult, Night};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How the names of the cells' folders begin. They are short, because daemons' paths have to be.
pub const FOLDER: &str = "cell-";

/// What is tried, one after another, until something fails. Docker would run the images with a containerd of its own.
///
/// The hello sample comes alone first: where not even that works, all the others would only say so again.
fn tried(samples: &[String]) -> Vec<Vec<&str>> {
    let mut tried = vec![vec!["up"], vec!["build-sample", "--json", "--client", "buildctl"]];
    if samples != ["none"] {
        let all = ["samples", "--json", "--client", "buildctl"].into_iter();
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
    /// Whether Ctrl-C was typed.
    pub interrupted: Arc<AtomicBool>,
}

/// Runs a cell, whatever comes of it. Its result file is written before and after each step.
///
/// # Errors
/// When that can't be done, or what the cell has left can't be taken away.
pub fn run_cell(stage: &Stage, number: usize, cell: &Cell) -> Result<CellResult> {
    let context = stage.context;
    let folder = context.workspace.night().join(format!("{FOLDER}{number}"));
    let versions = [(Component::Buildkit, cell.buildkit.parse()?), (Component::Containerd, cell.containerd.parse()?)];
    let apart = Apart::new(context, &context.request.source, folder, &versions)?;
    let mut record = Record::new(stage, cell)?;
    let halt = Halt::after(stage.timeout, stage.interrupted.clone());
    for arguments in tried(&stage.samples) {
        let step = record.begin(arguments[0])?;
        let (ended, printed) = apart.xtask(&arguments, record.log(), &halt)?;
        record.note_versions(apart.workspace());
        if !finish(context, &mut record, step, &ended, &printed)? {
            break;
        }
    }
    record.keep_logs(apart.workspace())?;
    // However far it came, and also after Ctrl-C.
    let step = record.begin("down")?;
    let (ended, _) = apart.xtask(&["down"], record.log(), &Halt::for_cleaning())?;
    finish(context, &mut record, step, &ended, "")?;
    let step = record.begin("clean")?;
    let left = apart.clean(record.log())?;
    finish(context, &mut record, step, &Ended::Exited(0), "")?;
    for what in &left {
        context.ui.warn(&format!("{cell} has left behind: {what}"));
    }
    record.end(left)
}

/// Takes note of a step's end, and tells whether it did what it is for.
fn finish(context: &Context, record: &mut Record, step: Step, ended: &Ended, printed: &str) -> Result<bool> {
    let (name, failure) = record.finish(step, ended, printed)?;
    if let Some(failure) = &failure {
        context.ui.warn(&format!("`{name}`: {failure}; see `{}`", record.log().display()));
    }
    Ok(failure.is_none())
}
