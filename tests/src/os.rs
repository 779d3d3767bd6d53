//! The one place that knows the operating system: groups of processes, and what a test has left behind.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

/// A process that has something to do with a test's folder.
#[derive(Debug)]
pub(crate) struct Leak {
    /// Its process id.
    pub(crate) pid: i32,
    /// What it is, and how it hangs on to the folder.
    pub(crate) what: String,
}

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{end, mounts_under, processes_under, unmount};
#[cfg(target_os = "linux")]
pub(crate) use linux::{end, mounts_under, processes_under, unmount};
#[cfg(not(unix))]
pub(crate) use other::{exit_code, interrupt, kill, lead_group, make_executable, run_as};
#[cfg(unix)]
pub(crate) use unix::{exit_code, interrupt, kill, lead_group, make_executable, run_as};

#[cfg(unix)]
mod unix {
    use super::{Child, Command, ExitStatus, Path};
    use rustix::process::{Pid, Signal, kill_process_group};
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};

    /// Makes a process the leader of a group, so that its children can be signalled with it.
    pub(crate) fn lead_group(command: &mut Command) {
        command.process_group(0);
    }

    fn signal(child: &Child, signal: Signal) {
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            // A group that is gone already has what was wanted.
            let _ = kill_process_group(group, signal);
        }
    }

    /// What Ctrl-C in a terminal does: the whole group is told.
    pub(crate) fn interrupt(child: &Child) {
        signal(child, Signal::INT);
    }

    /// Kills the whole group.
    pub(crate) fn kill(child: &mut Child) {
        signal(child, Signal::KILL);
    }

    /// The exit code, or 128 and the signal as shells tell it.
    pub(crate) fn exit_code(status: ExitStatus) -> i32 {
        status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
    }

    /// Lets everyone run a file.
    pub(crate) fn make_executable(file: &Path) -> std::io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755))
    }

    /// Runs a command as a user without rights, who is given the folders; nothing to do when it isn't root's anyway.
    pub(crate) fn run_as(command: &mut Command, user: u32, folders: &[&Path]) -> std::io::Result<()> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        for folder in folders {
            std::os::unix::fs::chown(folder, Some(user), Some(user))?;
        }
        command.uid(user).gid(user);
        Ok(())
    }
}

#[cfg(not(unix))]
mod other {
    use super::{Child, Command, ExitStatus, Path};

    pub(crate) fn lead_group(_command: &mut Command) {}

    pub(crate) fn interrupt(_child: &Child) {
        unimplemented!("Ctrl-C is sent to a console, which tests have none of");
    }

    pub(crate) fn kill(child: &mut Child) {
        let _ = child.kill();
    }

    pub(crate) fn exit_code(status: ExitStatus) -> i32 {
        status.code().unwrap_or(-1)
    }

    pub(crate) fn make_executable(_file: &Path) -> std::io::Result<()> {
        Ok(())
    }

    pub(crate) fn run_as(_command: &mut Command, _user: u32, _folders: &[&Path]) -> std::io::Result<()> {
        unimplemented!("users without rights are made on Unix only");
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{Leak, Path, PathBuf};
    use rustix::mount::{UnmountFlags, unmount as unmount_at};
    use rustix::process::{Pid, Signal, kill_process};
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;

    /// The processes that run from a folder, stand in it, were started with it, or live on a mount made in it.
    pub(crate) fn processes_under(folder: &Path) -> Vec<Leak> {
        let own = std::process::id().cast_signed();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
        let leak = |pid| Some(Leak { pid, what: tie(pid, folder)? });
        pids.filter(|pid| *pid != own).filter_map(leak).collect()
    }

    /// What ties a process to a folder, with its command line; nothing for one that is gone or a zombie.
    fn tie(pid: i32, folder: &Path) -> Option<String> {
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
        let Some(pid) = Pid::from_raw(leak.pid) else { return };
        let _ = kill_process(pid, Signal::KILL);
        // Not a child of this process, so there is nothing to wait for but its entry in /proc.
        for _ in 0..5_000 {
            if tie(leak.pid, folder).is_none() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}

// Windows removes no folder that a process runs from or stands in, and there are no mounts in it: there, the removal of
// the temporary folder is the check.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Leak, Path, PathBuf};

    pub(crate) fn processes_under(_folder: &Path) -> Vec<Leak> {
        Vec::new()
    }

    pub(crate) fn mounts_under(_folder: &Path) -> Vec<PathBuf> {
        Vec::new()
    }

    pub(crate) fn unmount(_mount: &Path) {}

    pub(crate) fn end(_leak: &Leak, _folder: &Path) {}
}
