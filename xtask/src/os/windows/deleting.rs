//! Deleting what is read-only, somebody else's, or still open for a moment.
//!
//! The files of a container's layers belong to SYSTEM, and only Windows' own `DestroyLayer` undoes all that a layer is
//! (<https://github.com/microsoft/hcsshim/blob/v0.14.1/internal/wclayer/destroylayer.go>). So `clean` and its like have
//! containerd delete them, while it runs. What is found here is what it has left, and goes by the privileges that hcsshim's
//! tool takes for the same (<https://github.com/microsoft/hcsshim/blob/v0.14.1/cmd/wclayer/remove.go>). Nobody has seen that
//! on Windows yet: there are no layers under Wine, and it denies root no file.

use super::Owned;
use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::thread::sleep;
use std::time::{Duration, Instant};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_DIR_NOT_EMPTY, ERROR_LOCK_VIOLATION, ERROR_SHARING_VIOLATION, ERROR_SUCCESS,
    ERROR_USER_MAPPED_FILE, GetLastError,
};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, SE_BACKUP_NAME, SE_PRIVILEGE_ENABLED,
    SE_RESTORE_NAME, TOKEN_ADJUST_PRIVILEGES, TOKEN_PRIVILEGES,
};
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_REPARSE_POINT, FILE_DISPOSITION_FLAG_DELETE,
    FILE_DISPOSITION_FLAG_IGNORE_READONLY_ATTRIBUTE, FILE_DISPOSITION_FLAG_POSIX_SEMANTICS, FILE_DISPOSITION_INFO_EX,
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FileDispositionInfoEx, SetFileInformationByHandle,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};
use windows_sys::core::PCWSTR;

/// How long a file may stay open after its program's end: the system closes it a little later, and scanners look at it. It is
/// counted from when there is nothing left to do but wait.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait between two tries.
pub(super) const INTERVAL: Duration = Duration::from_millis(20);

/// Deletes a file, or a folder with all that is in it; links as links.
///
/// # Errors
/// The system's own, once it was tried for a while.
pub fn delete(path: &Path, metadata: &Metadata) -> io::Result<()> {
    delete_within(PATIENCE, path, metadata)
}

fn delete_within(patience: Duration, path: &Path, metadata: &Metadata) -> io::Result<()> {
    let mut deadline = None;
    loop {
        let error = match if metadata.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) } {
            Ok(()) => return Ok(()),
            // Deletion goes on while a handle is open; the last of it may have come between.
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => return Ok(()),
            Err(error) => error,
        };
        if !may_pass(&error) || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(error);
        }
        // Where this process may not have them, the next try says what that costs.
        for privilege in [SE_BACKUP_NAME, SE_RESTORE_NAME] {
            enable_privilege(privilege);
        }
        force(&verbatim(path, metadata));
        // A large folder takes its time. Only what is left once all else is gone is waited for.
        deadline.get_or_insert_with(|| Instant::now() + patience);
        sleep(INTERVAL);
    }
}

/// A path in the form `\\?\…`, which Windows takes as it is: by no other can a file be opened whose name ends with a dot or a
/// blank, or is a device's, such as `aux`, and layers may hold such
/// (<https://learn.microsoft.com/windows/win32/fileio/naming-a-file>). A link stays what it is: the form is made of where it leads.
fn verbatim(path: &Path, metadata: &Metadata) -> PathBuf {
    if metadata.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
        return path.to_owned();
    }
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// What to do when a file can't be deleted, if whoever holds it is to blame.
pub fn why_not_deleted(error: &io::Error) -> Option<&'static str> {
    may_pass(error).then_some(
        "a program, a scanner or a mounted layer holds it: try again; exclude the workspace from the scanner; else restart Windows",
    )
}

/// Whether an error is one that files cause which are in use. A file that is deleted but still open denies access, too.
pub(super) fn may_pass(error: &io::Error) -> bool {
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

/// Deletes what can be deleted of a file or a folder, whoever may by its access list; what can't shows in the next try.
fn force(path: &Path) {
    let Ok(metadata) = path.symlink_metadata() else { return };
    let attributes = metadata.file_attributes();
    // What a link leads to is not ours.
    if metadata.is_dir() && attributes & FILE_ATTRIBUTE_REPARSE_POINT == 0 {
        fs::read_dir(path).into_iter().flatten().flatten().for_each(|entry| force(&entry.path()));
    }
    if force_one(path).is_err() && attributes & FILE_ATTRIBUTE_READONLY != 0 {
        // A disk that isn't NTFS knows no deletion that takes no notice of this.
        let mut permissions = metadata.permissions();
        #[expect(
            clippy::permissions_set_readonly_false,
            reason = "the lint is about unix: here it clears one attribute"
        )]
        permissions.set_readonly(false);
        drop(fs::set_permissions(path, permissions));
    }
}

/// Deletes a file, a link or an empty folder. With `SeRestorePrivilege`, opening it for backup gives the right to delete it
/// (<https://learn.microsoft.com/windows/win32/secauthz/privilege-constants>).
fn force_one(path: &Path) -> io::Result<()> {
    let flags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
    let file = OpenOptions::new().access_mode(DELETE).custom_flags(flags).open(path)?;
    let how = FILE_DISPOSITION_INFO_EX {
        Flags: FILE_DISPOSITION_FLAG_DELETE
            | FILE_DISPOSITION_FLAG_POSIX_SEMANTICS
            | FILE_DISPOSITION_FLAG_IGNORE_READONLY_ATTRIBUTE,
    };
    let size = u32::try_from(size_of_val(&how)).unwrap_or_default();
    // SAFETY: the file is open, and the structure is of the size that is passed.
    let done = unsafe {
        SetFileInformationByHandle(file.as_raw_handle(), FileDispositionInfoEx, (&raw const how).cast(), size)
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Makes use of a privilege that this process has been given; tells whether it has.
fn enable_privilege(name: PCWSTR) -> bool {
    let mut privileges = TOKEN_PRIVILEGES {
        PrivilegeCount: 1,
        Privileges: [LUID_AND_ATTRIBUTES { Attributes: SE_PRIVILEGE_ENABLED, ..Default::default() }],
    };
    let mut token = null_mut();
    // SAFETY: the name ends with a zero, and what is written is there to be.
    let known = unsafe {
        LookupPrivilegeValueW(null(), name, &mut privileges.Privileges[0].Luid) != 0
            && OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, &mut token) != 0
    };
    if !known {
        return false;
    }
    let token = Owned(token);
    // SAFETY: the token is open, and nothing is to be written. Only the last error tells a privilege that isn't there.
    unsafe {
        AdjustTokenPrivileges(token.0, 0, &privileges, 0, null_mut(), null_mut()) != 0
            && GetLastError() == ERROR_SUCCESS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::path::PathBuf;

    /// A folder with files, some of them and the folder within read-only.
    fn tree(within: &Path) -> PathBuf {
        let folder = within.join("layer");
        fs::create_dir_all(folder.join("Files/Windows")).unwrap();
        for name in ["Files/Windows/a", "Files/Windows/b", "c", "Files/Windows", "Files"] {
            let path = folder.join(name);
            if !path.exists() {
                fs::write(&path, name).unwrap();
            }
            let mut permissions = fs::metadata(&path).unwrap().permissions();
            permissions.set_readonly(!name.ends_with('b'));
            fs::set_permissions(path, permissions).unwrap();
        }
        folder
    }

    fn delete(path: &Path) -> io::Result<()> {
        super::delete(path, &path.symlink_metadata()?)
    }

    #[test]
    fn read_only_files_and_folders_are_deleted() {
        let temp = tempfile::tempdir().unwrap();
        let layer = tree(temp.path());
        delete(&layer.join("c")).unwrap();
        assert!(!layer.join("c").exists());
        delete(&layer).unwrap();
        assert!(!layer.exists());
        // And by force alone.
        let layer = tree(temp.path());
        force(&layer);
        assert!(!layer.exists());
    }

    #[test]
    fn a_file_that_is_open_for_a_moment_is_waited_for() {
        let temp = tempfile::tempdir().unwrap();
        let layer = tree(temp.path());
        let open = OpenOptions::new().read(true).share_mode(0).open(layer.join("Files/Windows/a")).unwrap();
        std::thread::scope(|scope| {
            let deletion = scope.spawn(|| delete(&layer));
            // It has begun when the others are gone.
            while !deletion.is_finished() && (layer.join("Files/Windows/b").exists() || layer.join("c").exists()) {
                std::thread::yield_now();
            }
            drop(open);
            deletion.join().unwrap().unwrap();
        });
        assert!(!layer.exists());
    }

    #[test]
    fn names_that_only_a_verbatim_path_has_are_forced() {
        let temp = tempfile::tempdir().unwrap();
        let layer = temp.path().join("layer");
        fs::create_dir(&layer).unwrap();
        let metadata = layer.symlink_metadata().unwrap();
        let verbatim = verbatim(&layer, &metadata);
        for name in ["aux", "dot.", "blank "] {
            fs::write(verbatim.join(name), "").unwrap();
        }
        force(&verbatim);
        assert!(!layer.exists());
    }

    #[test]
    fn a_tree_is_forced_however_short_the_patience() {
        let temp = tempfile::tempdir().unwrap();
        let layer = tree(temp.path());
        let open = OpenOptions::new().read(true).share_mode(0).open(layer.join("Files/Windows/a")).unwrap();
        let error = delete_within(Duration::ZERO, &layer, &layer.symlink_metadata().unwrap()).unwrap_err();
        assert!(why_not_deleted(&error).is_some(), "{error}");
        drop(open);
        let left = ["Files/Windows/a", "Files/Windows/b", "c"].map(|name| layer.join(name).exists());
        assert_eq!(left, [true, false, false], "all but the open one went");
    }

    #[test]
    fn a_file_that_stays_open_is_an_error() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("open");
        fs::write(&path, "").unwrap();
        let open = OpenOptions::new().read(true).share_mode(0).open(&path).unwrap();
        let error = delete_within(2 * INTERVAL, &path, &open.metadata().unwrap()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(ERROR_SHARING_VIOLATION.cast_signed()));
        drop(open);
        File::open(&path).unwrap();
    }

    #[test]
    fn an_administrator_can_have_the_privileges_that_it_takes() {
        let is_administrator = super::super::is_administrator().unwrap();
        assert_eq!([SE_BACKUP_NAME, SE_RESTORE_NAME].map(enable_privilege), [is_administrator; 2]);
    }
}
