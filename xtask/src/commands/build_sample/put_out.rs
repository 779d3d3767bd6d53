//! Reading the files that a build has put out. They are the thing under test: that one can't be read is no fault of the ground.

use crate::error::{Error, Result};
use crate::files;
use std::fs::{self, File};
use std::io::{self, BufReader, Read as _};
use std::path::Path;
use tar::Archive;

/// The text of a file in a folder. A link in there may lead anywhere on this machine, and is not followed.
///
/// # Errors
/// When there is none.
pub fn in_folder(folder: &Path, wanted: &str) -> Result<String> {
    let path = folder.join(wanted);
    let unfit = |error: io::Error| missing(&path.display().to_string(), error);
    if let Some(link) = files::link_on_the_way(folder, wanted) {
        return Err(missing(&path.display().to_string(), format!("`{}` is a link", link.display())));
    }
    // What is no file may keep a reader waiting for ever.
    if !fs::metadata(&path).map_err(unfit)?.is_file() {
        return Err(unfit(io::Error::other("it is no file")));
    }
    fs::read_to_string(&path).map_err(unfit)
}

/// The text of a file in an archive.
///
/// # Errors
/// When there is none.
pub fn in_tar(archive: &Path, wanted: &str) -> Result<String> {
    let of_archive = |error: io::Error| missing(&archive.display().to_string(), error);
    let of_file = |why: String| missing(wanted, why);
    let file = File::open(archive).map_err(of_archive)?;
    for entry in Archive::new(BufReader::new(file)).entries().map_err(of_archive)? {
        let mut entry = entry.map_err(of_archive)?;
        let path = entry.path().map_err(of_archive)?.to_string_lossy().replace('\\', "/");
        // A Windows image's files are in `Files`, beside its registry.
        if path.trim_start_matches("./").trim_start_matches("Files/") == wanted {
            if !entry.header().entry_type().is_file() {
                return Err(of_file(format!("in `{}` it is no file", archive.display())));
            }
            let mut text = String::new();
            entry.read_to_string(&mut text).map_err(|error| of_file(error.to_string()))?;
            return Ok(text);
        }
    }
    Err(of_file(format!("`{}` has no such file", archive.display())))
}

fn missing(what: &str, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::failed(format!("what was built has not put out `{what}`"))
        .because(why)
        .hint("see what the Dockerfile makes, and `show` in its sample.toml")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;
    use crate::os;
    use tar::EntryType;

    fn archive(folder: &Path, inside: &str, kind: EntryType, content: &[u8]) -> std::path::PathBuf {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, inside, content).unwrap();
        let path = folder.join("out.tar");
        fs::write(&path, tar.into_inner().unwrap()).unwrap();
        path
    }

    fn refused(read: Result<String>, why: &str) {
        let error = read.unwrap_err();
        assert!(error.to_string().starts_with("what was built has not put out `"), "{error}");
        assert!(error.to_string().contains(why), "{error}");
        assert!(error.class() == Class::Failed && error.hint_text().is_some(), "{error:?}");
    }

    #[test]
    fn a_file_is_found_in_an_archive() {
        let folder = tempfile::tempdir().unwrap();
        for inside in ["a/b.txt", "./a/b.txt", "Files/a/b.txt"] {
            let path = archive(folder.path(), inside, EntryType::Regular, b"x\n");
            assert_eq!(in_tar(&path, "a/b.txt").unwrap(), "x\n", "{inside}");
        }
    }

    #[test]
    fn an_archive_without_it_is_the_builds_fault() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.tar");
        refused(in_tar(&path, "a"), "out.tar");
        fs::write(&path, [b'x'; 700]).unwrap();
        refused(in_tar(&path, "a"), "out.tar");
        refused(in_tar(&archive(folder.path(), "b", EntryType::Regular, b"x"), "a"), "has no such file");
        refused(in_tar(&archive(folder.path(), "a", EntryType::Symlink, b""), "a"), "it is no file");
        refused(in_tar(&archive(folder.path(), "a", EntryType::Regular, b"\xff"), "a"), "UTF-8");
    }

    #[test]
    fn a_folder_without_it_is_the_builds_fault() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b").join("c");
        refused(in_folder(folder.path(), "b/c"), "b");
        files::write_whole(&path, b"x").unwrap();
        assert_eq!(in_folder(folder.path(), "b/c").unwrap(), "x");
        refused(in_folder(folder.path(), "b"), "it is no file");
        fs::write(path, b"\xff").unwrap();
        refused(in_folder(folder.path(), "b/c"), "UTF-8");
    }

    #[test]
    fn a_link_leads_to_nothing_that_came_out() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(elsewhere.path().join("theirs"), "x").unwrap();
        // On Windows the harness makes no link to a folder.
        if os::symlink(elsewhere.path(), &folder.path().join("link")).is_ok() {
            refused(in_folder(folder.path(), "link/theirs"), "is a link");
        }
    }
}
