//! What stands below the tables: what needs looking at, and where. Pure.

use super::cell::why;
use super::mark;
use crate::report::markup::{Element, el};
use crate::report::model::{Finding, Report, View};
use crate::report::standing::Standing;
use crate::report::text::count;
use crate::result::Cell;

/// The section, which says so too if there is nothing.
pub fn section(report: &Report) -> Element {
    let section = el("section")
        .attr("aria-labelledby", "findings-title")
        .with(el("h2").attr("id", "findings-title").text("What to look at"));
    if report.findings.is_empty() {
        return section.with(el("p").text("Nothing: no cell has anything to say that was not said beforehand."));
    }
    section.with(el("ul").class("findings").all(report.findings.iter().map(|finding| item(report, finding))))
}

fn item(report: &Report, finding: &Finding) -> Element {
    let what = match finding.standing {
        Standing::Died | Standing::Ground if finding.what.is_empty() => finding.standing.words().to_owned(),
        Standing::Died | Standing::Ground => format!("{} in {}", finding.standing.words(), finding.what),
        _ => format!("{}: {}", finding.standing.words(), finding.what),
    };
    let of = count(report.cells.len(), "cell");
    let title = el("p")
        .class("what")
        .with(mark(finding.standing))
        .text(" ")
        .with(el("b").text(what))
        .text(format!(", {} of {of}", finding.cells.len()));
    let cells = finding.cells.iter().filter_map(|index| report.cells.get(*index)).map(|view| el("li").with(to(view)));
    el("li")
        .class(finding.standing.slug())
        .with(title)
        .all(finding.why.iter().map(why))
        .with(el("ul").class("where").all(cells))
}

fn to(view: &View) -> Element {
    let Cell { runner, buildkit, containerd } = &view.result.cell;
    el("a")
        .attr("href", format!("#{}", view.result.cell.id()))
        .text(format!("BuildKit {buildkit} with containerd {containerd} on {runner}"))
}
