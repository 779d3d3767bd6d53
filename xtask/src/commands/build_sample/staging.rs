//! Finding a sample, and copying it into the workspace.

use crate::context::Context;
use crate::error::{Context as _, Error, Result};
use crate::files;
use crate::os;
use crate::sample::EXPECTED_FILE;
use std::fs;
use std::path::{Path, PathBuf};

/// The sample's folder: the hello sample, one by its name, or any build context by its path.
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

/// Copies a sample into the workspace, and takes out what its container must print.
pub fn stage(context: &Context, folder: &Path) -> Result<Option<String>> {
    let staged = context.workspace.sample();
    files::delete(&staged)?;
    // The workspace may lie in the context, and must not be copied into itself.
    files::copy_folder(folder, &staged, context.workspace.base())?;
    let expected = staged.join(EXPECTED_FILE);
    match fs::read_to_string(&expected) {
        Ok(text) => files::delete(&expected).map(|()| Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).trying(|| format!("read `{}`", folder.join(EXPECTED_FILE).display())),
    }
}
