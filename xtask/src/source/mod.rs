//! Where components come from, and the resolution of a version spec to exactly one of them.

pub mod cached;
pub mod commits;
pub mod github;
pub mod go;
pub mod listing;
pub mod local;
pub mod lockfile;
pub mod mirror;
pub mod seccomp;

use crate::component::Component;
use crate::error::{Error, Result};
use crate::fetch::Asset;
use crate::http::Http;
use crate::platform::Platform;
use crate::release::Skipped;
use crate::ui::Ui;
use crate::version::Spec;
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where to look for components.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Source {
    /// GitHub, else the cache, else the Go module proxy.
    Auto,
    /// GitHub's releases.
    Github,
    /// The Go module proxy, built here.
    Go,
    /// A folder of upstream's asset files.
    MirrorFolder(PathBuf),
    /// The same, behind a URL.
    MirrorUrl(String),
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "" => {
                return Err(
                    Error::usage("the source is empty").hint("use auto, github, go, a mirror's folder or its URL")
                );
            }
            "auto" => Source::Auto,
            "github" => Source::Github,
            "go" => Source::Go,
            url if url.starts_with("http://") || url.starts_with("https://") => {
                Source::MirrorUrl(url.trim_end_matches('/').to_owned())
            }
            folder => Source::MirrorFolder(PathBuf::from(folder)),
        })
    }
}

impl Source {
    /// Makes sure that it may have something of the kind: what is released has versions, and no refs.
    ///
    /// # Errors
    /// When it can't.
    pub fn check_for(&self, component: Component, spec: &Spec) -> Result<()> {
        let Spec::GoRef(reference) = spec else { return Ok(()) };
        let (has, hint) = match self {
            Source::Auto | Source::Go => return Ok(()),
            Source::Github => {
                ("GitHub's releases have only versions".into(), "use `--source go`, or leave `--source` out")
            }
            Source::MirrorFolder(_) | Source::MirrorUrl(_) => {
                (format!("the mirror `{self}` has only released files"), "use `--source go` for it")
            }
        };
        Err(Error::usage(format!("`--{component} {reference}` is a Go ref, and {has}")).hint(hint))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Auto => f.write_str("auto"),
            Source::Github => f.write_str("github"),
            Source::Go => f.write_str("go"),
            Source::MirrorFolder(folder) => write!(f, "{}", folder.display()),
            Source::MirrorUrl(url) => f.write_str(url),
        }
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

impl TryFrom<String> for Source {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

/// What kind of place a component was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// GitHub's releases.
    Github,
    /// The Go module proxy.
    Go,
    /// A mirror.
    Mirror,
    /// An archive on this machine.
    Archive,
    /// A folder of programs on this machine.
    Folder,
    /// A source checkout on this machine.
    Checkout,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Found::Github => "github",
            Found::Go => "go",
            Found::Mirror => "mirror",
            Found::Archive => "archive",
            Found::Folder => "folder",
            Found::Checkout => "checkout",
        })
    }
}

/// A version spec made exact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// The component.
    pub component: Component,
    /// Its version, or `unknown` where nothing tells it.
    pub version: String,
    /// Where it was found.
    pub source: Found,
    /// URL, module or path.
    pub url: String,
    /// Bytes, where known.
    pub size: Option<u64>,
    /// Lower-case hex, where known.
    pub sha256: Option<String>,
    /// Newer candidates passed over, the newest first.
    pub skipped: Vec<Skipped>,
}

/// The version of what tells none.
pub const UNKNOWN_VERSION: &str = "unknown";

/// What to make programs from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Material {
    /// An archive or a bare program, to be fetched.
    Asset(Asset),
    /// A Go module at a version, to be built.
    GoModule {
        /// The module's path.
        module: String,
        /// Its version, with the `v`.
        version: String,
    },
    /// A source checkout, to be built.
    Checkout(PathBuf),
    /// A folder that holds the programs.
    Folder(PathBuf),
}

/// A resolution, with what it takes to carry it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What is told to people and recorded.
    pub resolution: Resolution,
    /// What it is made from.
    pub material: Material,
    /// Who vouches for the digest: GitHub, a `.sha256sum`, the lock file; `None` when nobody does.
    pub vouched_by: Option<String>,
    /// Where it was taken from instead of GitHub, and why.
    pub instead: Option<Instead>,
}

/// A second choice of `auto`'s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instead {
    /// What it was taken from.
    pub place: &'static str,
    /// What GitHub said.
    pub reason: String,
}

/// GitHub's API, and what opens it.
#[derive(Clone)]
pub struct Github {
    /// Base URL, without a slash at the end.
    pub api: String,
    /// Sent to the API's host only.
    pub token: Option<String>,
}

/// What resolving needs.
pub struct Ground<'a> {
    /// For the network.
    pub http: &'a Http,
    /// For telling which way was taken.
    pub ui: &'a Ui,
    /// For the cache and the lock file.
    pub workspace: &'a Workspace,
    /// What the programs are for.
    pub platform: Platform,
    /// Where to look.
    pub source: &'a Source,
    /// GitHub's API.
    pub github: &'a Github,
    /// Touch no network.
    pub offline: bool,
    /// Take what the lock file says and nothing else.
    pub locked: bool,
}

/// Makes version specs exact, all at once; the answers come in the order of the questions.
///
/// # Errors
/// When one of them can't be satisfied: the first in the order asked.
pub fn resolve(ground: &Ground, asked: &[(Component, Spec)]) -> Result<Vec<Resolved>> {
    let lock = lockfile::read(ground.workspace)?;
    let resolved: Result<Vec<Resolved>> = std::thread::scope(|scope| {
        let threads: Vec<_> = asked
            .iter()
            .map(|(component, spec)| {
                let lock = lock.as_ref();
                scope.spawn(move || {
                    let resolved = resolve_one(ground, *component, spec)?;
                    lockfile::apply(lock, ground, spec, resolved)
                })
            })
            .collect();
        // Every thread is waited for, so that the first error is the same one whatever came in first.
        let answers: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect();
        answers.into_iter().collect()
    });
    let resolved = resolved?;
    tell_second_choices(ground.ui, &resolved);
    Ok(resolved)
}

/// Says which way `auto` took, once for all that took the same.
fn tell_second_choices(ui: &Ui, resolved: &[Resolved]) {
    for place in [CACHE, PROXY] {
        let took = |resolved: &&Resolved| resolved.instead.as_ref().is_some_and(|instead| instead.place == place);
        let taken: Vec<&Resolved> = resolved.iter().filter(took).collect();
        if let Some(Instead { reason, .. }) = taken.first().and_then(|first| first.instead.as_ref()) {
            let names: Vec<_> = taken
                .iter()
                .map(|taken| format!("{} {}", taken.resolution.component, taken.resolution.version))
                .collect();
            ui.note(&format!("{reason}; taking {} from {place}", names.join(", ")));
        }
    }
}

const CACHE: &str = "the cache";
const PROXY: &str = "the Go module proxy";

fn resolve_one(ground: &Ground, component: Component, spec: &Spec) -> Result<Resolved> {
    if let Spec::Path(path) = spec {
        return local::resolve(ground, component, path);
    }
    if ground.locked
        && let Some(known) = lockfile::recorded(ground, component, spec)?
    {
        return Ok(known);
    }
    ground.source.check_for(component, spec)?;
    match (ground.source, spec) {
        (Source::MirrorFolder(folder), _) => mirror::resolve_folder(ground, component, spec, folder),
        (Source::MirrorUrl(url), _) if !ground.offline => mirror::resolve_url(ground, component, spec, url),
        _ if ground.offline => cached::resolve(ground, component, spec),
        (Source::Github, _) => github::resolve(ground, component, spec).map_err(Into::into),
        (Source::Go, _) | (Source::Auto, Spec::GoRef(_)) => go::resolve(component, spec),
        (Source::Auto, _) => resolve_anywhere(ground, component, spec),
        (Source::MirrorUrl(_), _) => cached::resolve(ground, component, spec),
    }
}

/// GitHub; when that can't be reached or has no calls left, the cache; when that lacks it, the Go module proxy.
fn resolve_anywhere(ground: &Ground, component: Component, spec: &Spec) -> Result<Resolved> {
    let refusal = match github::resolve(ground, component, spec) {
        Ok(resolved) => return Ok(resolved),
        Err(github::Failure::Http(error)) if error.is_unreachable_or_out_of_calls() => Error::from(error),
        Err(other) => return Err(other.into()),
    };
    let instead = |place| Some(Instead { place, reason: refusal.to_string() });
    if let Ok(cached) = cached::resolve(ground, component, spec) {
        return Ok(Resolved { instead: instead(CACHE), ..cached });
    }
    if crate::process::find("go").is_none() {
        return Err(Error::ground(format!("failed to find {component} `{spec}`: the cache has none, `go` is not on PATH, and {refusal}"))
            .hint("install Go to build it from source, give a mirror with `--source DIR|URL`, or try again when GitHub answers"));
    }
    let built = go::resolve(component, spec)?;
    Ok(Resolved { instead: instead(PROXY), ..built })
}
