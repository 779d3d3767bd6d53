//! `cargo xtask reset`: make BuildKit's and containerd's state agree again, level by level.

use super::{tidying, up};
use crate::client::buildctl::{self, Prune};
use crate::component::Component;
use crate::context::Context;
use crate::daemon::state::{self, State};
use crate::daemon::{self, roots, stop};
use crate::error::{Error, Result};
use crate::install;
use crate::process;
use crate::ui::bytes;
use clap::Args;

/// The options of `reset`.
#[derive(Debug, Args)]
pub struct Options {
    /// Go straight to deleting both roots and starting again
    #[arg(long)]
    hard: bool,
}

/// Runs it.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    context.require_daemons_can_run()?;
    if !context.workspace.base().exists() {
        context.ui.step("Reset", "nothing: there is no workspace");
        return Ok(());
    }
    let _guard = context.lock("reset")?;
    // A newer harness's workspace is refused before anything in it changes.
    state::read(&context.workspace)?;
    if install::installed(&context.workspace, Component::Buildkit).is_none() {
        context.ui.step("Reset", "nothing: the workspace holds no state yet");
        return Ok(());
    }
    if options.hard {
        return hard(context);
    }
    if !both_answer(context) {
        context.ui.note("the daemons are not up, so they are started first");
        if let Err(error) = start_again(context) {
            context.ui.warn(&error.to_string());
            return hard(context);
        }
    }
    for level in Prune::LEVELS {
        if let Err(error) = climb(context, level) {
            context.ui.warn(&error.to_string());
            return hard(context);
        }
    }
    if both_answer(context) {
        return Ok(());
    }
    context.ui.warn("the daemons no longer answer");
    hard(context)
}

fn both_answer(context: &Context) -> bool {
    [Component::Containerd, Component::Buildkit]
        .iter()
        .all(|component| daemon::answers(&context.workspace, *component).is_ok())
}

/// One of BuildKit's own levels.
fn climb(context: &Context, level: Prune) -> Result<()> {
    let argv = buildctl::prune(&context.workspace, level);
    let output = process::capture(&argv)?;
    if output.status.success() {
        let freed = buildctl::freed(&output.stdout).map_or_else(|| "done".into(), |freed| format!("freed {freed}"));
        context.ui.step("Reset", &format!("{}: {freed}", level.name()));
        return Ok(());
    }
    if level == Prune::Histories && buildctl::is_missing_lease(&output.stderr) {
        context.ui.step("Reset", &format!("{}: a lease was gone already, which is no failure", level.name()));
        return Ok(());
    }
    Err(Error::ground(format!("`buildctl {}` failed: {}", level.name(), output.last_words())))
}

/// The last level: both roots go, as they came, together; the programs stay what they are.
fn hard(context: &Context) -> Result<()> {
    let workspace = &context.workspace;
    let freed = roots::disk_use(workspace);
    tidying::empty(context)?;
    tidying::tell_stopped(context, &stop::all(workspace)?);
    roots::delete(workspace)?;
    context.ui.step("Reset", &format!("both roots deleted: freed {}", bytes(freed)));
    start_again(context)
}

/// Starts what is installed, whatever newer versions there may be by now.
fn start_again(context: &Context) -> Result<()> {
    let workspace = &context.workspace;
    // One may still run, and holds its endpoint.
    tidying::tell_stopped(context, &stop::all(workspace)?);
    let is_whole = |state: &State| {
        state.request.specs.iter().all(|(component, _)| install::installed(workspace, *component).is_some())
    };
    match state::read(workspace)? {
        Some(state) if is_whole(&state) => up::start(context, state.request),
        _ => up::ensure(context),
    }
}
