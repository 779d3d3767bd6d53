//! Starting a daemon.
//!
//! The daemons run in a mount namespace of their own. So their mounts are seen nowhere else and are gone when the last of
//! their processes is, however it ends; and what containerd and its shims insist on writing to `/run/containerd` lands in
//! the workspace, by an overlay on `/run`.

use crate::os::Seclusion;
use crate::process::Argv;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
use rustix::process::setsid;
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};
use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};

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
