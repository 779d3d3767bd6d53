//! The control groups that containers had.

use super::process;
use crate::os::Process;
use std::fs;
use std::path::{Path, PathBuf};

/// Every process in a control group of that name, whoever its parent is by now.
pub fn processes_in_control_groups(parent: &str) -> Vec<Process> {
    let mut pids: Vec<u32> = control_groups(parent).iter().flat_map(|group| pids_in(group)).collect();
    pids.sort_unstable();
    pids.dedup();
    pids.into_iter().filter_map(process).collect()
}

fn pids_in(group: &Path) -> Vec<u32> {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    let own = text.lines().filter_map(|line| line.parse().ok());
    own.chain(child_groups(group).iter().flat_map(|child| pids_in(child))).collect()
}

/// Deletes the control groups that containers had, which nobody else does; tells whether none is left.
pub fn delete_control_groups(parent: &str) -> bool {
    control_groups(parent).iter().for_each(|group| delete_control_group(group));
    control_groups(parent).is_empty()
}

/// The control groups of a name at the top of every hierarchy: version 1 has many, version 2 one.
fn control_groups(parent: &str) -> Vec<PathBuf> {
    let top = PathBuf::from("/sys/fs/cgroup");
    let hierarchies = child_groups(&top).into_iter().chain([top]);
    hierarchies.map(|hierarchy| hierarchy.join(parent)).filter(|group| group.is_dir()).collect()
}

fn child_groups(group: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

/// Children first. One that still has a process can't be deleted, and is left for the next time.
fn delete_control_group(group: &Path) {
    child_groups(group).iter().for_each(|child| delete_control_group(child));
    drop(fs::remove_dir(group));
}
