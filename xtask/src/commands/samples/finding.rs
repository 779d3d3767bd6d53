//! Which samples there are, and which were asked for.

use crate::commands::build_sample::staging::{Found, names, nearest, read, samples_folder};
use crate::context::Context;
use crate::error::{Context as _, Error, Result};
use crate::os;
use crate::sample::manifest::Manifest;
use std::path::{Path, PathBuf};

/// A sample that can be tried.
#[derive(Debug)]
pub struct Sample {
    /// Its folder's name, which its image has too.
    pub name: String,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Where it is.
    pub found: Found,
}

/// Finds the samples that were asked for, or all.
///
/// # Errors
/// When there is no such sample, or one has something wrong with it.
pub fn find(context: &Context, asked: &[PathBuf]) -> Result<Vec<Sample>> {
    let folder = samples_folder(context);
    let all: Vec<PathBuf> = names(context).into_iter().map(PathBuf::from).collect();
    let asked = if asked.is_empty() { &all } else { asked };
    let mut samples: Vec<Sample> = Vec::new();
    for one in asked {
        let named = folder.join(one);
        let is_name = one.components().count() == 1;
        let place = if is_name && named.is_dir() { &named } else { one };
        if !place.is_dir() {
            return Err(
                Error::usage(format!("`{}` is no sample, nor a folder", one.display())).hint(nearest(context, one))
            );
        }
        let sample = sample(context, place)?;
        match samples.iter().find(|other| other.name == sample.name) {
            Some(other) if other.found.folder == sample.found.folder => {}
            Some(other) => {
                return Err(Error::usage(format!(
                    "`{}` and `{}` have the same name",
                    other.found.folder.display(),
                    sample.found.folder.display()
                ))
                .hint("their images would have it too: try one after the other"));
            }
            None => samples.push(sample),
        }
    }
    if samples.is_empty() {
        return Err(Error::usage(format!("there are no samples in `{}`", folder.display()))
            .hint("a sample is a folder in there; docs/samples.md says what it holds"));
    }
    Ok(samples)
}

fn sample(context: &Context, folder: &Path) -> Result<Sample> {
    let folder = os::real_path(folder).trying(|| format!("make `{}` absolute", folder.display()))?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.chars().all(is_fit) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || name.ends_with('-') {
        return Err(Error::usage(format!("`{name}` is no name for a sample, because its image has it too"))
            .hint("name the folder with small letters, digits, and `-` between them"));
    }
    let manifest = read(context, &folder)?;
    Ok(Sample { name, manifest: manifest.clone(), found: Found { folder, manifest: Some(manifest) } })
}
