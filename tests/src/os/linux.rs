//! What a test has left behind: Linux's `/proc` tells.

use super::Leak;
use rustix::mount::{UnmountFlags, unmount as unmount_at};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use xtask::poll::{self, Look};

/// The processes that run from a folder, stand in it, were started with it, or live on a mount made in it.
pub(crate) fn processes_under(folder: &Path) -> Vec<Leak> {
    let own = std::process::id();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    let leak = |pid| Some(Leak { pid, what: tie(pid, folder)? });
    pids.filter(|pid| *pid != own).filter_map(leak).collect()
}

/// What ties a process to a folder, with its command line; nothing for one that is gone or a zombie.
fn tie(pid: u32, folder: &Path) -> Option<String> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let link = |name: &str| fs::read_link(process.join(name)).ok();
    // Empty while a process is just becoming another program, so that nothing may depend on it alone.
    let command = fs::read(process.join("cmdline")).unwrap_or_default();
    let mut arguments = command.split(|byte| *byte == 0);
    let how = if link("exe").is_some_and(|exe| exe.starts_with(folder)) {
        "it runs from there"
    } else if link("cwd").is_some_and(|cwd| cwd.starts_with(folder)) {
        "it stands there"
    } else if arguments.any(|argument| contains(argument, folder)) {
        "it was started with it"
    } else if has_its_root_in(&process, folder) {
        // A container: neither its executable nor its folder can be seen from here, but its root can.
        "its root is mounted from there"
    } else {
        return None;
    };
    let command = String::from_utf8_lossy(&command).trim_end_matches('\0').replace('\0', " ");
    Some(format!("`{command}` ({how})"))
}

fn contains(argument: &[u8], folder: &Path) -> bool {
    let folder = folder.as_os_str().as_bytes();
    argument.windows(folder.len()).any(|window| window == folder)
}

/// Whether what a process sees as `/` comes from a folder. Other mounts would not do: any process may see those.
fn has_its_root_in(process: &Path, folder: &Path) -> bool {
    mounts_in(process, folder).iter().any(|mount| mount == Path::new("/"))
}

/// The mount points of a process that have to do with a folder: they lie in it, or are made of it.
fn mounts_in(process: &Path, folder: &Path) -> Vec<PathBuf> {
    let table = fs::read(process.join("mountinfo")).unwrap_or_default();
    let lines =
        table.split(|byte| *byte == b'\n').filter(|line| contains(unescape(line).as_os_str().as_bytes(), folder));
    lines.filter_map(|line| line.split(|byte| *byte == b' ').nth(4)).map(unescape).collect()
}

/// A path as the mount table writes it: blanks and the like as three octal digits.
fn unescape(text: &[u8]) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let octal = (*first == b'\\').then(|| tail.get(..3)).flatten();
        let octal = octal.and_then(|octal| u8::from_str_radix(std::str::from_utf8(octal).ok()?, 8).ok());
        bytes.push(octal.unwrap_or(*first));
        rest = if octal.is_some() { &tail[3..] } else { tail };
    }
    PathBuf::from(OsStr::from_bytes(&bytes))
}

/// The mount points under a folder, in the order of mounting.
pub(crate) fn mounts_under(folder: &Path) -> Vec<PathBuf> {
    let mounts = mounts_in(Path::new("/proc/self"), folder);
    mounts.into_iter().filter(|mount| mount.starts_with(folder)).collect()
}

/// Takes a mount away, whoever uses it.
pub(crate) fn unmount(mount: &Path) {
    // The folder's removal, which follows, says what is wrong where this did not work.
    let _ = unmount_at(mount, UnmountFlags::DETACH);
}

/// Kills a process and waits until it is gone.
pub(crate) fn end(leak: &Leak, folder: &Path) {
    let Some(pid) = Pid::from_raw(leak.pid.cast_signed()) else { return };
    let _ = kill_process(pid, Signal::KILL);
    // Not a child of this process, so there is nothing to wait for but its entry in /proc.
    let look = || Ok(if tie(leak.pid, folder).is_none() { Look::Ready(()) } else { Look::NotYet(String::new()) });
    // One that outlives this shows when the test's folder can't be removed.
    let _ = poll::until(Duration::from_secs(5), look, |_| xtask::error::Error::ground("it stays"));
}
