//! Which samples there are, and which were asked for.

use crate::commands::build_sample::finding::{self, Found};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::sample::MANIFEST_FILE;
use crate::sample::manifest::Manifest;
use std::path::{Path, PathBuf};

/// A sample that can be tried.
#[derive(Debug)]
pub struct Sample {
    /// How it was asked for, and can be again: its name, or a path.
    pub asked: PathBuf,
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
    let all: Vec<PathBuf> = finding::names(context).into_iter().map(PathBuf::from).collect();
    let asked = if asked.is_empty() { &all } else { asked };
    let mut samples: Vec<Sample> = Vec::new();
    for one in asked {
        let sample = sample(context, one)?;
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
        return Err(Error::usage(format!("there are no samples in `{}`", finding::samples_folder(context).display()))
            .hint("a sample is a folder in there; docs/samples.md says what it holds"));
    }
    Ok(samples)
}

fn sample(context: &Context, asked: &Path) -> Result<Sample> {
    let found = finding::find(context, asked)?;
    let name = finding::name_of(&found.folder);
    let Some(manifest) = found.manifest.clone() else {
        return Err(Error::usage(format!(
            "`{}` has no {MANIFEST_FILE}, so nothing says what is expected of it",
            found.folder.display()
        ))
        .hint("docs/samples.md says what that has in it; without, `build-sample --sample PATH` builds it"));
    };
    Ok(Sample { asked: asked.to_owned(), name, manifest, found })
}
