//! What lies between a good end and a bad one.

use super::saved::Question;
use crate::component::Component;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::lock;
use crate::release::{self, Listed};
use crate::source::{Source, commits, listing};
use crate::version::Spec;
use semver::Version;
use serde::{Deserialize, Serialize};

/// A version or a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The version, or the commit's hash.
    pub name: String,
    /// The first line of a commit's message.
    pub subject: Option<String>,
}

impl Candidate {
    /// As a list has it.
    pub fn line(&self) -> String {
        self.described() + "\n"
    }

    /// Its name, with what else is known of it.
    pub fn described(&self) -> String {
        match &self.subject {
            Some(subject) => format!("{} {subject}", self.name),
            None => self.name.clone(),
        }
    }

    /// A name for its folder, which has to be a short one.
    pub fn short(&self) -> &str {
        if self.subject.is_some() { self.name.get(..12).unwrap_or(&self.name) } else { &self.name }
    }
}

/// All of them, from the good end to the bad one.
///
/// # Errors
/// When an end isn't there, or they are the wrong way round or the same.
pub fn find(context: &Context, question: &Question) -> Result<Vec<Candidate>> {
    lock::claim(&context.workspace)?;
    let ground = context.ground(context.workspace.platform());
    let Question { component, good, bad, .. } = question;
    if question.refs {
        let commits = match &question.checkout {
            Some(clone) => commits::in_clone(*component, clone, &tag(good), &tag(bad))?,
            None => {
                refuse_mirror(*component, &context.request.source)?;
                commits::on_github(&ground, *component, &tag(good), &tag(bad))?
            }
        };
        let candidate = |commit: commits::Commit| Candidate { name: commit.sha, subject: Some(commit.subject) };
        return Ok(commits.into_iter().map(candidate).collect());
    }
    let listed = listing::list(&ground, *component)?;
    let versions = between(&listed, &end(*component, &listed, good)?, &end(*component, &listed, bad)?)?;
    Ok(versions.into_iter().map(|version| Candidate { name: version.to_string(), subject: None }).collect())
}

/// A version as its tag is called, and anything else as it is.
fn tag(text: &str) -> String {
    match text.parse() {
        Ok(Spec::Exact(version)) => format!("v{version}"),
        _ => text.to_owned(),
    }
}

fn refuse_mirror(component: Component, source: &Source) -> Result<()> {
    match source {
        Source::MirrorFolder(_) | Source::MirrorUrl(_) => {
            Err(Error::usage(format!("`--refs` builds commits, and the mirror `{source}` has only released files"))
                .hint(format!(
                    "leave `--source` out, or give a clone of {} with `--checkout DIR`",
                    component.repository()
                )))
        }
        _ => Ok(()),
    }
}

/// The listed version that an end means.
fn end(component: Component, listed: &[Listed], text: &str) -> Result<Version> {
    let spec: Spec = text.parse()?;
    if matches!(spec, Spec::GoRef(_) | Spec::Path(_)) {
        return Err(Error::usage(format!("`{text}` is no release of {component}"))
            .hint("give a version or a series such as 2.3; with `--refs` tags, branches and commits are taken"));
    }
    release::newest_admitted(&spec, listed).cloned().ok_or_else(|| {
        let error = Error::usage(format!("there is no {component} {spec}"));
        let versions: Vec<String> = listed.iter().rev().take(5).map(|listed| listed.version.to_string()).collect();
        error.hint(format!("the newest there are {}", versions.join(", ")))
    })
}

/// In the order of their numbers, which need not be that of their dates: a patch of an older series may have what a newer minor
/// version has not. What is found is all the same a version that fails right after one that doesn't.
///
/// Pre-releases are tried only where one is an end.
fn between(listed: &[Listed], good: &Version, bad: &Version) -> Result<Vec<Version>> {
    if good == bad {
        return Err(Error::usage(format!("`--good` and `--bad` are both {good}"))
            .hint("give a version that is good and a later one that is bad"));
    }
    if good > bad {
        return Err(Error::usage(format!("the ends are the wrong way round: {bad} is older than {good}")).hint(
            "swap them; to find since when something works, swap them and give a command that fails when it does",
        ));
    }
    let is_prerelease = |version: &Version| listed.iter().any(|listed| listed.version == *version && listed.prerelease);
    let takes_all = is_prerelease(good) || is_prerelease(bad);
    let wanted = listed.iter().filter(|listed| takes_all || !listed.prerelease).map(|listed| &listed.version);
    Ok(wanted.filter(|version| *version >= good && *version <= bad).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> Vec<Listed> {
        let parse = |text: &str| text.parse().unwrap();
        ["2.2.9", "2.3.0-rc.1", "2.3.0", "2.3.1", "2.10.0"]
            .map(|text| Listed { prerelease: text.contains("rc"), version: parse(text) })
            .into()
    }

    fn found(good: &str, bad: &str) -> Result<Vec<String>> {
        let end = |text| end(Component::Containerd, &listed(), text);
        Ok(between(&listed(), &end(good)?, &end(bad)?)?.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn both_ends_and_all_between_are_candidates() {
        assert_eq!(found("2.2", "latest").unwrap(), ["2.2.9", "2.3.0", "2.3.1", "2.10.0"]);
        assert_eq!(found("2.3.0-rc.1", "2.3").unwrap(), ["2.3.0-rc.1", "2.3.0", "2.3.1"]);
    }

    #[test]
    fn ends_that_make_no_sense_are_refused() {
        for (good, bad, why) in [
            ("2.3.0", "2.2.9", "the ends are the wrong way round: 2.2.9 is older than 2.3.0"),
            ("2.3.1", "2.3", "`--good` and `--bad` are both 2.3.1"),
            ("2.3.0", "2.4", "there is no containerd 2.4"),
            ("main", "2.3.1", "`main` is no release of containerd"),
        ] {
            let error = found(good, bad).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.class().exit_code()), (why, 2));
            assert!(error.hint_text().is_some());
        }
    }

    #[test]
    fn a_version_is_a_tag_where_commits_are_asked_for() {
        assert_eq!(tag("0.33.1"), "v0.33.1");
        assert_eq!(tag("v0.33.1"), "v0.33.1");
        assert_eq!(tag("master"), "master");
    }
}
