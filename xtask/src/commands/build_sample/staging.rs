//! Finding a sample, and copying it into the workspace.

use crate::context::Context;
use crate::error::{Context as _, Error, Result};
use crate::files;
use crate::os;
use crate::sample::EXPECTED_FILE;
use std::fs;
use std::path::{Path, PathBuf};

/// The sample's folder: the hello sample, one by its name, or any build context by its path.
///
/// # Errors
/// When there is no such sample.
pub fn find_sample(context: &Context, asked: Option<&Path>) -> Result<PathBuf> {
    let os = context.workspace.platform().os.as_str();
    let Some(asked) = asked else {
        return Ok(context.repository.join("fixtures").join("hello").join(os));
    };
    let samples = context.repository.join("sample-dockerfile");
    let named = samples.join(asked);
    let is_name = asked.components().count() == 1;
    let candidates = [named.join(os), named, asked.to_owned()];
    let candidates = if is_name { &candidates[..] } else { &candidates[2..] };
    if let Some(found) = candidates.iter().find(|folder| folder.join("Dockerfile").is_file()) {
        return os::real_path(found).trying(|| format!("make `{}` absolute", found.display()));
    }
    let mut names: Vec<String> = fs::read_dir(&samples)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Err(Error::usage(format!("`--sample {}` is no sample, nor a folder with a Dockerfile", asked.display()))
        .hint(format!("samples are {}", names.join(", "))))
}

/// A sample's copy in the workspace.
#[derive(Debug)]
pub struct Staged {
    /// The build context.
    pub folder: PathBuf,
    /// What the container must print, where something says so. It is no part of the build context.
    pub expected: Option<String>,
}

/// Copies a sample to a folder of the workspace, and takes out what its container must print.
///
/// # Errors
/// When it can't be read, or there is no room for it.
pub fn stage(context: &Context, sample: &Path, folder: PathBuf) -> Result<Staged> {
    files::delete(&folder)?;
    // The workspace may lie in the context, and must not be copied into itself.
    files::copy_folder(sample, &folder, context.workspace.base())?;
    let file = folder.join(EXPECTED_FILE);
    let expected = match fs::read_to_string(&file) {
        Ok(text) => files::delete(&file).map(|()| Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).trying(|| format!("read `{}`", sample.join(EXPECTED_FILE).display())),
    }?;
    Ok(Staged { folder, expected })
}
