//! Mirrors: a flat folder of upstream's asset files, on disk or behind a URL.

use super::github::from_choice;
use super::{Found, Ground, Resolved};
use crate::component::Component;
use crate::error::{Context, Error, Result};
use crate::fetch::Origin;
use crate::http::{Answer, HttpError, HttpErrorKind};
use crate::release::{self, Asset, Choice};
use crate::version::Spec;
use std::fs;
use std::path::Path;

/// Chooses among the files of a folder.
///
/// # Errors
/// When it is no folder, or holds nothing that the spec asks for.
pub fn resolve_folder(ground: &Ground, component: Component, spec: &Spec, folder: &Path) -> Result<Resolved> {
    let whence = format!("the mirror `{}`", folder.display());
    let choice = choose(ground, component, spec, files_of_folder(folder)?, &whence)?;
    let sums = choice
        .sums
        .as_ref()
        .map(|sums| fs::read_to_string(&sums.location).trying(|| format!("read `{}`", sums.location)));
    let sums = sums.transpose()?;
    finish(component, choice, sums, |location| Origin::File(location.into()))
}

/// The files in a mirror's folder.
///
/// # Errors
/// When it is no folder, or can't be read.
pub fn files_of_folder(folder: &Path) -> Result<Vec<Asset>> {
    if !folder.is_dir() {
        let why = if folder.exists() { "it is no folder" } else { "there is no such folder" };
        return Err(Error::usage(format!("`--source {}` is no mirror: {why}", folder.display()))
            .hint("give a folder of release files, a URL, or one of auto, github and go"));
    }
    let read = || format!("read the mirror `{}`", folder.display());
    // It is recorded, and the next command may be run elsewhere.
    let folder = std::path::absolute(folder).trying(read)?;
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).trying(read)? {
        let entry = entry.trying(read)?;
        let size = fs::metadata(entry.path()).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len());
        if let (Ok(name), Some(size)) = (entry.file_name().into_string(), size) {
            files.push(Asset { name, location: entry.path().display().to_string(), size: Some(size), sha256: None });
        }
    }
    Ok(files)
}

/// The files that a mirror's URL lists.
///
/// # Errors
/// When it doesn't answer, or shows no listing.
pub fn files_behind_url(ground: &Ground, url: &str) -> Result<Vec<Asset>> {
    match ground.http.get_text(&format!("{url}/"), None, None) {
        Ok(Answer::Fresh(page)) => Ok(listed(&page.body, url)),
        Ok(Answer::NotModified) => Ok(Vec::new()),
        Err(error) if is_absent(&error) => {
            Err(Error::ground(format!("the mirror `{url}` shows no listing, so its versions can't be told"))
                .hint("take a mirror's folder, or another `--source`"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Chooses among the files that a URL lists; without a listing, an exact version is still found by its name.
///
/// # Errors
/// When the mirror doesn't answer, or holds nothing that the spec asks for.
pub fn resolve_url(ground: &Ground, component: Component, spec: &Spec, url: &str) -> Result<Resolved> {
    let whence = format!("the mirror `{url}`");
    let choice = match ground.http.get_text(&format!("{url}/"), None, None) {
        Ok(Answer::Fresh(page)) => choose(ground, component, spec, listed(&page.body, url), &whence)?,
        Ok(Answer::NotModified) => choose(ground, component, spec, Vec::new(), &whence)?,
        Err(error) if is_absent(&error) => by_name(ground, component, spec, url)?,
        Err(error) => return Err(error.into()),
    };
    let sums = match &choice.sums {
        None => None,
        Some(sums) => match ground.http.get_text(&sums.location, None, None) {
            Ok(Answer::Fresh(text)) => Some(text.body),
            Ok(Answer::NotModified) => None,
            Err(error) if is_absent(&error) => None,
            Err(error) => return Err(error.into()),
        },
    };
    finish(component, choice, sums, Origin::Url)
}

/// Some servers forbid listings, others say that there is none.
fn is_absent(error: &HttpError) -> bool {
    matches!(error.kind, HttpErrorKind::NotFound | HttpErrorKind::Forbidden)
}

fn choose(ground: &Ground, component: Component, spec: &Spec, files: Vec<Asset>, whence: &str) -> Result<Choice> {
    let releases = release::from_file_names(component, ground.platform, files);
    release::choose(component, ground.platform, spec, &releases)?
        .ok_or_else(|| release::nothing_matches(component, ground.platform, spec, whence, &releases))
}

/// Without a listing there is no newest, but an exact version's file has only one name.
fn by_name(ground: &Ground, component: Component, spec: &Spec, url: &str) -> Result<Choice> {
    let Spec::Exact(version) = spec else {
        return Err(Error::ground(format!(
            "the mirror `{url}` shows no listing, so `--{component} {spec}` can't be picked from it"
        ))
        .hint(format!("ask for an exact version: `--{component} 1.2.3`")));
    };
    let name = component.asset_name(version, ground.platform);
    let asset = |name: String| Asset { location: format!("{url}/{name}"), name, size: None, sha256: None };
    let sums = asset(format!("{name}{}", component.sums_ending()));
    let mut asset = asset(name);
    // Only the head of the answer is waited for: it tells whether the file is there at all, and how long it is.
    asset.size = ground.http.open(&asset.location, None)?.total();
    Ok(Choice { version: Some(version.clone()), sums: Some(sums), asset, skipped: Vec::new() })
}

fn finish(
    component: Component,
    choice: Choice,
    sums: Option<String>,
    origin: impl FnOnce(String) -> Origin,
) -> Result<Resolved> {
    let Some(text) = sums else {
        return Ok(from_choice(component, Found::Mirror, choice, None, None, origin));
    };
    let sums_name = choice.sums.as_ref().map(|sums| sums.name.clone());
    let digest = release::digest_in_sums(&text, &choice.asset.name).ok_or_else(|| {
        let sums = choice.sums.as_ref().map_or("", |sums| sums.location.as_str());
        Error::ground(format!("`{sums}` holds no digest of `{}`", choice.asset.name))
            .hint("mend the mirror, or take another `--source`")
    })?;
    Ok(from_choice(component, Found::Mirror, choice, Some(digest), sums_name, origin))
}

/// The file names in an index page, whatever server wrote it.
fn listed(page: &str, url: &str) -> Vec<Asset> {
    let page = page.replace("%2B", "+").replace("%2b", "+");
    let mut names: Vec<&str> = page
        .split(|c: char| !(c.is_ascii_alphanumeric() || "-_.+~".contains(c)))
        .filter(|name| name.contains('.'))
        .collect();
    names.sort_unstable();
    names.dedup();
    let asset =
        |name: &str| Asset { name: name.to_owned(), location: format!("{url}/{name}"), size: None, sha256: None };
    names.into_iter().map(asset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_servers_index_page_lists_its_files() {
        let page = r#"<a href="containerd-2.3.4-linux-amd64.tar.gz">containerd-2.3.4-li..&gt;</a> <a href="/m/runc.amd64">runc.amd64</a>"#;
        let names: Vec<_> = listed(page, "http://m").into_iter().map(|asset| asset.name).collect();
        assert!(names.contains(&"containerd-2.3.4-linux-amd64.tar.gz".to_owned()), "{names:?}");
        assert_eq!(names.iter().filter(|name| *name == "runc.amd64").count(), 1);
    }
}
