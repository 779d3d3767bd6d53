//! What an issue of the nights says, and what those are told who follow it: Markdown. Pure.

use super::{Doubt, MARK, MOST_THINGS, Things, began, thing};
use crate::report::known::Explained;
use crate::report::model::{Finding, Report, View};
use crate::report::text::{code, count, first_line, moment, web_page};
use crate::result::{self, Cell};

/// GitHub takes 65536 characters; there are never more characters than bytes.
const LONGEST: usize = 60_000;

/// How much is shown of one message: the report has the whole of it.
const LONGEST_MESSAGE: usize = 300;

/// How many cells are named of one finding.
const MOST_NAMES: usize = 20;

/// The text.
pub(super) fn body(report: &Report, broken: &[(&Finding, Vec<&View>)], things: &Things, doubt: &Doubt) -> String {
    let night = began(report).map(result::time);
    let hidden = night.iter().chain(things.iter().take(MOST_THINGS)).map(String::as_str);
    let hidden: Vec<_> = hidden.collect();
    let mut text = format!("{MARK} {} -->\n{}: **{}**\n", hidden.join(" "), of_night(report), report.sentence());
    if doubt.is_any() {
        text.push_str(&format!("\nNot all is known of it: {}.\n", doubt.words()));
    }
    text.push_str("\n## Newly broken\n\n");
    add_all(&mut text, broken.iter().map(|(finding, cells)| item(finding, cells)));
    if !doubt.silent.is_empty() {
        text.push_str("\n## No answer\n\n");
        add_all(&mut text, silent(doubt));
    }
    text.push_str(
        "\nThis text is of the last night; the issue is closed by the first one that finds nothing of the kind.\n",
    );
    text
}

/// The cells that gave no answer, one by one.
fn silent(doubt: &Doubt) -> impl Iterator<Item = String> {
    let named = doubt.silent.iter().take(MOST_NAMES);
    let named = named.map(|(cell, became)| format!("- {}: {}\n", self::named(cell), code(became)));
    named.chain([and_more("- ", doubt.silent.len())])
}

/// A cell's names, as Markdown has them.
fn named(cell: &Cell) -> String {
    let [runner, buildkit, containerd] = [&cell.runner, &cell.buildkit, &cell.containerd].map(|text| code(text));
    format!("BuildKit {buildkit} with containerd {containerd} on {runner}")
}

/// How many there are beside those that are named.
fn and_more(before: &str, all: usize) -> String {
    let more = all.saturating_sub(MOST_NAMES);
    if more > 0 { format!("{before}and {more} more\n") } else { String::new() }
}

/// What those who follow the issue don't know yet.
pub(super) fn news(report: &Report, broken: &[(&Finding, Vec<&View>)], known: &Things, gone: usize) -> String {
    let mut text = format!("{}: the list has changed.\n\n", of_night(report));
    let new = broken.iter().filter_map(|(finding, cells)| {
        let is_new = |view: &&&View| !known.contains(&thing(finding, view));
        let cells: Vec<&View> = cells.iter().filter(is_new).copied().collect();
        (!cells.is_empty()).then(|| item(finding, &cells))
    });
    add_all(&mut text, new);
    if gone > 0 {
        text.push_str(&format!("\n{gone} of what was in it is not found broken any more.\n"));
    }
    text
}

/// Adds what there is room for.
fn add_all(text: &mut String, items: impl Iterator<Item = String>) {
    for item in items {
        if text.len() + item.len() > LONGEST {
            text.push_str("\nThe rest is too long for an issue: see the run's summary.\n");
            return;
        }
        text.push_str(&item);
    }
}

fn item(finding: &Finding, cells: &[&View]) -> String {
    let what = if finding.what.is_empty() { "a cell" } else { &finding.what };
    let mut text = format!("- {} {}, in {}\n", finding.standing.sign(), code(what), count(cells.len(), "cell"));
    if let Some(why) = &finding.why {
        let message: String = first_line(&why.message).chars().take(LONGEST_MESSAGE).collect();
        text.push_str(&format!("  {}\n", code(&message)));
        if let Some(Explained { cause, remedy, link, .. }) = Explained::of(why) {
            text.push_str(&format!("  {cause}; {remedy} ([upstream](<{link}>))\n"));
        }
    }
    for view in cells.iter().take(MOST_NAMES) {
        text.push_str(&format!("  - {}\n", named(&view.result.cell)));
    }
    text + &and_more("  - ", cells.len())
}

/// Which night it is, with the way to it where that is known.
pub(super) fn of_night(report: &Report) -> String {
    let night = format!("The night of {}", moment(&report.night.began));
    match report.night.url.as_deref().and_then(web_page) {
        Some(url) => format!("[{night}](<{url}>)"),
        None => night,
    }
}
