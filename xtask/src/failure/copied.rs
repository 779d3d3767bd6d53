//! Texts that people bring: what a terminal, PowerShell, a CI or a log's format has made of what was said.

use super::lines::{Found, explain, explain_line, innermost_as};
use super::steps::explain_step;
use crate::utf8::decoded;
use console::strip_ansi_codes;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// What is narrower was not broken by a terminal.
const NARROWEST: usize = 40;

/// What a text means, whoever said it and wherever it was copied from.
pub fn explain_copied(bytes: &[u8]) -> Option<Found> {
    let text = decoded(bytes);
    let text = strip_ansi_codes(&text);
    let text = of_json(&text).map_or(text, Cow::Owned);
    let lines: Vec<_> = text.lines().map(plain).collect();
    let plain = lines.join("\n");
    explain(&plain, None, None).or_else(|| explain_step(&plain, None)).or_else(|| explain_broken(&text))
}

/// The texts in a JSON value, a line each. In a report of this harness that is only why it failed: what a container printed may
/// be any words.
fn of_json(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    if let Some(message) = value.pointer("/failure/message").and_then(Value::as_str) {
        return Some(message.to_owned());
    }
    let is_line = value.as_object().is_some_and(|object| of_log(object).is_some());
    let mut texts = Vec::new();
    if !is_line {
        collect(&value, &mut texts);
    }
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn collect<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Object(values) => values.values().for_each(|value| collect(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A line without what others have put before it, and a log's JSON as a log's text.
fn plain(line: &str) -> Cow<'_, str> {
    let line = without_shell(without_mark(without_stamp(line)));
    let object = line.starts_with('{').then(|| serde_json::from_str::<Map<String, Value>>(line).ok()).flatten();
    object.as_ref().and_then(of_log).map_or(Cow::Borrowed(line), Cow::Owned)
}

/// A line of a log with `--log-format json`, or of Docker's log of a container.
fn of_log(object: &Map<String, Value>) -> Option<String> {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    if let Some(log) = text("log") {
        return Some(log.trim_end().to_owned());
    }
    let (level, message) = (text("level")?, text("msg")?);
    let error = text("error").map(|error| format!(" error=\"{error}\"")).unwrap_or_default();
    Some(format!("time=\"{}\" level={level} msg=\"{message}\"{error}", text("time").unwrap_or_default()))
}

/// Without GitHub's time, as in `2026-01-02T03:04:05.6789012Z …`, and the job and the step that `gh run view --log` puts before it.
fn without_stamp(line: &str) -> &str {
    let after_tabs = line.rsplit_once('\t').map_or(line, |(_, rest)| rest);
    let is_stamp = |word: &str| {
        let shape = |at: usize, byte: u8| word.as_bytes().get(at) == Some(&byte);
        word.len() >= 20 && word.ends_with('Z') && shape(4, b'-') && shape(10, b'T') && shape(13, b':')
    };
    let word = after_tabs.trim_start_matches('\u{feff}').split_once(' ');
    word.filter(|(word, _)| is_stamp(word)).map_or(line, |(_, rest)| rest)
}

/// Without `##[error]`, as GitHub shows an annotation, and `::error title=…::`, as it is told of one.
fn without_mark(line: &str) -> &str {
    if let Some((mark, rest)) = line.strip_prefix("##[").and_then(|rest| rest.split_once(']')) {
        // The others repeat a command.
        return if ["error", "warning", "notice"].contains(&mark) { rest } else { "" };
    }
    line.strip_prefix("::").and_then(|rest| rest.split_once("::")).map_or(line, |(_, rest)| rest)
}

/// Without the program's name that PowerShell puts before what it takes for an error: `buildctl : error: …`.
fn without_shell(line: &str) -> &str {
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    line.split_once(" : ").filter(|(name, _)| !name.is_empty() && is_name(name)).map_or(line, |(_, rest)| rest)
}

/// What a text means that was broken into lines of the terminal's width. Where a blank was is lost then, so that no blank counts.
fn explain_broken(text: &str) -> Option<Found> {
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    let whole = joined(text);
    if whole.len() == text.lines().count() {
        // None was broken: that has been looked through.
        return None;
    }
    whole.iter().rev().find_map(|line| {
        explain_line(&plain(line), None, &mut |line, by| {
            innermost_as(&squeezed(line), by, None, |part| part.split_whitespace().collect::<String>().into())
        })
    })
}

/// The lines of a text that was broken at a width: that of its longest line. A line goes on in the next one whose first word
/// would not have had room in it.
fn joined(text: &str) -> Vec<String> {
    let length = |text: &str| text.chars().count();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let width = lines.iter().map(|line| length(line)).max().unwrap_or_default();
    let mut whole: Vec<String> = Vec::new();
    let mut room = None;
    for line in lines {
        let word = length(line.split(' ').next().unwrap_or_default());
        let has_no_room = |room| if room == 0 { !line.is_empty() } else { word >= room };
        let goes_on = room.is_some_and(has_no_room) && width >= NARROWEST;
        match whole.last_mut().filter(|_| goes_on) {
            Some(last) => {
                if room != Some(0) {
                    last.push(' ');
                }
                last.push_str(line);
            }
            None => whole.push(line.to_owned()),
        }
        room = Some(width - length(line));
    }
    whole
}
