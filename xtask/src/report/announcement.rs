//! What an issue on GitHub tells of the nights, and what is to become of it after one. Pure.
//!
//! There is one issue for all that is newly broken. What it knows of stands in its first line, hidden: by that it is found again,
//! and told whether a night has found anything else.

use super::known::Explained;
use super::model::{Finding, Report, View};
use super::standing::Standing;
use super::text::{code, count, first_line, moment, web_page};
use crate::matrix;
use crate::result::{StepState, Verdict};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

/// How the hidden line of an issue's text begins. No text from a result can have it: there every `<` is escaped.
const MARK: &str = "<!-- buildkit-windows nightly:";

/// The issue's title.
pub const TITLE: &str = "The nightly finds something newly broken";

/// GitHub takes 65536 characters; there are never more characters than bytes.
const LONGEST: usize = 60_000;

/// How much is shown of one message: the report has the whole of it.
const LONGEST_MESSAGE: usize = 300;

/// How many cells are named of one finding.
const MOST_NAMES: usize = 20;

/// How many things the hidden line names, eighteen characters each.
const MOST_THINGS: usize = 1500;

/// An open issue that may be the one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Its text.
    pub body: String,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Deed {
    /// Nothing.
    Nothing {
        /// Why not.
        because: String,
    },
    /// An issue is opened.
    Open {
        /// Its text.
        body: String,
    },
    /// The issue's text becomes another one.
    Update {
        /// Which.
        number: u64,
        /// Its text.
        body: String,
        /// What those are told who follow it, where there is news.
        comment: Option<String>,
    },
    /// The issue is closed.
    Close {
        /// Which.
        number: u64,
        /// What those are told who follow it.
        comment: String,
    },
}

/// Something that is broken somewhere: the cell and the sample or step, each shortened to what tells it from others.
type Things = BTreeSet<String>;

/// The oldest of the issues that are of the nightly's making.
pub fn find(issues: impl IntoIterator<Item = Issue>) -> Option<Issue> {
    issues.into_iter().filter(|issue| issue.body.starts_with(MARK)).min_by_key(|issue| issue.number)
}

/// Decides what is to be done after a night. `asked` are the cells that there were to be, if that is known: one without a result
/// tells as little as one whose ground failed.
pub fn decide(report: &Report, asked: &[matrix::Cell], issue: Option<Issue>) -> Deed {
    let silent = silent(report, asked);
    let broken = broken(report);
    let tonight: Things = broken.iter().flat_map(|(finding, cells)| things(finding, cells)).collect();
    let known = issue.as_ref().map(known).unwrap_or_default();
    let open = |thing: &&String| !tonight.contains(*thing) && is_open(thing, report, asked);
    let open: Things = known.iter().filter(open).cloned().collect();
    let doubt = doubt(silent, open.len());
    let quiet = doubt.as_ref().map_or_else(String::new, |doubt| format!(", but {doubt}"));
    let Some(issue) = issue else {
        return match tonight.is_empty() {
            true => Deed::Nothing { because: format!("nothing is newly broken{quiet}") },
            false => Deed::Open { body: body(report, &broken, &tonight, doubt.as_deref()) },
        };
    };
    let number = issue.number;
    if tonight.is_empty() {
        // What gave no answer may be what was broken.
        return match doubt {
            None => Deed::Close { number, comment: format!("{}: nothing is newly broken any more.", of_night(report)) },
            Some(_) => Deed::Nothing { because: format!("nothing was found newly broken{quiet}") },
        };
    }
    let now: Things = tonight.union(&open).take(MOST_THINGS).cloned().collect();
    let comment = (now != known).then(|| news(report, &broken, &known, known.difference(&now).count()));
    Deed::Update { number, body: body(report, &broken, &now, doubt.as_deref()), comment }
}

/// Why a night that finds nothing broken has mended nothing yet.
fn doubt(silent: usize, open: usize) -> Option<String> {
    match (silent, open) {
        (0, 0) => None,
        (0, _) => Some(format!("{open} of what was broken gave no answer")),
        _ => Some(format!("{} gave no answer", count(silent, "cell"))),
    }
}

/// Whether nobody knows what has become of a known thing: its cell is still tried, and it did not run there. What is tried no more,
/// because there are newer versions or the sample is gone, is past.
fn is_open(thing: &str, report: &Report, asked: &[matrix::Cell]) -> bool {
    let Some((cell, what)) = thing.split_once('.') else { return false };
    let view = report.cells.iter().find(|view| {
        let of = &view.result.cell;
        cell == cell_sign([&of.runner, &of.buildkit, &of.containerd])
    });
    let Some(view) = view else {
        return asked.iter().any(|of| cell == cell_sign([&of.runner, &of.buildkit, &of.containerd]));
    };
    let result = &view.result;
    let went_well = result.samples.iter().any(|sample| {
        matches!(sample.verdict, Verdict::AsExpected | Verdict::NewlyFixed) && what == sign(&sample.name)
    }) || result.steps.iter().any(|step| step.state == StepState::Done && what == sign(&step.name));
    let is_there = result.samples.iter().any(|sample| what == sign(&sample.name));
    let came_to_its_end = result.exit.as_ref().is_some_and(|exit| exit.code == 0);
    !went_well && (is_there || !came_to_its_end)
}

/// What is newly broken, and where.
fn broken(report: &Report) -> Vec<(&Finding, Vec<&View>)> {
    let broken = report.findings.iter().filter(|finding| finding.standing == Standing::Broken);
    broken.map(|finding| (finding, finding.cells.iter().filter_map(|at| report.cells.get(*at)).collect())).collect()
}

/// How many cells say nothing of their versions.
fn silent(report: &Report, asked: &[matrix::Cell]) -> usize {
    let is_silent = |view: &&View| matches!(view.standing, Standing::Died | Standing::Ground | Standing::Nothing);
    let is_missing = |cell: &&matrix::Cell| report.at(&cell.runner, &cell.buildkit, &cell.containerd).is_none();
    report.cells.iter().filter(is_silent).count() + asked.iter().filter(is_missing).count()
}

fn thing(finding: &Finding, view: &View) -> String {
    let cell = &view.result.cell;
    format!("{}.{}", cell_sign([&cell.runner, &cell.buildkit, &cell.containerd]), sign(&finding.what))
}

fn cell_sign(names: [&str; 3]) -> String {
    // A sign that is in no name stands between them.
    sign(&names.join("\0"))
}

fn sign(name: &str) -> String {
    Sha256::digest(name.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn things(finding: &Finding, cells: &[&View]) -> Vec<String> {
    cells.iter().map(|view| thing(finding, view)).collect()
}

/// What an issue knows of.
fn known(issue: &Issue) -> Things {
    let line = issue.body.lines().next().and_then(|line| line.strip_prefix(MARK)).unwrap_or_default();
    line.trim_end().trim_end_matches("-->").split_whitespace().map(str::to_owned).collect()
}

fn body(report: &Report, broken: &[(&Finding, Vec<&View>)], things: &Things, doubt: Option<&str>) -> String {
    let things: Vec<_> = things.iter().take(MOST_THINGS).map(String::as_str).collect();
    let mut text = format!("{MARK} {} -->\n{}: **{}**\n", things.join(" "), of_night(report), report.sentence());
    if let Some(doubt) = doubt {
        text.push_str(&format!("\n{doubt}, so that not all is known to be mended.\n"));
    }
    text.push_str("\n## Newly broken\n\n");
    add_all(&mut text, broken.iter().map(|(finding, cells)| item(finding, cells)));
    text.push_str(
        "\nThis text is of the last night; the issue is closed by the first one that finds nothing of the kind.\n",
    );
    text
}

/// What those who follow the issue don't know yet.
fn news(report: &Report, broken: &[(&Finding, Vec<&View>)], known: &Things, gone: usize) -> String {
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
        let cell = &view.result.cell;
        let [runner, buildkit, containerd] = [&cell.runner, &cell.buildkit, &cell.containerd].map(|text| code(text));
        text.push_str(&format!("  - BuildKit {buildkit} with containerd {containerd} on {runner}\n"));
    }
    let more = cells.len().saturating_sub(MOST_NAMES);
    if more > 0 { text + &format!("  - and {more} more\n") } else { text }
}

/// Which night it is, with the way to it where that is known.
fn of_night(report: &Report) -> String {
    let night = format!("The night of {}", moment(&report.night.began));
    match report.night.url.as_deref().and_then(web_page) {
        Some(url) => format!("[{night}](<{url}>)"),
        None => night,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Night;

    fn issue(number: u64, body: &str) -> Issue {
        Issue { number, body: body.into() }
    }

    #[test]
    fn an_issue_is_found_by_its_first_line_and_tells_what_it_knows_of() {
        let marked = |number| issue(number, &format!("{MARK} 12345678 9abcdef0 -->\r\nand more 00000000\n"));
        let issues = [issue(1, "quoted:\n"), issue(2, &format!("> {MARK} -->")), marked(8), marked(5)];
        let found = find(issues).unwrap();
        assert_eq!(found.number, 5);
        assert_eq!(known(&found).into_iter().collect::<Vec<_>>(), ["12345678", "9abcdef0"]);
        assert_eq!(known(&issue(9, "")), Things::new());
    }

    #[test]
    fn what_was_asked_for_and_has_no_result_gave_no_answer() {
        let night = Night { began: "2026-01-02T03:04:05Z".into(), url: None };
        let report = Report::new(night, Vec::new(), &[]);
        let platform = "windows-amd64".parse().unwrap();
        let cell = matrix::Cell { runner: "r".into(), platform, buildkit: "1".into(), containerd: "2".into() };
        let because = "nothing was found newly broken, but 1 cell gave no answer".into();
        assert_eq!(decide(&report, &[cell], Some(issue(1, MARK))), Deed::Nothing { because });
        let comment = "The night of 2026-01-02 03:04 UTC: nothing is newly broken any more.".into();
        assert_eq!(decide(&report, &[], Some(issue(1, MARK))), Deed::Close { number: 1, comment });
    }
}
