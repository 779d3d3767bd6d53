//! One command at a time changes a workspace; the next waits, and is told for whom.

use crate::error::{Context, Result};
use crate::ui::Ui;
use crate::workspace::Workspace;
use same_file::Handle;
use std::fs::{self, File, TryLockError};
use std::path::PathBuf;

/// Held while a command changes the workspace. The system lets go of it when the process ends, however it ends.
pub struct Guard {
    file: File,
    path: PathBuf,
}

impl Guard {
    /// Deletes the lock with the workspace it guarded.
    ///
    /// # Errors
    /// When the file can't be deleted.
    pub fn remove(self) -> Result<()> {
        fs::remove_file(&self.path).trying(|| format!("delete `{}`", self.path.display()))?;
        drop(self.file);
        Ok(())
    }
}

/// Takes the workspace's lock, creating the workspace where there is none.
///
/// # Errors
/// When the workspace can't be written.
pub fn acquire(workspace: &Workspace, command: &str, ui: &Ui) -> Result<Guard> {
    let path = workspace.lock_file();
    loop {
        fs::create_dir_all(workspace.base())
            .trying(|| format!("create the workspace `{}`", workspace.base().display()))?;
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
            drop(fs::write(
                workspace.lock_holder(),
                format!("`cargo xtask {command}` (process {})", std::process::id()),
            ));
            return Ok(Guard { file, path });
        }
    }
}

fn holder(workspace: &Workspace) -> String {
    fs::read_to_string(workspace.lock_holder()).unwrap_or_else(|_| "another command".into())
}
