//! Groups of processes, and other users.

use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};

/// Makes a process the leader of a group, so that its children can be signalled with it.
pub(crate) fn lead_group(command: &mut Command) {
    command.process_group(0);
}

/// A process with the children that it has started in its group.
pub(crate) struct Group(Option<Pid>);

impl Group {
    /// The group that a process leads.
    pub(crate) fn of(child: &Child) -> io::Result<Self> {
        Ok(Self(i32::try_from(child.id()).ok().and_then(Pid::from_raw)))
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // A group that is gone already has what was wanted.
            let _ = kill_process_group(group, signal);
        }
    }

    /// What Ctrl-C in a terminal does: the whole group is told.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Kills the whole group.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }
}

/// The exit code of who was killed.
pub(crate) const KILLED: i32 = 128 + 9;

/// The exit code, or 128 and the signal as shells tell it.
pub(crate) fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

/// Lets everyone run a file.
pub(crate) fn make_executable(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755))
}

/// Runs a command as a user without rights, who is given the folders; nothing to do when it isn't root's anyway.
pub(crate) fn run_as(command: &mut Command, user: u32, folders: &[&Path]) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    for folder in folders {
        std::os::unix::fs::chown(folder, Some(user), Some(user))?;
    }
    command.uid(user).gid(user);
    Ok(())
}

/// For Windows only: here a command is given another user.
pub fn run_restricted() -> i32 {
    unimplemented!("`run_as` needs no help from a program")
}
