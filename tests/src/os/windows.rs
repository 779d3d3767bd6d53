//! Jobs and consoles in the place of groups of processes, and a token without rights in that of another user.

use super::Leak;
use std::io::{Error, Result};
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::os::windows::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::ptr::{null, null_mut};
use std::time::Duration;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Security::{
    CreateRestrictedToken, CreateWellKnownSid, DISABLE_MAX_PRIVILEGE, SECURITY_MAX_SID_SIZE, SID_AND_ATTRIBUTES,
    TOKEN_ALL_ACCESS, WinBuiltinAdministratorsSid,
};
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE};
use windows_sys::Win32::System::Environment::GetCommandLineW;
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_BREAKAWAY_OK, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
    JobObjectExtendedLimitInformation, SetInformationJobObject, TerminateJobObject,
};
use windows_sys::Win32::System::Threading::{
    CREATE_NO_WINDOW, CreateProcessAsUserW, GetCurrentProcess, GetExitCodeProcess, INFINITE, OpenProcessToken,
    PROCESS_INFORMATION, STARTF_USESTDHANDLES, STARTUPINFOW, WaitForSingleObject,
};
use xtask::os::Process;
use xtask::poll::{self, Look};

/// Gives a process a console of its own, so that it can be sent Ctrl-C with its children, and nobody else is.
pub(crate) fn lead_group(command: &mut Command) {
    command.creation_flags(CREATE_NO_WINDOW);
}

/// A process with the children that it has started; those that break away from its job, as the daemons do, live on.
pub(crate) struct Group {
    leader: Option<Process>,
    job: OwnedHandle,
}

impl Group {
    /// A job for a process that was just started, and has no children yet.
    pub(crate) fn of(child: &Child) -> Result<Self> {
        // SAFETY: a plain call; the null handle of a failure is told apart.
        let job = owned(unsafe { CreateJobObjectW(null(), null()) })?;
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_BREAKAWAY_OK;
        let size = u32::try_from(size_of_val(&limits)).unwrap_or_default();
        // SAFETY: the job is open, and the structure is of the size that is passed.
        done(unsafe {
            let limits = (&raw const limits).cast();
            SetInformationJobObject(job.as_raw_handle(), JobObjectExtendedLimitInformation, limits, size)
        })?;
        // SAFETY: both handles are open. A process that has ended already can't be assigned, and needn't.
        unsafe { AssignProcessToJobObject(job.as_raw_handle(), child.as_raw_handle()) };
        Ok(Self { leader: xtask::os::process(child.id()), job })
    }

    /// What Ctrl-C in a terminal does: all on the console are told.
    pub(crate) fn interrupt(&self) {
        let Some(leader) = &self.leader else { return };
        // The binary under test knows how. One that is gone already has what was wanted.
        let is_asked = xtask::os::ask_to_stop_by(&leader.executable, leader);
        let is_there = xtask::os::process(leader.pid).as_ref() == Some(leader);
        assert!(is_asked || !is_there, "Ctrl-C can't be sent to process {}", leader.pid);
    }

    /// Ends all of them.
    pub(crate) fn kill(&self) {
        // SAFETY: the job is open. One whose processes are gone already has what was wanted.
        unsafe { TerminateJobObject(self.job.as_raw_handle(), KILLED.unsigned_abs()) };
    }
}

/// The exit code of who was killed: what unix makes of it, and no code of xtask's own.
pub(crate) const KILLED: i32 = 137;

/// The exit code.
pub(crate) fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

/// Lets everyone run a file: on Windows its name does.
pub(crate) fn make_executable(_file: &Path) -> Result<()> {
    Ok(())
}

/// Runs a command without an administrator's rights, through the program of this package that does so.
pub(crate) fn run_as(command: &mut Command, _user: u32, _folders: &[&Path]) -> Result<()> {
    let folder = std::env::current_exe()?;
    // Tests lie in a folder below that of the programs.
    let mut restricted = Command::new(folder.ancestors().nth(2).unwrap_or(&folder).join("restricted.exe"));
    restricted.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => restricted.env(name, value),
            None => restricted.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        restricted.current_dir(folder);
    }
    *command = restricted;
    Ok(())
}

/// Runs what its own command line goes on with, as a user who is no administrator; its exit code.
///
/// # Panics
/// When the system refuses.
pub fn run_restricted() -> i32 {
    start_restricted().and_then(|process| wait(&process)).expect("a program without rights can be run")
}

/// A process of this user's whose token has the administrators' group for denials only, and no privileges: the token of a
/// terminal that is not elevated.
fn start_restricted() -> Result<OwnedHandle> {
    let mut sid = [0u8; SECURITY_MAX_SID_SIZE as usize];
    let mut size = SECURITY_MAX_SID_SIZE;
    let administrators = SID_AND_ATTRIBUTES { Sid: sid.as_mut_ptr().cast(), Attributes: 0 };
    // SAFETY: the buffer has the size that is passed.
    done(unsafe { CreateWellKnownSid(WinBuiltinAdministratorsSid, null_mut(), administrators.Sid, &mut size) })?;
    let (mut own, mut restricted) = (null_mut(), null_mut());
    // SAFETY: the handle is there to be written.
    done(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &mut own) })?;
    let own = owned(own)?;
    // SAFETY: the token is open, one group is passed, and the handle is there to be written.
    done(unsafe {
        let token = own.as_raw_handle();
        CreateRestrictedToken(token, DISABLE_MAX_PRIVILEGE, 1, &administrators, 0, null(), 0, null(), &mut restricted)
    })?;
    let restricted = owned(restricted)?;
    let mut startup = STARTUPINFOW { dwFlags: STARTF_USESTDHANDLES, ..Default::default() };
    startup.cb = u32::try_from(size_of_val(&startup)).unwrap_or_default();
    // SAFETY: plain calls.
    unsafe {
        startup.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
        startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
        startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    }
    let mut line = rest_of_command_line();
    let mut started = PROCESS_INFORMATION::default();
    // SAFETY: the token is open, the line ends with a zero, and both structures are whole.
    done(unsafe {
        let (token, line) = (restricted.as_raw_handle(), line.as_mut_ptr());
        CreateProcessAsUserW(token, null(), line, null(), null(), 1, 0, null(), null(), &startup, &mut started)
    })?;
    drop(owned(started.hThread)?);
    owned(started.hProcess)
}

/// This process's command line but for its first word, with its final zero: already quoted as the next program needs it.
fn rest_of_command_line() -> Vec<u16> {
    // SAFETY: the system's string ends with a zero, and lives as long as the process.
    let line: Vec<u16> = unsafe {
        let line = GetCommandLineW();
        (0..).map(|at| *line.add(at)).take_while(|unit| *unit != 0).collect()
    };
    let mut is_quoted = false;
    let end = line.iter().position(|unit| {
        is_quoted ^= *unit == u16::from(b'"');
        *unit == u16::from(b' ') && !is_quoted
    });
    let rest = end.map_or(&[][..], |end| &line[end + 1..]);
    rest.iter().copied().chain([0]).collect()
}

fn wait(process: &OwnedHandle) -> Result<i32> {
    let mut code = 0;
    // SAFETY: the process is open, and the code is there to be written.
    done(unsafe {
        WaitForSingleObject(process.as_raw_handle(), INFINITE);
        GetExitCodeProcess(process.as_raw_handle(), &mut code)
    })?;
    Ok(code.cast_signed())
}

fn done(is_done: i32) -> Result<()> {
    if is_done == 0 { Err(Error::last_os_error()) } else { Ok(()) }
}

fn owned(handle: HANDLE) -> Result<OwnedHandle> {
    if handle.is_null() {
        return Err(Error::last_os_error());
    }
    // SAFETY: the system has just given it to this process, which closes it once.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// The processes that run from a folder, or were started by such.
pub(crate) fn processes_under(folder: &Path) -> Vec<Leak> {
    let processes = xtask::os::processes_of(folder).into_iter().filter(|process| process.pid != std::process::id());
    let what =
        |process: &Process| format!("`{}` (it runs from there, or was started so)", process.executable.display());
    processes.map(|process| Leak { pid: process.pid, what: what(&process) }).collect()
}

/// Ends a process and waits until it is gone.
pub(crate) fn end(leak: &Leak, folder: &Path) {
    let it = || xtask::os::processes_of(folder).into_iter().find(|process| process.pid == leak.pid);
    let look = || {
        Ok(match it() {
            Some(process) => {
                xtask::os::kill(&process);
                Look::NotYet(String::new())
            }
            None => Look::Ready(()),
        })
    };
    // One that outlives this shows when the test's folder can't be removed.
    let _ = poll::until(Duration::from_secs(5), look, |_| xtask::error::Error::ground("it stays"));
}

/// There are none on Windows.
pub(crate) fn mounts_under(_folder: &Path) -> Vec<PathBuf> {
    Vec::new()
}

/// There are none on Windows.
pub(crate) fn unmount(_mount: &Path) {}
