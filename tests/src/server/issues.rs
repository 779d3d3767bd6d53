//! GitHub's issues API, as far as one issue is kept by it.

use super::connection::Reply;
use super::{Request, Shared, State};
use serde_json::{Value, json};

/// More characters than this GitHub takes for no text.
const LONGEST: usize = 65_536;

/// An issue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// Whether it is closed.
    pub closed: bool,
    /// What was said below it.
    pub comments: Vec<String>,
    /// Who opened it: a workflow of the repository, or somebody else.
    pub by: By,
    /// Whether it is a pull request.
    pub pull_request: bool,
}

/// Who opened an issue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum By {
    /// A workflow, with the token that GitHub gives it.
    #[default]
    Workflow,
    /// Another bot.
    Bot(&'static str),
    /// A person with this association to the repository.
    Person(&'static str),
}

impl Issue {
    fn to_json(&self) -> Value {
        let (login, kind, association) = match self.by {
            By::Workflow => ("github-actions[bot]", "Bot", "NONE"),
            By::Bot(login) => (login, "Bot", "NONE"),
            By::Person(association) => ("somebody", "User", association),
        };
        let mut json = json!({
            "number": self.number,
            "title": self.title,
            "body": if self.body.is_empty() { Value::Null } else { json!(self.body) },
            "state": if self.closed { "closed" } else { "open" },
            "user": { "login": login, "type": kind },
            "author_association": association,
        });
        if self.pull_request {
            json["pull_request"] = json!({ "url": "https://api.github.com/" });
        }
        json
    }
}

/// Answers a request for what follows `/issues`.
pub(super) fn answer(shared: &Shared, state: &mut State, request: &Request, repository: &str, rest: &[&str]) -> Reply {
    let size = state.page_size.unwrap_or(100);
    let Some(issues) = state.issues.get_mut(repository) else { return Reply::not_found() };
    if request.method == "GET" {
        return if rest.is_empty() { page(shared, request, repository, issues, size) } else { Reply::not_found() };
    }
    if request.header("authorization").is_none() {
        return Reply::message(401, "Requires authentication");
    }
    let Ok(sent) = serde_json::from_str::<Value>(&request.body) else {
        return Reply::message(400, "Problems parsing JSON");
    };
    let text = |name: &str| sent[name].as_str().unwrap_or_default().to_owned();
    if text("body").chars().count() > LONGEST {
        return Reply::message(422, "Validation Failed: body is too long (maximum is 65536 characters)");
    }
    let number = |text: &str| text.parse::<u64>().ok();
    match (request.method.as_str(), rest) {
        ("POST", []) => {
            let number = issues.iter().map(|issue| issue.number).max().unwrap_or(0) + 1;
            let issue = Issue { number, title: text("title"), body: text("body"), ..Issue::default() };
            issues.push(issue.clone());
            Reply::json(201, &issue.to_json())
        }
        ("PATCH", [of]) => {
            let Some(issue) = issues.iter_mut().find(|issue| Some(issue.number) == number(of)) else {
                return Reply::not_found();
            };
            if sent["body"].is_string() {
                issue.body = text("body");
            }
            issue.closed = text("state") == "closed" || issue.closed && text("state") != "open";
            Reply::json(200, &issue.to_json())
        }
        ("POST", [of, "comments"]) => {
            let Some(issue) = issues.iter_mut().find(|issue| Some(issue.number) == number(of)) else {
                return Reply::not_found();
            };
            issue.comments.push(text("body"));
            Reply::json(201, &json!({ "body": text("body") }))
        }
        _ => Reply::message(405, "Method Not Allowed"),
    }
}

/// One page of the open issues, and where the next one is.
fn page(shared: &Shared, request: &Request, repository: &str, issues: &[Issue], size: usize) -> Reply {
    let mut open: Vec<&Issue> = issues.iter().filter(|issue| !issue.closed).collect();
    open.sort_by_key(|issue| issue.number);
    let page: usize = request.query("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let shown: Vec<Value> = open.iter().skip((page - 1) * size).take(size).map(|issue| issue.to_json()).collect();
    let reply = Reply::json(200, &Value::Array(shown));
    if page * size >= open.len() {
        return reply;
    }
    let host = shared.api_url();
    let next = page + 1;
    reply.header("Link", format!("<{host}/repos/{repository}/issues?state=open&page={next}>; rel=\"next\""))
}
