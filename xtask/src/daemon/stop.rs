//! Stopping: buildkitd, then containerd, then whatever they left, each asked before it is killed.

use super::state;
use crate::component::Component;
use crate::error::{Error, Result};
use crate::os::{self, Process};
use crate::poll::{self, Look};
use crate::workspace::Workspace;
use std::time::Duration;

/// How long one that was asked may take: buildkitd waits for its builds to notice.
const GRACE: Duration = Duration::from_secs(10);

/// How long the system may take to end one that was killed.
const AFTER_KILL: Duration = Duration::from_secs(10);

/// What was stopped.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// The daemons, in the order in which they were stopped.
    pub daemons: Vec<(Component, u32)>,
    /// The programs of what they had left: shims, and what ran in containers.
    pub leftovers: Vec<Process>,
}

/// Stops all that runs in a workspace. Mounts need no undoing: they are the daemons' own and end with them.
///
/// # Errors
/// When a process survives even being killed.
pub fn all(workspace: &Workspace) -> Result<Stopped> {
    let mut stopped = Stopped::default();
    for component in [Component::Buildkit, Component::Containerd] {
        if let Some(process) = running(workspace, component)? {
            end(&process)?;
            stopped.daemons.push((component, process.pid));
        }
    }
    // The innermost first, so that nothing is left behind by its parent's end. Twice, for what was just starting.
    for _ in 0..2 {
        for process in os::processes_of(workspace.base()) {
            if process.pid != std::process::id() {
                end(&process)?;
                stopped.leftovers.push(process);
            }
        }
    }
    os::delete_control_groups(&workspace.cgroup_parent());
    state::forget(workspace)?;
    Ok(stopped)
}

/// A daemon's process: the recorded one, or one that a killed `up` had no time to record.
///
/// # Errors
/// When the state can't be read.
pub fn running(workspace: &Workspace, component: Component) -> Result<Option<Process>> {
    let recorded = state::read(workspace)?.and_then(|state| state.daemon(component).and_then(state::Daemon::process));
    if recorded.is_some() {
        return Ok(recorded);
    }
    let program = workspace.program(component, component.main_program());
    Ok(os::processes_of(&workspace.bin(component)).into_iter().find(|process| process.executable == program))
}

fn end(process: &Process) -> Result<()> {
    let gone = || {
        Ok(if os::process(process.pid).as_ref() == Some(process) {
            Look::NotYet(String::new())
        } else {
            Look::Ready(())
        })
    };
    os::ask_to_stop(process);
    let asked = poll::until(GRACE, gone, |_| Error::ground("it was asked in vain"));
    if asked.is_ok() {
        return Ok(());
    }
    os::kill(process);
    poll::until(AFTER_KILL, gone, |_| {
        Error::ground(format!(
            "failed to stop `{}` (pid {}): it survives being killed",
            process.executable.display(),
            process.pid
        ))
        .hint("it may hang in the kernel: see its state in `ps`, and reboot if need be")
    })
}
