//! What differs between operating systems: processes, rights, and who is behind an endpoint.
//!
//! `unix.rs` and `windows.rs` offer the same functions, but for what tests ask of Windows only; nothing else asks which system
//! this is.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A process that is there now. Pids are used again: only all three together tell that it is the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// When it started, in a unit of the system's own; good for comparing only.
    pub started: u64,
    /// The program it runs.
    pub executable: PathBuf,
}

/// What a daemon that starts must find, or be kept from.
#[derive(Debug, Clone, Default)]
pub struct Seclusion {
    /// Where its writes to `/run` go (Linux). containerd's shims have their sockets at a fixed place there.
    pub private_run: PathBuf,
    /// A folder that it must also see under a shorter name (Linux).
    pub alias: Option<(PathBuf, &'static Path)>,
    /// The process whose view of the file system it shares, instead of getting one of its own (Linux).
    pub shared_with: Option<u32>,
}

/// Of all processes, each with its parent's id: those that count, and all that these have started. The innermost first.
fn families(all: &HashMap<u32, (Process, u32)>, counts: impl Fn(&Process) -> bool) -> Vec<Process> {
    let depth_below = |process: &Process| {
        let mut depth = None;
        let mut at = process.pid;
        for steps in 0..all.len() {
            let Some((process, parent)) = all.get(&at) else { break };
            if counts(process) {
                depth = Some(steps);
            }
            // A parent that is younger than its child only got the pid of the real one, which has ended.
            if all.get(parent).is_none_or(|(parent, _)| parent.started > process.started) {
                break;
            }
            at = *parent;
        }
        depth
    };
    let mut found: Vec<_> =
        all.values().filter_map(|(process, _)| Some((depth_below(process)?, process.clone()))).collect();
    found.sort_by_key(|(depth, process)| (std::cmp::Reverse(*depth), process.pid));
    found.into_iter().map(|(_, process)| process).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(processes: &[(u32, u32, u64, &str)]) -> HashMap<u32, (Process, u32)> {
        let process = |(pid, parent, started, program): &(u32, u32, u64, &str)| {
            (*pid, (Process { pid: *pid, started: *started, executable: program.into() }, *parent))
        };
        processes.iter().map(process).collect()
    }

    fn pids(processes: &[(u32, u32, u64, &str)]) -> Vec<u32> {
        let found = families(&all(processes), |process| process.executable.starts_with("/w"));
        found.iter().map(|process| process.pid).collect()
    }

    #[test]
    fn what_a_program_of_the_folder_started_comes_before_it() {
        assert_eq!(
            pids(&[(1, 0, 0, "/init"), (5, 1, 10, "/w/containerd"), (9, 5, 20, "/bin/sh"), (8, 9, 30, "/bin/cat")]),
            [8, 9, 5]
        );
    }

    #[test]
    fn who_got_the_pid_of_a_dead_parent_is_none() {
        assert_eq!(pids(&[(5, 1, 10, "/w/containerd"), (9, 5, 9, "/bin/sh")]), [5]);
    }

    #[test]
    fn a_circle_of_parents_has_an_end() {
        assert_eq!(pids(&[(5, 9, 10, "/w/containerd"), (9, 5, 10, "/bin/sh")]), [9, 5]);
    }
}
