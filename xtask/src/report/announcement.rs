//! What an issue on GitHub tells of the nights, and what is to become of it after one. Pure.
//!
//! There is one issue for all that is newly broken. What it knows of stands in its first line, hidden, behind the night that told
//! it: by that it is found again, and told whether a night has found anything else, or comes too late.

mod telling;

use super::model::{Finding, Report, View};
use super::standing::Standing;
use super::text::count;
use crate::matrix;
use crate::result::{Cell, StepState, Verdict};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::time::SystemTime;
use telling::{body, news, of_night};

/// How the hidden line of an issue's text begins. No text from a result can have it: there every `<` is escaped.
const MARK: &str = "<!-- buildkit-windows nightly:";

/// The issue's title.
pub const TITLE: &str = "The nightly finds something newly broken";

/// How many cells are named on a line.
const MOST_ON_A_LINE: usize = 3;

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
    if let Some(number) = issue.as_ref().filter(|issue| told_by(issue) > began(report)).map(|issue| issue.number) {
        return Deed::Nothing { because: format!("issue #{number} is of a later night") };
    }
    let silent = silent(report, asked);
    let broken = broken(report);
    let tonight: Things = broken.iter().flat_map(|(finding, cells)| things(finding, cells)).collect();
    let known = issue.as_ref().map(known).unwrap_or_default();
    let open = |thing: &&String| !tonight.contains(*thing) && is_open(thing, report, asked);
    let open: Things = known.iter().filter(open).cloned().collect();
    let doubt = Doubt { silent, open: open.len() };
    let quiet =
        if doubt.is_any() { format!(", but {}{}", doubt.words(), doubt.where_on_a_line()) } else { String::new() };
    let Some(issue) = issue else {
        return match tonight.is_empty() {
            true => Deed::Nothing { because: format!("nothing is newly broken{quiet}") },
            false => Deed::Open { body: body(report, &broken, &tonight, &doubt) },
        };
    };
    let number = issue.number;
    if tonight.is_empty() {
        // What gave no answer may be what was broken.
        return match doubt.is_any() {
            false => {
                Deed::Close { number, comment: format!("{}: nothing is newly broken any more.", of_night(report)) }
            }
            true => Deed::Nothing { because: format!("nothing was found newly broken{quiet}") },
        };
    }
    let now: Things = tonight.union(&open).take(MOST_THINGS).cloned().collect();
    let comment = (now != known).then(|| news(report, &broken, &known, known.difference(&now).count()));
    Deed::Update { number, body: body(report, &broken, &now, &doubt), comment }
}

/// Why a night that finds nothing broken has mended nothing yet.
struct Doubt {
    /// The cells that say nothing of their versions, and what became of them.
    silent: Vec<(Cell, String)>,
    /// How much of what was broken did not run.
    open: usize,
}

impl Doubt {
    fn is_any(&self) -> bool {
        !self.silent.is_empty() || self.open > 0
    }

    fn words(&self) -> String {
        match self.silent.len() {
            0 => format!("{} of what was broken gave no answer", self.open),
            silent => format!("{} gave no answer", count(silent, "cell")),
        }
    }

    fn where_on_a_line(&self) -> String {
        let named: Vec<_> = self.silent.iter().take(MOST_ON_A_LINE).map(|(cell, _)| cell.id()).collect();
        let more = self.silent.len() - named.len();
        match (named.is_empty(), more) {
            (true, _) => String::new(),
            (false, 0) => format!(" ({})", named.join(", ")),
            (false, _) => format!(" ({}, and {more} more)", named.join(", ")),
        }
    }
}

/// Whether nobody knows what has become of a known thing: its cell is still tried, and it did not run there. What is tried no
/// more, because there are newer versions or the sample is gone, is past.
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

/// The cells that say nothing of their versions, and what became of them.
fn silent(report: &Report, asked: &[matrix::Cell]) -> Vec<(Cell, String)> {
    let is_silent = |view: &&View| matches!(view.standing, Standing::Died | Standing::Ground | Standing::Nothing);
    let silent = report.cells.iter().filter(is_silent);
    let silent = silent.map(|view| (view.result.cell.clone(), format!("{}, {}", view.standing.words(), view.gist())));
    let is_missing = |cell: &&matrix::Cell| report.at(&cell.runner, &cell.buildkit, &cell.containerd).is_none();
    let missing = asked.iter().filter(is_missing).cloned().map(|cell| {
        let matrix::Cell { runner, buildkit, containerd, .. } = cell;
        (Cell { runner, buildkit, containerd }, "no result".to_owned())
    });
    silent.chain(missing).collect()
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

/// The hidden line of an issue, word by word.
fn hidden(issue: &Issue) -> impl Iterator<Item = &str> {
    let line = issue.body.lines().next().and_then(|line| line.strip_prefix(MARK)).unwrap_or_default();
    line.trim_end().trim_end_matches("-->").split_whitespace()
}

/// What an issue knows of.
fn known(issue: &Issue) -> Things {
    hidden(issue).filter(|word| humantime::parse_rfc3339(word).is_err()).map(str::to_owned).collect()
}

/// When the night began that an issue was told by last.
fn told_by(issue: &Issue) -> Option<SystemTime> {
    hidden(issue).find_map(|word| humantime::parse_rfc3339(word).ok())
}

/// When the night began.
fn began(report: &Report) -> Option<SystemTime> {
    humantime::parse_rfc3339(&report.night.began).ok()
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
        let marked = |number| {
            issue(number, &format!("{MARK} 2026-01-02T03:04:05Z 12345678 9abcdef0 -->\r\nand more 00000000\n"))
        };
        let issues = [issue(1, "quoted:\n"), issue(2, &format!("> {MARK} -->")), marked(8), marked(5)];
        let found = find(issues).unwrap();
        assert_eq!(found.number, 5);
        assert_eq!(known(&found).into_iter().collect::<Vec<_>>(), ["12345678", "9abcdef0"]);
        assert_eq!(known(&issue(9, "")), Things::new());
    }

    #[test]
    fn a_night_leaves_alone_what_a_later_one_has_told() {
        let night = Night { began: "2026-01-02T03:04:05Z".into(), url: None };
        let report = Report::new(night, Vec::new(), &[]);
        let told = |by: &str| decide(&report, &[], Some(issue(1, &format!("{MARK} {by} 12345678.9abcdef0 -->\n"))));
        let because = "issue #1 is of a later night".into();
        assert_eq!(told("2026-01-03T03:04:05Z"), Deed::Nothing { because });
        // Of the same night is what was run again.
        for by in ["2026-01-02T03:04:05Z", "2026-01-01T03:04:05Z", ""] {
            assert!(matches!(told(by), Deed::Close { number: 1, .. }), "{by}");
        }
    }

    #[test]
    fn of_many_cells_without_an_answer_some_are_named() {
        let night = Night { began: "2026-01-02T03:04:05Z".into(), url: None };
        let report = Report::new(night, Vec::new(), &[]);
        let platform = "windows-amd64".parse().unwrap();
        let cell = |number: usize| matrix::Cell {
            runner: "r".into(),
            platform,
            buildkit: format!("0.{number}.0"),
            containerd: "2".into(),
        };
        let cells: Vec<_> = (0..25).map(cell).collect();
        let doubt = Doubt { silent: silent(&report, &cells), open: 0 };
        assert_eq!(
            doubt.words() + &doubt.where_on_a_line(),
            "25 cells gave no answer (r_buildkit-0.0.0_containerd-2, r_buildkit-0.1.0_containerd-2, \
             r_buildkit-0.2.0_containerd-2, and 22 more)"
        );
        let body = body(&report, &[], &Things::new(), &doubt);
        let last = "- BuildKit <code>0.19.0</code> with containerd <code>2</code> on <code>r</code>: <code>no result</code>\n\
                    - and 5 more\n\nThis text";
        assert!(body.contains(last), "{body}");
    }

    #[test]
    fn what_was_asked_for_and_has_no_result_gave_no_answer() {
        let night = Night { began: "2026-01-02T03:04:05Z".into(), url: None };
        let report = Report::new(night, Vec::new(), &[]);
        let platform = "windows-amd64".parse().unwrap();
        let cell = matrix::Cell { runner: "r".into(), platform, buildkit: "1".into(), containerd: "2".into() };
        let because = "nothing was found newly broken, but 1 cell gave no answer (r_buildkit-1_containerd-2)".into();
        assert_eq!(decide(&report, &[cell], Some(issue(1, MARK))), Deed::Nothing { because });
        let comment = "The night of 2026-01-02 03:04 UTC: nothing is newly broken any more.".into();
        assert_eq!(decide(&report, &[], Some(issue(1, MARK))), Deed::Close { number: 1, comment });
    }
}
