//! `cargo xtask up`: resolve, fetch, verify, unpack, configure, start, wait until both answer.

use super::logs;
use super::tidying::{self, tell_stopped, wipe};
use crate::component::Component;
use crate::config;
use crate::context::Context;
use crate::daemon::state::{self, Daemon, Request, State};
use crate::daemon::stop::{self, Stopped};
use crate::daemon::{self, network, roots};
use crate::error::{Error, Result};
use crate::files;
use crate::install::{self, Prepared};
use crate::interrupt::Interrupt;
use crate::lock;
use crate::os;
use crate::source::{Resolution, cached, lockfile};
use crate::version::Spec;
use clap::Args;
use std::fs;
use std::time::SystemTime;

/// The order in which they start: buildkitd looks for containerd once, at its start.
const DAEMONS: [Component; 2] = [Component::Containerd, Component::Buildkit];

/// The options of `up`.
#[derive(Debug, Args)]
pub struct Options {
    /// Recreate everything but the cache first
    #[arg(long)]
    fresh: bool,
    /// Stay, showing both logs, until Ctrl-C; then stop both
    #[arg(long)]
    foreground: bool,
    /// End when the programs are unpacked and verified
    #[arg(long, conflicts_with = "foreground")]
    no_start: bool,
}

/// Runs it.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    context.check_for_platform()?;
    if options.no_start {
        let _guard = context.lock("up --no-start")?;
        // A newer harness's workspace is refused before anything in it changes.
        state::read(&context.workspace)?;
        tidying::check_rights(context, options.fresh)?;
        if options.fresh {
            // What can't be had must not cost what there is.
            context.resolve(&context.all_specs())?;
            wipe(context)?;
        }
        let prepared = prepare(context, &context.all_specs())?;
        // What is up and of these versions already goes on undisturbed.
        if prepared.iter().all(|prepared| prepared.staged().is_none()) {
            return Ok(());
        }
        let stopped = place(context, &prepared)?;
        if stopped != Stopped::default() {
            context
                .ui
                .note(&format!("`--no-start` leaves what it had to stop so; `{}` starts it", context.typed("up")));
        }
        return state::write(&context.workspace, &State::new(context.request.clone()));
    }
    context.require_daemons_can_run()?;
    context.warn_without_container_runtime();
    let guard = context.lock("up")?;
    if options.fresh {
        // What can't be had, or is a newer harness's, must not cost what there is.
        state::read(&context.workspace)?;
        look_before(context)?;
        context.resolve(&context.all_specs())?;
        wipe(context)?;
    }
    // No daemon needs it, so what is up is none of its business.
    if context.buildx.is_some() {
        ensure_installed(context, Component::Buildx, context.buildx.as_ref())?;
    }
    ensure(context)?;
    // Others may work with the daemons while this command only shows what they log.
    drop(guard);
    if options.foreground { stay(context) } else { Ok(()) }
}

/// Sees to it that both daemons of the versions asked for are up. The workspace's lock must be held.
///
/// # Errors
/// When that can't be done; then nothing runs that did not run before.
pub fn ensure(context: &Context) -> Result<()> {
    let recorded = state::read(&context.workspace)?;
    if let Some(state) = &recorded
        && state.request == context.request
        && !asks_for_paths(context)
        && !context.locked
        && all_answer(context, state)
    {
        context.ui.step("Up", &format!("already: {}", summary(state)));
        return Ok(());
    }
    look_before(context)?;
    let prepared = prepare(context, &context.request.specs)?;
    if let Some(mut state) = recorded
        && state.request.network == context.request.network
        && state.request.group == context.request.group
        && prepared.iter().all(|prepared| prepared.staged().is_none())
        && all_answer(context, &state)
    {
        context.ui.step("Up", &format!("already, and the newest asked for: {}", summary(&state)));
        state.request = context.request.clone();
        return state::write(&context.workspace, &state);
    }
    place(context, &prepared)?;
    start(context, context.request.clone())
}

/// Sees to it that daemons are up: those that are, whatever their versions, unless some are asked for.
///
/// # Errors
/// When there are none, and none can be started.
pub fn ensure_any(context: &Context) -> Result<()> {
    if !context.is_choosy
        && !context.locked
        && let Some(state) = state::read(&context.workspace)?
        && all_answer(context, &state)
    {
        context.ui.step("Up", &format!("already: {}", summary(&state)));
        return Ok(());
    }
    ensure(context)
}

/// Looks at what can be known before anything is fetched or stopped: whether there is such a network, and such a group.
fn look_before(context: &Context) -> Result<()> {
    context.check_for_platform()?;
    network::find(context.request.network)?;
    context.request.group.as_deref().map_or(Ok(()), os::check_groups)
}

/// A path may hold something else by now, so it is looked at every time.
fn asks_for_paths(context: &Context) -> bool {
    context.request.specs.iter().any(|(_, spec)| matches!(spec, Spec::Path(_)))
}

/// Sees to it that a component's programs are in their place: those that are, unless others are asked for. Starts nothing, but
/// stops both daemons where new programs of theirs take the place of those that run.
///
/// # Errors
/// When they can't be had.
pub fn ensure_installed(context: &Context, component: Component, spec: Option<&Spec>) -> Result<()> {
    if spec.is_none() && !context.locked && install::installed(&context.workspace, component).is_some() {
        return Ok(());
    }
    let prepared = prepare(context, &[(component, spec.cloned().unwrap_or(Spec::Latest))])?;
    if DAEMONS.contains(&component) && prepared.iter().any(|prepared| prepared.staged().is_some()) {
        return place(context, &prepared).map(drop);
    }
    install::commit(&context.workspace, &prepared)
}

fn prepare(context: &Context, asked: &[(Component, Spec)]) -> Result<Vec<Prepared>> {
    let _cache = lock::acquire_cache(&context.workspace, context.ui)?;
    let resolved = context.resolve(asked)?;
    for resolved in &resolved {
        let resolution = &resolved.resolution;
        context
            .ui
            .step("Resolved", &format!("{} {} ({})", resolution.component, resolution.version, resolution.source));
        for skipped in &resolution.skipped {
            context.ui.detail(&format!("  passed over {}: {}", skipped.version, skipped.reason));
        }
    }
    let prepared = install::prepare(&context.http, context.ui, &context.workspace, &resolved)?;
    let resolutions: Vec<Resolution> = prepared.iter().map(|prepared| prepared.record().resolution.clone()).collect();
    cached::remember(&context.workspace, &resolutions)?;
    lockfile::write(&context.workspace, &resolutions)?;
    Ok(prepared)
}

/// Stops what runs, and moves new programs to their place. Tells what was stopped.
fn place(context: &Context, prepared: &[Prepared]) -> Result<Stopped> {
    let stopped = stop::all(&context.workspace)?;
    tell_stopped(context, &stopped);
    install::commit(&context.workspace, prepared)?;
    Ok(stopped)
}

/// Starts both daemons of what is installed for a request; when one doesn't come up, neither stays.
///
/// # Errors
/// When a daemon doesn't come up.
pub fn start(context: &Context, request: Request) -> Result<()> {
    let started = start_both(context, request);
    if started.is_err() {
        // The reason for the failure is worth more than what else goes wrong on the way out.
        if let Err(error) = stop::all(&context.workspace) {
            context.ui.warn(&error.to_string());
        }
    }
    started
}

fn start_both(context: &Context, request: Request) -> Result<()> {
    let workspace = &context.workspace;
    if roots::pair(workspace)? {
        context.ui.note("BuildKit's and containerd's data did not belong together, so both were deleted");
    }
    files::write_whole(&workspace.containerd_config(), containerd_config(context)?.as_bytes())?;
    files::write_whole(&workspace.buildkitd_config(), config::buildkitd(workspace, request.network).as_bytes())?;
    network::configure(workspace, context.ui, request.network)?;
    let mut state = State::new(request);
    let mut beside = None;
    for component in DAEMONS {
        let (mut child, process) =
            daemon::start(workspace, component, state.request.group.as_deref(), beside.as_ref())?;
        state.daemons.push(Daemon {
            component,
            version: install::installed(workspace, component)
                .map_or_else(String::new, |record| record.resolution.version),
            pid: process.pid,
            start_time: process.started,
            executable: process.executable.clone(),
            endpoint: workspace.endpoint(component).shown(),
            since: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        });
        // Before the wait: whoever is killed meanwhile leaves a record behind.
        state::write(workspace, &state)?;
        daemon::wait_until_ready(workspace, component, &mut child)?;
        beside = Some(process);
    }
    context.ui.step("Up", &summary(&state));
    Ok(())
}

/// containerd's configuration, from the default that the installed one prints.
fn containerd_config(context: &Context) -> Result<String> {
    let workspace = &context.workspace;
    // Kept beside the programs that printed it: asking again would cost as much as starting a daemon.
    let kept = workspace.installed(Component::Containerd).join("default-config.toml");
    let default = match fs::read_to_string(&kept) {
        Ok(text) => text,
        Err(_) => {
            let text = daemon::default_config(&workspace.program(Component::Containerd, "containerd"))?;
            files::write_whole(&kept, text.as_bytes())?;
            text
        }
    };
    config::patch_containerd(&default, workspace)
}

/// Whether every daemon that was recorded is still that process, and answers.
fn all_answer(context: &Context, state: &State) -> bool {
    let alive = |component: Component| state.daemon(component).and_then(Daemon::process).is_some();
    DAEMONS.iter().all(|component| alive(*component))
        && std::thread::scope(|scope| {
            let answers =
                DAEMONS.map(|component| scope.spawn(move || daemon::answers(&context.workspace, component).is_ok()));
            answers.into_iter().all(|answer| answer.join().unwrap_or(false))
        })
}

fn summary(state: &State) -> String {
    let daemons = state
        .daemons
        .iter()
        .map(|daemon| format!("{} {} (pid {})", daemon.component.main_program(), daemon.version, daemon.pid));
    daemons.collect::<Vec<_>>().join(", ")
}

/// Shows both logs until Ctrl-C or until a daemon ends, then stops both.
///
/// When its window is closed on Windows, there is no time for that: ctrlc's handler returns at once, whereupon Windows ends
/// this process. The daemons have consoles of their own and stay; `down` finds them.
fn stay(context: &Context) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    context.ui.note("Ctrl-C stops both");
    let started = state::read(&context.workspace)?;
    let mut gone = None;
    logs::follow(context, &DAEMONS, usize::MAX, true, &mut || {
        let ended = |component: &Component| {
            let daemon = started.as_ref().and_then(|state| state.daemon(*component));
            daemon.is_none_or(|daemon| daemon.process().is_none())
        };
        gone = DAEMONS.into_iter().find(ended);
        interrupt.is_heard() || gone.is_some()
    })?;
    let _guard = context.lock("up --foreground")?;
    if state::read(&context.workspace)? != started {
        context.ui.note("another command has stopped or restarted the daemons meanwhile");
        return Ok(());
    }
    tell_stopped(context, &stop::all(&context.workspace)?);
    match gone {
        Some(component) => Err(Error::ground(format!("{} ended by itself", component.main_program()))
            .hint(format!("see `{}`", context.typed(&format!("logs {}", component.main_program()))))),
        None => Ok(()),
    }
}
