//! Finding a known message in what was said, line by line.

use super::{Failure, Speaker, all};

/// A known message, and the line that it was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it means.
    pub failure: &'static Failure,
    /// The line, without what programs put around their messages.
    pub line: String,
}

/// What a text means that one of them said, or any of them if that is not known; the last message that is known counts.
pub fn explain(text: &str, by: Option<Speaker>) -> Option<Found> {
    text.lines().rev().find_map(|line| {
        let by = match kind(line) {
            Kind::Quoted => return None,
            // The client only passes on what a RUN printed.
            Kind::Run if by.is_some() => return None,
            Kind::Run => Some(Speaker::Run),
            Kind::Plain => by.or_else(|| guess(line)),
        };
        let line = bare(line);
        innermost(&line, by).map(|failure| Found { failure, line })
    })
}

/// The innermost message in a line: errors are wrapped from the left, so it is the one that ends last. Of two that end there,
/// it is the one with more words in the line.
pub(super) fn innermost(line: &str, by: Option<Speaker>) -> Option<&'static Failure> {
    let matches = |known: &'static Failure| {
        let ends = known.matchers.iter().filter_map(|parts| {
            let words = parts.iter().map(|part| part.len()).sum::<usize>();
            Some((end_of(line, parts)?, words))
        });
        ends.max().map(|place| (place, known))
    };
    let of_theirs = all().filter(|known| by.is_none_or(|by| known.said_by.contains(&by)));
    of_theirs.filter_map(matches).max_by_key(|(place, _)| *place).map(|(_, known)| known)
}

/// Where texts end in a line that has all of them, in their order.
fn end_of(line: &str, parts: &[&str]) -> Option<usize> {
    let (last, others) = parts.split_last()?;
    let at = line.rfind(last)?;
    let mut before = &line[..at];
    for part in others {
        before = &before[before.find(part)? + part.len()..];
    }
    Some(at + last.len())
}

/// What a line of a client is.
enum Kind {
    /// A message.
    Plain,
    /// What the failed step printed, told once more at the end: `0.512 curl: …`.
    Run,
    /// The Dockerfile's own words, or what any step printed: they may be anything.
    Quoted,
}

fn kind(line: &str) -> Kind {
    let text = line.trim_start();
    if after_time(text).is_some() {
        return Kind::Run;
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_source = text.split_once('|').is_some_and(|(number, _)| is_number(number.trim_end()));
    let is_step = text.starts_with("> ");
    let is_progress = text
        .strip_prefix('#')
        .and_then(|rest| rest.split_once(' '))
        .is_some_and(|(number, rest)| is_number(number) && (rest.starts_with('[') || after_time(rest).is_some()));
    if is_source || is_step || is_progress { Kind::Quoted } else { Kind::Plain }
}

/// What comes after the seconds since a step's beginning, where a line begins with them: `12.34 curl: …`.
pub(super) fn after_time(text: &str) -> Option<&str> {
    let (time, rest) = text.trim_start().split_once(' ')?;
    (time.contains('.') && time.parse::<f64>().is_ok()).then_some(rest)
}

/// Who may have said a line that came without its speaker.
fn guess(line: &str) -> Option<Speaker> {
    let begins = |with: &[&str]| with.iter().any(|with| line.starts_with(with));
    if begins(&["time=\"", "buildkitd: ", "containerd: ", "buildkitd  | ", "containerd | "]) {
        return Some(Speaker::Daemon);
    }
    // Daemons listen, clients dial; and no program in a container knows of layers.
    let is_clients = begins(&["error: ", "ERROR: ", "ctr: ", "docker: ", "#"]);
    (is_clients || line.contains("dial") || line.contains("hcsshim::")).then_some(Speaker::Client)
}

/// A message without what a log puts around and into it, and without the command of a RUN, which may hold any words.
pub fn bare(line: &str) -> String {
    let line = line.replace("\\\"", "\"").replace(r"\\", r"\");
    let line = line.split("\" spanID=").next().unwrap_or_default();
    line.rsplit("did not complete successfully: ").next().unwrap_or_default().trim().to_owned()
}
