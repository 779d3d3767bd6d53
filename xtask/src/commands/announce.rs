//! `cargo xtask announce`: what a night found newly broken, as one issue on GitHub.

use super::report::read_night;
use super::{matrix, print};
use crate::context::Context;
use crate::error::{Context as _, Error, Result};
use crate::http::{Answer, HttpError, HttpErrorKind, Write};
use crate::report::announcement::{self, Deed, Issue, TITLE};
use crate::report::model::Report;
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;

/// As many pages of issues as anybody has; a server that leads in circles has more.
const MOST_PAGES: usize = 200;

/// The options of `announce`.
#[derive(Debug, Args)]
pub struct Options {
    /// A night's result files, or folders with them
    #[arg(required = true, value_name = "RESULTS")]
    results: Vec<PathBuf>,
    /// The repository whose issue it is
    #[arg(long, value_name = "OWNER/NAME", env = "GITHUB_REPOSITORY", hide_env_values = true)]
    repository: Option<String>,
    /// What `matrix` printed, in a file or on stdin: a cell without a result is then known to be missing
    #[arg(long, value_name = "FILE|-")]
    cells: Option<PathBuf>,
    /// Print what would be done, by the issues that are there, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs it; it needs no workspace.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    let repository = repository(options)?;
    if context.github.token.is_none() && !options.dry_run {
        return Err(Error::usage(format!("there is no token with which to write to the issues of {repository}"))
            .hint("set GH_TOKEN or GITHUB_TOKEN to one that may, or see with `--dry-run` what would be done"));
    }
    let asked = options.cells.as_deref().map(matrix::read).transpose()?.map(|(cells, _)| cells);
    let place = Place { context, repository };
    let deed = match read_night(context.ui, &options.results, asked.is_some())? {
        Some((night, results)) => {
            let report = Report::new(night, results, &[]);
            announcement::decide(&report, &asked.unwrap_or_default(), announcement::find(place.open_issues()?))
        }
        // The jobs of such a night are red already; an issue tells of versions.
        None => Deed::Nothing { because: "no cell has a result, so nothing is known to be broken or mended".into() },
    };
    if options.dry_run { print(told(&deed)) } else { place.perform(&deed) }
}

/// The repository, as GitHub writes them.
fn repository(options: &Options) -> Result<&str> {
    let hint = "set GITHUB_REPOSITORY, or give `--repository OWNER/NAME`";
    let Some(repository) = options.repository.as_deref() else {
        return Err(Error::usage("no repository is named whose issue it is to be").hint(hint));
    };
    let is_name = |name: &str| {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !name.is_empty() && !name.starts_with('.') && name.chars().all(is_of_name)
    };
    match repository.split_once('/') {
        Some((owner, name)) if is_name(owner) && is_name(name) => Ok(repository),
        _ => Err(Error::usage(format!("`{repository}` names no repository on GitHub")).hint(hint)),
    }
}

/// A deed in words.
fn told(deed: &Deed) -> String {
    match deed {
        Deed::Nothing { because } => format!("would do nothing: {because}\n"),
        Deed::Open { body } => format!("would open an issue: {TITLE}\n\n{body}"),
        Deed::Update { number, body, comment: None } => {
            format!("would make the text of issue #{number} this, without a comment:\n\n{body}")
        }
        Deed::Update { number, body, comment: Some(comment) } => {
            format!("would make the text of issue #{number} this:\n\n{body}\nand comment:\n\n{comment}")
        }
        Deed::Close { number, comment } => format!("would close issue #{number}, and comment:\n\n{comment}\n"),
    }
}

/// An issue in GitHub's list of them.
#[derive(Deserialize)]
struct Listed {
    number: u64,
    body: Option<String>,
    user: Option<User>,
    #[serde(default)]
    author_association: String,
    /// GitHub lists pull requests too.
    pull_request: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    login: String,
}

/// Who writes with the token that GitHub gives a workflow. No person's login has such brackets.
const WORKFLOW: &str = "github-actions[bot]";

impl Listed {
    /// Whether it may be of a nightly's making: that writes as a workflow, or with the token of a person of the house. Anybody
    /// may open an issue that looks like it, and have one of the other bots open it.
    fn is_of_the_house(&self) -> bool {
        let is_workflow = self.user.as_ref().is_some_and(|user| user.login == WORKFLOW);
        self.pull_request.is_none()
            && (is_workflow || matches!(self.author_association.as_str(), "OWNER" | "MEMBER" | "COLLABORATOR"))
    }
}

/// What GitHub answers to a new issue.
#[derive(Deserialize)]
struct Opened {
    number: u64,
}

/// The issues of a repository.
struct Place<'a> {
    context: &'a Context<'a>,
    repository: &'a str,
}

impl Place<'_> {
    fn issues(&self) -> String {
        format!("{}/repos/{}/issues", self.context.github.api, self.repository)
    }

    /// All open issues that may be the one.
    fn open_issues(&self) -> Result<Vec<Issue>> {
        let mut found = Vec::new();
        let mut next = Some(format!("{}?state=open&sort=created&direction=asc&per_page=100", self.issues()));
        for _ in 0..MOST_PAGES {
            let Some(url) = next else { break };
            let token = self.context.github.token.as_deref();
            let answer = self.context.http.get_text(&url, token, None).map_err(|error| self.refused(error))?;
            // Without an ETag sent, there is no other answer.
            let Answer::Fresh(text) = answer else { break };
            let listed: Vec<Listed> =
                serde_json::from_str(&text.body).trying(|| format!("read the issues of {}", self.repository))?;
            let of_the_house = listed.into_iter().filter(Listed::is_of_the_house);
            found.extend(of_the_house.map(|one| Issue { number: one.number, body: one.body.unwrap_or_default() }));
            next = text.next;
        }
        Ok(found)
    }

    fn perform(&self, deed: &Deed) -> Result<()> {
        let ui = self.context.ui;
        let issue = |number: u64| format!("issue #{number} of {}", self.repository);
        match deed {
            Deed::Nothing { because } => ui.step("Announced", &format!("nothing: {because}")),
            Deed::Open { body } => {
                let answer = self.write(Write::Add, &self.issues(), &json!({ "title": TITLE, "body": body }))?;
                let opened: Opened = serde_json::from_str(&answer).trying(|| "read what GitHub opened".into())?;
                ui.step("Opened", &issue(opened.number));
            }
            Deed::Update { number, body, comment } => {
                // Before the comment: it notes what was told, and no comment is better than the same one every night.
                self.change(*number, &json!({ "body": body }))?;
                comment.as_ref().map_or(Ok(()), |comment| self.comment(*number, comment))?;
                ui.step("Updated", &issue(*number));
            }
            Deed::Close { number, comment } => {
                self.change(*number, &json!({ "state": "closed", "state_reason": "completed" }))?;
                self.comment(*number, comment)?;
                ui.step("Closed", &issue(*number));
            }
        }
        Ok(())
    }

    fn change(&self, number: u64, fields: &serde_json::Value) -> Result<()> {
        self.write(Write::Change, &format!("{}/{number}", self.issues()), fields).map(drop)
    }

    fn comment(&self, number: u64, body: &str) -> Result<()> {
        self.write(Write::Add, &format!("{}/{number}/comments", self.issues()), &json!({ "body": body })).map(drop)
    }

    fn write(&self, write: Write, url: &str, fields: &serde_json::Value) -> Result<String> {
        let token = self.context.github.token.as_deref();
        self.context.http.send_json(write, url, token, &fields.to_string()).map_err(|error| self.refused(error))
    }

    /// GitHub's refusals, each with what mends it.
    fn refused(&self, error: HttpError) -> Error {
        let Self { repository, .. } = self;
        let hint = match error.kind {
            HttpErrorKind::Status(410) => {
                format!("{repository} has its issues turned off: turn them on in its settings")
            }
            HttpErrorKind::Moved(_) => {
                "name the repository as it is called now, with GITHUB_REPOSITORY or `--repository OWNER/NAME`"
                    .to_owned()
            }
            HttpErrorKind::Forbidden => {
                "give the token the right to write issues; in a workflow, `permissions: issues: write` does".to_owned()
            }
            HttpErrorKind::NotFound => {
                format!("check that there is a repository {repository}, and that the token may see it")
            }
            _ => return error.into(),
        };
        Error::ground(error.to_string()).hint(hint)
    }
}
