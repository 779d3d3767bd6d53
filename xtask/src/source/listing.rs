//! Every version of a component that a source has, for those who want more than one of them.

use super::{CACHE, Ground, PROXY, Source, cached, github, go, mirror};
use crate::component::Component;
use crate::error::{Error, Result};
use crate::process;
use crate::release::{self, Listed, Release};

/// The versions that there are for the ground's platform, the oldest first. Those that lack their file are not among them.
///
/// # Errors
/// When the source doesn't answer, or can't be listed.
pub fn list(ground: &Ground, component: Component) -> Result<Vec<Listed>> {
    let complete = |releases: Vec<Release>| release::complete(component, ground.platform, &releases);
    match ground.source {
        Source::MirrorFolder(folder) => {
            let files = mirror::files_of_folder(folder)?;
            Ok(complete(release::from_file_names(component, ground.platform, files)))
        }
        _ if ground.offline => Ok(cached::list(ground, component)),
        Source::MirrorUrl(url) => {
            let files = mirror::files_behind_url(ground, url)?;
            Ok(complete(release::from_file_names(component, ground.platform, files)))
        }
        Source::Github => Ok(complete(github::all(ground, component)?)),
        Source::Go => go::list_all(component),
        Source::Auto => list_anywhere(ground, component),
    }
}

/// GitHub; when that can't be reached or has no calls left, the Go module proxy, which knows of all; without `go`, the cache.
fn list_anywhere(ground: &Ground, component: Component) -> Result<Vec<Listed>> {
    let refusal = match github::all(ground, component) {
        Ok(releases) => return Ok(release::complete(component, ground.platform, &releases)),
        Err(github::Failure::Http(error)) if error.is_unreachable_or_out_of_calls() => Error::from(error),
        Err(other) => return Err(other.into()),
    };
    let (place, listed) = if process::find("go").is_some() {
        (PROXY, go::list_all(component)?)
    } else {
        (CACHE, cached::list(ground, component))
    };
    if listed.is_empty() {
        return Err(Error::ground(format!("failed to list the versions of {component}: {refusal}"))
            .hint("install Go, give a mirror with `--source DIR|URL`, or try again when GitHub answers"));
    }
    ground.ui.note(&format!("{refusal}; taking the list of {component}'s versions from {place}"));
    Ok(listed)
}
