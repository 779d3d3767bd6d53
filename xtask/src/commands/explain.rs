//! `cargo xtask explain`: what a message of BuildKit, containerd, runc or Docker means.

use super::{print, print_json};
use crate::error::{Context as _, Error, Result};
use crate::failure::{self, Failure, Speaker};
use crate::os;
use crate::platform::Os;
use crate::ui::{self, Ui};
use clap::Args;
use serde::Serialize;
use std::io::{self, IsTerminal, Read};

/// The options of `explain`.
#[derive(Debug, Args)]
#[command(
    after_help = "A text on stdin that has no known message in it ends with exit code 1; its JSON is null.\n\nWith --json there is an \
object with id, class, exit_code (of a build that ends with it), platforms, said_by, messages, cause, remedy, link and, for a \
text, line; with --list an array of such objects."
)]
pub struct Options {
    /// A message's id, or - for a text on stdin [default: -, when something is piped in]
    #[arg(value_name = "ID|-", conflicts_with = "list")]
    id: Option<String>,
    /// Show all that are known
    #[arg(long)]
    list: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A row of the catalogue, as scripts read it.
#[derive(Serialize)]
struct Row {
    id: &'static str,
    class: &'static str,
    /// That of a build which ends with it.
    exit_code: u8,
    platforms: Vec<&'static str>,
    said_by: Vec<&'static str>,
    messages: Vec<String>,
    cause: &'static str,
    remedy: &'static str,
    link: &'static str,
    /// Where in the text it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
}

/// Runs it; it needs no workspace.
pub fn run(ui: &Ui, options: &Options) -> Result<()> {
    if options.list {
        let rows: Vec<Row> = failure::all().map(|known| row(known, None)).collect();
        return if options.json { print_json(&rows) } else { print(table(&rows)) };
    }
    let is_typed = io::stdin().is_terminal();
    let row = match options.id.as_deref().map(str::trim) {
        Some("") => return Err(nothing()),
        Some(id) if id != "-" => row(failure::find(id).ok_or_else(|| unknown(id))?, None),
        None if is_typed => return Err(nothing()),
        _ => {
            if is_typed {
                ui.note(&format!("type or paste a text, and end it with {} on a line of its own", os::END_OF_INPUT));
            }
            let Some(found) = failure::explain_copied(&stdin(ui)?) else {
                if options.json {
                    print_json(&None::<Row>)?;
                }
                return Err(not_found());
            };
            row(found.failure, Some(found.line))
        }
    };
    if options.json { print_json(&row) } else { print(shown(&row)) }
}

/// How much of a text's end is looked at. What is far before it is no reason for what happened last, and takes its time.
const MOST: usize = 8 << 20;

/// How a text in UTF-16 begins.
const MARKS: [[u8; 2]; 2] = [[0xff, 0xfe], [0xfe, 0xff]];

/// The end of a text, with what it began with if that tells how to read it; and whether that is not all of it.
fn end_of(mut text: impl Read, most: usize) -> io::Result<(Vec<u8>, bool)> {
    let (mut bytes, mut total) = (Vec::new(), 0);
    let mut mark = None;
    loop {
        let read = text.by_ref().take(most as u64).read_to_end(&mut bytes)?;
        total += read;
        mark = mark.or_else(|| bytes.first_chunk().copied());
        // A letter of UTF-16 has two bytes, counted from the beginning.
        let surplus = bytes.len().saturating_sub(most).next_multiple_of(2).min(bytes.len());
        bytes.drain(..surplus);
        if read == 0 {
            break;
        }
    }
    let is_cut = total > bytes.len();
    if let Some(mark) = mark.filter(|mark| is_cut && MARKS.contains(mark)) {
        bytes.splice(..0, mark);
    }
    Ok((bytes, is_cut))
}

fn stdin(ui: &Ui) -> Result<Vec<u8>> {
    let (bytes, is_cut) = end_of(io::stdin().lock(), MOST).trying(|| "read stdin".into())?;
    if is_cut {
        ui.note(&format!("only the last {} of it are looked at", ui::bytes(MOST as u64)));
    }
    if bytes.trim_ascii().is_empty() {
        return Err(Error::usage("stdin has no text to explain").hint("pipe in what a build said, or a daemon's log"));
    }
    Ok(bytes)
}

fn nothing() -> Error {
    Error::usage("there is nothing to explain").hint(
        "give an ID of `cargo xtask explain --list`, or pipe a text in, as in `cargo xtask logs | cargo xtask explain`",
    )
}

fn not_found() -> Error {
    Error::failed("the text has no known message in it").hint(
        "`cargo xtask explain --list` shows the known ones, `cargo xtask doctor` looks for what is missing here, and \
         `cargo xtask bundle FILE.zip` packs what an upstream issue needs",
    )
}

fn unknown(id: &str) -> Error {
    let hint = match failure::nearest(id).as_slice() {
        [] => "`cargo xtask explain --list` shows all; a text is read from stdin".into(),
        near => format!("the nearest: {}; `cargo xtask explain --list` shows all", near.join(", ")),
    };
    Error::usage(format!("`{id}` is no known message's id")).hint(hint)
}

fn row(known: &'static Failure, line: Option<String>) -> Row {
    Row {
        id: known.id,
        class: known.class.name(),
        exit_code: known.class.fault().exit_code(),
        platforms: known.platforms.iter().copied().map(Os::as_str).collect(),
        said_by: known.said_by.iter().copied().map(Speaker::name).collect(),
        messages: known.messages(),
        cause: known.cause,
        remedy: known.remedy,
        link: known.link,
        line,
    }
}

/// What it means comes first, and what it is known by last.
fn shown(row: &Row) -> String {
    let class = format!("{}; a build that ends with it exits with {}", row.class, row.exit_code);
    let (platforms, said_by) = (row.platforms.join(", "), row.said_by.join(", "));
    let found = row.line.as_deref().map(|line| ("found in", line));
    let meaning = [("cause", row.cause), ("remedy", row.remedy), ("upstream", row.link)];
    let facts = [("class", class.as_str()), ("platforms", &platforms), ("said by", &said_by)];
    // The name only before the first of several.
    let names = std::iter::once("message").chain(std::iter::repeat(""));
    let messages = names.zip(row.messages.iter().map(String::as_str));
    let line = |(name, value): (&str, &str)| format!("  {name:<9}  {value}\n");
    let about: String = found.into_iter().chain(meaning).map(line).collect();
    let known_by: String = facts.into_iter().chain(messages).map(line).collect();
    format!("{}\n\n{about}\n{known_by}", row.id)
}

fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.id.len()).max().unwrap_or_default();
    let line =
        |row: &Row| format!("{:width$}  {:19}  {:14}  {}\n", row.id, row.class, row.platforms.join(", "), row.cause);
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_text_the_end_is_read() {
        let end = |text: &[u8]| end_of(text, 4).unwrap();
        assert_eq!(end(b"abcd"), (b"abcd".to_vec(), false));
        assert_eq!(end(b"abcdefghij"), (b"ghij".to_vec(), true));
        assert_eq!(end(b""), (Vec::new(), false));
        assert_eq!(end(b"\xff\xfea\0b\0c\0"), (b"\xff\xfeb\0c\0".to_vec(), true));
    }
}
