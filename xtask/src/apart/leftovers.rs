//! What is there still when all has been stopped and deleted.

use crate::component::Component;
use crate::daemon::stop;
use crate::error::{Error, Result};
use crate::files;
use crate::os::{self, Process};
use crate::poll::{self, Look};
use crate::workspace::{Endpoint, Workspace};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the system may take to end a process that was killed.
const AFTER_KILL: Duration = Duration::from_secs(10);

/// The places that daemons write to when nobody tells them not to, and what is in them.
pub struct Outside(BTreeSet<PathBuf>);

impl Outside {
    /// What is there now.
    pub fn now() -> Self {
        let places = os::OUTSIDE.iter().map(PathBuf::from).filter(|place| place.exists());
        Self(places.flat_map(|place| entries(&place).into_iter().chain([place])).collect())
    }

    /// What has come since. It may be somebody else's, so it stays.
    pub fn added_since(&self) -> Vec<String> {
        let added = Self::now().0.into_iter().filter(|path| !self.0.contains(path));
        added.map(|path| format!("`{}`, outside of its folder: it stays", path.display())).collect()
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// What was left, as people read it.
#[derive(Debug, Default)]
pub struct Left {
    /// All of it, also what stays.
    pub told: Vec<String>,
    /// Why the first thing that stays could not be taken away.
    pub survived: Option<Error>,
}

impl Left {
    /// Takes note of something, and of what came of taking it away.
    pub fn note(&mut self, what: String, taken: Result<()>) {
        match taken {
            Ok(()) => self.told.push(what),
            Err(error) => {
                self.told.push(format!("{what}, which stays: {error}"));
                self.survived.get_or_insert(error);
            }
        }
    }
}

/// Takes away what a workspace has left, and tells what that was. What can't be taken away doesn't keep it from the rest.
pub fn take_away(workspace: &Workspace, mark: &str) -> Left {
    let base = workspace.base();
    let mut left = Left::default();
    let processes = processes(workspace, mark);
    processes.iter().for_each(os::kill);
    for process in &processes {
        left.note(format!("process `{}` (pid {})", process.executable.display(), process.pid), see_end(process));
    }
    if !stop::delete_control_groups(workspace) {
        left.told.push(format!("control groups `{}`, which stay", workspace.cgroup_parent()));
    }
    for point in os::mounts_in(base) {
        let unmounted = os::unmount(&point)
            .map_err(|error| Error::ground(format!("failed to unmount `{}`", point.display())).because(error));
        left.note(format!("mount `{}`", point.display()), unmounted);
    }
    if base.exists() {
        left.note(format!("folder `{}`", base.display()), files::delete(base));
    }
    if let Endpoint::Pipe(name) = workspace.endpoint(Component::Buildkit) {
        let common = name.trim_end_matches(Component::Buildkit.main_program());
        for pipe in os::pipes_of(common) {
            left.note(format!(r"pipe `\\.\pipe\{pipe}`"), Ok(()));
        }
    }
    left
}

/// All that runs from the workspace, in its containers, or was started for it.
fn processes(workspace: &Workspace, mark: &str) -> Vec<Process> {
    let mut found = os::processes_of(workspace.base());
    let others = os::processes_in_control_groups(&workspace.cgroup_parent())
        .into_iter()
        .chain(os::processes_with(mark, &workspace.base().to_string_lossy()));
    for other in others {
        if !found.contains(&other) && other.pid != std::process::id() {
            found.push(other);
        }
    }
    found
}

/// Waits until a process that was killed is gone.
fn see_end(killed: &Process) -> Result<()> {
    let look = || {
        let is_there = os::process(killed.pid).as_ref() == Some(killed);
        Ok(if is_there { Look::NotYet(String::new()) } else { Look::Ready(()) })
    };
    poll::until(AFTER_KILL, look, |_| {
        Error::ground(format!("failed to stop `{}`: it survives being killed", killed.executable.display()))
            .hint("it may hang in the kernel: reboot if need be")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_told_beside_what_went() {
        let mut left = Left::default();
        left.note("mount `a`".into(), Err(Error::ground("failed to unmount `a`")));
        left.note("folder `b`".into(), Ok(()));
        left.note("folder `c`".into(), Err(Error::ground("failed to delete `c`")));
        let told = [
            "mount `a`, which stays: failed to unmount `a`",
            "folder `b`",
            "folder `c`, which stays: failed to delete `c`",
        ];
        assert_eq!(left.told, told);
        assert_eq!(left.survived.unwrap().to_string(), "failed to unmount `a`");
    }
}
