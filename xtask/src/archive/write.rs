//! Writing what was unpacked: folders, files, and their closing on a thread of its own.

use super::ArchiveError;
use crate::error::{Context as _, Error};
use crate::os;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

pub(super) fn create_folder(name: &str, path: &Path) -> Result<(), ArchiveError> {
    std::fs::create_dir_all(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => ArchiveError::refused(name, "is a folder and a file"),
        _ => ArchiveError::of_files(error, "create", path),
    })
}

pub(super) fn create_parent(path: &Path) -> Result<(), ArchiveError> {
    match path.parent() {
        Some(parent) => {
            std::fs::create_dir_all(parent).map_err(|error| ArchiveError::of_files(error, "create", parent))
        }
        None => Ok(()),
    }
}

/// Creates a file that must not be there yet: what is there already would be another entry's.
pub(super) fn create_file(path: &Path, executable: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    os::set_mode(&mut options, executable);
    options.open(path)
}

/// Copies up to `most` bytes, and says how many there were.
pub(super) fn copy(
    from: &mut impl Read,
    to: &mut File,
    block: &mut [u8],
    path: &Path,
    most: u64,
) -> Result<u64, ArchiveError> {
    let mut copied = 0;
    while copied < most {
        let read = match from.read(block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(ArchiveError::of_reading(error)),
        };
        to.write_all(&block[..read]).map_err(|error| ArchiveError::of_files(error, "write", path))?;
        copied += read as u64;
    }
    Ok(copied)
}

/// A written file that is to be closed.
struct Written {
    file: File,
    path: PathBuf,
    size: u64,
}

/// The thread that closes files. Virus scanners on Windows read a program when it is closed, and hold up who closes it.
pub(super) struct Closer<'scope> {
    files: SyncSender<Written>,
    thread: ScopedJoinHandle<'scope, Result<(), Error>>,
}

impl<'scope> Closer<'scope> {
    pub(super) fn start(scope: &'scope Scope<'scope, '_>) -> Self {
        let (files, receiver) = sync_channel(16);
        Self { files, thread: scope.spawn(move || close_all(&receiver)) }
    }

    /// Takes over a file that was written, and has so many bytes.
    pub(super) fn close(&self, file: File, path: PathBuf, size: u64) {
        // If the thread has stopped, it is because of an error, which `join` tells.
        let _ = self.files.send(Written { file, path, size });
    }

    /// Waits for the last file, and says what went wrong with any.
    pub(super) fn join(self) -> Result<(), ArchiveError> {
        drop(self.files);
        let closed = self.thread.join().unwrap_or_else(|_| Err(Error::ground("failed to close the unpacked files")));
        closed.map_err(ArchiveError::Local)
    }
}

fn close_all(files: &Receiver<Written>) -> Result<(), Error> {
    for Written { file, path, size } in files {
        // std drops errors of close(2); a length that isn't what was written shows the ones that matter.
        let length = file.metadata().trying(|| format!("write `{}`", path.display()))?.len();
        if length != size {
            return Err(Error::ground(format!(
                "failed to write `{}`: {length} of {size} bytes arrived",
                path.display()
            )));
        }
    }
    Ok(())
}
