//! `cargo xtask clean`: stop everything, then remove the image, the containers and the workspace.

use super::up::{self, tell_stopped};
use super::{build_sample, print};
use crate::client::buildctl;
use crate::component::Component;
use crate::context::Context;
use crate::daemon::{self, roots, state, stop};
use crate::error::{Context as _, Result};
use crate::files;
use crate::os;
use crate::process::{self, Argv};
use crate::ui::bytes;
use clap::Args;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// The options of `clean`.
#[derive(Debug, Args)]
pub struct Options {
    /// Delete the downloads and builds too
    #[arg(long)]
    cache: bool,
    /// Only list what would be stopped and deleted
    #[arg(long)]
    dry_run: bool,
}

/// Runs it.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    let workspace = &context.workspace;
    if !workspace.base().exists() {
        context.ui.step("Clean", "already: there is no workspace");
        return Ok(());
    }
    if options.dry_run {
        return list(context, options);
    }
    // Also what daemons wrote is not everyone's to delete.
    if state::are_daemons_recorded(workspace)? || workspace.root(Component::Containerd).exists() {
        os::check_rights()?;
    }
    let guard = context.lock("clean")?;
    // A newer harness's workspace is refused before anything in it changes.
    state::read(workspace)?;
    let freed: u64 = doomed(context, options)?.iter().map(|path| files::disk_use(path)).sum();
    empty(context)?;
    tell_stopped(context, &stop::all(workspace)?);
    let doomed = doomed(context, options)?;
    up::delete_programs_and_roots(workspace)?;
    // The lock goes last, and the tag only with all the rest: a folder without it is nobody's.
    for path in doomed.iter().filter(|path| **path != workspace.lock_file() && **path != workspace.tag()) {
        files::delete(path)?;
    }
    if !workspace.cache().exists() {
        // While the lock is held: whoever waits for it claims the folder anew.
        files::delete(&workspace.tag())?;
    }
    guard.remove()?;
    if !workspace.cache().exists() {
        // Another command may have come in meanwhile: then the folder is its own.
        drop(fs::remove_dir(workspace.base()));
    }
    let kept = if workspace.cache().exists() { ", the cache stays (`--cache` deletes it)" } else { "" };
    context.ui.step("Deleted", &format!("`{}`, {}{kept}", workspace.base().display(), bytes(freed)));
    Ok(())
}

/// How many names a client is given at once: Windows allows a command 32767 characters.
const NAMES_AT_ONCE: usize = 100;

/// How long containerd may take to delete as much. One that hangs must not keep the roots from being deleted.
const PATIENCE: Duration = Duration::from_secs(60);

/// Has containerd delete all that it holds, if it runs, before both roots are deleted: on Windows the files of layers belong
/// to SYSTEM, and only containerd has Windows undo all that a layer is. Stops buildkitd first, which makes use of them.
///
/// # Errors
/// When buildkitd can't be stopped. What can't be deleted goes with the roots.
pub fn empty(context: &Context) -> Result<()> {
    let workspace = &context.workspace;
    if daemon::answers(workspace, Component::Containerd).is_err() {
        return Ok(());
    }
    roots::condemn(workspace)?;
    tell_stopped(context, &stop::daemons(workspace, &[Component::Buildkit])?);
    for name in listed(&buildctl::list_containers(workspace)) {
        build_sample::end_container(context, &name);
        context.ui.step("Removed", &format!("container {name}"));
    }
    for names in listed(&buildctl::list_images(workspace)).chunks(NAMES_AT_ONCE) {
        match process::succeed_within(&buildctl::delete_images(workspace, names), PATIENCE) {
            Ok(_) => names.iter().for_each(|name| context.ui.step("Removed", &format!("image {name}"))),
            Err(error) => context.ui.warn(&error.to_string()),
        }
    }
    for names in listed(&buildctl::list_leases(workspace)).chunks(NAMES_AT_ONCE) {
        if let Err(error) = process::succeed_within(&buildctl::delete_leases(workspace, names), PATIENCE) {
            context.ui.warn(&error.to_string());
        }
    }
    Ok(())
}

/// The names that a client lists, a line each.
fn listed(list: &Argv) -> Vec<String> {
    let text = process::capture(list).map(|output| output.stdout).unwrap_or_default();
    text.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// What would be deleted: everything, but for the cache unless it is wanted gone too.
fn doomed(context: &Context, options: &Options) -> Result<Vec<PathBuf>> {
    let workspace = &context.workspace;
    let entries = fs::read_dir(workspace.base()).trying(|| format!("read `{}`", workspace.base().display()))?;
    let mut doomed: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    if !options.cache && workspace.cache().exists() {
        doomed.retain(|path| *path != workspace.cache() && *path != workspace.tag());
    }
    doomed.sort();
    Ok(doomed)
}

fn list(context: &Context, options: &Options) -> Result<()> {
    let mut text = String::new();
    for (component, process) in stop::running(&context.workspace)? {
        text.push_str(&format!("stop {} (pid {})\n", component.main_program(), process.pid));
    }
    for path in doomed(context, options)? {
        text.push_str(&format!("delete {} ({})\n", path.display(), bytes(files::disk_use(&path))));
    }
    print(text)
}
