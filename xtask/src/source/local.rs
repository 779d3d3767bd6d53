//! Components that a path names: an archive, a folder of programs, or a source checkout.

use super::github::form;
use super::{Found, Ground, Material, Resolution, Resolved, UNKNOWN_VERSION, go};
use crate::component::Component;
use crate::error::{Context, Error, Result};
use crate::fetch::{Asset, Form, Origin};
use crate::files;
use crate::platform::Platform;
use crate::process::{self, Argv};
use crate::release;
use std::fs;
use std::path::{Path, PathBuf};

/// Tells what a path holds.
///
/// # Errors
/// When there is nothing, or nothing that could be the component.
pub fn resolve(ground: &Ground, component: Component, path: &Path) -> Result<Resolved> {
    let path = std::path::absolute(path).trying(|| format!("make `{}` absolute", path.display()))?;
    if path.is_file() {
        return archive(ground, component, &path);
    }
    if !path.is_dir() {
        return Err(Error::usage(format!("`--{component} {}`: there is nothing at this path", path.display()))
            .hint("give an archive, a folder of programs or a source checkout"));
    }
    if let Some(folder) = folder_of_programs(component, ground.platform, &path) {
        return programs(ground, component, folder);
    }
    if let Some(module) = go::module_of_checkout(&path) {
        return checkout(component, &path, &module);
    }
    let programs: Vec<_> =
        component.programs(ground.platform.os).iter().map(|program| ground.platform.exe(program)).collect();
    Err(Error::usage(format!(
        "`--{component} {}`: the folder is neither a source checkout, nor does it hold {}",
        path.display(),
        programs.join(", ")
    ))
    .hint("give an archive, a folder of programs or a source checkout"))
}

fn archive(ground: &Ground, component: Component, path: &Path) -> Result<Resolved> {
    let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !component.is_bare() && matches!(form(component, &file_name), Form::Program { .. }) {
        let ending = if component == Component::Cni { ".zip" } else { ".tar.gz" };
        return Err(Error::usage(format!("`--{component} {}` is no archive that ends in {ending}", path.display()))
            .hint("give an archive as upstream releases it, a folder of programs or a source checkout"));
    }
    let version = component.version_in_asset_name(&file_name, ground.platform).flatten();
    let beside = release::SUMS_ENDINGS.map(|ending| PathBuf::from(format!("{}{ending}", path.display())));
    let (sha256, vouched_by) = if let Some(sums) = beside.iter().find(|sums| sums.is_file()) {
        let text = fs::read_to_string(sums).trying(|| format!("read `{}`", sums.display()))?;
        let digest = release::digest_in_sums(&text, &file_name).ok_or_else(|| {
            Error::ground(format!("`{}` holds no digest of `{file_name}`", sums.display()))
                .hint("mend the file, or delete it: then the archive is not verified")
        })?;
        (digest, Some(sums.display().to_string()))
    } else {
        (files::sha256(path)?, None)
    };
    let size = fs::metadata(path).trying(|| format!("read `{}`", path.display()))?.len();
    Ok(Resolved {
        resolution: Resolution {
            component,
            version: version.map_or_else(|| UNKNOWN_VERSION.into(), |version| version.to_string()),
            source: Found::Archive,
            url: path.display().to_string(),
            size: Some(size),
            sha256: Some(sha256.clone()),
            skipped: Vec::new(),
        },
        material: Material::Asset(Asset {
            form: form(component, &file_name),
            file_name,
            origin: Origin::File(path.to_owned()),
            size: Some(size),
            sha256: Some(sha256),
        }),
        vouched_by,
        instead: None,
    })
}

/// The folder itself or its `bin`, whichever holds every program of the component.
fn folder_of_programs(component: Component, platform: Platform, folder: &Path) -> Option<PathBuf> {
    let holds_all = |folder: &PathBuf| {
        component.programs(platform.os).iter().all(|program| folder.join(platform.exe(program)).is_file())
    };
    [folder.to_owned(), folder.join("bin")].into_iter().find(holds_all)
}

/// A component's programs in a folder: those that it needs, and its companion where that is there.
pub fn programs_in(component: Component, platform: Platform, folder: &Path) -> Vec<PathBuf> {
    let path = |program: &str| folder.join(platform.exe(program));
    let companion = component.companion(platform.os).map(path).filter(|path| path.is_file());
    component.programs(platform.os).iter().map(|program| path(program)).chain(companion).collect()
}

fn programs(ground: &Ground, component: Component, folder: PathBuf) -> Result<Resolved> {
    let program = folder.join(ground.platform.exe(component.main_program()));
    let mut size = 0;
    let mut digests = String::new();
    for path in programs_in(component, ground.platform, &folder) {
        size += fs::metadata(&path).trying(|| format!("read `{}`", path.display()))?.len();
        digests.push_str(&files::sha256(&path)?);
    }
    Ok(Resolved {
        resolution: Resolution {
            component,
            version: version_of(component, &program, ground.platform),
            source: Found::Folder,
            url: folder.display().to_string(),
            size: Some(size),
            // One digest for all the programs, so that a rebuilt one is noticed.
            sha256: Some(files::sha256_of(digests.as_bytes())),
            skipped: Vec::new(),
        },
        material: Material::Folder(folder),
        vouched_by: None,
        instead: None,
    })
}

fn checkout(component: Component, folder: &Path, module: &str) -> Result<Resolved> {
    if !component.go_modules().contains(&module) {
        return Err(Error::usage(format!(
            "`--{component} {}` is a checkout of `{module}`, not of {component}",
            folder.display()
        ))
        .hint(format!("give a checkout of {}", component.repository())));
    }
    let describe = Argv::new("git").args(["describe", "--tags", "--dirty", "--always", "--match", "v*"]).dir(folder);
    let version = match process::capture(&describe) {
        Ok(output) if output.status.success() => output.stdout.trim().to_owned(),
        _ => UNKNOWN_VERSION.to_owned(),
    };
    Ok(Resolved {
        resolution: Resolution {
            component,
            version,
            source: Found::Checkout,
            url: folder.display().to_string(),
            size: None,
            sha256: None,
            skipped: Vec::new(),
        },
        material: Material::Checkout(folder.to_owned()),
        vouched_by: None,
        instead: None,
    })
}

/// What a program of the user's own says that it is; nothing, when it is for another platform.
fn version_of(component: Component, program: &Path, platform: Platform) -> String {
    // A CNI plugin is asked by what is in its environment, and has no such answer.
    let runs_here = component != Component::Cni && Platform::host().is_ok_and(|host| host == platform);
    let question = if component == Component::Buildx { "version" } else { "--version" };
    let output = if runs_here { process::capture(&Argv::new(program).arg(question)).ok() } else { None };
    output.and_then(|output| version_in(&output.stdout)).unwrap_or_else(|| UNKNOWN_VERSION.to_owned())
}

/// The first word of a `--version` answer that is a version: `containerd github.com/… v2.3.4 abc`.
fn version_in(text: &str) -> Option<String> {
    let is_version = |word: &&str| {
        let word = word.trim_start_matches('v');
        word.starts_with(|c: char| c.is_ascii_digit()) && word.matches('.').count() >= 2
    };
    text.lines().next()?.split_whitespace().find(is_version).map(|word| word.trim_start_matches('v').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        assert_eq!(version_in("containerd github.com/containerd/containerd/v2 v2.3.4 af8\n").as_deref(), Some("2.3.4"));
        assert_eq!(version_in("buildkitd github.com/moby/buildkit v0.32.2 abc").as_deref(), Some("0.32.2"));
        assert_eq!(version_in("runc version 1.5.2\nspec: 1.3.0\ngo: go1.26.8").as_deref(), Some("1.5.2"));
        assert_eq!(version_in("github.com/docker/buildx v0.38.2 \n").as_deref(), Some("0.38.2"));
        assert_eq!(version_in("usage: x"), None);
    }
}
