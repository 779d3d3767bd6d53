//! Finding a known message in what was said, line by line.

use super::{Failure, Speaker, all};
use crate::platform::Os;
use std::borrow::Cow;

/// A known message, and the line that it was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it means.
    pub failure: &'static Failure,
    /// The line, without what programs put around their messages.
    pub line: String,
}

/// What a text means that one of them said on a system, or any of them on any system if that is not known; the last message that
/// is known counts.
pub fn explain(text: &str, by: Option<Speaker>, on: Option<Os>) -> Option<Found> {
    // A lone carriage return is how a progress line is written over.
    text.split(['\n', '\r']).rev().find_map(|line| explain_line(line, by, &mut |line, by| innermost(line, by, on)))
}

/// What one line means that one of them said, as a look-up of its words has it.
pub(super) fn explain_line(
    line: &str,
    by: Option<Speaker>,
    look_up: &mut dyn FnMut(&str, Option<Speaker>) -> Option<&'static Failure>,
) -> Option<Found> {
    let by = match kind(line) {
        Kind::Quoted => return None,
        // The client only passes on what a RUN printed.
        Kind::Run if by.is_some() => return None,
        Kind::Run => Some(Speaker::Run),
        Kind::Plain => by.or_else(|| guess(line)),
    };
    let line = bare(line);
    look_up(&unescaped(&line), by).map(|failure| Found { failure, line })
}

/// The innermost message in a line: errors are wrapped from the left, so it is the one that ends last. Of two that end there,
/// it is the one with more words in the line.
pub(super) fn innermost(line: &str, by: Option<Speaker>, on: Option<Os>) -> Option<&'static Failure> {
    innermost_as(line, by, on, Cow::Borrowed)
}

/// The same, of a line that is not written as the catalogue is, but as `written` has it.
pub(super) fn innermost_as(
    line: &str,
    by: Option<Speaker>,
    on: Option<Os>,
    written: fn(&'static str) -> Cow<'static, str>,
) -> Option<&'static Failure> {
    let matches = |known: &'static Failure| {
        let ends = known.matchers.iter().filter_map(|parts| {
            let words = parts.iter().map(|part| part.len()).sum::<usize>();
            Some((end_of(line, parts, written)?, words))
        });
        ends.max().map(|place| (place, known))
    };
    let of_theirs = all().filter(|known| by.is_none_or(|by| known.said_by.contains(&by)));
    let of_there = of_theirs.filter(|known| on.is_none_or(|on| known.platforms.contains(&on)));
    of_there.filter_map(matches).max_by_key(|(place, _)| *place).map(|(_, known)| known)
}

/// Where texts end in a line that has all of them, in their order.
fn end_of(line: &str, parts: &[&'static str], written: fn(&'static str) -> Cow<'static, str>) -> Option<usize> {
    let (last, others) = parts.split_last()?;
    let last = written(last);
    // A long text is mostly short lines, and this spares the search its preparations.
    if line.len() < last.len() {
        return None;
    }
    let at = line.rfind(&*last)?;
    let mut before = &line[..at];
    for part in others {
        let part = written(part);
        before = &before[before.find(&*part)? + part.len()..];
    }
    Some(at + last.len())
}

/// What a line of a client is.
enum Kind {
    /// A message.
    Plain,
    /// What the failed step printed, told once more at the end: `0.512 curl: …`.
    Run,
    /// What may be any words: the Dockerfile's own, a command's, what any step printed; or a log's mere news.
    Quoted,
}

fn kind(line: &str) -> Kind {
    let text = line.trim_start();
    if after_time(text).is_some() {
        return Kind::Run;
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_source = text.split_once('|').is_some_and(|(number, _)| is_number(number.trim_end()));
    // `> [2/2] RUN …`; ` => [2/2] RUN …`, as a terminal has it; `+ …`, where a shell or PowerShell repeats a command.
    let is_step = ["> ", "=> ", "+ "].iter().any(|begins| text.starts_with(begins));
    let is_progress = text
        .strip_prefix('#')
        .and_then(|rest| rest.split_once(' '))
        .is_some_and(|(number, rest)| is_number(number) && (rest.starts_with('[') || after_time(rest).is_some()));
    let is_news = [" level=trace ", " level=debug ", " level=info "].iter().any(|level| text.contains(level));
    let is_quoted = is_source || is_step || is_progress || is_news || text.contains("dockerfile parse error on line ");
    if is_quoted { Kind::Quoted } else { Kind::Plain }
}

/// What comes after the seconds since a step's beginning, where a line begins with them: `12.34 curl: …`.
pub fn after_time(text: &str) -> Option<&str> {
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
    let is_clients = begins(&["error: ", "ERROR: ", "ctr: ", "docker: ", "Error response from daemon: ", "#"]);
    (is_clients || line.contains("dial") || line.contains("hcsshim::")).then_some(Speaker::Client)
}

/// A line with each backslash written once, however often what it came through has escaped them: no row has two in a row.
fn unescaped(line: &str) -> Cow<'_, str> {
    let mut line = Cow::Borrowed(line);
    while line.contains(r"\\") {
        line = Cow::Owned(line.replace(r"\\", r"\"));
    }
    line
}

/// A message without what a log puts around and into it, and without the command of a RUN, which may hold any words.
pub fn bare(line: &str) -> String {
    let line = line.replace("\\\"", "\"").replace(r"\\", r"\");
    let line = line.split("\" spanID=").next().unwrap_or_default();
    line.rsplit("did not complete successfully: ").next().unwrap_or_default().trim().to_owned()
}
