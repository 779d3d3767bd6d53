//! What is there still when all has been stopped and deleted.

use crate::component::Component;
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

/// Takes away what a workspace has left, and tells what that was.
///
/// # Errors
/// When it can't be taken away.
pub fn take_away(workspace: &Workspace, mark: &str) -> Result<Vec<String>> {
    let base = workspace.base();
    let mut left = Vec::new();
    let processes = processes(workspace, mark);
    for process in &processes {
        left.push(format!("process `{}` (pid {})", process.executable.display(), process.pid));
    }
    end(&processes)?;
    for point in os::mounts_in(base) {
        left.push(format!("mount `{}`", point.display()));
        os::unmount(&point)
            .map_err(|error| Error::ground(format!("failed to unmount `{}`", point.display())).because(error))?;
    }
    if base.exists() {
        left.push(format!("folder `{}`", base.display()));
        files::delete(base)?;
    }
    if let Endpoint::Pipe(name) = workspace.endpoint(Component::Buildkit) {
        let common = name.trim_end_matches(Component::Buildkit.main_program());
        left.extend(os::pipes_of(common).into_iter().map(|pipe| format!(r"pipe `\\.\pipe\{pipe}`")));
    }
    Ok(left)
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

fn end(processes: &[Process]) -> Result<()> {
    processes.iter().for_each(os::kill);
    let survivor = || processes.iter().find(|process| os::process(process.pid).as_ref() == Some(process));
    let look =
        || Ok(survivor().map_or(Look::Ready(()), |process| Look::NotYet(process.executable.display().to_string())));
    poll::until(AFTER_KILL, look, |program| {
        Error::ground(format!("failed to stop `{program}`: it survives being killed"))
            .hint("it may hang in the kernel: reboot if need be")
    })
}
