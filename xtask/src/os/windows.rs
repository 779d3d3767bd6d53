//! Windows' ways. This compiles and is linted; running it for real, under Wine and on Windows, is yet to come.

use super::{Process, Seclusion};
use crate::error::{Context, Result};
use crate::process::Argv;
use crate::workspace::Endpoint;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use windows_sys::Win32::Foundation::{CloseHandle, FILETIME, HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::Threading::{
    CREATE_BREAKAWAY_FROM_JOB, CREATE_NEW_PROCESS_GROUP, DETACHED_PROCESS, GetProcessTimes, OpenProcess,
    PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_TERMINATE, QueryFullProcessImageNameW, TerminateProcess,
};

/// A handle that is closed when it goes.
struct Owned(HANDLE);

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the handle is owned, and closed once.
        unsafe { CloseHandle(self.0) };
    }
}

fn open(pid: u32, access: u32) -> Option<Owned> {
    // SAFETY: a plain call; a null handle is told apart below.
    let handle = unsafe { OpenProcess(access, 0, pid) };
    (!handle.is_null()).then_some(Owned(handle))
}

/// What is mostly to blame when a daemon can't even be started.
pub const WHY_NOT_STARTED: &str = "see whether an antivirus program has taken its .exe away";

/// Whether the rights that daemons need are there: not looked at yet on Windows.
///
/// # Errors
/// None so far.
pub fn check_rights() -> Result<()> {
    Ok(())
}

/// Whether a workspace can lie at a path.
///
/// # Errors
/// None so far.
pub fn check_base(_base: &Path) -> Result<()> {
    Ok(())
}

/// Starts a program that outlives this one and cargo's job, its output going to a log.
///
/// # Errors
/// The system's own.
pub fn start_detached(argv: &Argv, log: File, _seclusion: &Seclusion) -> io::Result<Child> {
    let mut command = argv.command();
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let flags = DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP;
    // A job may forbid breaking away; cargo's lets its processes go when it exits normally.
    command.creation_flags(flags | CREATE_BREAKAWAY_FROM_JOB).spawn().or_else(|_| command.creation_flags(flags).spawn())
}

/// A process by its id, if it is there.
pub fn process(pid: u32) -> Option<Process> {
    let handle = open(pid, PROCESS_QUERY_LIMITED_INFORMATION)?;
    let zero = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
    let (mut created, mut exited, mut kernel, mut user) = (zero, zero, zero, zero);
    // SAFETY: the handle is open and the four structures are there to be written.
    let known = unsafe { GetProcessTimes(handle.0, &mut created, &mut exited, &mut kernel, &mut user) } != 0;
    let mut name = vec![0u16; 32 * 1024];
    let mut length = u32::try_from(name.len()).unwrap_or(u32::MAX);
    // SAFETY: the buffer has the length that is passed.
    let named = unsafe { QueryFullProcessImageNameW(handle.0, 0, name.as_mut_ptr(), &mut length) } != 0;
    let has_exited = exited.dwLowDateTime != 0 || exited.dwHighDateTime != 0;
    (known && named && !has_exited).then(|| Process {
        pid,
        started: u64::from(created.dwHighDateTime) << 32 | u64::from(created.dwLowDateTime),
        executable: PathBuf::from(std::ffi::OsString::from_wide(&name[..length as usize])),
    })
}

/// Every process that runs a program in a folder.
pub fn processes_of(folder: &Path) -> Vec<Process> {
    // SAFETY: a plain call; the invalid handle is told apart.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) };
    if snapshot == INVALID_HANDLE_VALUE {
        return Vec::new();
    }
    let snapshot = Owned(snapshot);
    // SAFETY: all-zero is a valid value of this plain structure.
    let mut entry: PROCESSENTRY32W = unsafe { std::mem::zeroed() };
    entry.dwSize = u32::try_from(size_of::<PROCESSENTRY32W>()).unwrap_or_default();
    let mut found = Vec::new();
    // SAFETY: the snapshot is open, and the structure has its size set.
    let mut more = unsafe { Process32FirstW(snapshot.0, &mut entry) } != 0;
    while more {
        found.extend(process(entry.th32ProcessID).filter(|process| process.executable.starts_with(folder)));
        // SAFETY: as above.
        more = unsafe { Process32NextW(snapshot.0, &mut entry) } != 0;
    }
    found
}

/// Asks a process to stop: a detached one has no console to be asked through, so nothing is done.
pub fn ask_to_stop(_process: &Process) {}

/// Ends a process.
pub fn kill(process: &Process) {
    if self::process(process.pid).as_ref() == Some(process)
        && let Some(handle) = open(process.pid, PROCESS_TERMINATE)
    {
        // SAFETY: the handle is open for this.
        unsafe { TerminateProcess(handle.0, 1) };
    }
}

/// The process that listens at an endpoint: not looked at yet on Windows, where a taken pipe can't be taken again.
pub fn listener(_endpoint: &Endpoint) -> Option<Process> {
    None
}

/// There are no control groups on Windows.
pub fn delete_control_groups(_parent: &str) {}

/// Lets a file be run: on Windows its name does.
///
/// # Errors
/// Never.
pub fn make_executable(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Windows files have no mode.
pub fn set_mode(_options: &mut OpenOptions, _executable: bool) {}

/// There is no mode for the tests to look at.
#[cfg(test)]
pub(crate) fn mode(_path: &Path) -> io::Result<Option<u32>> {
    Ok(None)
}

/// Symbolic links need a privilege on Windows, and no archive for it has any: a copy of the file does.
///
/// # Errors
/// The system's own.
pub fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::copy(path.with_file_name("").join(target), path).map(drop)
}

/// Creates a folder; who may use a pipe is the daemon's to say.
///
/// # Errors
/// When it can't be created.
pub fn create_private_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).trying(|| format!("create `{}`", path.display()))
}
