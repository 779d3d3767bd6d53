//! What a sample's `sample.toml` says. Pure: a text becomes a value, or an error that names the line.

use super::MANIFEST_FILE;
use super::build::{Build, Builds, Make, inside};
use crate::component::Component;
use crate::error::{Error, Result};
use crate::failure::{self, Failure};
use crate::platform::Os;
use crate::result;
use semver::Version;
use serde::Deserialize;
use std::path::Path;

/// A sample, as its `sample.toml` has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The feature, in a word or two.
    pub title: String,
    /// What it shows, in a sentence.
    pub shows: String,
    /// What it needs besides both daemons.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// What is expected on Linux.
    #[serde(default)]
    pub linux: Expectation,
    /// What is expected on Windows.
    #[serde(default)]
    pub windows: Expectation,
    /// What the context gets that no repository should hold.
    #[serde(default, rename = "make")]
    pub makes: Vec<Make>,
    /// A folder of the context that is served on loopback while it is built, as the build argument `SERVED`.
    #[serde(default)]
    pub serve: Option<Served>,
    /// What is built, in turn. One plain image, if nothing is said.
    #[serde(default, rename = "build")]
    builds: Builds,
}

/// A path inside the context.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Served(pub String);

impl TryFrom<String> for Served {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        inside(text).map(Self)
    }
}

/// What a sample needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// RUN has a network.
    Network,
    /// An image registry answers.
    Registry,
}

/// What is expected of a sample on a platform; without a word about it, nobody knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Said")]
pub struct Expectation {
    /// How it ends.
    pub expected: Expected,
    /// Where upstream speaks of why it doesn't work, or isn't known to.
    pub upstream: Option<String>,
    /// The oldest versions that it is expected of.
    oldest: Vec<(Component, Version)>,
}

/// How a sample ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Expected {
    /// All is built and prints what it must.
    Works,
    /// Of a row of the catalogue.
    Fails(&'static Failure),
    /// Nobody knows.
    #[default]
    Untested,
}

impl Expected {
    /// As reports have it.
    pub fn kind(&self) -> result::Expected {
        match self {
            Expected::Works => result::Expected::Works,
            Expected::Fails(_) => result::Expected::Fails,
            Expected::Untested => result::Expected::Untested,
        }
    }
}

/// [`Expectation`], as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    expect: Word,
    failure: Option<String>,
    upstream: Option<String>,
    buildkit: Option<String>,
    containerd: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Works,
    Fails,
    Untested,
}

impl TryFrom<Said> for Expectation {
    type Error = String;

    fn try_from(said: Said) -> Result<Self, String> {
        let expected = match (said.expect, said.failure) {
            (Word::Fails, Some(id)) => Expected::Fails(known(&id)?),
            (Word::Fails, None) => {
                return Err("`expect = \"fails\"` takes `failure`: an id of `cargo xtask explain --list`".into());
            }
            (_, Some(_)) => return Err("`failure` is for `expect = \"fails\"` only".into()),
            (Word::Works, None) => Expected::Works,
            (Word::Untested, None) => Expected::Untested,
        };
        if expected == Expected::Untested && said.upstream.is_none() {
            return Err("`expect = \"untested\"` takes `upstream`: where upstream speaks of it".into());
        }
        if let Some(link) = said.upstream.as_deref().filter(|link| !link.starts_with("https://")) {
            return Err(format!("`upstream` takes a link, as in \"https://…\", and has `{link}`"));
        }
        let asked = [(Component::Buildkit, said.buildkit), (Component::Containerd, said.containerd)];
        let oldest = asked.into_iter().filter_map(|(component, text)| Some((component, text?)));
        let oldest = oldest.map(|(component, text)| Ok((component, version(component, &text)?)));
        Ok(Self { expected, upstream: said.upstream, oldest: oldest.collect::<Result<_, String>>()? })
    }
}

fn known(id: &str) -> Result<&'static Failure, String> {
    failure::find(id).ok_or_else(|| match failure::nearest(id).first() {
        Some(near) => format!("`{id}` is no known failure's id; the nearest is `{near}`"),
        None => format!("`{id}` is no known failure's id; `cargo xtask explain --list` shows all"),
    })
}

/// `0.33` is its first patch.
fn version(component: Component, text: &str) -> Result<Version, String> {
    let whole = if text.matches('.').count() == 1 { format!("{text}.0") } else { text.to_owned() };
    let is_plain = |version: &Version| version.pre.is_empty() && version.build.is_empty();
    Version::parse(&whole)
        .ok()
        .filter(is_plain)
        .ok_or_else(|| format!("`{}` takes the oldest version, as in \"0.33\", and has `{text}`", component.name()))
}

impl Expectation {
    /// Whether its `sample.toml` says it: what it says to be untested has a link.
    pub fn is_said(&self) -> bool {
        self.expected != Expected::Untested || self.upstream.is_some()
    }

    /// Which of some versions are too old, as a reason to skip it. One that is no release number is none.
    pub fn too_old(&self, versions: &[(Component, String)]) -> Option<String> {
        let version = |wanted| {
            let found = versions.iter().find(|(component, _)| *component == wanted);
            found.and_then(|(_, text)| Version::parse(text.strip_prefix('v').unwrap_or(text)).ok())
        };
        // A release candidate has what its release has.
        let core = |version: &Version| (version.major, version.minor, version.patch);
        self.oldest.iter().find_map(|(component, oldest)| {
            let found = version(*component).filter(|found| core(found) < core(oldest))?;
            Some(format!("it takes {} {oldest} or newer, and this is {found}", component.name()))
        })
    }
}

impl Manifest {
    /// Reads it; `path` is for what is said.
    ///
    /// # Errors
    /// When it can't be understood: with the line, and what was expected there.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        toml_edit::de::from_str::<Self>(text).map_err(|error| {
            let before = error.span().map_or("", |span| &text[..span.start.min(text.len())]);
            let line = before.matches('\n').count() + 1;
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            Error::usage(format!("`{}`, line {line}: {message}", path.display()))
                .hint(format!("docs/samples.md says what a {MANIFEST_FILE} has in it"))
        })
    }

    /// The folders that its files must have, each with the words in its `sample.toml` that ask for it.
    pub fn folders(&self) -> Vec<(String, &str)> {
        let is_made = |folder: &str| {
            let in_it = |path: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
            self.makes.iter().any(|made| match made {
                Make::Many { folder: made, .. } => made == folder || in_it(made),
                Make::Archive { archive, .. } => in_it(archive),
                Make::Sparse { .. } => false,
            })
        };
        let served = self.serve.iter().map(|Served(folder)| (format!("serve = {folder:?}"), folder.as_str()));
        let packed = self.makes.iter().filter_map(|made| match made {
            Make::Archive { of, .. } => Some((format!("of = {of:?}"), of.as_str())),
            Make::Sparse { .. } | Make::Many { .. } => None,
        });
        served.chain(packed).filter(|(_, folder)| !is_made(folder)).collect()
    }

    /// What is expected on a platform.
    pub fn on(&self, os: Os) -> &Expectation {
        match os {
            Os::Linux => &self.linux,
            Os::Windows => &self.windows,
        }
    }

    /// What is built, in turn.
    pub fn builds(&self) -> &[Build] {
        &self.builds.0
    }

    /// Whether anything comes out of it that can be compared.
    pub fn prints(&self) -> bool {
        self.builds().iter().any(Build::prints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "title = \"T\"\nshows = \"S\"\n[linux]\nexpect = \"works\"\n[windows]\n";

    #[test]
    fn a_sample_says_what_is_expected_where() {
        let windows = "expect = \"fails\"\nfailure = \"copy-link\"\nbuildkit = \"0.21\"\n";
        let manifest = Manifest::parse(&format!("{PLAIN}{windows}"), Path::new("sample.toml")).unwrap();
        assert_eq!(manifest.on(Os::Linux).expected, Expected::Works);
        let windows = manifest.on(Os::Windows);
        assert!(matches!(windows.expected, Expected::Fails(row) if row.id == "copy-link"));
        let too_old = |version: &str| windows.too_old(&[(Component::Buildkit, version.to_owned())]);
        assert_eq!(too_old("0.20.3").unwrap(), "it takes buildkit 0.21.0 or newer, and this is 0.20.3");
        for new_enough in ["0.21.0", "0.21.0-rc1", "v1.0.0", "main", ""] {
            assert_eq!(too_old(new_enough), None, "{new_enough}");
        }
        assert_eq!(manifest.builds().len(), 1, "nothing said is one plain image");
        assert!(manifest.prints());
    }
}
