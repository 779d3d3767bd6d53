//! `cargo xtask explain`: what a message of BuildKit, containerd, runc or Docker means.

use super::{print, print_json};
use crate::error::{Context as _, Error, Result};
use crate::failure::{self, Failure, Found, Speaker};
use crate::platform::Os;
use clap::Args;
use console::strip_ansi_codes;
use serde::Serialize;
use std::io::{IsTerminal, Read};

/// The options of `explain`.
#[derive(Debug, Args)]
#[command(after_help = "A text on stdin that has no known message in it ends with exit code 1.")]
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
pub fn run(options: &Options) -> Result<()> {
    if options.list {
        let rows: Vec<Row> = failure::all().map(|known| row(known, None)).collect();
        return if options.json { print_json(&rows) } else { print(table(&rows)) };
    }
    let row = match options.id.as_deref() {
        Some(id) if id != "-" => row(failure::find(id).ok_or_else(|| unknown(id))?, None),
        None if std::io::stdin().is_terminal() => {
            return Err(Error::usage("there is nothing to explain")
                .hint("give an ID of `cargo xtask explain --list`, or pipe a text in"));
        }
        _ => {
            let found = look_in(&stdin()?)?;
            row(found.failure, Some(found.line))
        }
    };
    if options.json { print_json(&row) } else { print(shown(&row)) }
}

fn stdin() -> Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).trying(|| "read stdin".into())?;
    Ok(strip_ansi_codes(&String::from_utf8_lossy(&bytes)).into_owned())
}

fn look_in(text: &str) -> Result<Found> {
    if text.trim().is_empty() {
        return Err(Error::usage("stdin has no text to explain").hint("pipe in what a build said, or a daemon's log"));
    }
    failure::explain(text, None).or_else(|| failure::explain_step(text)).ok_or_else(|| {
        Error::failed("the text has no known message in it")
            .hint("`cargo xtask explain --list` shows the known ones; `cargo xtask logs`, what else the daemons said")
    })
}

fn unknown(id: &str) -> Error {
    let hint = match failure::nearest(id).as_slice() {
        [] => "`cargo xtask explain --list` shows all".into(),
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

fn shown(row: &Row) -> String {
    let platforms = row.platforms.join(", ");
    let said_by = row.said_by.join(", ");
    let messages = row.messages.iter().map(|message| ("message", message.as_str()));
    let facts = [("platforms", platforms.as_str()), ("said by", &said_by)];
    let meaning = [("cause", row.cause), ("remedy", row.remedy), ("upstream", row.link)];
    let found = row.line.as_deref().map(|line| ("found in", line));
    let facts = facts.into_iter().chain(messages).chain(found).chain(meaning);
    let lines: String = facts.map(|(name, value)| format!("  {name:<9}  {value}\n")).collect();
    format!("{} ({})\n{lines}", row.id, row.class)
}

fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.id.len()).max().unwrap_or_default();
    let line =
        |row: &Row| format!("{:width$}  {:19}  {:14}  {}\n", row.id, row.class, row.platforms.join(", "), row.cause);
    rows.iter().map(line).collect()
}
