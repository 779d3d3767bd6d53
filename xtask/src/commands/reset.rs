//! `cargo xtask reset`: make BuildKit's and containerd's state agree again, level by level.

use super::{print_json, tidying, up};
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
use serde::Serialize;

/// The options of `reset`.
#[derive(Debug, Args)]
pub struct Options {
    /// Go straight to deleting both roots and starting again
    #[arg(long)]
    hard: bool,
    /// Print JSON: each level that was done, and what it freed
    #[arg(long)]
    json: bool,
}

/// How thorough a reset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// BuildKit frees a part of its own state.
    Buildkit(Prune),
    /// Both roots go, as they came, together; the programs stay what they are.
    Hard,
}

impl Level {
    /// All of them, the mildest first.
    pub const ALL: [Level; 4] = [
        Level::Buildkit(Prune::LEVELS[0]),
        Level::Buildkit(Prune::LEVELS[1]),
        Level::Buildkit(Prune::LEVELS[2]),
        Level::Hard,
    ];

    /// As people read it, and reports have it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Buildkit(prune) => prune.name(),
            Level::Hard => "hard",
        }
    }
}

/// What a level did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Freed {
    /// Its name.
    pub level: &'static str,
    /// How much was freed, as it is told; `None` where BuildKit tells nothing.
    pub freed: Option<String>,
}

/// Runs it.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    let mut done = Vec::new();
    let ended = reset(context, options, &mut done);
    // What was freed before something failed is freed, too.
    let printed = if options.json { print_json(&serde_json::json!({ "levels": done })) } else { Ok(()) };
    ended.and(printed)
}

/// Nothing here can tell whether the two agree again: BuildKit finds out what containerd lacks only while it builds. So with no
/// build to try, every level of BuildKit's own is done; `build-sample --heal` stops at the lowest that lets its build pass.
fn reset(context: &Context, options: &Options, done: &mut Vec<Freed>) -> Result<()> {
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
        return hard(context, done);
    }
    if !both_answer(context) {
        context.ui.note("the daemons are not up, so they are started first");
        if let Err(error) = start_again(context) {
            context.ui.warn(&error.to_string());
            return hard(context, done);
        }
    }
    for level in Prune::LEVELS {
        match climb(context, level) {
            Ok(freed) => done.push(freed),
            Err(error) => {
                context.ui.warn(&error.to_string());
                return hard(context, done);
            }
        }
    }
    if both_answer(context) {
        return Ok(());
    }
    context.ui.warn("the daemons no longer answer");
    hard(context, done)
}

/// Does one level, whatever the others would do. The workspace's lock must be held.
///
/// # Errors
/// When BuildKit refuses, or the daemons don't come up again.
pub fn apply(context: &Context, level: Level, done: &mut Vec<Freed>) -> Result<()> {
    match level {
        Level::Buildkit(prune) => climb(context, prune).map(|freed| done.push(freed)),
        Level::Hard => hard(context, done),
    }
}

fn both_answer(context: &Context) -> bool {
    [Component::Containerd, Component::Buildkit]
        .iter()
        .all(|component| daemon::answers(&context.workspace, *component).is_ok())
}

/// One of BuildKit's own levels.
fn climb(context: &Context, level: Prune) -> Result<Freed> {
    let argv = buildctl::prune(&context.workspace, level);
    let output = process::capture(&argv)?;
    let done = |freed: Option<&str>| Freed { level: level.name(), freed: freed.map(str::to_owned) };
    if output.status.success() {
        let freed = buildctl::freed(&output.stdout);
        let told = freed.map_or_else(|| "done".into(), |freed| format!("freed {freed}"));
        context.ui.step("Reset", &format!("{}: {told}", level.name()));
        return Ok(done(freed));
    }
    if level == Prune::Histories && buildctl::is_missing_lease(&output.stderr) {
        context.ui.step("Reset", &format!("{}: a lease was gone already, which is no failure", level.name()));
        return Ok(done(None));
    }
    Err(Error::ground(format!("`buildctl {}` failed: {}", level.name(), output.last_words())))
}

/// The last level.
fn hard(context: &Context, done: &mut Vec<Freed>) -> Result<()> {
    let workspace = &context.workspace;
    let freed = bytes(roots::disk_use(workspace));
    tidying::empty(context)?;
    tidying::tell_stopped(context, &stop::all(workspace)?);
    roots::delete(workspace)?;
    context.ui.step("Reset", &format!("both roots deleted: freed {freed}"));
    done.push(Freed { level: Level::Hard.name(), freed: Some(freed) });
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
