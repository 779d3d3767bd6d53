//! Which processes there are, asking them to stop, and ending them.

use crate::os::{self, Process};
use crate::workspace::Endpoint;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashMap;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// A process by its id, if it is there and not a zombie.
pub fn process(pid: u32) -> Option<Process> {
    stat(pid).and_then(|stat| process_with(pid, &stat))
}

fn process_with(pid: u32, stat: &Stat) -> Option<Process> {
    let executable = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    (stat.state != 'Z').then_some(Process { pid, started: stat.started, executable: undeleted(executable) })
}

/// Whether a process has ended, with all that it held. What kills one takes its memory first and its files last: until the last of
/// its threads is gone, its sockets still take calls.
pub fn has_ended(process: &Process) -> bool {
    let Some(stat) = stat(process.pid).filter(|stat| stat.started == process.started) else { return true };
    let threads = || fs::read_dir(format!("/proc/{}/task", process.pid)).map_or(0, Iterator::count);
    stat.state == 'Z' && threads() <= 1
}

/// The kernel marks a program whose file was replaced since.
fn undeleted(executable: PathBuf) -> PathBuf {
    match executable.as_os_str().as_bytes().strip_suffix(b" (deleted)") {
        Some(path) => PathBuf::from(std::ffi::OsStr::from_bytes(path)),
        None => executable,
    }
}

struct Stat {
    state: char,
    parent: u32,
    started: u64,
}

/// The fields of `/proc/PID/stat` after the name, which may hold anything up to its last parenthesis.
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    // Fields 3, 4 and 22 of proc_pid_stat(5).
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

/// Every process that runs a program in a folder, and all that these have started: the innermost first.
pub fn processes_of(folder: &Path) -> Vec<Process> {
    os::families(&all(), |process| process.executable.starts_with(folder))
}

/// A process and all that it has started, as far as their parents are still there: the innermost first.
pub fn family(pid: u32) -> Vec<Process> {
    os::families(&all(), |process| process.pid == pid)
}

/// The processes that have a variable of a value in their environment: also those whose parents have ended.
pub fn processes_with(name: &str, value: &str) -> Vec<Process> {
    let wanted = format!("{name}={value}");
    let has_it = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    };
    pids().filter(has_it).filter_map(process).collect()
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// All processes that this one may look at, each with its parent's id.
fn all() -> HashMap<u32, (Process, u32)> {
    let mut all = HashMap::new();
    for pid in pids() {
        if let Some(stat) = stat(pid)
            && let Some(process) = process_with(pid, &stat)
        {
            all.insert(pid, (process, stat.parent));
        }
    }
    all
}

/// Asks a process to stop; tells whether it could be asked.
pub fn ask_to_stop(process: &Process) -> bool {
    signal(process, Signal::TERM)
}

/// Ends a process.
pub fn kill(process: &Process) {
    _ = signal(process, Signal::KILL);
}

fn signal(process: &Process, signal: Signal) -> bool {
    // One that has ended meanwhile, or whose pid is someone else's now, is left alone.
    self::process(process.pid).as_ref() == Some(process)
        && i32::try_from(process.pid).ok().and_then(Pid::from_raw).is_some_and(|pid| kill_process(pid, signal).is_ok())
}

/// The process that listens at an endpoint, if any does.
pub fn listener(endpoint: &Endpoint) -> Option<Process> {
    let Endpoint::Unix { path, .. } = endpoint else { return None };
    // Through the folder's descriptor: the path itself may be too long for a socket address.
    let folder = File::open(path.parent()?).ok()?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(path.file_name()?);
    let stream = UnixStream::connect(short).ok()?;
    let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
    let pid = u32::try_from(peer.pid.as_raw_nonzero().get()).ok()?;
    Some(process(pid).unwrap_or(Process { pid, started: 0, executable: PathBuf::from("unknown") }))
}
