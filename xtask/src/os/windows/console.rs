//! Asking a process to stop: Windows has no signals, only what a console tells the processes that share it.
//!
//! Each daemon has a hidden console of its own (see `starting`), and Ctrl-C there reaches it and its shims. To press that, a
//! process must give up its own console; and attaching to another, Windows forgets every Ctrl-C handler of the process
//! (<https://learn.microsoft.com/windows/console/console-control-handlers>). So this program is run once more for the
//! errand, and its own console stays as it is.
//!
//! What they answer, seen under Wine only: Go makes an interrupt of Ctrl-C and of Ctrl-Break. containerd stops its server and ends
//! with 0. buildkitd (2023's and newer) tells its builds to stop, and ends with 1 when they have. Ctrl-Break, which could be
//! sent to a single process group, is nothing that Wine hands on.

use super::processes;
use crate::os::Process;
use std::ffi::OsStr;
use std::os::windows::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use windows_sys::Win32::System::Console::{
    AttachConsole, CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent, GetConsoleProcessList, SetConsoleCtrlHandler,
};
use windows_sys::Win32::System::Threading::DETACHED_PROCESS;

/// The first argument of this program on the errand; the process to ask is the second.
const ERRAND: &str = "--interrupt-console-process";

/// Whether this program begins with [`errand`]: a test's program doesn't, and is not to be run for one.
static DOES_ERRANDS: AtomicBool = AtomicBool::new(false);

/// What this program was started for, where that is an errand: the very first thing that it looks at.
pub fn errand() -> Option<ExitCode> {
    DOES_ERRANDS.store(true, Ordering::Relaxed);
    let mut args = std::env::args_os().skip(1);
    if args.next().as_deref() != Some(OsStr::new(ERRAND)) {
        return None;
    }
    let pid = args.next().and_then(|pid| pid.to_str()?.parse().ok());
    Some(if pid.is_some_and(interrupt) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Presses Ctrl-Break in the console of a process, for the group that it leads, if all that share it are programs of the same folder: in a terminal where
/// a person uses one of them, their shell and all else would be told too. This process has no console so far.
fn interrupt(pid: u32) -> bool {
    // SAFETY: a plain call; a process that has no console, or is gone, gives an error.
    if unsafe { AttachConsole(pid) } == 0 {
        return false;
    }
    let mut pids = [0; 64];
    // SAFETY: the buffer has the length that is passed.
    let count = unsafe { GetConsoleProcessList(pids.as_mut_ptr(), pids.len() as u32) } as usize;
    let folder = |pid: u32| Some(processes::process(pid)?.executable.parent()?.to_owned());
    let Some(ours) = folder(pid) else { return false };
    let mut others = pids.iter().take(count).filter(|pid| **pid != std::process::id());
    if count > pids.len() || !others.all(|pid| folder(*pid).as_ref() == Some(&ours)) {
        return false;
    }
    // SAFETY: plain calls. The first makes this process deaf to what the second sends.
    unsafe { SetConsoleCtrlHandler(None, 1) != 0 && GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, pid) != 0 }
}

/// Asks a process to stop; tells whether it could be asked.
pub fn ask_to_stop(process: &Process) -> bool {
    // One that has ended meanwhile, or whose pid is someone else's now, is left alone.
    if !DOES_ERRANDS.load(Ordering::Relaxed) || processes::process(process.pid).as_ref() != Some(process) {
        return false;
    }
    let Ok(this_program) = std::env::current_exe() else { return false };
    let mut command = Command::new(this_program);
    command.arg(ERRAND).arg(process.pid.to_string()).creation_flags(DETACHED_PROCESS);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
