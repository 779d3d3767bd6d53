//! Releases as their publishers list them, and the choice among them. Pure: lists in, a choice out.

use crate::component::Component;
use crate::error::{Context, Error, Result};
use crate::platform::{Arch, Os, Platform};
use crate::version::{self, Spec, parse_tag};
use semver::Version;
use serde::{Deserialize, Serialize};

/// A release of a component, with the files it offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its version; `None` only for a mirror's file whose name carries none (runc's).
    pub version: Option<Version>,
    /// Published for trying out only.
    pub prerelease: bool,
    /// Not published yet.
    pub draft: bool,
    /// The files.
    pub assets: Vec<Asset>,
}

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// File name.
    pub name: String,
    /// Where to get it: a URL, or a path for a mirror folder.
    pub location: String,
    /// Bytes, where the list tells.
    pub size: Option<u64>,
    /// Lower-case hex, where the list tells.
    pub sha256: Option<String>,
}

/// A version in a list of releases.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The version.
    pub version: Version,
    /// Published for trying out only.
    pub prerelease: bool,
}

/// A newer version that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The version.
    pub version: String,
    /// Why it was not taken.
    pub reason: String,
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The version; `None` when the asset's name carries none.
    pub version: Option<Version>,
    /// The component's own asset.
    pub asset: Asset,
    /// The asset's `.sha256sum`, where the release has one.
    pub sums: Option<Asset>,
    /// Newer versions passed over, the newest first.
    pub skipped: Vec<Skipped>,
}

#[derive(Deserialize)]
struct GithubRelease {
    tag_name: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    prerelease: bool,
    #[serde(default)]
    assets: Vec<GithubAsset>,
}

#[derive(Deserialize)]
struct GithubAsset {
    name: String,
    browser_download_url: String,
    size: Option<u64>,
    digest: Option<String>,
}

/// Reads a page of GitHub's list of releases, dropping tags that are no version.
///
/// # Errors
/// When the text is not such a list.
/// Source: <https://docs.github.com/rest/releases/releases#list-releases>
pub fn from_github(json: &str) -> Result<Vec<Release>> {
    let releases: Vec<GithubRelease> = serde_json::from_str(json).trying(|| "read GitHub's list of releases".into())?;
    Ok(releases.into_iter().filter_map(release_from_github).collect())
}

/// Reads a single release of GitHub's.
///
/// # Errors
/// When the text is no release.
pub fn one_from_github(json: &str) -> Result<Option<Release>> {
    let release: GithubRelease = serde_json::from_str(json).trying(|| "read GitHub's answer about a release".into())?;
    Ok(release_from_github(release))
}

fn release_from_github(release: GithubRelease) -> Option<Release> {
    let version = parse_tag(&release.tag_name)?;
    let assets = release.assets.into_iter().map(|asset| Asset {
        name: asset.name,
        location: asset.browser_download_url,
        size: asset.size,
        sha256: asset.digest.as_deref().and_then(|digest| digest.strip_prefix("sha256:")).map(str::to_lowercase),
    });
    Some(Release {
        prerelease: release.prerelease || !version.pre.is_empty(),
        version: Some(version),
        draft: release.draft,
        assets: assets.collect(),
    })
}

/// Groups the files of a flat mirror folder into one component's releases.
pub fn from_file_names(component: Component, platform: Platform, files: Vec<Asset>) -> Vec<Release> {
    let mut releases: Vec<Release> = Vec::new();
    for file in &files {
        let Some(version) = component.version_in_asset_name(&file.name, platform) else { continue };
        let sums = files.iter().filter(|other| is_sums_of(&other.name, &file.name));
        releases.push(Release {
            prerelease: version.as_ref().is_some_and(|version| !version.pre.is_empty()),
            version,
            draft: false,
            assets: std::iter::once(file).chain(sums).cloned().collect(),
        });
    }
    releases
}

/// How a file with an asset's digest is named, behind the asset's own name: by most, and by the CNI plugins' publisher.
pub const SUMS_ENDINGS: [&str; 2] = [".sha256sum", ".sha256"];

/// `X.sha256sum` or `X.sha256` beside `X`; runc publishes one `runc.sha256sum` for all of its files.
fn is_sums_of(name: &str, asset: &str) -> bool {
    let stem = SUMS_ENDINGS.iter().find_map(|ending| name.strip_suffix(ending));
    stem.is_some_and(|stem| stem == asset || (stem == "runc" && asset.starts_with("runc.")))
}

/// The digest of a file in a `sha256sum` listing: `HEX  NAME`, or a bare `HEX`.
pub fn digest_in_sums(sums: &str, file_name: &str) -> Option<String> {
    sums.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let digest = words.next()?;
        let named = words.next().is_none_or(|name| name.trim_start_matches('*').rsplit('/').next() == Some(file_name));
        (named && digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .then(|| digest.to_lowercase())
    })
}

/// Chooses the newest complete release that a spec admits.
///
/// `Ok(None)` means that none of these does; a further page of the list may still hold one.
///
/// # Errors
/// When the one version asked for lacks its asset, or a release has several files of the asset's name.
pub fn choose(component: Component, platform: Platform, spec: &Spec, releases: &[Release]) -> Result<Option<Choice>> {
    let mut candidates: Vec<&Release> = releases.iter().collect();
    candidates.sort_by(|a, b| b.version.cmp(&a.version));
    let mut skipped = Vec::new();
    for release in candidates {
        let Some(version) = &release.version else {
            if matches!(spec, Spec::Latest | Spec::Prerelease) {
                return Ok(release.assets.first().map(|asset| choice(release, asset, skipped)));
            }
            continue;
        };
        if !spec.considers(version) {
            continue;
        }
        let mut skip = |reason: String| skipped.push(Skipped { version: version.to_string(), reason });
        if release.draft {
            skip("it is a draft".into());
            continue;
        }
        if release.prerelease && !matches!(spec, Spec::Prerelease | Spec::Exact(_)) {
            skip("it is a pre-release (`prerelease` takes those)".into());
            continue;
        }
        let name = component.asset_name(version, platform);
        let found: Vec<&Asset> = release.assets.iter().filter(|asset| asset.name == name).collect();
        match found.as_slice() {
            [asset] => return Ok(Some(choice(release, asset, skipped))),
            [] if matches!(spec, Spec::Exact(_)) => {
                return Err(Error::ground(format!(
                    "{component} {version} was released without `{name}`{}",
                    half(component, platform)
                ))
                .hint(format!(
                    "ask for another version or platform, or build it with `--source go` (`--{component} {version}`)"
                )));
            }
            [] => skip(format!("it was released without `{name}`")),
            several => {
                return Err(Error::ground(format!(
                    "{component} {version} is ambiguous: the release has {} files named `{name}`",
                    several.len()
                ))
                .hint("ask for another version, or download the right file and give its path"));
            }
        }
    }
    Ok(None)
}

/// The newest version in a list that a spec admits. Only who asks for a pre-release gets one; upstream may call a version so that
/// doesn't look like it.
pub fn newest_admitted<'a>(spec: &Spec, listed: &'a [Listed]) -> Option<&'a Version> {
    let takes_all = matches!(spec, Spec::Prerelease | Spec::Exact(_));
    let admitted = listed.iter().filter(|listed| (takes_all || !listed.prerelease) && spec.admits(&listed.version));
    admitted.map(|listed| &listed.version).max()
}

/// Of some releases, those that are published and have a platform's file: the oldest first, each once.
pub fn complete(component: Component, platform: Platform, releases: &[Release]) -> Vec<Listed> {
    let mut listed: Vec<Listed> = releases
        .iter()
        .filter(|release| !release.draft)
        .filter_map(|release| {
            let version = release.version.clone()?;
            let name = component.asset_name(&version, platform);
            let is_whole = release.assets.iter().any(|asset| asset.name == name);
            is_whole.then_some(Listed { version, prerelease: release.prerelease })
        })
        .collect();
    listed.sort();
    listed.dedup();
    listed
}

fn choice(release: &Release, asset: &Asset, skipped: Vec<Skipped>) -> Choice {
    Choice {
        version: release.version.clone(),
        asset: asset.clone(),
        sums: release.assets.iter().find(|other| is_sums_of(&other.name, &asset.name)).cloned(),
        skipped,
    }
}

/// What upstream releases of the two for a platform, where that is not both.
fn half(component: Component, platform: Platform) -> &'static str {
    let is_windows_arm64 = platform.os == Os::Windows && platform.arch == Arch::Arm64;
    if component == Component::Containerd && is_windows_arm64 {
        "; for windows-arm64 BuildKit has a build, and containerd has none"
    } else {
        ""
    }
}

/// The error for a spec that nothing satisfies, naming what there is instead.
pub fn nothing_matches(
    component: Component,
    platform: Platform,
    spec: &Spec,
    whence: &str,
    releases: &[Release],
) -> Error {
    let mut versions: Vec<&Version> =
        releases.iter().filter(|release| !release.draft).filter_map(|release| release.version.as_ref()).collect();
    versions.sort();
    if releases.iter().any(|release| release.version.is_none()) {
        return Error::ground(format!(
            "{whence} has {component} in a file whose name tells no version, so `{spec}` can't be picked there"
        ))
        .hint(format!("ask for `--{component} latest`, or give the file's path"));
    }
    // It is there, so its asset is what has kept it from being chosen.
    if let Some(newest) = versions.iter().rev().find(|version| spec.admits(version)) {
        let name = component.asset_name(newest, platform);
        return Error::ground(format!(
            "{whence} has no {component} for {platform} that `{spec}` asks for: {newest} was released without `{name}`{}",
            half(component, platform)
        ))
        .hint("ask for another version or platform, or build it with `--source go`");
    }
    let half = half(component, platform);
    let error = Error::ground(format!("{whence} has no {component} for {platform} that `{spec}` asks for{half}"));
    match version::newest(versions) {
        Some(newest) => error.hint(format!("the newest there is {newest}")),
        None => error.hint("use another `--source`, or give the path of an archive"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linux() -> Platform {
        "linux-amd64".parse().unwrap()
    }

    fn release(version: &str, complete: bool) -> Release {
        let version = Version::parse(version).unwrap();
        let name = if complete { Component::Containerd.asset_name(&version, linux()) } else { "notes.txt".into() };
        let asset = Asset { location: format!("https://example.invalid/{name}"), name, size: None, sha256: None };
        Release { prerelease: !version.pre.is_empty(), version: Some(version), draft: false, assets: vec![asset] }
    }

    fn chosen(spec: &str, releases: &[Release]) -> Option<(String, Vec<String>)> {
        let choice = choose(Component::Containerd, linux(), &spec.parse().unwrap(), releases).unwrap()?;
        let skipped = choice.skipped.iter().map(|skipped| format!("{}: {}", skipped.version, skipped.reason)).collect();
        Some((choice.version.unwrap().to_string(), skipped))
    }

    #[test]
    fn the_newest_complete_release_wins_whatever_the_order_of_the_list() {
        // 1.7.30 was published last: maintenance branches do that.
        let list =
            [release("1.7.30", true), release("2.4.0-rc.1", true), release("2.3.4", true), release("2.3.5", false)];
        let (version, skipped) = chosen("latest", &list).unwrap();
        assert_eq!(version, "2.3.4");
        assert_eq!(skipped.len(), 2, "{skipped:?}");
        assert!(skipped[0].starts_with("2.4.0-rc.1: it is a pre-release"));
        assert!(skipped[1].starts_with("2.3.5: it was released without `containerd-2.3.5-linux-amd64.tar.gz`"));
        assert_eq!(chosen("prerelease", &list).unwrap().0, "2.4.0-rc.1");
        assert_eq!(chosen("1.7", &list), Some(("1.7.30".into(), vec![])));
        assert_eq!(chosen("2.2", &list), None);
    }

    #[test]
    fn ten_is_newer_than_nine() {
        assert_eq!(chosen("latest", &[release("2.9.9", true), release("2.10.0", true)]).unwrap().0, "2.10.0");
    }

    #[test]
    fn a_draft_is_never_taken() {
        let draft = Release { draft: true, ..release("2.5.0", true) };
        assert_eq!(chosen("latest", &[draft, release("2.4.0", true)]).unwrap().0, "2.4.0");
    }

    #[test]
    fn the_one_version_asked_for_says_what_it_lacks() {
        let error =
            choose(Component::Containerd, linux(), &"2.3.5".parse().unwrap(), &[release("2.3.5", false)]).unwrap_err();
        assert_eq!(error.to_string(), "containerd 2.3.5 was released without `containerd-2.3.5-linux-amd64.tar.gz`");
    }

    #[test]
    fn two_files_of_one_name_are_ambiguous() {
        let mut twice = release("2.3.5", true);
        twice.assets.push(twice.assets[0].clone());
        let error = choose(Component::Containerd, linux(), &Spec::Latest, &[twice]).unwrap_err();
        assert!(error.to_string().contains("is ambiguous"), "{error}");
    }

    #[test]
    fn sums_are_read_in_the_shapes_they_come_in() {
        let hex = "A".repeat(64);
        for sums in [
            hex.clone(),
            format!("{hex}  runc.amd64\n"),
            format!("{hex} *runc.amd64"),
            format!("{} other\n{hex}  ./runc.amd64", "b".repeat(64)),
        ] {
            assert_eq!(digest_in_sums(&sums, "runc.amd64"), Some("a".repeat(64)), "{sums}");
        }
        assert_eq!(digest_in_sums("<html>", "runc.amd64"), None);
        assert_eq!(digest_in_sums(&format!("{hex}  other"), "runc.amd64"), None);
    }
}
