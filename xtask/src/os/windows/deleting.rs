//! Deleting what is read-only, or still open for a moment.

use std::fs::{self, Metadata};
use std::io;
use std::os::windows::fs::MetadataExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_DIR_NOT_EMPTY, ERROR_LOCK_VIOLATION, ERROR_SHARING_VIOLATION, ERROR_USER_MAPPED_FILE,
};
use windows_sys::Win32::Storage::FileSystem::{FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_REPARSE_POINT};

/// How long a file may stay open after its program's end: the system closes it a little later, and scanners look at it.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait between two tries.
const INTERVAL: Duration = Duration::from_millis(20);

/// Deletes a file, or a folder with all that is in it; links as links.
///
/// # Errors
/// The system's own, once it was tried for a while.
pub fn delete(path: &Path, metadata: &Metadata) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let error = match if metadata.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) } {
            Ok(()) => return Ok(()),
            // Deletion goes on while a handle is open; the last of it may have come between.
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => return Ok(()),
            Err(error) => error,
        };
        if !may_pass(&error) || Instant::now() >= deadline {
            return Err(error);
        }
        make_writable(path);
        sleep(INTERVAL);
    }
}

/// Whether an error is one that files cause which are in use. A file that is deleted but still open denies access, too.
fn may_pass(error: &io::Error) -> bool {
    let code = error.raw_os_error().and_then(|code| u32::try_from(code).ok());
    matches!(
        code,
        Some(
            ERROR_ACCESS_DENIED
                | ERROR_SHARING_VIOLATION
                | ERROR_LOCK_VIOLATION
                | ERROR_DIR_NOT_EMPTY
                | ERROR_USER_MAPPED_FILE
        )
    )
}

/// Takes the read-only attribute from all that has it; what that doesn't help with shows in the next try.
fn make_writable(path: &Path) {
    let Ok(metadata) = path.symlink_metadata() else { return };
    let attributes = metadata.file_attributes();
    let mut permissions = metadata.permissions();
    if attributes & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
        // What a link leads to is not ours.
        return;
    }
    if attributes & FILE_ATTRIBUTE_READONLY != 0 {
        #[expect(
            clippy::permissions_set_readonly_false,
            reason = "the lint is about unix: here it clears one attribute"
        )]
        permissions.set_readonly(false);
        drop(fs::set_permissions(path, permissions));
    }
    if metadata.is_dir() {
        fs::read_dir(path).into_iter().flatten().flatten().for_each(|entry| make_writable(&entry.path()));
    }
}
