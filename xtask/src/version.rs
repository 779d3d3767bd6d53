//! Version specs: what a person asks for, and which versions satisfy it.

use crate::error::Error;
use semver::Version;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Spec {
    /// The newest release.
    Latest,
    /// The newest release or pre-release.
    Prerelease,
    /// One version, pre-release or not.
    Exact(Version),
    /// The newest patch of a series: `2.3`, or of a major: `2`.
    Series(u64, Option<u64>),
    /// A branch, tag or commit, built from source.
    GoRef(String),
    /// An archive, a folder of binaries, or a source checkout on this machine.
    Path(PathBuf),
}

impl Spec {
    /// Whether a version is one that the spec asks for.
    pub fn admits(&self, version: &Version) -> bool {
        match self {
            Spec::Latest => version.pre.is_empty(),
            Spec::Prerelease => true,
            Spec::Exact(exact) => version == exact,
            Spec::Series(major, minor) => {
                version.pre.is_empty() && version.major == *major && minor.is_none_or(|minor| version.minor == minor)
            }
            Spec::GoRef(_) | Spec::Path(_) => false,
        }
    }

    /// Whether a version would have been looked at, had it been a release: newer ones of these that were not
    /// taken are told to the user.
    pub fn considers(&self, version: &Version) -> bool {
        match self {
            Spec::Latest | Spec::Prerelease => true,
            Spec::Series(major, minor) => version.major == *major && minor.is_none_or(|minor| version.minor == minor),
            Spec::Exact(exact) => version == exact,
            Spec::GoRef(_) | Spec::Path(_) => false,
        }
    }
}

/// What a person asks for where several may be asked for: specs with commas between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specs(pub Vec<Spec>);

impl FromStr for Specs {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // A path may have a comma in it.
        if looks_like_path(text) {
            return Ok(Self(vec![text.parse()?]));
        }
        text.split(',').map(|spec| spec.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

/// A release tag as a version: `v1.2.3` or `1.2.3`, with a pre-release or without, and nothing before it.
///
/// `api/v1.9.0` and `dockerfile/1.14.0` are tags of other things in the same repositories.
pub fn parse_tag(tag: &str) -> Option<Version> {
    Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok().filter(|version| version.build.is_empty())
}

/// The newest of some versions, pre-releases only where there is nothing else: for telling what there is instead.
pub fn newest<'a>(versions: impl IntoIterator<Item = &'a Version>) -> Option<&'a Version> {
    versions.into_iter().max_by_key(|version| (version.pre.is_empty(), *version))
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spec::Latest => f.write_str("latest"),
            Spec::Prerelease => f.write_str("prerelease"),
            Spec::Exact(version) => write!(f, "{version}"),
            Spec::Series(major, None) => write!(f, "{major}"),
            Spec::Series(major, Some(minor)) => write!(f, "{major}.{minor}"),
            Spec::GoRef(reference) => f.write_str(reference),
            Spec::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

impl From<Spec> for String {
    fn from(spec: Spec) -> Self {
        spec.to_string()
    }
}

impl TryFrom<String> for Spec {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

/// `2`, `2.x`, `v2.3` and `2.3.x`, but not `2.3.4`.
fn parse_series(text: &str) -> Option<Spec> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let text = text.strip_suffix(".x").unwrap_or(text);
    let mut parts = text.split('.').map(|part| part.parse::<u64>().ok());
    match (parts.next()?, parts.next(), parts.next()) {
        (Some(major), None, None) => Some(Spec::Series(major, None)),
        (Some(major), Some(Some(minor)), None) => Some(Spec::Series(major, Some(minor))),
        _ => None,
    }
}

/// Whether a text is meant as a path, as shells and cargo take it: it starts like one.
fn looks_like_path(text: &str) -> bool {
    let drive = text.as_bytes().get(1) == Some(&b':') && text.as_bytes()[0].is_ascii_alphabetic();
    drive
        || Path::new(text).is_absolute()
        || text.starts_with(['.', '/', '\\', '~'])
        || text.ends_with(".tar.gz")
        || text.ends_with(".tgz")
        || text.ends_with(".zip")
}

/// What git forbids in a ref, and the leading dash that would be taken for an option.
fn is_ref(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['-', '/'])
        && !text.ends_with(['/', '.'])
        && !text.contains("..")
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./+".contains(c))
}

impl FromStr for Spec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "latest" {
            return Ok(Spec::Latest);
        }
        if text == "prerelease" {
            return Ok(Spec::Prerelease);
        }
        if let Some(version) = parse_tag(text) {
            return Ok(Spec::Exact(version));
        }
        if let Some(series) = parse_series(text) {
            return Ok(series);
        }
        if looks_like_path(text) {
            return Ok(Spec::Path(PathBuf::from(text)));
        }
        if is_ref(text) {
            return Ok(Spec::GoRef(text.to_owned()));
        }
        Err(Error::usage(format!("`{text}` is no version spec")).hint(
            "use `latest`, `prerelease`, a version such as 2.3.4, a series such as 2.3, a Go ref such as main, or a path such as ./dist",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_are_told_apart() {
        let spec = |text: &str| text.parse::<Spec>().unwrap();
        assert_eq!(spec("latest"), Spec::Latest);
        assert_eq!(spec("v2.3.4"), Spec::Exact(Version::new(2, 3, 4)));
        assert_eq!(spec("2.3"), Spec::Series(2, Some(3)));
        assert_eq!(spec("2.x"), Spec::Series(2, None));
        assert_eq!(spec("1.7.x"), Spec::Series(1, Some(7)));
        assert!(matches!(spec("2.4.0-rc.1"), Spec::Exact(_)));
        assert_eq!(spec("release/2.3"), Spec::GoRef("release/2.3".into()));
        assert_eq!(spec("./dist"), Spec::Path("./dist".into()));
        assert_eq!(spec(r"C:\dist"), Spec::Path(r"C:\dist".into()));
        for bad in ["", "--help", "a b", "a..b", "ends/"] {
            assert!(bad.parse::<Spec>().is_err(), "{bad}");
        }
    }

    #[test]
    fn several_have_commas_between_them() {
        let specs = |text: &str| text.parse::<Specs>().map(|specs| specs.0.len());
        assert_eq!(specs("1.7,2.x").unwrap(), 2);
        assert_eq!(specs("2.3.4, main").unwrap(), 2);
        assert_eq!(specs("./a,b").unwrap(), 1);
        assert_eq!(specs("1.7,").unwrap_err().to_string(), "`` is no version spec");
    }

    #[test]
    fn a_spec_survives_the_round_trip_through_text() {
        for text in ["latest", "prerelease", "2.3.4", "2.3", "2", "main", "./dist"] {
            assert_eq!(text.parse::<Spec>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn tags_of_other_things_are_no_versions() {
        for tag in ["api/v1.9.0", "dockerfile/1.14.0", "v2", "v1.2", "2.3.4+build", "vv1.2.3"] {
            assert_eq!(parse_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn a_pre_release_is_taken_only_when_asked_for() {
        let rc = Version::parse("2.4.0-rc.1").unwrap();
        assert!(!Spec::Latest.admits(&rc) && Spec::Latest.considers(&rc));
        assert!(Spec::Prerelease.admits(&rc));
        assert!(!Spec::Series(2, Some(4)).admits(&rc));
    }
}
