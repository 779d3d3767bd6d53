//! The Go module proxy as a source: which versions there are, and building one of them here.
//!
//! Everything runs with the user's own Go settings (`GOPROXY`, `GOFLAGS`, …).

mod building;

pub use building::{build_checkout, build_module, is_built};

use super::{Found, Material, Resolution, Resolved};
use crate::component::Component;
use crate::error::{Context, Error, Result};
use crate::process::{self, Argv};
use crate::release::{Listed, Skipped};
use crate::version::{self, Spec, parse_tag};
use semver::Version;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// What the newest components needed when this was written. Only said where there is no `go` to ask what one needs.
const NEEDED_BY_THE_NEWEST: &str = "1.26.8";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Module {
    version: Option<String>,
    #[serde(default)]
    versions: Vec<String>,
    go_version: Option<String>,
}

/// Chooses among a component's versions on the module proxy.
///
/// # Errors
/// When there is no `go`, or one too old; when the proxy doesn't answer, or has nothing that the spec asks for.
pub fn resolve(component: Component, spec: &Spec) -> Result<Resolved> {
    let go = find_go(component)?;
    let (module, version, skipped) = match spec {
        Spec::GoRef(reference) => {
            let (module, version) = version_of_ref(&go, component, reference)?;
            (module, version, Vec::new())
        }
        _ => {
            let module = module_for(component, spec);
            let (version, skipped) = newest(&list_versions(&go, module)?, component, module, spec)?;
            (module, version, skipped)
        }
    };
    let described = list(&go, &["-m", "-json", &format!("{module}@{version}")])?;
    if let Some(needed) = described.go_version {
        refuse_old_go(&go, component, &version, &needed)?;
    }
    let resolution = Resolution {
        component,
        version: version.trim_start_matches('v').to_owned(),
        source: Found::Go,
        url: format!("{module}@{version}"),
        size: None,
        sha256: None,
        skipped,
    };
    let material = Material::GoModule { module: module.to_owned(), version };
    // Go checks every module against its checksum database, unless the user told it not to.
    Ok(Resolved { resolution, material, vouched_by: Some("Go, against its checksum database".into()), instead: None })
}

fn find_go(component: Component) -> Result<PathBuf> {
    process::find("go").ok_or_else(|| {
        Error::ground(format!("failed to build {component} from source: `go` is not on PATH")).hint(format!(
            "install Go {NEEDED_BY_THE_NEWEST} or newer, or take released programs with `--source github` or a mirror"
        ))
    })
}

/// The module that holds a spec's versions: a major version above 1 has a module of its own.
fn module_for(component: Component, spec: &Spec) -> &'static str {
    let modules = component.go_modules();
    let major = match spec {
        Spec::Exact(version) => Some(version.major),
        Spec::Series(major, _) => Some(*major),
        _ => None,
    };
    let of_major = |module: &&&str| match major {
        None => true,
        Some(major) => module.ends_with(&format!("/v{major}")) || (major < 2 && !has_major_suffix(module)),
    };
    modules.iter().find(of_major).unwrap_or(&modules[0])
}

fn has_major_suffix(module: &str) -> bool {
    let last = module.rsplit('/').next().unwrap_or_default();
    last.strip_prefix('v').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty())
}

fn list_versions(go: &Path, module: &str) -> Result<Vec<Version>> {
    let listed = list(go, &["-m", "-versions", "-json", module])?;
    Ok(listed.versions.iter().filter_map(|version| parse_tag(version)).collect())
}

/// Every version of a component, the oldest first.
///
/// # Errors
/// When there is no `go`, or the proxy doesn't answer.
pub fn list_all(component: Component) -> Result<Vec<Listed>> {
    let go = find_go(component)?;
    let mut listed = Vec::new();
    for module in component.go_modules() {
        let versions = list_versions(&go, module)?;
        listed.extend(versions.into_iter().map(|version| Listed { prerelease: !version.pre.is_empty(), version }));
    }
    listed.sort();
    Ok(listed)
}

/// The newest version that a spec admits, with the `v`, and the newer ones passed over.
fn newest(versions: &[Version], component: Component, module: &str, spec: &Spec) -> Result<(String, Vec<Skipped>)> {
    let chosen = versions.iter().filter(|version| spec.admits(version)).max().ok_or_else(|| {
        let error =
            Error::ground(format!("the Go module proxy has no {component} that `{spec}` asks for in `{module}`"));
        match version::newest(versions) {
            Some(newest) => error.hint(format!("the newest there is {newest}")),
            None => error.hint("use another `--source`, or give a path"),
        }
    })?;
    let mut newer: Vec<&Version> =
        versions.iter().filter(|version| spec.considers(version) && *version > chosen).collect();
    newer.sort();
    let skipped = newer.iter().rev().map(|version| Skipped {
        version: version.to_string(),
        reason: "it is a pre-release (`prerelease` takes those)".into(),
    });
    Ok((format!("v{chosen}"), skipped.collect()))
}

/// The first of a component's modules in which a branch, tag or commit means something.
fn version_of_ref(go: &Path, component: Component, reference: &str) -> Result<(&'static str, String)> {
    let mut refusal = None;
    for module in component.go_modules() {
        match list(go, &["-m", "-json", &format!("{module}@{reference}")]) {
            Ok(Module { version: Some(version), .. }) => return Ok((module, version)),
            Ok(_) => {}
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    let error = Error::ground(format!("failed to find `{reference}` of {component} on the Go module proxy"));
    let error = match refusal {
        Some(refusal) => error.because(refusal),
        None => error,
    };
    Err(error.hint("give a branch without a slash in its name, a tag, or a commit"))
}

/// `-mod=mod` outlives a vendor mode in the user's GOFLAGS; no workspace file of the user's is meant either.
fn go_list(go: &Path) -> Argv {
    Argv::new(go).args(["list", "-mod=mod"]).env("GOWORK", "off")
}

fn list(go: &Path, args: &[&str]) -> Result<Module> {
    let argv = go_list(go).args(args.iter().copied()).dir(std::env::temp_dir());
    let output = process::capture(&argv)?;
    if !output.status.success() {
        return Err(too_old(&output.stderr).unwrap_or_else(|| {
            Error::ground(format!("`go list {}` failed: {}", args.join(" "), output.last_words()))
                .hint("check the network and GOPROXY")
        }));
    }
    serde_json::from_str(&output.stdout).trying(|| "read what `go list` said".into())
}

/// `go 1.22` can't build what asks for 1.26, unless it may fetch a newer toolchain for itself.
fn refuse_old_go(go: &Path, component: Component, version: &str, needed: &str) -> Result<()> {
    let output = process::succeed(&Argv::new(go).args(["env", "GOVERSION", "GOTOOLCHAIN"]).dir(std::env::temp_dir()))?;
    let mut lines = output.stdout.lines();
    let (found, toolchain) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    if !toolchain.starts_with("local") || numbers(found) >= numbers(needed) {
        return Ok(());
    }
    Err(old_go(&format!("{component} {version}"), found.trim_start_matches("go"), needed))
}

fn old_go(what: &str, found: &str, needed: &str) -> Error {
    Error::ground(format!("failed to build {what}: it needs Go {needed}, and `go` is {found}"))
        .hint(format!("install Go {needed} or newer, or let it fetch a newer toolchain with GOTOOLCHAIN=auto"))
}

/// Go's own words for the same: `go: … requires go >= 1.26.8 (running go 1.22.1; GOTOOLCHAIN=local)`.
fn too_old(said: &str) -> Option<Error> {
    let line = said.lines().find(|line| line.contains("requires go >= "))?;
    let (what, rest) = line.split_once(" requires go >= ")?;
    let needed = rest.split([' ', ';', ')']).next()?;
    let found = rest.split_once("running go ")?.1.split([' ', ';', ')']).next()?;
    Some(old_go(&format!("`{}`", what.trim_start_matches("go: ").trim_start_matches("errors parsing ")), found, needed))
}

/// The numbers of a Go version: `go1.26.8` → 1, 26, 8.
fn numbers(version: &str) -> Vec<u64> {
    let version = version.trim_start_matches("go");
    version.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse().ok()).collect()
}

/// The module path in a folder's go.mod, if it is a Go module.
pub fn module_of_checkout(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("go.mod")).ok()?;
    let line = text.lines().find_map(|line| line.trim().strip_prefix("module "))?;
    Some(line.trim().trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_major_version_has_its_module() {
        let module = |component, spec: &str| module_for(component, &spec.parse().unwrap());
        assert_eq!(module(Component::Containerd, "latest"), "github.com/containerd/containerd/v2");
        assert_eq!(module(Component::Containerd, "2.3"), "github.com/containerd/containerd/v2");
        assert_eq!(module(Component::Containerd, "1.7.35"), "github.com/containerd/containerd");
        assert_eq!(module(Component::Buildkit, "0.34"), "github.com/moby/buildkit");
    }

    #[test]
    fn go_versions_compare_by_number() {
        assert!(numbers("go1.9.7") < numbers("1.26"));
        assert!(numbers("go1.26.8") >= numbers("1.26.8"));
        assert!(numbers("go1.27rc1") >= numbers("1.26.8"));
    }

    #[test]
    fn gos_own_words_for_too_old_name_the_version_needed() {
        let error =
            too_old("go: downloading x\ngo: go.mod requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)\n")
                .unwrap();
        assert_eq!(error.to_string(), "failed to build `go.mod`: it needs Go 1.99, and `go` is 1.26.8");
        assert!(too_old("go: some other trouble").is_none());
    }

    #[test]
    fn the_newest_is_the_newest_by_number() {
        let versions: Vec<Version> =
            ["2.9.0", "2.10.1", "2.11.0-rc.1"].iter().map(|text| text.parse().unwrap()).collect();
        let (version, skipped) = newest(&versions, Component::Containerd, "m", &Spec::Latest).unwrap();
        assert_eq!((version.as_str(), skipped.len()), ("v2.10.1", 1));
        let error = newest(&versions, Component::Containerd, "m", &"3.1".parse().unwrap()).unwrap_err();
        assert_eq!(error.hint_text(), Some("the newest there is 2.10.1"));
    }
}
