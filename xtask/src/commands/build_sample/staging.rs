//! Copying a sample into the workspace.

use super::finding::{Found, expected_in};
use super::making::{make, own};
use crate::context::Context;
use crate::error::Result;
use crate::files;
use crate::os;
use crate::sample::build::Build;
use crate::sample::manifest::Served;
use crate::sample::{COMMON, EXPECTED_FILE};
use std::path::{Path, PathBuf};

/// A sample's copy in the workspace.
#[derive(Debug)]
pub struct Staged {
    /// The build context.
    pub folder: PathBuf,
    /// The folder for what is needed besides, and for what comes out.
    pub aside: PathBuf,
    /// What the builds must print, where something says so. It is no part of the build context.
    pub expected: Option<String>,
    /// What is built, in turn.
    pub builds: Vec<Build>,
    /// The folder of the context that is served on loopback meanwhile.
    pub serve: Option<PathBuf>,
}

/// Copies a sample to a folder of the workspace, and takes out what must be printed.
///
/// # Errors
/// When it can't be read, or there is no room for it.
pub fn stage(context: &Context, sample: &Found, folder: PathBuf) -> Result<Staged> {
    // No sample has a dot in its name.
    let mut aside = folder.clone().into_os_string();
    aside.push(".aside");
    let aside = PathBuf::from(aside);
    files::delete(&folder)?;
    files::delete(&aside)?;
    // The workspace may lie in the context, and must not be copied into itself.
    let copy = |from: &Path| files::copy_folder(from, &folder, context.workspace.base());
    let builds = if let Some(manifest) = &sample.manifest {
        // What a platform has of its own wins.
        for part in [COMMON, context.workspace.platform().os.as_str()] {
            let part = sample.folder.join(part);
            if part.is_dir() {
                copy(&part)?;
            }
        }
        for piece in &manifest.makes {
            make(&folder, piece)?;
        }
        manifest.builds().to_vec()
    } else {
        copy(&sample.folder)?;
        vec![Build::default()]
    };
    os::create_private_folder(&aside)?;
    let expected = expected_in(&folder)?;
    // It is no part of the context.
    files::delete(&folder.join(EXPECTED_FILE))?;
    let served = sample.manifest.as_ref().and_then(|manifest| manifest.serve.as_ref());
    let serve = served.map(|Served(inside)| own(&folder, inside)).transpose()?;
    Ok(Staged { folder, aside, expected, builds, serve })
}
