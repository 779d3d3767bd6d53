//! One command at a time changes a workspace; the next waits, and is told for whom.

use crate::error::{Context, Error, Result};
use crate::files;
use crate::os;
use crate::poll::{self, Look};
use crate::ui::Ui;
use crate::workspace::Workspace;
use same_file::Handle;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Held while a command changes the workspace. The system lets go of it when the process ends, however it ends.
pub struct Guard {
    // Held open for as long as the lock is to be held.
    _file: File,
    path: PathBuf,
    holder: PathBuf,
}

impl Guard {
    /// Deletes the lock with the workspace it guarded.
    ///
    /// # Errors
    /// When the file can't be deleted.
    pub fn remove(self) -> Result<()> {
        fs::remove_file(&self.path).trying(|| format!("delete `{}`", self.path.display()))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Only told to those who wait; it may be gone with the workspace.
        drop(fs::remove_file(&self.holder));
    }
}

/// Marks a folder as a workspace, and keeps backups away from it. Format: <https://bford.info/cachedir/>
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a workspace of buildkit-windows. `cargo xtask clean` deletes it.\n";

/// Creates the workspace where there is none.
///
/// Commands delete what is in a workspace, so a folder with something else in it never becomes one.
///
/// # Errors
/// When it can't be created, or the folder is someone else's.
pub fn claim(workspace: &Workspace) -> Result<()> {
    let (base, tag) = (workspace.base(), workspace.tag());
    if is_tagged(&tag)? {
        return Ok(());
    }
    fs::create_dir_all(base).trying(|| format!("create the workspace `{}`", base.display()))?;
    if !has_nothing_foreign(workspace)? {
        // It may just be another command's tag that is being written.
        let look = || Ok(if is_tagged(&tag)? { Look::Ready(()) } else { Look::NotYet(String::new()) });
        return poll::until(Duration::from_secs(1), look, |_| foreign(base));
    }
    files::write_whole(&tag, TAG.as_bytes())
}

/// Whether a folder is a workspace, or nothing is in it yet.
///
/// # Errors
/// When it is someone else's, or can't be read.
pub fn refuse_foreign(workspace: &Workspace) -> Result<()> {
    let base = workspace.base();
    if is_tagged(&workspace.tag())? || has_nothing_foreign(workspace)? {
        return Ok(());
    }
    Err(foreign(base))
}

fn foreign(base: &Path) -> Error {
    Error::usage(format!("`{}` is not empty, and no workspace of this harness", base.display()))
        .hint("choose an empty or a new folder with `--base-dir DIR`")
}

/// Whether a folder without a tag is empty, but for what a `clean` that was killed leaves: a lock without a tag.
fn has_nothing_foreign(workspace: &Workspace) -> Result<bool> {
    let base = workspace.base();
    let entries = fs::read_dir(base).trying(|| format!("read `{}`", base.display()))?;
    let ours = [workspace.lock_file(), workspace.lock_holder()];
    Ok(entries.flatten().all(|entry| ours.contains(&entry.path())))
}

fn is_tagged(tag: &Path) -> Result<bool> {
    match fs::read_to_string(tag) {
        Ok(text) => Ok(text == TAG),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).trying(|| format!("read `{}`", tag.display())),
    }
}

/// Takes the workspace's lock, creating the workspace where there is none.
///
/// # Errors
/// When the workspace can't be written, or the folder is someone else's.
pub fn acquire(workspace: &Workspace, command: &str, ui: &Ui) -> Result<Guard> {
    let path = workspace.lock_file();
    loop {
        claim(workspace)?;
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let file = file.trying(|| format!("open the lock `{}`", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                ui.step("Waiting", &format!("for {} to let go of the workspace", holder(workspace)));
                file.lock().trying(|| format!("lock `{}`", path.display()))?;
            }
            Err(TryLockError::Error(error)) => return Err(error).trying(|| format!("lock `{}`", path.display())),
        }
        // `clean` deletes the lock while it holds it: what was waited for may be a file that nobody else sees.
        let ours = file.try_clone().and_then(Handle::from_file);
        if matches!((ours, Handle::from_path(&path)), (Ok(ours), Ok(theirs)) if ours == theirs) {
            // Only for those who wait to read; in a file of its own, as Windows lets nobody read a locked one.
            drop(fs::write(workspace.lock_holder(), told(command, std::process::id())));
            return Ok(Guard { _file: file, path, holder: workspace.lock_holder() });
        }
    }
}

/// Ends the command that holds a workspace's lock: for a workspace whose owner is gone, so that nobody waits for its end.
///
/// # Errors
/// When the lock can't be looked at.
pub fn end_holder(workspace: &Workspace) -> Result<()> {
    let path = workspace.lock_file();
    let file = match File::options().read(true).write(true).open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened.trying(|| format!("open the lock `{}`", path.display()))?,
    };
    let is_held = || matches!(file.try_lock(), Err(TryLockError::WouldBlock));
    if is_held()
        && let Some(process) = pid(&holder(workspace)).and_then(os::process)
        // Its number may be somebody else's by now, or in a container where it holds the lock: then it is waited for.
        && is_this_program(&process)
        && is_held()
    {
        os::kill(&process);
    }
    Ok(())
}

fn is_this_program(process: &os::Process) -> bool {
    let name = |process: &os::Process| process.executable.file_name().map(std::ffi::OsStr::to_ascii_lowercase);
    os::process(std::process::id()).is_some_and(|this| name(&this) == name(process))
}

/// Takes the lock of a cache that several workspaces use, so that one at a time fetches and builds into it, and the others
/// find it there. Where the cache is the workspace's own, its lock will do.
///
/// # Errors
/// When the cache can't be written.
pub fn acquire_cache(workspace: &Workspace, ui: &Ui) -> Result<Option<File>> {
    let Some(path) = workspace.shared_cache_lock() else { return Ok(None) };
    let folder = workspace.cache();
    fs::create_dir_all(&folder).trying(|| format!("create the cache `{}`", folder.display()))?;
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.trying(|| format!("open the lock `{}`", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            ui.step("Waiting", &format!("for another workspace to let go of the cache `{}`", folder.display()));
            file.lock().trying(|| format!("lock `{}`", path.display()))?;
        }
        Err(TryLockError::Error(error)) => return Err(error).trying(|| format!("lock `{}`", path.display())),
    }
    Ok(Some(file))
}

fn told(command: &str, pid: u32) -> String {
    format!("`cargo xtask {command}` (process {pid})")
}

/// The process that [`told`] tells of.
fn pid(told: &str) -> Option<u32> {
    told.rsplit_once("(process ")?.1.strip_suffix(')')?.parse().ok()
}

/// Who holds the lock. That is written when it is held already, so it may come a moment later.
fn holder(workspace: &Workspace) -> String {
    let look = || {
        let told = fs::read_to_string(workspace.lock_holder()).ok().filter(|holder| !holder.is_empty());
        Ok(told.map_or_else(|| Look::NotYet(String::new()), Look::Ready))
    };
    let holder = poll::until(Duration::from_millis(500), look, |_| Error::ground("nobody tells"));
    holder.unwrap_or_else(|_| "another command".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_a_lock_is_told_with_its_process() {
        assert_eq!(told("up", 12), "`cargo xtask up` (process 12)");
        assert_eq!(pid(&told("up", 12)), Some(12));
        assert_eq!(pid("another command"), None);
    }
}
