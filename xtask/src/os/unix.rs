//! Linux's ways.
//!
//! The daemons run in a mount namespace of their own. So their mounts are seen nowhere else and are gone when the last of
//! their processes is, however it ends; and what containerd and its shims insist on writing to `/run/containerd` lands in
//! the workspace, by an overlay on `/run`.

mod looking;

pub use looking::{free_space, has_service, long_paths_enabled};

use super::{Process, Seclusion};
use crate::error::{Context, Error, Result};
use crate::platform::Windows;
use crate::process::Argv;
use crate::workspace::Endpoint;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
use rustix::process::{Pid, Signal, geteuid, kill_process, setsid};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};
use std::collections::HashMap;
use std::ffi::CString;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};

/// What is mostly to blame when a daemon can't even be started.
pub const WHY_NOT_STARTED: &str = "mounts take CAP_SYS_ADMIN, and a workspace on a file system that overlayfs can stack on, such as ext4 or xfs (`--base-dir DIR`)";

/// Whether the rights that daemons need are there.
///
/// # Errors
/// One sentence that says which are missing, and how to get them.
pub fn check_rights() -> Result<()> {
    if geteuid().is_root() {
        return Ok(());
    }
    Err(Error::ground("containerd needs root on Linux, and this is another user")
        .hint("run it as root: `sudo env PATH=\"$PATH\" HOME=\"$HOME\" cargo xtask …`"))
}

/// Which Windows this is: none.
pub fn windows() -> Option<Windows> {
    None
}

/// Whether this system itself can run containers: Linux can, and runc is one of the programs that are fetched.
///
/// # Errors
/// Never.
pub fn check_container_runtime() -> Result<()> {
    Ok(())
}

/// What Windows' host network service tells of its networks: there is none here, nor a way to get so far.
///
/// # Errors
/// Always.
pub fn host_networks() -> Result<String> {
    Err(Error::ground("the host network service (HNS) is a part of Windows only"))
}

/// A path without links, `.` and `..`, as `/proc` tells paths; its end need not exist yet.
///
/// # Errors
/// The system's own.
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    let mut missing = Vec::new();
    let mut there = absolute.as_path();
    loop {
        match there.canonicalize() {
            Ok(real) => {
                return Ok(missing
                    .into_iter()
                    .rev()
                    .fold(real, |path, part| if part == ".." { parent(path) } else { path.join(part) }));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let (Some(parent), Some(last)) = (there.parent(), there.components().next_back()) else { return Ok(absolute) };
        missing.push(last.as_os_str().to_owned());
        there = parent;
    }
}

fn parent(mut path: PathBuf) -> PathBuf {
    path.pop();
    path
}

/// Whether two paths are of the same file, as far as their text tells.
pub fn is_same_path(one: &Path, other: &Path) -> bool {
    one == other
}

/// Whether a workspace can lie at a path.
///
/// # Errors
/// When the path can't be mounted from, or would be hidden from the daemons.
pub fn check_base(base: &Path) -> Result<()> {
    let shown = base.display();
    if base.to_str().is_none() {
        return Err(Error::usage(format!("the workspace can't lie in `{shown}`: the path is not valid UTF-8"))
            .hint("choose another folder with `--base-dir DIR`"));
    }
    if let Some(c) = base.to_string_lossy().chars().find(|c| ":,\\\"".contains(*c)) {
        return Err(Error::usage(format!(
            "the workspace can't lie in `{shown}`: overlay mounts can't name a path with `{c}` in it"
        ))
        .hint("choose another folder with `--base-dir DIR`"));
    }
    if base.starts_with("/run") || base.starts_with("/var/run") {
        return Err(Error::usage(format!(
            "the workspace can't lie in `{shown}`: the daemons get a `/run` of their own"
        ))
        .hint("choose a folder on a disk with `--base-dir DIR`"));
    }
    Ok(())
}

/// Starts a program that outlives this one, its output going to a log.
///
/// # Errors
/// The system's own.
pub fn start_detached(argv: &Argv, log: File, seclusion: &Seclusion) -> io::Result<Child> {
    keep_from_children()?;
    let mut command = argv.command();
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let enter = prepare(seclusion)?;
    // SAFETY: between fork and exec only system calls are made; everything they need was allocated before.
    unsafe {
        command.pre_exec(move || {
            setsid()?;
            enter()
        });
    }
    command.spawn()
}

/// Pipes that cargo or a CI runner left open must not be held open by a daemon.
fn keep_from_children() -> io::Result<()> {
    for entry in fs::read_dir("/proc/self/fd")? {
        let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if number > 2 {
            // SAFETY: the descriptor is only marked; one that was closed meanwhile gives an error, which is fine.
            let fd = unsafe { BorrowedFd::borrow_raw(number) };
            _ = rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC);
        }
    }
    Ok(())
}

/// What a child does to enter its own view of the file system, with all memory that it takes.
fn prepare(seclusion: &Seclusion) -> io::Result<Box<dyn Fn() -> io::Result<()> + Send + Sync>> {
    if let Some(pid) = seclusion.shared_with {
        let namespace = File::open(format!("/proc/{pid}/ns/mnt"))?;
        return Ok(Box::new(move || Ok(move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Mount))?)));
    }
    let run = &seclusion.private_run;
    for part in ["upper", "work"] {
        fs::create_dir_all(run.join(part))?;
    }
    let folder = CString::new(run.as_os_str().as_bytes())?;
    let alias = match &seclusion.alias {
        Some((from, to)) => {
            Some((CString::new(from.as_os_str().as_bytes())?, CString::new(to.as_os_str().as_bytes())?))
        }
        None => None,
    };
    Ok(Box::new(move || {
        // SAFETY: the process has one thread, and does not share its file descriptors.
        unsafe { unshare_unsafe(UnshareFlags::NEWNS)? };
        // What the host mounts later still shows; nothing goes the other way.
        mount_change(c"/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?;
        // Relative, so that the length of the workspace's path doesn't matter.
        rustix::process::chdir(folder.as_c_str())?;
        mount(c"overlay", c"/run", c"overlay", MountFlags::empty(), c"lowerdir=/run,upperdir=upper,workdir=work")?;
        if let Some((from, to)) = &alias {
            match rustix::fs::mkdir(to.as_c_str(), rustix::fs::Mode::RWXU) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            mount_bind(from.as_c_str(), to.as_c_str())?;
        }
        Ok(rustix::process::chdir(c"/")?)
    }))
}

/// A process by its id, if it is there and not a zombie.
pub fn process(pid: u32) -> Option<Process> {
    stat(pid).and_then(|stat| process_with(pid, &stat))
}

fn process_with(pid: u32, stat: &Stat) -> Option<Process> {
    let executable = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    (stat.state != 'Z').then_some(Process { pid, started: stat.started, executable: undeleted(executable) })
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
    let pids = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut all: HashMap<u32, (Process, u32)> = HashMap::new();
    for pid in pids {
        if let Some(stat) = stat(pid)
            && let Some(process) = process_with(pid, &stat)
        {
            all.insert(pid, (process, stat.parent));
        }
    }
    super::of_folder(&all, |program| program.starts_with(folder))
}

/// Asks a process to stop; tells whether it could be asked.
pub fn ask_to_stop(process: &Process) -> bool {
    signal(process, Signal::TERM)
}

/// On Linux nobody is let in by a group.
///
/// # Errors
/// Never.
pub fn check_groups(_groups: &str) -> Result<()> {
    Ok(())
}

/// Does what this program has started a copy of itself for: nothing, as signals need none.
pub fn errand() -> Option<ExitCode> {
    None
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

/// Deletes a file, or a folder with all that is in it; links as links.
///
/// # Errors
/// The system's own.
pub fn delete(path: &Path, metadata: &Metadata) -> io::Result<()> {
    if metadata.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// Whether containers' layers can lie at a path: the daemons say so themselves.
///
/// # Errors
/// Never.
pub fn check_disk(_base: &Path) -> Result<()> {
    Ok(())
}

/// Takes what is mounted on folders in `tmp` off them: mounts went with the daemons that made them.
pub fn release_mounts(_tmp: &Path) {}

/// Layers are folders like any other here.
pub fn release_layers(_snapshots: &Path) {}

/// Moves a file or a folder.
///
/// # Errors
/// The system's own.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// What to do when a file can't be deleted, if whoever holds it is to blame: here nobody can hold a file.
pub fn why_not_deleted(_error: &io::Error) -> Option<&'static str> {
    None
}

/// Every process in a control group of that name, whoever its parent is by now.
pub fn processes_in_control_groups(parent: &str) -> Vec<Process> {
    let mut pids: Vec<u32> = control_groups(parent).iter().flat_map(|group| pids_in(group)).collect();
    pids.sort_unstable();
    pids.dedup();
    pids.into_iter().filter_map(process).collect()
}

fn pids_in(group: &Path) -> Vec<u32> {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    let own = text.lines().filter_map(|line| line.parse().ok());
    own.chain(child_groups(group).iter().flat_map(|child| pids_in(child))).collect()
}

/// Deletes the control groups that containers had, which nobody else does; tells whether none is left.
pub fn delete_control_groups(parent: &str) -> bool {
    control_groups(parent).iter().for_each(|group| delete_control_group(group));
    control_groups(parent).is_empty()
}

/// The control groups of a name at the top of every hierarchy: version 1 has many, version 2 one.
fn control_groups(parent: &str) -> Vec<PathBuf> {
    let top = PathBuf::from("/sys/fs/cgroup");
    let hierarchies = child_groups(&top).into_iter().chain([top]);
    hierarchies.map(|hierarchy| hierarchy.join(parent)).filter(|group| group.is_dir()).collect()
}

fn child_groups(group: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

/// Children first. One that still has a process can't be deleted, and is left for the next time.
fn delete_control_group(group: &Path) {
    child_groups(group).iter().for_each(|child| delete_control_group(child));
    drop(fs::remove_dir(group));
}

/// Lets a file be run.
///
/// # Errors
/// The system's own.
pub fn make_executable(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

/// Temporary files are their owner's only; what they become need not be.
///
/// # Errors
/// The system's own.
pub fn let_everyone_read(file: &File) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(0o644))
}

/// Gives a file that is about to be created its mode.
pub fn set_mode(options: &mut OpenOptions, executable: bool) {
    options.mode(if executable { 0o755 } else { 0o644 });
}

/// A file's mode, for the tests to look at.
#[cfg(test)]
pub(crate) fn mode(path: &Path) -> io::Result<Option<u32>> {
    Ok(Some(fs::metadata(path)?.permissions().mode()))
}

/// Makes a symbolic link, to a path relative to the link.
///
/// # Errors
/// The system's own.
pub fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

/// Creates a folder that only this user can enter: whoever reaches a daemon's socket is root.
///
/// # Errors
/// When it can't be created.
pub fn create_private_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).trying(|| format!("create `{}`", path.display()))?;
    fs::set_permissions(path, Permissions::from_mode(0o700))
        .trying(|| format!("close `{}` to other users", path.display()))
}
