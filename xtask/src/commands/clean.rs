//! `cargo xtask clean`: stop everything, then remove the image, the containers and the workspace.

use super::tidying::{self, empty, empty_docker, tell_stopped};
use super::{in_docker, print};
use crate::context::Context;
use crate::daemon::{state, stop};
use crate::error::{Context as _, Result};
use crate::files;
use crate::lock;
use crate::ui::bytes;
use clap::Args;
use std::fs;
use std::path::PathBuf;

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
        lock::refuse_foreign(workspace)?;
        return list(context, options);
    }
    tidying::check_rights(context, true)?;
    let guard = context.lock("clean")?;
    // A newer harness's workspace is refused before anything in it changes.
    state::read(workspace)?;
    in_docker::check(context)?;
    let freed: u64 = doomed(context, options)?.iter().map(|path| files::disk_use(path)).sum();
    empty(context)?;
    tell_stopped(context, &stop::all(workspace)?);
    // Now nothing hands Docker an image any more.
    empty_docker(context)?;
    let doomed = doomed(context, options)?;
    tidying::delete_programs_and_roots(workspace)?;
    // The lock goes last, and the tag only with all the rest: a folder without it is nobody's.
    for path in doomed.iter().filter(|path| **path != workspace.lock_file() && **path != workspace.tag()) {
        files::delete(path)?;
    }
    let (has_cache, has_record) = (workspace.own_cache().exists(), workspace.in_docker().exists());
    if !has_cache && !has_record {
        // While the lock is held: whoever waits for it claims the folder anew.
        files::delete(&workspace.tag())?;
    }
    guard.remove()?;
    if !has_cache && !has_record {
        // Another command may have come in meanwhile: then the folder is its own.
        drop(fs::remove_dir(workspace.base()));
    }
    let kept = match (has_cache, has_record) {
        (false, false) => "",
        (true, false) => " but the cache (`--cache` deletes it)",
        (false, true) => " but the record of what is in Docker",
        (true, true) => " but the cache (`--cache` deletes it) and the record of what is in Docker",
    };
    let what = if kept.is_empty() { String::new() } else { format!("all{kept}, from ") };
    context.ui.step("Deleted", &format!("{what}`{}`, {}", workspace.base().display(), bytes(freed)));
    Ok(())
}

/// What would be deleted: everything, but for the cache unless it is wanted gone too, and for what leads to the workspace's things
/// in Docker: that is deleted with the last of them.
fn doomed(context: &Context, options: &Options) -> Result<Vec<PathBuf>> {
    let workspace = &context.workspace;
    let entries = fs::read_dir(workspace.base()).trying(|| format!("read `{}`", workspace.base().display()))?;
    let mut doomed: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    doomed.retain(|path| *path != workspace.in_docker());
    if !options.cache {
        doomed.retain(|path| *path != workspace.own_cache());
    }
    if workspace.in_docker().exists() || !options.cache && workspace.own_cache().exists() {
        doomed.retain(|path| *path != workspace.tag());
    }
    doomed.sort();
    Ok(doomed)
}

fn list(context: &Context, options: &Options) -> Result<()> {
    let mut text = String::new();
    for (component, process) in stop::running(&context.workspace)? {
        text.push_str(&format!("stop {} (pid {})\n", component.main_program(), process.pid));
    }
    for what in tidying::held(context).into_iter().chain(in_docker::left(context)?) {
        text.push_str(&format!("{what}\n"));
    }
    for path in doomed(context, options)? {
        text.push_str(&format!("delete {} ({})\n", path.display(), bytes(files::disk_use(&path))));
    }
    print(text)
}
