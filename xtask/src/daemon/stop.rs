//! Stopping: buildkitd, then containerd, then whatever they left, each asked before it is killed.

use super::state;
use crate::component::Component;
use crate::error::{Error, Result};
use crate::os::{self, Process};
use crate::poll::{self, Look};
use crate::workspace::Workspace;
use std::time::Duration;

/// How long a daemon that was asked may take: buildkitd waits for its builds to notice.
const GRACE_OF_DAEMONS: Duration = Duration::from_secs(10);

/// How long the others may take. A shell that is a container's first process doesn't even hear that it is asked.
const GRACE_OF_LEFTOVERS: Duration = Duration::from_secs(2);

/// How long the system may take to end one that was killed.
const AFTER_KILL: Duration = Duration::from_secs(10);

/// What was stopped.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// The daemons, in the order in which they were stopped.
    pub daemons: Vec<(Component, u32)>,
    /// The programs of what they had left: shims, and what ran in containers.
    pub leftovers: Vec<Process>,
    /// Whether control groups could not be deleted (Linux).
    pub left_control_groups: bool,
}

/// Stops all that runs in a workspace. Mounts need no undoing: they are the daemons' own and end with them.
///
/// # Errors
/// When a process survives even being killed.
pub fn all(workspace: &Workspace) -> Result<Stopped> {
    let mut stopped = daemons(workspace, &[Component::Buildkit, Component::Containerd])?;
    // Again after some were ended, for what was just starting.
    loop {
        let mut left = os::processes_of(workspace.base());
        // A container whose shim was killed has another parent by now.
        left.extend(
            os::processes_in_control_groups(&workspace.cgroup_parent())
                .into_iter()
                .filter(|process| !left.contains(process))
                .collect::<Vec<_>>(),
        );
        left.retain(|process| process.pid != std::process::id());
        if left.is_empty() {
            break;
        }
        end_all(&left, GRACE_OF_LEFTOVERS)?;
        stopped.leftovers.extend(left);
    }
    stopped.left_control_groups = !delete_control_groups(workspace);
    state::forget(workspace)?;
    Ok(stopped)
}

/// Deletes the control groups that a workspace's containers had, all of which have ended; tells whether none is left.
pub fn delete_control_groups(workspace: &Workspace) -> bool {
    // The kernel takes a moment to notice that a group's last process is gone.
    let gone = || {
        Ok(if os::delete_control_groups(&workspace.cgroup_parent()) {
            Look::Ready(())
        } else {
            Look::NotYet(String::new())
        })
    };
    poll::until(GRACE_OF_LEFTOVERS, gone, |_| Error::ground("they stay")).is_ok()
}

/// Stops some of the daemons, in the order in which they are stopped.
///
/// # Errors
/// When one survives even being killed.
pub fn daemons(workspace: &Workspace, which: &[Component]) -> Result<Stopped> {
    let mut stopped = Stopped::default();
    for (component, process) in running(workspace)?.into_iter().filter(|(component, _)| which.contains(component)) {
        end_all(std::slice::from_ref(&process), GRACE_OF_DAEMONS)?;
        stopped.daemons.push((component, process.pid));
    }
    Ok(stopped)
}

/// The daemons that run, in the order in which they are stopped: the recorded ones, else those that a killed `up` had no
/// time to record.
///
/// # Errors
/// When the state can't be read.
pub fn running(workspace: &Workspace) -> Result<Vec<(Component, Process)>> {
    let state = state::read(workspace)?;
    let mut unrecorded = None;
    let processes = [Component::Buildkit, Component::Containerd].map(|component| {
        let recorded = state.as_ref().and_then(|state| state.daemon(component)).and_then(state::Daemon::process);
        let process = recorded.or_else(|| {
            let program = workspace.program(component, component.main_program());
            let all = unrecorded.get_or_insert_with(|| os::processes_of(workspace.base()));
            all.iter().find(|process| os::is_same_path(&process.executable, &program)).cloned()
        });
        process.map(|process| (component, process))
    });
    Ok(processes.into_iter().flatten().collect())
}

/// Asks processes to stop, and ends those that don't.
fn end_all(processes: &[Process], grace: Duration) -> Result<()> {
    let survivor = || processes.iter().find(|process| !os::has_ended(process));
    let all_gone = || Ok(if survivor().is_some() { Look::NotYet(String::new()) } else { Look::Ready(()) });
    let asked = processes.iter().filter(|process| os::ask_to_stop(process)).count();
    // Nobody waits for those that can't be asked, as on Windows a process without a console.
    let grace = if asked == 0 { Duration::ZERO } else { grace };
    if poll::until(grace, all_gone, |_| Error::ground("they were asked in vain")).is_ok() {
        return Ok(());
    }
    // The innermost come first, so that no parent's end lets go of a child before its turn.
    processes.iter().for_each(os::kill);
    poll::until(AFTER_KILL, all_gone, |_| {
        let (program, pid) =
            survivor().map_or((String::new(), 0), |process| (process.executable.display().to_string(), process.pid));
        Error::ground(format!("failed to stop `{program}` (pid {pid}): it survives being killed"))
            .hint("it may hang in the kernel: reboot if need be")
    })
}
