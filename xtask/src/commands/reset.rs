//! `cargo xtask reset`: make BuildKit's and containerd's state agree again, level by level.

use super::ended::Ended;
use super::{patience, print_json, tidying, up};
use crate::client::buildctl::{self, Prune};
use crate::component::Component;
use crate::context::Context;
use crate::daemon::state::{self, Request};
use crate::daemon::{self, roots, stop};
use crate::error::{Error, Result};
use crate::failure;
use crate::install;
use crate::process;
use crate::ui::bytes;
use clap::Args;
use serde::Serialize;
use std::time::Duration;

/// How long BuildKit may take for one of its levels, where nobody says. A large cache takes it minutes, and one that hangs must
/// not keep the last level from being done.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The options of `reset`.
#[derive(Debug, Args)]
pub struct Options {
    /// Go straight to deleting both roots and starting again
    #[arg(long)]
    hard: bool,
    /// How long BuildKit may take for each level, as in 90s or 10m [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = patience, conflicts_with = "hard")]
    timeout: Option<Duration>,
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
    /// How much was freed; `None` for the records of past builds, of which BuildKit tells no sizes.
    pub freed_bytes: Option<u64>,
    /// How many of those records stay, because containerd has lost the lease that each has there. They are in no build's way.
    pub missing_leases: usize,
}

/// What `--json` prints: one object, whatever the command came to.
#[derive(Serialize)]
struct Report {
    /// What was freed before something failed is freed, too.
    resets: Vec<Freed>,
    #[serde(flatten)]
    ended: Ended,
}

/// Runs it. Its one object also tells why there is no context to run in.
///
/// # Errors
/// When not even the last level helps.
pub fn run(context: Result<Context>, options: &Options) -> Result<()> {
    let mut resets = Vec::new();
    let ended = context.and_then(|context| reset(&context, options, &mut resets));
    let report = Report { resets, ended: Ended::from(&ended) };
    let printed = if options.json { print_json(&report) } else { Ok(()) };
    ended.and(printed)
}

/// Nothing here can tell whether the two agree again: BuildKit finds out what containerd lacks only while it builds. So with no
/// build to try, every level of BuildKit's own is done; `build-sample --heal` stops at the lowest that lets its build pass.
fn reset(context: &Context, options: &Options, done: &mut Vec<Freed>) -> Result<()> {
    context.require_programs_can_run()?;
    if !context.workspace.base().exists() {
        context.ui.step("Reset", "nothing: there is no workspace");
        return Ok(());
    }
    context.require_daemons_can_run()?;
    let _guard = context.lock("reset")?;
    // A newer harness's workspace is refused before anything in it changes.
    if !roots::exist(&context.workspace) && !state::are_daemons_recorded(&context.workspace)? {
        context.ui.step("Reset", "nothing: the workspace holds no data of the daemons");
        return Ok(());
    }
    if options.hard {
        return hard(context, done);
    }
    check_installed(context)?;
    if !both_answer(context) {
        context.ui.note("the daemons are not up, so they are started first");
        stop_for_good(context)?;
        if let Err(error) = up::start(context, request(context)?) {
            if !may_be_of_state(&error) {
                return Err(error);
            }
            context.ui.warn(&format!("{error}; so both roots are deleted"));
            return hard(context, done);
        }
    }
    for level in Prune::LEVELS {
        match climb(context, level, options.timeout.unwrap_or(PATIENCE)) {
            Ok(freed) => done.push(freed),
            Err(error) => {
                context.ui.warn(&error.to_string());
                return hard(context, done);
            }
        }
    }
    if both_answer(context) {
        context.ui.note(&format!(
            "BuildKit has deleted all that it can; `{}` deletes only as much of that as its build takes",
            context.typed("build-sample --heal")
        ));
        return Ok(());
    }
    context.ui.warn("the daemons no longer answer");
    hard(context, done)
}

/// Whether a daemon may have failed to start because of what is in the roots; else deleting them would help nobody.
fn may_be_of_state(error: &Error) -> bool {
    error.failure().is_none_or(|known| known.class == failure::Class::StaleState)
}

/// Does one level, whatever the others would do. The workspace's lock must be held.
///
/// # Errors
/// When BuildKit refuses, or takes longer than it may, or the daemons don't come up again.
pub fn apply(context: &Context, level: Level, patience: Duration, done: &mut Vec<Freed>) -> Result<()> {
    match level {
        Level::Buildkit(prune) => climb(context, prune, patience).map(|freed| done.push(freed)),
        Level::Hard => hard(context, done),
    }
}

fn both_answer(context: &Context) -> bool {
    [Component::Containerd, Component::Buildkit]
        .iter()
        .all(|component| daemon::answers(&context.workspace, *component).is_ok())
}

/// One of BuildKit's own levels.
fn climb(context: &Context, level: Prune, patience: Duration) -> Result<Freed> {
    let name = level.name();
    let Some(output) = process::capture_within(&buildctl::prune(&context.workspace, level), patience)? else {
        let patience = humantime::format_duration(patience);
        return Err(Error::ground(format!("`buildctl {name}` took longer than {patience}")));
    };
    let missing_leases = buildctl::missing_leases(&output.stderr);
    let freed_bytes = buildctl::freed(level, &output.stdout);
    let told = match (output.status.success(), missing_leases, freed_bytes) {
        (true, _, Some(freed)) => format!("freed {}", bytes(freed)),
        (true, _, None) => "done".into(),
        (false, Some(missing), _) if level == Prune::Histories => {
            format!("done, but for {missing} whose lease is gone already, which is no failure")
        }
        _ => return Err(Error::ground(format!("`buildctl {name}` failed: {}", output.last_words()))),
    };
    context.ui.step("Reset", &format!("{name}: {told}"));
    Ok(Freed { level: name, freed_bytes, missing_leases: missing_leases.unwrap_or(0) })
}

/// The last level. It takes no programs but to start the daemons again.
fn hard(context: &Context, done: &mut Vec<Freed>) -> Result<()> {
    let workspace = &context.workspace;
    let freed = roots::disk_use(workspace);
    tidying::empty(context)?;
    stop_for_good(context)?;
    roots::delete(workspace)?;
    context.ui.step("Reset", &format!("both roots deleted: freed {}", bytes(freed)));
    done.push(Freed { level: Level::Hard.name(), freed_bytes: Some(freed), missing_leases: 0 });
    if let Err(error) = check_installed(context) {
        context.ui.note(&format!("the daemons stay down: {error}; `{}` fetches what is missing", context.typed("up")));
        return Ok(());
    }
    up::start(context, request(context)?)
}

/// Stops what runs, which may hold an endpoint and not answer there. Who else holds one can't be helped by deleting anything.
fn stop_for_good(context: &Context) -> Result<()> {
    tidying::tell_stopped(context, &stop::all(&context.workspace)?);
    daemon::check_endpoints(&context.workspace)
}

/// What is to run: as before, else as asked for now.
fn request(context: &Context) -> Result<Request> {
    Ok(state::read(&context.workspace)?.map_or_else(|| context.request.clone(), |state| state.request))
}

/// Makes sure that there is something to start: a reset makes do with the programs that are there.
fn check_installed(context: &Context) -> Result<()> {
    let specs = request(context)?.specs;
    match specs.iter().find(|(component, _)| install::installed(&context.workspace, *component).is_none()) {
        None => Ok(()),
        Some((component, _)) => {
            Err(Error::ground(format!("the workspace has data, but not all programs of {component}")).hint(format!(
                "`{}` puts them in place again; `{}` deletes the data without them",
                context.typed("up"),
                context.typed("reset --hard")
            )))
        }
    }
}
