//! Which processes there are.

use super::{Owned, open_process};
use crate::os::{self, Process};
use crate::windows_path;
use crate::workspace::Endpoint;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use windows_sys::Win32::Foundation::{
    ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND, FILETIME, GetLastError, INVALID_HANDLE_VALUE, WAIT_TIMEOUT,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_READ_ATTRIBUTES, OPEN_EXISTING, SECURITY_IDENTIFICATION, SECURITY_SQOS_PRESENT,
};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::Pipes::GetNamedPipeServerProcessId;
use windows_sys::Win32::System::Threading::{
    GetProcessTimes, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE, PROCESS_TERMINATE,
    QueryFullProcessImageNameW, TerminateProcess, WaitForSingleObject,
};

/// Whether a process has ended. Windows says so when it has closed all that the process held.
pub fn has_ended(process: &Process) -> bool {
    self::process(process.pid).as_ref() != Some(process)
}

/// A process by its id, if it is there.
pub fn process(pid: u32) -> Option<Process> {
    // Some processes may be looked at and not be waited for.
    let waitable = open_process(pid, PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE);
    // SAFETY: the handle is open for this, and nothing is waited for.
    let is_alive = waitable.as_ref().map(|handle| unsafe { WaitForSingleObject(handle.0, 0) } == WAIT_TIMEOUT);
    let handle = waitable.or_else(|| open_process(pid, PROCESS_QUERY_LIMITED_INFORMATION))?;
    let zero = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
    let (mut created, mut exited, mut kernel, mut user) = (zero, zero, zero, zero);
    // SAFETY: the handle is open and the four structures are there to be written.
    let known = unsafe { GetProcessTimes(handle.0, &mut created, &mut exited, &mut kernel, &mut user) } != 0;
    let mut name = vec![0u16; 32 * 1024];
    let mut length = u32::try_from(name.len()).unwrap_or(u32::MAX);
    // SAFETY: the buffer has the length that is passed.
    let named = unsafe { QueryFullProcessImageNameW(handle.0, 0, name.as_mut_ptr(), &mut length) } != 0;
    // When a live process exited is undefined by the documents of `GetProcessTimes`; under Wine it is zero.
    let is_alive = is_alive.unwrap_or(exited.dwLowDateTime == 0 && exited.dwHighDateTime == 0);
    (known && named && is_alive).then(|| Process {
        pid,
        started: u64::from(created.dwHighDateTime) << 32 | u64::from(created.dwLowDateTime),
        executable: PathBuf::from(OsString::from_wide(&name[..length as usize])),
    })
}

/// Every process that runs a program in a folder, and all that these have started: the innermost first.
pub fn processes_of(folder: &Path) -> Vec<Process> {
    // The system names a program by the path it was started with, or by the one that all links on it lead to.
    let folders = [Some(comparable(folder)), resolved(folder)];
    let is_in = |name: &Path| folders.iter().flatten().any(|folder| name.starts_with(folder));
    os::families(&all(), |process| {
        let program = &process.executable;
        is_in(&comparable(program))
            // A short name, as the system makes them, has a tilde.
            || program.to_string_lossy().contains('~') && resolved(program).is_some_and(|name| is_in(&name))
    })
}

/// A process and all that it has started, as far as their parents are still there: the innermost first.
pub fn family(pid: u32) -> Vec<Process> {
    os::families(&all(), |process| process.pid == pid)
}

/// The processes that have a variable of a value in their environment: another's can't be read here.
pub fn processes_with(_name: &str, _value: &str) -> Vec<Process> {
    Vec::new()
}

/// Whether two paths are of the same file: by their text, or by what they lead to without links and short names.
pub fn is_same_path(one: &Path, other: &Path) -> bool {
    comparable(one) == comparable(other) || resolved(one).is_some_and(|one| resolved(other) == Some(one))
}

fn comparable(path: &Path) -> PathBuf {
    windows_path::comparable(&path.to_string_lossy()).into()
}

/// A path without links and short names.
fn resolved(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().map(|path| comparable(&path))
}

/// All processes that this one may look at, each with its parent's id. Those that draw a console go with its last user.
fn all() -> HashMap<u32, (Process, u32)> {
    let mut all = HashMap::new();
    // SAFETY: a plain call; the invalid handle is told apart.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) };
    if snapshot == INVALID_HANDLE_VALUE {
        return all;
    }
    let snapshot = Owned(snapshot);
    // SAFETY: all-zero is a valid value of this plain structure.
    let mut entry: PROCESSENTRY32W = unsafe { std::mem::zeroed() };
    entry.dwSize = u32::try_from(size_of::<PROCESSENTRY32W>()).unwrap_or_default();
    // SAFETY: the snapshot is open, and the structure has its size set.
    let mut more = unsafe { Process32FirstW(snapshot.0, &mut entry) } != 0;
    while more {
        if let Some(process) = process(entry.th32ProcessID)
            && process.executable.file_name().is_none_or(|name| !name.eq_ignore_ascii_case("conhost.exe"))
        {
            all.insert(process.pid, (process, entry.th32ParentProcessID));
        }
        // SAFETY: as above.
        more = unsafe { Process32NextW(snapshot.0, &mut entry) } != 0;
    }
    all
}

/// Ends a process.
pub fn kill(process: &Process) {
    // With the handle open, the pid stays this process's.
    if let Some(handle) = open_process(process.pid, PROCESS_TERMINATE)
        && self::process(process.pid).as_ref() == Some(process)
    {
        // SAFETY: the handle is open for this.
        unsafe { TerminateProcess(handle.0, 1) };
    }
}

/// The process that listens at an endpoint, if any does. To it this is a client that goes without a word.
pub fn listener(endpoint: &Endpoint) -> Option<Process> {
    let name: Vec<u16> = OsStr::new(&endpoint.shown()).encode_wide().chain([0]).collect();
    // Whoever it is may know who asks, but do nothing in their name.
    let flags = SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION;
    // SAFETY: the name ends with a zero, and the handle is told apart below.
    let pipe = unsafe { CreateFileW(name.as_ptr(), FILE_READ_ATTRIBUTES, 0, null(), OPEN_EXISTING, flags, null_mut()) };
    let mut pid = 0;
    if pipe == INVALID_HANDLE_VALUE {
        // SAFETY: a plain call.
        if matches!(unsafe { GetLastError() }, ERROR_FILE_NOT_FOUND | ERROR_PATH_NOT_FOUND) {
            return None;
        }
        // There is one: it is busy, or lets nobody in.
    } else {
        let pipe = Owned(pipe);
        // SAFETY: the pipe is open, and the number is there to be written; where it can't be told it stays zero.
        unsafe { GetNamedPipeServerProcessId(pipe.0, &mut pid) };
    }
    Some(process(pid).unwrap_or(Process { pid, started: 0, executable: PathBuf::from("unknown") }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::poll::{self, Look};
    use std::process::{Command, Stdio};
    use std::time::Duration;

    #[test]
    fn a_process_is_there_until_it_ends() {
        let mut child =
            Command::new("cmd").args(["/c", "pause"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        assert_eq!(process(child.id()).unwrap().pid, child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        // The handle that `child` still has keeps its pid from being used again.
        assert_eq!(process(child.id()), None);
    }

    #[test]
    fn a_family_is_a_process_and_what_it_started() {
        let mut outer =
            Command::new("cmd").args(["/c", "cmd"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let look = || match family(outer.id()) {
            found if found.len() == 2 => Ok(Look::Ready(found)),
            found => Ok(Look::NotYet(format!("{found:?}"))),
        };
        let found = poll::until(Duration::from_secs(60), look, Error::ground).unwrap();
        assert_eq!(found[1].pid, outer.id(), "the innermost is first: {found:?}");
        outer.kill().unwrap();
        outer.wait().unwrap();
        kill(&found[0]);
        let look = || Ok(process(found[0].pid).map_or(Look::Ready(()), |it| Look::NotYet(format!("{it:?}"))));
        poll::until(Duration::from_secs(60), look, Error::ground).unwrap();
    }

    #[test]
    fn a_short_name_is_the_same_file() {
        let temp = tempfile::tempdir().unwrap();
        let long = temp.path().join("a long name.exe");
        std::fs::write(&long, "").unwrap();
        assert!(is_same_path(&long, &temp.path().join("A LONG NAME.EXE")));
        assert!(!is_same_path(&long, &temp.path().join("another.exe")));
        // Disks may be without short names; Wine makes them up.
        if let Some(short) = short(&long) {
            assert!(is_same_path(&short, &long));
        }
    }

    fn short(path: &Path) -> Option<PathBuf> {
        let path: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
        let mut short = [0; 1024];
        // SAFETY: the path ends with NUL, and the buffer has the length that is passed.
        let length = unsafe {
            windows_sys::Win32::Storage::FileSystem::GetShortPathNameW(path.as_ptr(), short.as_mut_ptr(), 1024)
        };
        let short = PathBuf::from(OsString::from_wide(&short[..length as usize]));
        short.to_string_lossy().contains('~').then_some(short)
    }
}
