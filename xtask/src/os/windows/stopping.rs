//! Asking a process to stop.
//!
//! Windows has no signals, only what a console tells the programs on it. containerd and buildkitd listen for `os.Interrupt`
//! and nothing else, which is what Go makes of Ctrl-C and Ctrl-Break (<https://pkg.go.dev/os/signal#hdr-Windows>):
//! - containerd stops its server and exits with 0
//!   (<https://github.com/containerd/containerd/blob/v2.4.2/cmd/containerd/command/main_windows.go>; the event
//!   `Global\stackdump-PID` that it waits for as well only makes it log its stacks);
//! - buildkitd cancels its builds, answers the calls that are under way, and exits with 1
//!   (<https://github.com/moby/buildkit/blob/v0.34.2/util/appcontext/appcontext.go>);
//! - containerd-shim-runhcs-v1 listens for nothing, so it ends, and its container with it.
//!
//! Every daemon has a console of its own (see [`super::start_detached`]), and that is sent Ctrl-C. Ctrl-Break would reach a
//! process group alone; but Wine 10 ends the first thread of whoever gets it, so that nothing of it could be tried there.
//!
//! Group 0 means all who share the sender's console
//! (<https://learn.microsoft.com/windows/console/generateconsolectrlevent>). Wine 10 takes it for those of the sender's own
//! group among them. So under Wine a daemon only hears what is sent by a relative of who started it: two programs of one
//! `cmd.exe`, or of one test run. Others wait for it in vain, and then end it.

use super::{process, processes_of};
use crate::error::Error;
use crate::os::Process;
use crate::poll::{self, Look};
use crate::process::Argv;
use std::ffi::OsString;
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;
use windows_sys::Win32::System::Console::{
    AttachConsole, CTRL_C_EVENT, GenerateConsoleCtrlEvent, GetConsoleProcessList, SetConsoleCtrlHandler,
};
use windows_sys::Win32::System::Threading::DETACHED_PROCESS;

/// What a copy of this program is told that is to ask another one to stop.
const ERRAND: &str = "--ask-to-stop";

/// It takes some milliseconds, unless a console hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many programs a console may have that is still looked through: two for every container, and containerd.
const MOST_ON_A_CONSOLE: usize = 1024;

/// Asks a process to stop; tells whether it could be asked. One without a console can't be, nor one that shares the console
/// of other programs, such as a terminal's: they would all be interrupted.
pub fn ask_to_stop(process: &Process) -> bool {
    std::env::current_exe().is_ok_and(|program| ask_to_stop_by(&program, process))
}

/// The same by way of a given copy of this program: the tests' own has no [`errand`] to run.
///
/// It takes a copy, because a process is on one console only: this one would have to leave its own, with all that it prints.
pub fn ask_to_stop_by(program: &Path, process: &Process) -> bool {
    send(&Argv::new(program).arg(ERRAND).args([process.pid.to_string(), process.started.to_string()]))
}

/// Runs the copy to its end. It is on no console, so that it can go on another's.
fn send(errand: &Argv) -> bool {
    let mut command = errand.command();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).creation_flags(DETACHED_PROCESS);
    let Ok(mut child) = command.spawn() else { return false };
    let ended = poll::until(
        PATIENCE,
        || Ok(child.try_wait().ok().flatten().map_or_else(|| Look::NotYet(String::new()), Look::Ready)),
        |_| Error::ground("the console hangs"),
    );
    if ended.is_err() {
        drop(child.kill());
    }
    ended.is_ok_and(|status| status.success())
}

/// Does what [`ask_to_stop`] has started this copy for; `None` in any other.
pub fn errand() -> Option<ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [errand, pid, started] = arguments.as_slice() else { return None };
    if errand != ERRAND {
        return None;
    }
    let (pid, started) = (pid.to_str()?.parse().ok()?, started.to_str()?.parse().ok()?);
    Some(if interrupt(pid, started) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Goes on the console of a process and types Ctrl-C there; tells whether it did. This process must be on none.
fn interrupt(pid: u32, started: u64) -> bool {
    let Some(target) = process(pid).filter(|process| process.started == started) else { return false };
    // SAFETY: plain calls. The second keeps this process from being interrupted too.
    let is_on = unsafe { AttachConsole(pid) != 0 && SetConsoleCtrlHandler(None, 1) != 0 };
    // SAFETY: a plain call. No other group than 0 hears Ctrl-C.
    is_on && is_console_of(&target) && unsafe { GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0) } != 0
}

/// Whether all on this process's console, but itself, are programs of a process's folder, or were started by such.
fn is_console_of(target: &Process) -> bool {
    let mut pids = vec![0; MOST_ON_A_CONSOLE];
    // SAFETY: the buffer has the length that is passed.
    let count = unsafe { GetConsoleProcessList(pids.as_mut_ptr(), MOST_ON_A_CONSOLE as u32) } as usize;
    // None when it can't be told, and more than asked for when there are more.
    let Some(pids) = pids.get(..count).filter(|pids| !pids.is_empty()) else { return false };
    let ours = target.executable.parent().map(processes_of).unwrap_or_default();
    pids.iter().all(|pid| *pid == std::process::id() || ours.iter().any(|process| process.pid == *pid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::{Seclusion, kill, start_detached};
    use std::fs::{self, File};
    use std::path::PathBuf;
    use std::process::{Child, Command, ExitStatus};
    use windows_sys::Win32::System::Threading::CREATE_NO_WINDOW;

    const FOLDER: &str = "XTASK_TEST_FOLDER";
    const ASKED: &str = "XTASK_TEST_ASKED";

    /// A test of this module, as it is typed.
    fn path(test: &str) -> String {
        format!("{}::{test}", module_path!().split_once("::").unwrap().1)
    }

    /// This program, to run one test.
    fn itself(test: &str) -> Argv {
        Argv::new(std::env::current_exe().unwrap()).args(["--exact", "--ignored", &path(test)])
    }

    /// It answers to Ctrl-C as the daemons do.
    #[test]
    #[ignore = "it is the program that the other tests stop"]
    fn stopped() {
        let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
        let (heard, hear) = std::sync::mpsc::channel();
        ctrlc::set_handler(move || heard.send(()).unwrap()).unwrap();
        fs::write(folder.join("ready"), std::process::id().to_string()).unwrap();
        hear.recv_timeout(Duration::from_secs(60)).unwrap();
        fs::write(folder.join("heard"), "").unwrap();
    }

    #[test]
    #[ignore = "it is the copy that the other tests ask by"]
    fn asking() {
        let asked = std::env::var(ASKED).unwrap();
        let (pid, started) = asked.split_once(' ').unwrap();
        assert!(interrupt(pid.parse().unwrap(), started.parse().unwrap()));
    }

    fn ask(process: &Process) -> bool {
        send(&itself("asking").env(ASKED, format!("{} {}", process.pid, process.started)))
    }

    fn soon<T>(mut look: impl FnMut() -> Option<T>) -> T {
        let look = || Ok(look().map_or_else(|| Look::NotYet(String::new()), Look::Ready));
        poll::until(Duration::from_secs(60), look, |_| Error::ground("too late")).unwrap()
    }

    fn ready(folder: &Path) -> Process {
        let pid = soon(|| fs::read_to_string(folder.join("ready")).ok()?.parse().ok());
        process(pid).unwrap()
    }

    fn end(mut child: Child) -> ExitStatus {
        soon(|| child.try_wait().unwrap())
    }

    fn start(folder: &Path) -> Child {
        let log = File::create(folder.join("log")).unwrap();
        start_detached(&itself("stopped").env(FOLDER, folder), log, &Seclusion::default()).unwrap()
    }

    #[test]
    fn a_daemon_that_is_asked_ends_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let child = start(folder.path());
        let process = ready(folder.path());
        assert_eq!(process.pid, child.id());
        assert!(ask(&process));
        assert!(end(child).success());
        assert!(folder.path().join("heard").exists());
        assert!(!ask(&process), "it is gone");
    }

    #[test]
    fn a_daemon_can_be_asked_though_its_starter_ignores_ctrl_c() {
        let folder = tempfile::tempdir().unwrap();
        // SAFETY: a plain call.
        assert_ne!(unsafe { SetConsoleCtrlHandler(None, 1) }, 0);
        let child = start(folder.path());
        assert!(ask(&ready(folder.path())));
        assert!(end(child).success());
    }

    #[test]
    fn who_only_has_the_pid_is_not_asked() {
        let folder = tempfile::tempdir().unwrap();
        let child = start(folder.path());
        let process = ready(folder.path());
        assert!(!ask(&Process { started: process.started + 1, ..process.clone() }));
        assert!(!folder.path().join("heard").exists());
        kill(&process);
        assert!(!end(child).success());
    }

    #[test]
    fn a_console_that_others_share_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        // From another folder than this program, which has started the shell.
        let program = folder.path().join("stopped.exe");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        // As a terminal's shell does: it waits for its program, on the same console.
        let mut shell = Command::new("cmd");
        shell.arg("/c").arg(program).args(["--exact", "--ignored", &path("stopped")]).env(FOLDER, folder.path());
        let shell = shell.creation_flags(CREATE_NO_WINDOW).stdout(Stdio::null()).spawn();
        let process = ready(folder.path());
        assert!(!ask(&process));
        assert!(!folder.path().join("heard").exists());
        kill(&process);
        assert!(!end(shell.unwrap()).success());
    }
}
