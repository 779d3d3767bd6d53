//! `versions.lock.json`: what was resolved, so that `--locked` can ask for the same again.

use super::{Found, Ground, Material, Resolution, Resolved, github};
use crate::component::Component;
use crate::error::{Context, Error, Result};
use crate::fetch::{Asset, Origin};
use crate::files;
use crate::platform::Platform;
use crate::version::{Spec, parse_tag};
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};

/// The newest form of the file that this program reads and writes.
const SCHEMA: u32 = 1;

/// The lock file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LockFile {
    schema: u32,
    platform: Platform,
    components: Vec<Resolution>,
}

/// Reads a workspace's lock file, if it has one.
///
/// # Errors
/// When it can't be read, or was written by a newer harness.
pub fn read(workspace: &Workspace) -> Result<Option<LockFile>> {
    let path = workspace.versions_lock();
    let Some(text) = files::read_versioned(&path, SCHEMA)? else { return Ok(None) };
    let lock: LockFile = serde_json::from_str(&text)
        .trying(|| format!("read `{}`", path.display()))
        .map_err(|error| error.hint("delete it, and what is resolved next is recorded anew"))?;
    Ok(Some(lock).filter(|lock| lock.platform == workspace.platform()))
}

/// Records resolutions for the next time, beside those of other components.
///
/// # Errors
/// When the file can't be written.
pub fn write(workspace: &Workspace, resolutions: &[Resolution]) -> Result<()> {
    let mut components = read(workspace)?.map_or_else(Vec::new, |lock| lock.components);
    components.retain(|known| resolutions.iter().all(|new| new.component != known.component));
    components.extend_from_slice(resolutions);
    components.sort_by_key(|resolution| resolution.component);
    let lock = LockFile { schema: SCHEMA, platform: workspace.platform(), components };
    let path = workspace.versions_lock();
    let json = serde_json::to_string_pretty(&lock).trying(|| format!("write `{}`", path.display()))?;
    files::write_whole(&path, (json + "\n").as_bytes())
}

/// What the lock file says about a component, made ready to be used without asking anyone.
///
/// `Ok(None)` for what only its source can answer: programs and checkouts on this machine.
///
/// # Errors
/// When it says nothing, or something that the spec doesn't admit.
pub fn recorded(ground: &Ground, component: Component, spec: &Spec) -> Result<Option<Resolved>> {
    let lock = read(ground.workspace)?;
    let known = lock.iter().flat_map(|lock| &lock.components).find(|known| known.component == component);
    let Some(known) = known else {
        return Err(Error::ground(format!(
            "`--locked`, but `{}` says nothing of {component} for {}",
            ground.workspace.versions_lock().display(),
            ground.platform
        ))
        .hint("run the command once without `--locked`"));
    };
    let admitted = match (spec, parse_tag(&known.version)) {
        (Spec::Latest | Spec::Prerelease, _) => true,
        (Spec::GoRef(_), _) => known.source == Found::Go,
        (_, Some(version)) => spec.admits(&version),
        (_, None) => false,
    };
    if !admitted {
        return Err(refusal(ground, component, &format!("{spec}"), &known.version));
    }
    let vouched_by = known.sha256.as_ref().map(|_| "versions.lock.json".to_owned());
    let material = match known.source {
        Found::Github | Found::Mirror | Found::Archive => {
            let file_name = known.url.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
            let is_url = known.url.starts_with("http://") || known.url.starts_with("https://");
            let origin = if is_url { Origin::Url(known.url.clone()) } else { Origin::File(known.url.clone().into()) };
            Material::Asset(Asset {
                form: github::form(component, &file_name),
                file_name,
                origin,
                size: known.size,
                sha256: known.sha256.clone(),
            })
        }
        Found::Go => {
            let (module, version) = known.url.split_once('@').unwrap_or((&known.url, &known.version));
            Material::GoModule { module: module.to_owned(), version: version.to_owned() }
        }
        Found::Folder | Found::Checkout => return Ok(None),
    };
    Ok(Some(Resolved { resolution: known.clone(), material, vouched_by, instead: None }))
}

/// Holds a resolution against the lock file: its digest beats everyone else's, and `--locked` refuses another one.
pub(super) fn apply(lock: Option<&LockFile>, ground: &Ground, spec: &Spec, mut resolved: Resolved) -> Result<Resolved> {
    let component = resolved.resolution.component;
    let known = lock.and_then(|lock| lock.components.iter().find(|known| known.component == component));
    let same =
        known.filter(|known| known.version == resolved.resolution.version && known.url == resolved.resolution.url);
    if ground.locked && same.is_none_or(|known| known.sha256 != resolved.resolution.sha256) {
        let was = known.map_or("nothing", |known| known.version.as_str());
        return Err(refusal(ground, component, &format!("{spec}"), was));
    }
    // A checkout or a folder of programs changes as its owner works on it; a released file must not.
    if let (Some(digest), Material::Asset(asset)) =
        (same.and_then(|known| known.sha256.clone()), &mut resolved.material)
        && matches!(asset.origin, Origin::Url(_))
        && asset.sha256.as_deref() != Some(&digest)
    {
        asset.sha256 = Some(digest.clone());
        resolved.resolution.sha256 = Some(digest);
        resolved.vouched_by = Some("versions.lock.json".into());
    }
    Ok(resolved)
}

fn refusal(ground: &Ground, component: Component, asked: &str, known: &str) -> Error {
    Error::ground(format!(
        "`--locked`, but `{}` has {component} {known}, and that is not what `--{component} {asked}` is now",
        ground.workspace.versions_lock().display()
    ))
    .hint(format!("ask for `--{component} {known}`, or leave `--locked` out"))
}
