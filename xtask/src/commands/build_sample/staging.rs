//! Finding a sample, and copying it into the workspace.

use super::making::make;
use crate::context::Context;
use crate::error::{Context as _, Error, Result};
use crate::files;
use crate::os;
use crate::platform::Os;
use crate::sample::build::Build;
use crate::sample::manifest::{Manifest, Served};
use crate::sample::{COMMON, EXPECTED_FILE, MANIFEST_FILE};
use std::fs;
use std::path::{Path, PathBuf};

/// A sample where somebody keeps it.
#[derive(Debug)]
pub struct Found {
    /// Its folder.
    pub folder: PathBuf,
    /// What it says of itself; `None` for a bare build context.
    pub manifest: Option<Manifest>,
}

/// The sample's folder: the hello sample, one by its name, or any build context by its path.
///
/// # Errors
/// When there is no such sample, or it has something wrong with it.
pub fn find_sample(context: &Context, asked: Option<&Path>) -> Result<Found> {
    let os = context.workspace.platform().os;
    let Some(asked) = asked else {
        let folder = context.repository.join("fixtures").join("hello").join(os.as_str());
        return Ok(Found { folder, manifest: None });
    };
    let named = samples_folder(context).join(asked);
    let is_name = asked.components().count() == 1;
    let candidates = [named, asked.to_owned()];
    let candidates = if is_name { &candidates[..] } else { &candidates[1..] };
    let real = |found: &Path| os::real_path(found).trying(|| format!("make `{}` absolute", found.display()));
    for folder in candidates {
        if folder.join(MANIFEST_FILE).is_file() {
            let folder = real(folder)?;
            let manifest = Some(read(context, &folder)?);
            if !has(&folder, os, "Dockerfile") {
                return Err(missing(&folder, os, "Dockerfile", ""));
            }
            return Ok(Found { folder, manifest });
        }
        if folder.join("Dockerfile").is_file() {
            return Ok(Found { folder: real(folder)?, manifest: None });
        }
    }
    Err(Error::usage(format!("`--sample {}` is no sample, nor a folder with a Dockerfile", asked.display()))
        .hint(nearest(context, asked)))
}

/// A hint at the sample that may have been meant.
pub fn nearest(context: &Context, asked: &Path) -> String {
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
    let entries = fs::read_dir(samples_folder(context)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// Reads what a sample says of itself, and looks whether it has what it must have here.
///
/// # Errors
/// When it can't be understood, or a file is missing.
pub fn read(context: &Context, folder: &Path) -> Result<Manifest> {
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
    pub serve: Option<String>,
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
    let file = folder.join(EXPECTED_FILE);
    let expected = match fs::read_to_string(&file) {
        Ok(text) => files::delete(&file).map(|()| Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).trying(|| format!("read `{}`", sample.folder.join(EXPECTED_FILE).display())),
    }?;
    let serve = sample.manifest.as_ref().and_then(|manifest| manifest.serve.clone()).map(|Served(folder)| folder);
    Ok(Staged { folder, aside, expected, builds, serve })
}
