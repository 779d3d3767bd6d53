//! The report as Markdown, for the summary of a job on GitHub or for an issue. Pure.

use super::known::Explained;
use super::model::{Finding, Report, Table, View};
use super::standing::Standing;
use super::text::{code, count, first_line, moment, web_page};

/// The most that GitHub takes for a summary is 1 MiB.
const LONGEST: usize = 1_000_000;

/// The whole of it.
pub fn document(report: &Report) -> String {
    let mut text = format!("# BuildKit \u{d7} containerd, {}\n\n", moment(&report.night.began));
    text.push_str(&format!("{} **{}**\n", report.standing().sign(), report.sentence()));
    if let Some(url) = report.night.url.as_deref().and_then(web_page) {
        // In such brackets a link has no other sign to end it; `web_page` takes none that could.
        text.push_str(&format!("\n[The run](<{url}>)\n"));
    }
    for part in report.tables.iter().map(|table| self::table(report, table)).chain([findings(report), changes(report)])
    {
        if text.len() + part.len() > LONGEST {
            return text + "\nThe rest is too long for a summary: see the report's page.\n";
        }
        text.push_str(&part);
    }
    text
}

fn table(report: &Report, table: &Table) -> String {
    let hosts: Vec<_> = table.hosts.iter().map(|host| code(host)).collect();
    let mut text = format!("\n## {}\n\n{}\n\n| BuildKit \\ containerd |", code(&table.runner), hosts.join(", "));
    let columns: Vec<_> = table.containerds.iter().map(|containerd| format!(" {} |", code(containerd))).collect();
    text.push_str(&format!("{}\n| :-- |{}\n", columns.concat(), " :-- |".repeat(columns.len())));
    for buildkit in &table.buildkits {
        text.push_str(&format!("| {} |", code(buildkit)));
        for containerd in &table.containerds {
            let cell = report.at(&table.runner, buildkit, containerd);
            text.push_str(&cell.map_or_else(|| " \u{2014} |".into(), |view| format!(" {} |", standing(view))));
        }
        text.push('\n');
    }
    text
}

fn standing(view: &View) -> String {
    format!("{} {}, {}", view.standing.sign(), view.standing.words(), gist(view))
}

/// A step's name may be anybody's; all else in it is the program's.
fn gist(view: &View) -> String {
    match view.gist().strip_prefix("in ") {
        Some(step) => format!("in {}", code(step)),
        None => view.gist(),
    }
}

fn findings(report: &Report) -> String {
    if report.findings.is_empty() {
        return String::new();
    }
    let findings: String = report.findings.iter().map(|finding| self::finding(report, finding)).collect();
    format!("\n## What to look at\n\n{findings}")
}

fn finding(report: &Report, finding: &Finding) -> String {
    let whose = match finding.standing {
        Standing::Died | Standing::Ground if finding.what.is_empty() => String::new(),
        Standing::Died | Standing::Ground => format!(" in {}", code(&finding.what)),
        _ => format!(": {}", code(&finding.what)),
    };
    let of = count(report.cells.len(), "cell");
    let mut text =
        format!("- {} {}{whose}, {} of {of}", finding.standing.sign(), finding.standing.words(), finding.cells.len());
    if let Some(why) = &finding.why {
        text.push_str(&format!("  \n  {}", code(first_line(&why.message))));
        if let Some(Explained { cause, remedy, link, .. }) = Explained::of(why) {
            // These are the program's own, and have their commands between backticks already.
            text.push_str(&format!("  \n  {cause}; {remedy} ([upstream](<{link}>))"));
        }
    }
    text + "\n"
}

fn changes(report: &Report) -> String {
    let Some(before) = report.earlier.first() else { return String::new() };
    let mut text = format!("\n## Since {}\n\n", moment(before));
    let mut changed = false;
    for view in &report.cells {
        let Some(since) = view.since.as_ref().filter(|since| !since.changes.is_empty()) else { continue };
        changed = true;
        let cell = &view.result.cell;
        let [runner, buildkit, containerd] = [&cell.runner, &cell.buildkit, &cell.containerd].map(|text| code(text));
        text.push_str(&format!("- BuildKit {buildkit} with containerd {containerd} on {runner}\n"));
        for change in &since.changes {
            text.push_str(&format!("  - {}: was {}, is {}\n", code(&change.what), code(&change.was), code(&change.is)));
        }
    }
    if changed { text } else { text + "Nothing changed.\n" }
}
