//! Files that are either whole or not there, and folders that go away whole.

use crate::error::{Context, Error, Result};
use crate::os;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Writes a file so that nobody ever sees half of it, creating its folder.
///
/// # Errors
/// When it can't be written.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    let what = || format!("write `{}`", path.display());
    fs::create_dir_all(folder_of(path)).trying(what)?;
    let file = written_beside(path, content).trying(what)?;
    os::let_everyone_read(file.as_file()).trying(what)?;
    // Windows must also forget that it is a temporary file, which this sees to. `persist` gives up when anybody has the old
    // file open, be it only to read it.
    let written = file.into_temp_path().keep().map_err(|error| error.error).trying(what)?;
    os::rename(&written, path).inspect_err(|_| drop(fs::remove_file(&written))).trying(what)
}

/// Writes a file so that nobody ever sees half of it, unless one of its name is there; tells whether it did.
///
/// # Errors
/// The system's own.
pub fn write_new(path: &Path, content: &[u8]) -> io::Result<bool> {
    match written_beside(path, content)?.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

/// The folder that a file is in, or would be.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A temporary file beside a path, on the same disk.
fn written_beside(path: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(folder_of(path)).map_err(without_path)?;
    file.write_all(content).map_err(without_path)?;
    Ok(file)
}

/// A temporary file's name tells a reader nothing.
fn without_path(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path ") {
        Some((why, _)) => io::Error::new(error.kind(), why),
        None => error,
    }
}

/// Writes a program that can be run.
///
/// # Errors
/// When it can't be written.
pub fn write_program(path: &Path, content: &[u8]) -> Result<()> {
    write_whole(path, content)?;
    os::make_executable(path).trying(|| format!("make `{}` executable", path.display()))
}

/// Deletes a file or a folder with all that is in it; one that is not there is deleted already.
///
/// # Errors
/// When something in it can't be deleted.
pub fn delete(path: &Path) -> Result<()> {
    let what = || format!("delete `{}`", path.display());
    match fs::symlink_metadata(path) {
        Ok(metadata) => os::delete(path, &metadata).or_else(|error| {
            let hint = os::why_not_deleted(&error);
            let failed = Err(error).trying(what);
            failed.map_err(|error: Error| hint.into_iter().fold(error, Error::with_hint))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).trying(what),
    }
}

/// The bytes that a file or folder takes, not following links; what vanishes meanwhile counts nothing.
pub fn disk_use(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else { return 0 };
    if !metadata.is_dir() {
        return metadata.len();
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| disk_use(&entry.path())).sum()
}

/// The SHA-256 of a file, as lower-case hex.
///
/// # Errors
/// When it can't be read.
pub fn sha256(path: &Path) -> Result<String> {
    let what = || format!("read `{}`", path.display());
    let mut file = File::open(path).trying(what)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer).trying(what)? {
            0 => return Ok(hex(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// The SHA-256 of bytes, as lower-case hex.
pub fn sha256_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first part of a path inside a folder that is a link. Whatever lies behind one may be anybody's.
pub fn link_on_the_way(folder: &Path, inside: &str) -> Option<PathBuf> {
    let mut path = folder.to_owned();
    inside.split('/').find_map(|part| {
        path.push(part);
        path.is_symlink().then(|| path.clone())
    })
}

/// Copies a folder with all that is in it but one folder, links as links. What is there already gives way.
///
/// # Errors
/// When something can't be read or written.
pub fn copy_folder(from: &Path, to: &Path, but: &Path) -> Result<()> {
    let what = || format!("copy `{}` to `{}`", from.display(), to.display());
    fs::create_dir_all(to).trying(what)?;
    for entry in fs::read_dir(from).trying(what)? {
        let entry = entry.trying(what)?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().trying(what)?;
        if source == but {
            continue;
        }
        // A link is never written through, and two folders become one.
        if fs::symlink_metadata(&target).is_ok_and(|there| !(there.is_dir() && kind.is_dir())) {
            delete(&target)?;
        }
        if kind.is_dir() {
            copy_folder(&source, &target, but)?;
        } else if kind.is_symlink() {
            os::symlink(&fs::read_link(&source).trying(what)?, &target).trying(what)?;
        } else if kind.is_file() {
            fs::copy(&source, target).trying(what)?;
        } else {
            return Err(Error::usage(format!("`{}` is neither a file nor a folder nor a link", source.display()))
                .hint("take it out of the folder"));
        }
    }
    Ok(())
}

/// Reads a JSON file that tells its `schema`; `None` where there is no file.
///
/// # Errors
/// When it can't be read, or its schema is above `newest`: in a newer harness its fields may mean something else.
pub fn read_versioned(path: &Path, newest: u32) -> Result<Option<String>> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        schema: u32,
    }
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).trying(|| format!("read `{}`", path.display())),
    };
    match serde_json::from_str::<Versioned>(&text) {
        Ok(Versioned { schema }) if schema > newest => Err(Error::ground(format!(
            "`{}` was written by a newer harness (schema {schema}, and this one knows {newest})",
            path.display()
        ))
        .hint("update this checkout, or use another workspace with `--base-dir DIR`")),
        // Whoever reads the text next says what else is wrong with it.
        _ => Ok(Some(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| name.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_file_that_is_being_read_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        write_whole(&path, b"old").unwrap();
        // On Windows the standard library lets others replace what it reads, and NTFS should do it at once; nobody has seen
        // that yet. Wine 10 knows no such move, and denies it until the reader is gone.
        let reader = File::open(&path).unwrap();
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| write_whole(&path, b"new"));
            drop(reader);
            writing.join().unwrap().unwrap();
        });
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(folder.path()), ["state.json"]);
    }

    #[test]
    fn what_can_t_be_put_in_its_place_is_not_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("taken")).unwrap();
        write_whole(&folder.path().join("taken"), b"x").unwrap_err();
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    fn what_is_there_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        assert!(write_new(&path, b"one").unwrap());
        assert!(!write_new(&path, b"two").unwrap());
        fs::create_dir(folder.path().join("folder")).unwrap();
        assert!(!write_new(&folder.path().join("folder"), b"x").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        let mut names = names(folder.path());
        names.sort();
        assert_eq!(names, ["folder", "new"]);
    }

    #[test]
    fn what_is_copied_over_a_link_does_not_go_through_it() {
        let (elsewhere, from, to) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(elsewhere.path().join("file"), "theirs").unwrap();
        for inside in ["file", "folder/file"] {
            write_whole(&from.path().join(inside), b"ours").unwrap();
        }
        // What the first copy has brought: links to a file and to a folder, and a folder where a file is to be.
        fs::create_dir(to.path().join("kept")).unwrap();
        if os::symlink(elsewhere.path(), &to.path().join("folder")).is_ok() {
            assert_eq!(link_on_the_way(to.path(), "folder/x/y"), Some(to.path().join("folder")));
        }
        os::symlink(&elsewhere.path().join("file"), &to.path().join("file")).unwrap();
        copy_folder(from.path(), to.path(), Path::new("")).unwrap();
        assert_eq!(fs::read_to_string(elsewhere.path().join("file")).unwrap(), "theirs");
        for inside in ["file", "folder/file"] {
            assert_eq!(fs::read_to_string(to.path().join(inside)).unwrap(), "ours");
            assert_eq!(link_on_the_way(to.path(), inside), None);
        }
        assert!(to.path().join("kept").is_dir());
    }

    #[test]
    fn a_temporary_files_name_is_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_new(&folder.path().join("nowhere").join("x"), b"x").unwrap_err().to_string();
        assert!(error.contains("(os error ") && !error.contains(".tmp"), "{error}");
    }
}
