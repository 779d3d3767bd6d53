//! GitHub's releases API: pages, ETags and the limit on calls.

use super::connection::{Body, Reply};
use super::{Request, Shared, State, encode, history, issues};
use crate::archives::sha256_hex;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// How many calls an hour GitHub answers without a token, and with one.
const LIMITS: [usize; 2] = [60, 5000];

/// What is left of the calls, without a token and with one.
pub(super) struct Calls {
    left: [usize; 2],
    /// When the limit ends, in seconds since 1970.
    pub(super) ends: u64,
}

impl Default for Calls {
    fn default() -> Self {
        let in_half_an_hour = SystemTime::now() + Duration::from_secs(1800);
        let since_epoch = in_half_an_hour.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { left: LIMITS, ends: since_epoch.as_secs() }
    }
}

impl Calls {
    pub(super) fn leave(&mut self, calls: usize) {
        self.left = [calls; 2];
    }

    /// Takes a call, if there is one left.
    fn take(&mut self, has_token: bool) -> bool {
        let left = &mut self.left[usize::from(has_token)];
        let any = *left > 0;
        *left = left.saturating_sub(1);
        any
    }

    /// Gives a call back: it turned out to cost nothing.
    fn give_back(&mut self, has_token: bool) {
        self.left[usize::from(has_token)] += 1;
    }

    fn headers(&self, has_token: bool, reply: Reply) -> Reply {
        let (limit, left) = (LIMITS[usize::from(has_token)], self.left[usize::from(has_token)]);
        reply
            .header("x-ratelimit-limit", limit.to_string())
            .header("x-ratelimit-remaining", left.to_string())
            .header("x-ratelimit-used", limit.saturating_sub(left).to_string())
            .header("x-ratelimit-reset", self.ends.to_string())
            .header("x-ratelimit-resource", "core")
    }
}

/// Answers a request for what follows `/repos`.
pub(super) fn api(shared: &Shared, state: &mut State, request: &Request, rest: &[&str]) -> Reply {
    if request.header("user-agent").is_none() {
        // GitHub does that, and a client that names itself nowhere else would not notice before it meets GitHub.
        return Reply::message(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
        );
    }
    let has_token = request.header("authorization").is_some();
    if !state.calls.take(has_token) {
        let text = "API rate limit exceeded for 127.0.0.1. (But here's the good news: Authenticated requests get a higher rate limit. Check out the documentation for more details.)";
        return state.calls.headers(has_token, Reply::message(403, text));
    }
    let reply = match rest {
        [owner, name, "releases"] => page(shared, state, request, &format!("{owner}/{name}")),
        [owner, name, "releases", "tags", tag] => by_tag(shared, state, &format!("{owner}/{name}"), tag),
        [owner, name, "compare", range] => history::compare(shared, state, request, &format!("{owner}/{name}"), range),
        [owner, name, "issues", rest @ ..] => issues::answer(shared, state, request, &format!("{owner}/{name}"), rest),
        _ => Reply::not_found(),
    };
    let reply = revalidate(request, reply);
    if reply.status == 304 {
        state.calls.give_back(has_token);
    }
    state.calls.headers(has_token, reply)
}

/// Answers how many calls are left, which takes none.
pub(super) fn rate_limit(state: &State, request: &Request) -> Reply {
    let has_token = request.header("authorization").is_some();
    let (limit, left) = (LIMITS[usize::from(has_token)], state.calls.left[usize::from(has_token)]);
    let core =
        json!({ "limit": limit, "used": limit.saturating_sub(left), "remaining": left, "reset": state.calls.ends });
    let reply = Reply::json(200, &json!({ "resources": { "core": core }, "rate": core }));
    match &state.date {
        Some(date) => reply.header("Date", date),
        None => reply,
    }
}

/// One page of a repository's releases, and where the next one is.
fn page(shared: &Shared, state: &State, request: &Request, repository: &str) -> Reply {
    let Some(releases) = state.repositories.get(repository) else { return Reply::not_found() };
    let number = |name, default| request.query(name).and_then(|value| value.parse().ok()).unwrap_or(default);
    let asked: usize = number("per_page", 30).clamp(1, 100);
    let size = asked.min(state.page_size.unwrap_or(100)).max(1);
    let page = number("page", 1).max(1);
    let host = shared.api_url();
    let found = releases.iter().skip((page - 1) * size).take(size);
    let found: Vec<Value> = found.map(|release| release.to_json(&host, repository)).collect();
    let reply = Reply::json(200, &Value::Array(found));
    let last = releases.len().div_ceil(size).max(1);
    if page >= last {
        return reply;
    }
    let link = |page, rel| format!("<{host}/repos/{repository}/releases?per_page={asked}&page={page}>; rel=\"{rel}\"");
    reply.header("Link", format!("{}, {}", link(page + 1, "next"), link(last, "last")))
}

fn by_tag(shared: &Shared, state: &State, repository: &str, tag: &str) -> Reply {
    let found = state.repositories.get(repository).and_then(|all| all.iter().find(|release| release.tag == tag));
    found.map_or_else(Reply::not_found, |release| Reply::json(200, &release.to_json(&shared.api_url(), repository)))
}

/// Gives an answer its ETag, and makes it a 304 where the client has it already.
fn revalidate(request: &Request, reply: Reply) -> Reply {
    if reply.status != 200 {
        return reply;
    }
    let etag = format!("W/\"{}\"", sha256_hex(reply.body.bytes()));
    let known = request.header("if-none-match").is_some_and(|known| known == etag);
    let reply = reply.header("ETag", etag).header("Cache-Control", "public, max-age=60, s-maxage=60");
    if known { Reply { status: 304, body: Body::default(), ..reply } } else { reply }
}

/// Answers a download's address with the host that has the bytes.
pub(super) fn redirect(shared: &Shared, state: &State, repository: &str, tag: &str, asset: &str) -> Reply {
    if state.asset(repository, tag, asset).is_none() {
        return Reply::not_found();
    }
    let host = shared.downloads_url();
    Reply::new(302).header("Location", format!("{host}/objects/{repository}/{}/{}", encode(tag), encode(asset)))
}
