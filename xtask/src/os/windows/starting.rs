//! Starting a daemon.

use crate::os::Seclusion;
use crate::process::Argv;
use std::fs::File;
use std::io;
use std::os::windows::process::CommandExt;
use std::process::{Child, Stdio};
use windows_sys::Win32::Foundation::{HANDLE, HANDLE_FLAG_INHERIT, SetHandleInformation};
use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;
use windows_sys::Win32::System::Threading::{CREATE_BREAKAWAY_FROM_JOB, CREATE_NO_WINDOW};

/// Starts a program that outlives this one, cargo's job and the terminal, its output going to a log.
///
/// It gets a console of its own, without a window: that isn't closed with the terminal, and hears no Ctrl-C and no Ctrl-Break
/// that isn't meant for it. `CREATE_NEW_PROCESS_GROUP` would add nothing to this but a deafness to every Ctrl-C, and that is how
/// it is asked to stop (see `stopping.rs`).
///
/// # Errors
/// The system's own.
pub fn start_detached(argv: &Argv, log: File, _seclusion: &Seclusion) -> io::Result<Child> {
    keep_from_children();
    // A program that ignores Ctrl-C, as those do that a shell runs in the background, hands that down to what it starts.
    // SAFETY: a plain call.
    unsafe { SetConsoleCtrlHandler(None, 0) };
    let mut command = argv.command();
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // A job may forbid breaking away; cargo's lets its processes go when it exits normally.
    command
        .creation_flags(CREATE_NO_WINDOW | CREATE_BREAKAWAY_FROM_JOB)
        .spawn()
        .or_else(|_| command.creation_flags(CREATE_NO_WINDOW).spawn())
}

/// Handles above this one are none that a program starts with.
const HIGHEST_HANDLE: usize = 0x4000;

/// Pipes that cargo, a CI runner or a shell left open must not be held open by a daemon.
///
/// The standard library lets a child inherit every handle that can be inherited, this program's own output among them,
/// which may be a pipe whose reader waits for its end. It gives a child copies of those that are meant for it, so that
/// this changes nothing for programs started later.
fn keep_from_children() {
    // Handles are multiples of four. (Wine counts none with `GetProcessHandleCount`, so that can't end this.)
    for number in (4..HIGHEST_HANDLE).step_by(4) {
        // SAFETY: the handle is only marked; a number that is none gives an error, which is fine.
        unsafe { SetHandleInformation(number as HANDLE, HANDLE_FLAG_INHERIT, 0) };
    }
}
