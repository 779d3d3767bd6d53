//! Commits, and GitHub's comparison of two of them.

use super::connection::Reply;
use super::{Request, Shared, State, encode};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A commit, as a test describes it.
#[derive(Debug, Clone)]
pub(super) struct Commit {
    sha: String,
    parents: Vec<String>,
    /// Tags and branches that lead to it.
    names: Vec<String>,
}

impl Commit {
    pub(super) fn new(sha: &str, parents: &[&str], names: &[&str]) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        Self { sha: sha.to_owned(), parents: owned(parents), names: owned(names) }
    }

    fn to_json(&self) -> Value {
        let parents: Vec<Value> = self.parents.iter().map(|sha| json!({ "sha": sha })).collect();
        json!({
            "sha": self.sha,
            "commit": { "message": format!("Change what {} changes\n\nAt length.", self.sha) },
            "parents": parents,
        })
    }
}

/// Answers what `BASE...HEAD` asks for, in pages of which each has the status.
pub(super) fn compare(shared: &Shared, state: &State, request: &Request, repository: &str, range: &str) -> Reply {
    let Some((commits, (base, head))) = state.histories.get(repository).zip(range.split_once("...")) else {
        return Reply::not_found();
    };
    let find = |name: &str| {
        commits.iter().find(|commit| commit.sha.starts_with(name) || commit.names.iter().any(|known| known == name))
    };
    let (Some(base), Some(head)) = (find(base), find(head)) else { return Reply::not_found() };
    let (of_base, of_head) = (ancestors(commits, &base.sha), ancestors(commits, &head.sha));
    let status = match (of_head.contains(&base.sha), of_base.contains(&head.sha)) {
        (true, true) => "identical",
        (true, false) => "ahead",
        (false, true) => "behind",
        (false, false) => "diverged",
    };
    let common = commits.iter().rev().find(|commit| of_base.contains(&commit.sha) && of_head.contains(&commit.sha));
    let ahead: Vec<&Commit> =
        commits.iter().filter(|commit| of_head.contains(&commit.sha) && !of_base.contains(&commit.sha)).collect();
    let size = state.page_size.unwrap_or(100);
    let page: usize = request.query("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let shown: Vec<Value> = ahead.iter().skip((page - 1) * size).take(size).map(|commit| commit.to_json()).collect();
    let reply = Reply::json(
        200,
        &json!({
            "status": status,
            "total_commits": ahead.len(),
            "base_commit": base.to_json(),
            "merge_base_commit": common.map(Commit::to_json),
            "commits": shown,
        }),
    );
    if page * size >= ahead.len() {
        return reply;
    }
    let host = shared.api_url();
    let next =
        format!("<{host}/repos/{repository}/compare/{}?per_page=100&page={}>; rel=\"next\"", encode(range), page + 1);
    reply.header("Link", next)
}

/// A commit and all that lead to it.
fn ancestors(commits: &[Commit], sha: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![sha.to_owned()];
    while let Some(sha) = open.pop() {
        let parents = commits.iter().find(|commit| commit.sha == sha).map(|commit| commit.parents.clone());
        if found.insert(sha) {
            open.extend(parents.unwrap_or_default());
        }
    }
    found
}
