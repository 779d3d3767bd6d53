//! What the cache holds, for use without the network.

use super::{Found, Ground, Material, Resolution, Resolved, UNKNOWN_VERSION, github, go};
use crate::component::Component;
use crate::error::{Context, Error, Result};
use crate::fetch::{Asset, Cache, Origin};
use crate::files;
use crate::platform::Platform;
use crate::release::Listed;
use crate::version::{Spec, parse_tag};
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::fs;

/// Resolutions whose material was fetched or built once.
#[derive(Default, Serialize, Deserialize)]
struct Index {
    entries: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    platform: Platform,
    resolution: Resolution,
}

fn read(workspace: &Workspace) -> Index {
    let text = fs::read_to_string(workspace.cache_index()).unwrap_or_default();
    // An index that can't be read is worth as much as none: it is filled again by use.
    serde_json::from_str(&text).unwrap_or_default()
}

/// Remembers what the cache has come to hold.
///
/// # Errors
/// When the index can't be written.
pub fn remember(workspace: &Workspace, resolutions: &[Resolution]) -> Result<()> {
    let mut index = read(workspace);
    for resolution in resolutions {
        if !matches!(resolution.source, Found::Github | Found::Mirror | Found::Go) {
            continue;
        }
        let platform = workspace.platform();
        index.entries.retain(|entry| entry.platform != platform || entry.resolution.url != resolution.url);
        index.entries.push(Entry { platform, resolution: Resolution { skipped: Vec::new(), ..resolution.clone() } });
    }
    let json = serde_json::to_string_pretty(&index).trying(|| "write the index of the cache".into())?;
    files::write_whole(&workspace.cache_index(), (json + "\n").as_bytes())
}

/// The newest that the cache holds of what a spec admits.
///
/// # Errors
/// When it holds none of these.
pub fn resolve(ground: &Ground, component: Component, spec: &Spec) -> Result<Resolved> {
    let archives = Cache::new(ground.workspace.archive_cache());
    let mut known: Vec<Entry> = read(ground.workspace).entries;
    known.retain(|entry| {
        entry.platform == ground.platform
            && entry.resolution.component == component
            && admits(spec, &entry.resolution.version)
    });
    // The last one remembered wins among files without a version.
    known.sort_by_key(|entry| parse_tag(&entry.resolution.version));
    let found = known.into_iter().rev().find_map(|entry| {
        let material = material(ground, &archives, &entry.resolution)?;
        let vouched_by = entry.resolution.sha256.as_ref().map(|_| "the cache".to_owned());
        Some(Resolved { resolution: entry.resolution, material, vouched_by, instead: None })
    });
    found.ok_or_else(|| {
        Error::ground(format!(
            "the cache `{}` holds no {component} that `{spec}` asks for",
            ground.workspace.cache().display()
        ))
        .hint("run the command once with a network, or give a mirror with `--source DIR`")
    })
}

/// Every version that the cache holds, the oldest first.
pub fn list(ground: &Ground, component: Component) -> Vec<Listed> {
    let archives = Cache::new(ground.workspace.archive_cache());
    let is_wanted = |entry: &&Entry| entry.platform == ground.platform && entry.resolution.component == component;
    let known = read(ground.workspace).entries;
    let mut listed: Vec<Listed> = known
        .iter()
        .filter(is_wanted)
        .filter(|entry| material(ground, &archives, &entry.resolution).is_some())
        .filter_map(|entry| parse_tag(&entry.resolution.version))
        .map(|version| Listed { prerelease: !version.pre.is_empty(), version })
        .collect();
    listed.sort();
    listed.dedup();
    listed
}

fn admits(spec: &Spec, version: &str) -> bool {
    match parse_tag(version) {
        Some(version) => spec.admits(&version),
        None => version == UNKNOWN_VERSION && matches!(spec, Spec::Latest | Spec::Prerelease),
    }
}

fn material(ground: &Ground, archives: &Cache, resolution: &Resolution) -> Option<Material> {
    if resolution.source == Found::Go {
        let (module, version) = resolution.url.split_once('@')?;
        go::is_built(ground.workspace, resolution)
            .then(|| Material::GoModule { module: module.to_owned(), version: version.to_owned() })
    } else {
        let sha256 = resolution.sha256.as_deref()?;
        let file = archives.find(sha256)?;
        let file_name = file.file_name()?.to_string_lossy().into_owned();
        Some(Material::Asset(Asset {
            form: github::form(resolution.component, &file_name),
            file_name,
            origin: Origin::Url(resolution.url.clone()),
            size: resolution.size,
            sha256: Some(sha256.to_owned()),
        }))
    }
}
