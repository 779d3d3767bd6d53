//! The commits between two refs of a component, in the order in which they came to its branch.
//!
//! The Go module proxy knows a ref's version but no neighbours of it, so a clone on this machine is asked if one is given, and
//! GitHub if not. Of merges only the first parents are followed: what a pull request brought is one step.

use super::{Ground, github};
use crate::component::Component;
use crate::error::{Context, Error, Result};
use crate::http::{self, HttpErrorKind};
use crate::process::{self, Argv};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its full hash.
    pub sha: String,
    /// The first line of its message.
    pub subject: String,
}

/// The commits from one ref to another, both among them, as GitHub has them.
///
/// # Errors
/// When GitHub doesn't answer, or the second isn't on top of the first.
pub fn on_github(ground: &Ground, component: Component, good: &str, bad: &str) -> Result<Vec<Commit>> {
    let repository = component.repository();
    let range = http::segment(&format!("{good}...{bad}"));
    let mut next = Some(format!("{}/repos/{repository}/compare/{range}?per_page=100", ground.github.api));
    let mut pages = Vec::new();
    while let Some(url) = next {
        let text = github::ask(ground, &url)
            .map_err(|error| match error.kind {
                HttpErrorKind::NotFound => Error::usage("GitHub doesn't know both")
                    .hint("give tags, branches or commits that are in that repository, not in a fork of it"),
                _ => {
                    Error::from(error).hint("give a clone on this machine with `--checkout DIR`, which needs no GitHub")
                }
            })
            .trying(|| format!("list the commits of {repository} from `{good}` to `{bad}`"))?;
        pages.push(serde_json::from_str(&text.body).trying(|| "read GitHub's comparison".into())?);
        next = text.next;
    }
    row(&pages, good, bad)
}

/// A page of GitHub's answer.
/// Source: <https://docs.github.com/rest/commits/commits#compare-two-commits>
#[derive(Deserialize)]
struct Comparison {
    status: String,
    base_commit: GithubCommit,
    merge_base_commit: GithubCommit,
    commits: Vec<GithubCommit>,
}

#[derive(Clone, Deserialize)]
struct GithubCommit {
    sha: String,
    commit: Message,
    #[serde(default)]
    parents: Vec<Parent>,
}

#[derive(Clone, Deserialize)]
struct Message {
    message: String,
}

#[derive(Clone, Deserialize)]
struct Parent {
    sha: String,
}

impl From<&GithubCommit> for Commit {
    fn from(commit: &GithubCommit) -> Self {
        let subject = commit.commit.message.lines().next().unwrap_or_default().to_owned();
        Self { sha: commit.sha.clone(), subject }
    }
}

fn row(pages: &[Comparison], good: &str, bad: &str) -> Result<Vec<Commit>> {
    let Some(first) = pages.first() else { return Ok(Vec::new()) };
    match first.status.as_str() {
        "ahead" => {}
        "identical" => return Err(same(good, bad)),
        "behind" => return Err(wrong_way_round(good, bad)),
        _ => return Err(apart(good, bad, &first.merge_base_commit.sha)),
    }
    let all: Vec<&GithubCommit> = pages.iter().flat_map(|page| &page.commits).collect();
    let by_sha: HashMap<&str, &GithubCommit> = all.iter().map(|commit| (commit.sha.as_str(), *commit)).collect();
    let mut row = Vec::new();
    // The list ends with the ref itself.
    let mut at = all.last().copied();
    while let Some(commit) = at {
        row.push(Commit::from(commit));
        at = commit.parents.first().and_then(|parent| by_sha.get(parent.sha.as_str()).copied());
    }
    row.push(Commit::from(&first.base_commit));
    row.reverse();
    Ok(row)
}

/// The commits from one ref to another, both among them, as a clone on this machine has them.
///
/// # Errors
/// When it is no clone of the component, lacks a ref, or the second isn't on top of the first.
pub fn in_clone(component: Component, clone: &Path, good: &str, bad: &str) -> Result<Vec<Commit>> {
    let module = super::go::module_of_checkout(clone).unwrap_or_default();
    if !component.go_modules().contains(&module.as_str()) {
        return Err(Error::usage(format!("`--checkout {}` is no clone of {component}", clone.display()))
            .hint(format!("give a clone of {}", component.repository())));
    }
    let sha = |name: &str| {
        let argv =
            git(clone).args(["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")]);
        let output = process::capture(&argv)?;
        if output.status.success() {
            return Ok(output.stdout.trim().to_owned());
        }
        Err(Error::usage(format!("`{}` has no commit `{name}`", clone.display()))
            .hint("fetch it first, or give another ref"))
    };
    let (first, last) = (sha(good)?, sha(bad)?);
    if first == last {
        return Err(same(good, bad));
    }
    let base = process::capture(&git(clone).args(["merge-base", &first, &last]))?.stdout.trim().to_owned();
    if base == last {
        return Err(wrong_way_round(good, bad));
    }
    if base != first {
        return Err(apart(good, bad, &base));
    }
    let range = format!("{first}..{last}");
    let listed = process::succeed(&git(clone).args([
        "log",
        "--first-parent",
        "--reverse",
        "--format=%H %s",
        "--end-of-options",
        &range,
    ]))?;
    let start = process::succeed(&git(clone).args(["log", "-1", "--format=%H %s", "--end-of-options", &first]))?;
    let commit = |line: &str| {
        let (sha, subject) = line.split_once(' ').unwrap_or((line, ""));
        Commit { sha: sha.to_owned(), subject: subject.to_owned() }
    };
    Ok(start.stdout.lines().chain(listed.stdout.lines()).map(commit).collect())
}

/// Puts a commit of a clone into a folder of ours, made from it where there is none. The clone itself stays as it is.
///
/// # Errors
/// When git can't.
pub fn check_out(clone: &Path, commit: &str, into: &Path) -> Result<()> {
    if !into.join(".git").exists() {
        let argv = Argv::new("git").args(["clone", "--quiet", "--shared", "--no-checkout"]).arg(clone).arg(into);
        process::succeed(&argv)?;
    }
    process::succeed(&git(into).args(["checkout", "--quiet", "--force", "--detach", commit]))?;
    process::succeed(&git(into).args(["clean", "-ffdqx"])).map(drop)
}

fn git(folder: &Path) -> Argv {
    Argv::new("git").arg("-C").arg(folder)
}

fn same(good: &str, bad: &str) -> Error {
    Error::usage(format!("`--good {good}` and `--bad {bad}` are the same commit"))
        .hint("give a commit that is good and a later one that is bad")
}

fn wrong_way_round(good: &str, bad: &str) -> Error {
    Error::usage(format!("the ends are the wrong way round: `--bad {bad}` comes before `--good {good}`"))
        .hint("swap them; to find since when something works, swap them and give a command that fails when it does")
}

fn apart(good: &str, bad: &str, base: &str) -> Error {
    Error::usage(format!("`--bad {bad}` is not on top of `--good {good}`: they are on different branches"))
        .hint(format!("they part at {base}: if that is good, give it as `--good`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(status: &str, commits: &[(&str, &[&str])]) -> Comparison {
        let commit = |sha: &str, parents: &[&str]| GithubCommit {
            sha: sha.into(),
            commit: Message { message: format!("{sha} does\n\nthis") },
            parents: parents.iter().map(|sha| Parent { sha: (*sha).into() }).collect(),
        };
        Comparison {
            status: status.into(),
            base_commit: commit("a", &[]),
            merge_base_commit: commit("m", &[]),
            commits: commits.iter().map(|(sha, parents)| commit(sha, parents)).collect(),
        }
    }

    #[test]
    fn what_a_pull_request_brought_is_one_step() {
        // b and c were made beside d, and came in with the merge e.
        let pages =
            [page("ahead", &[("b", &["a"]), ("d", &["a"]), ("c", &["b"])]), page("ahead", &[("e", &["d", "c"])])];
        let row = row(&pages, "x", "y").unwrap();
        assert_eq!(row.iter().map(|commit| commit.sha.as_str()).collect::<Vec<_>>(), ["a", "d", "e"]);
        assert_eq!(row[1].subject, "d does");
    }

    #[test]
    fn refs_must_be_one_on_top_of_the_other() {
        let message = |status| row(&[page(status, &[])], "x", "y").unwrap_err();
        assert!(message("identical").to_string().contains("the same commit"));
        assert!(message("behind").to_string().contains("wrong way round"));
        assert!(message("diverged").hint_text().unwrap().contains("they part at m"));
    }
}
