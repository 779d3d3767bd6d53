//! What several commands take away: daemons, containers, what containerd holds, programs and roots.

use super::in_docker;
use crate::client::Client;
use crate::client::buildctl::{self, Buildctl};
use crate::component::Component;
use crate::context::Context;
use crate::daemon::stop::{self, Stopped};
use crate::daemon::{self, roots, state};
use crate::error::{Context as _, Result};
use crate::files;
use crate::install;
use crate::os;
use crate::process::{self, Argv};
use crate::workspace::Workspace;
use std::fs;
use std::time::Duration;

/// How many names a client is given at once: Windows allows a command 32767 characters.
const NAMES_AT_ONCE: usize = 100;

/// How long containerd may take for an answer, also about so many names. One that hangs must not keep the roots from being
/// deleted.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes sure of the rights that it takes to stop what is up and, if anything is to be deleted, to delete what daemons wrote.
///
/// # Errors
/// When they are missing, and needed.
pub fn check_rights(context: &Context, deletes: bool) -> Result<()> {
    let workspace = &context.workspace;
    if state::are_daemons_recorded(workspace)? || deletes && workspace.root(Component::Containerd).exists() {
        os::check_rights()?;
    }
    Ok(())
}

/// Tells what was stopped, if anything was.
pub fn tell_stopped(context: &Context, stopped: &Stopped) {
    if stopped.left_control_groups {
        context.ui.warn(&format!("the control groups `{}` can't be deleted", context.workspace.cgroup_parent()));
    }
    for (component, pid) in &stopped.daemons {
        context.ui.step("Stopped", &format!("{} (pid {pid})", component.main_program()));
    }
    for process in &stopped.leftovers {
        context.ui.step("Stopped", &format!("what was left: {} (pid {})", process.executable.display(), process.pid));
    }
}

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
    for name in listed(context, &buildctl::list_containers(workspace)) {
        if end_container(context, &Buildctl::new(workspace, None), &name) {
            context.ui.step("Removed", &format!("container {name}"));
        }
    }
    for names in listed(context, &buildctl::list_images(workspace)).chunks(NAMES_AT_ONCE) {
        match process::succeed_within(&buildctl::delete_images(workspace, names), PATIENCE) {
            Ok(_) => names.iter().for_each(|name| context.ui.step("Removed", &format!("image {name}"))),
            Err(error) => context.ui.warn(&error.to_string()),
        }
    }
    for names in listed(context, &buildctl::list_leases(workspace)).chunks(NAMES_AT_ONCE) {
        if let Err(error) = process::succeed_within(&buildctl::delete_leases(workspace, names), PATIENCE) {
            context.ui.warn(&error.to_string());
        }
    }
    Ok(())
}

/// What [`empty`] would remove by name, for people, a line each.
pub fn held(context: &Context) -> Vec<String> {
    let workspace = &context.workspace;
    if daemon::answers(workspace, Component::Containerd).is_err() {
        return Vec::new();
    }
    let named = |what: &str, list: &Argv| -> Vec<String> {
        listed(context, list).iter().map(|name| format!("remove {what} {name}")).collect()
    };
    [named("container", &buildctl::list_containers(workspace)), named("image", &buildctl::list_images(workspace))]
        .concat()
}

/// The names that a client lists, a line each. One that can't list them is only told of: what comes next must happen anyway.
pub fn listed(context: &Context, list: &Argv) -> Vec<String> {
    match process::succeed_within(list, PATIENCE) {
        Ok(output) => output.stdout.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        Err(error) => {
            context.ui.warn(&error.to_string());
            Vec::new()
        }
    }
}

/// Ends a container, whatever of it there still is: all steps but the last fail when there is nothing left to do. Tells whether
/// it is gone.
pub fn end_container(context: &Context, client: &dyn Client, name: &str) -> bool {
    let steps = client.end(name);
    let Some((last, others)) = steps.split_last() else { return false };
    for argv in others {
        drop(process::capture_within(argv, PATIENCE));
    }
    match process::succeed_within(last, PATIENCE) {
        Ok(_) => true,
        Err(error) => {
            context.ui.warn(&error.to_string());
            false
        }
    }
}

/// Removes what builds have left in Docker, and the builder.
///
/// # Errors
/// When the builder can't be deleted. What Docker doesn't give back is warned of, and stays on record.
pub fn empty_docker(context: &Context) -> Result<()> {
    in_docker::remove(context)
}

/// Deletes everything but the cache, as the scripts that this harness grew from did on every run.
///
/// # Errors
/// When something can't be stopped or deleted.
pub fn wipe(context: &Context) -> Result<()> {
    let workspace = &context.workspace;
    in_docker::check(context)?;
    empty(context)?;
    tell_stopped(context, &stop::all(workspace)?);
    empty_docker(context)?;
    delete_programs_and_roots(workspace)?;
    let mut kept = vec![workspace.own_cache(), workspace.tag(), workspace.lock_file(), workspace.lock_holder()];
    kept.push(workspace.in_docker());
    if context.locked {
        // What is to be recreated is just what it says.
        kept.push(workspace.versions_lock());
    }
    let entries = fs::read_dir(workspace.base()).trying(|| format!("read `{}`", workspace.base().display()))?;
    for entry in entries.flatten().map(|entry| entry.path()).filter(|path| !kept.contains(path)) {
        files::delete(&entry)?;
    }
    context.ui.step("Deleted", "everything but the cache");
    Ok(())
}

/// Deletes what must never be found half-deleted, in the order that sees to that.
///
/// # Errors
/// When something can't be deleted.
pub fn delete_programs_and_roots(workspace: &Workspace) -> Result<()> {
    for component in Component::ALL {
        install::delete(workspace, component)?;
    }
    roots::delete(workspace)
}
