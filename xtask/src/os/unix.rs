//! Linux's ways.

mod control_groups;
mod leftovers;
mod looking;
mod processes;
mod starting;

pub use control_groups::{delete_control_groups, processes_in_control_groups};
pub use leftovers::{OUTSIDE, mounts_in, pipes_of, unmount};
pub use looking::{
    free_space, group_of, has_service, host_name, long_paths_enabled, reach_socket, system, system_proxy,
    windows_revision,
};
pub use processes::{ask_to_stop, family, has_ended, kill, listener, process, processes_of, processes_with};
pub use starting::start_detached;

use crate::error::{Context, Error, Result};
use crate::failure;
use crate::platform::Windows;
use rustix::process::geteuid;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What is mostly to blame when a daemon can't even be started.
pub const WHY_NOT_STARTED: &str = "mounts take CAP_SYS_ADMIN, and a workspace on a file system that overlayfs can stack on, such as ext4 or xfs (`--base-dir DIR`)";

/// What a person types to end an input.
pub const END_OF_INPUT: &str = "Ctrl-D";

/// Whether the rights that daemons need are there.
///
/// # Errors
/// One sentence that says which are missing, and how to get them.
pub fn check_rights() -> Result<()> {
    if geteuid().is_root() {
        return Ok(());
    }
    Err(Error::ground("containerd needs root on Linux, and this is another user")
        .known(failure::NOT_ROOT)
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

/// How a variable is set for the command that is typed next to it.
pub fn setting(name: &str, quoted: &str) -> String {
    format!("{name}={quoted} ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_set_for_one_command() {
        assert_eq!(setting("X", "'/w s'"), "X='/w s' ");
    }
}
