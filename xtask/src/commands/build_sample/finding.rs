//! Finding a sample, and whether it is whole.

use crate::context::Context;
use crate::error::{Context as _, Error, Result};
use crate::os;
use crate::platform::Os;
use crate::sample::manifest::Manifest;
use crate::sample::{COMMON, EXPECTED_FILE, MANIFEST_FILE};
use crate::utf8;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// A sample where somebody keeps it.
#[derive(Debug)]
pub struct Found {
    /// Its folder.
    pub folder: PathBuf,
    /// What it says of itself; `None` for a bare build context.
    pub manifest: Option<Manifest>,
}

/// What `build-sample` is asked for: the hello sample, if nothing is said.
///
/// # Errors
/// When there is no such sample, or it has something wrong with it, or nothing to build here.
pub fn find_sample(context: &Context, asked: Option<&Path>) -> Result<Found> {
    let os = context.workspace.platform().os;
    let Some(asked) = asked else {
        let folder = context.repository.join("fixtures").join("hello").join(os.as_str());
        return Ok(Found { folder, manifest: None });
    };
    let found = find(context, asked)?;
    if found.manifest.is_some() && !has(&found.folder, os, "Dockerfile") {
        return Err(missing(&found.folder, os, "Dockerfile", ""));
    }
    Ok(found)
}

/// A sample by its name, or any build context by its path.
///
/// # Errors
/// When there is no such folder, or it has something wrong with it.
pub fn find(context: &Context, asked: &Path) -> Result<Found> {
    let folder = folder_of(&samples_folder(context), asked);
    if !folder.is_dir() {
        return Err(
            Error::usage(format!("`{}` is no sample, nor a folder", asked.display())).hint(nearest(context, asked))
        );
    }
    let folder = os::real_path(&folder).trying(|| format!("make `{}` absolute", folder.display()))?;
    if folder.join(MANIFEST_FILE).is_file() {
        check_name(&folder)?;
        let manifest = Some(read(context, &folder)?);
        return Ok(Found { folder, manifest });
    }
    if folder.join("Dockerfile").is_file() {
        expected_in(&folder)?;
        return Ok(Found { folder, manifest: None });
    }
    Err(Error::usage(format!("`{}` has no {MANIFEST_FILE}, nor a Dockerfile", folder.display()))
        .hint("docs/samples.md says what a sample has in it"))
}

/// Where what is asked for should be: a name is looked for among the samples first, and is a path like any other then.
fn folder_of(samples: &Path, asked: &Path) -> PathBuf {
    let mut parts = asked.components();
    let is_name = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
    let named = samples.join(asked);
    if is_name && named.is_dir() { named } else { asked.to_owned() }
}

fn check_name(folder: &Path) -> Result<()> {
    let name = name_of(folder);
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.chars().all(is_fit) && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && !name.ends_with('-') {
        return Ok(());
    }
    Err(Error::usage(format!("`{name}` is no name for a sample, because its image has it too"))
        .hint("name the folder with small letters, digits, and `-` between them"))
}

/// A sample's name: its folder's.
pub fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A hint at the sample that may have been meant.
fn nearest(context: &Context, asked: &Path) -> String {
    let asked = asked.to_string_lossy();
    let likeness = |name: &str| strsim::jaro_winkler(name, &asked);
    let nearest = names(context).into_iter().max_by(|one, two| likeness(one).total_cmp(&likeness(two)));
    match nearest.filter(|name| likeness(name) > 0.75) {
        Some(name) => format!("the nearest: {name}; `cargo xtask samples --list` shows all"),
        None => "`cargo xtask samples --list` shows all".into(),
    }
}

/// The folder of the samples.
pub fn samples_folder(context: &Context) -> PathBuf {
    context.repository.join("sample-dockerfile")
}

/// The names of the samples.
pub fn names(context: &Context) -> Vec<String> {
    names_in(&samples_folder(context))
}

/// The folders in a folder. What is hidden, and what is a file, is somebody else's: an editor's, or a page about the samples.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir());
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// Reads what a sample says of itself, and looks whether it has what it must have here.
///
/// # Errors
/// When it can't be understood, or a file is missing.
fn read(context: &Context, folder: &Path) -> Result<Manifest> {
    let os = context.workspace.platform().os;
    let path = folder.join(MANIFEST_FILE);
    let text = fs::read_to_string(&path).map_err(|error| {
        Error::usage(format!("`{}` can't be read, so `{}` is no sample", path.display(), folder.display()))
            .because(error)
            .hint(format!("docs/samples.md says what a {MANIFEST_FILE} has in it"))
    })?;
    let manifest = Manifest::parse(&text, &path)?;
    if !has(folder, os, "Dockerfile") {
        // Whoever says nothing of a platform may have nothing for it.
        return if manifest.on(os).is_said() { Err(missing(folder, os, "Dockerfile", "")) } else { Ok(manifest) };
    }
    [os.as_str(), COMMON].iter().try_for_each(|part| expected_in(&folder.join(part)).map(drop))?;
    let is_there = |inside: &str| [os.as_str(), COMMON].iter().any(|part| folder.join(part).join(inside).is_dir());
    if let Some((words, inside)) = manifest.folders().into_iter().find(|(_, inside)| !is_there(inside)) {
        let line = text.lines().position(|line| line.contains(&words)).map(|at| format!(", line {}", at + 1));
        let place = format!("`{}`{}", path.display(), line.unwrap_or_default());
        return Err(Error::usage(format!("{place}: `{words}`, and there is no folder `{inside}` for {}", os.as_str()))
            .hint(where_to_put(os)));
    }
    match (manifest.prints(), has(folder, os, EXPECTED_FILE)) {
        (true, false) => Err(missing(folder, os, EXPECTED_FILE, ", so nothing says what it must print")),
        (false, true) => {
            Err(Error::usage(format!("the sample `{}` prints nothing, and has an {EXPECTED_FILE}", folder.display()))
                .hint("take that out, or let a build put out an image, or `show` something"))
        }
        _ => Ok(manifest),
    }
}

/// What a sample must print, as the folder of a part of it has it, whatever shell wrote that; nothing, where it has none.
///
/// # Errors
/// When it is no text, or can't be read.
pub fn expected_in(part: &Path) -> Result<Option<String>> {
    let file = part.join(EXPECTED_FILE);
    let bytes = match fs::read(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.trying(|| format!("read `{}`", file.display()))?,
    };
    match utf8::text(&bytes) {
        Ok(text) => Ok(Some(text.into_owned())),
        Err(_) => Err(Error::usage(format!("`{}` is no text in UTF-8", file.display())).hint("save it as UTF-8")),
    }
}

/// Whether a sample has a file for a platform.
pub fn has(folder: &Path, os: Os, name: &str) -> bool {
    [os.as_str(), COMMON].iter().any(|part| folder.join(part).join(name).is_file())
}

fn missing(folder: &Path, os: Os, name: &str, why: &str) -> Error {
    Error::usage(format!("the sample `{}` has no {name} for {}{why}", folder.display(), os.as_str()))
        .hint(where_to_put(os))
}

fn where_to_put(os: Os) -> String {
    format!("put it into its folder `{}`, or into `{COMMON}`, which all platforms share", os.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_among_the_samples_and_a_path_is_not() {
        let samples = tempfile::tempdir().unwrap();
        fs::create_dir_all(samples.path().join("label").join("linux")).unwrap();
        fs::write(samples.path().join("README.md"), "").unwrap();
        let found = |asked: &str| folder_of(samples.path(), Path::new(asked));
        assert_eq!(found("label"), samples.path().join("label"));
        for path in ["label/linux", "./label", ".", "..", "README.md", "other"] {
            assert_eq!(found(path), Path::new(path), "{path}");
        }
    }

    #[test]
    fn only_folders_in_the_open_are_samples() {
        let samples = tempfile::tempdir().unwrap();
        for folder in ["two", "one", ".idea"] {
            fs::create_dir(samples.path().join(folder)).unwrap();
        }
        for file in ["README.md", ".DS_Store"] {
            fs::write(samples.path().join(file), "").unwrap();
        }
        assert_eq!(names_in(samples.path()), ["one", "two"]);
    }
    #[test]
    fn what_must_be_printed_is_text_whatever_shell_wrote_it() {
        let sample = tempfile::tempdir().unwrap();
        let expected = |bytes: &[u8]| {
            fs::write(sample.path().join(EXPECTED_FILE), bytes).unwrap();
            expected_in(sample.path())
        };
        for written in [b"r\n".as_slice(), b"\xef\xbb\xbfr\n", b"\xff\xfer\0\n\0"] {
            assert_eq!(expected(written).unwrap().as_deref(), Some("r\n"));
        }
        assert_eq!(expected(b"M\xfcnchen\n").unwrap_err().class().exit_code(), 2);
        fs::remove_file(sample.path().join(EXPECTED_FILE)).unwrap();
        assert_eq!(expected_in(sample.path()).unwrap(), None);
    }
}
