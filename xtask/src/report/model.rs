//! What a report tells: the cells in their tables, how each stands, what needs looking at, and what changed. Pure.

use super::changes::Since;
use super::standing::Standing;
use super::text::{count, first_line};
use super::trend::Trend;
use crate::result::{Cell, CellResult, Night, Step, StepState, Verdict, Why};
use semver::Version;
use std::cmp::Reverse;
use std::time::SystemTime;

/// A night, as it is told.
#[derive(Debug)]
pub struct Report {
    /// Which.
    pub night: Night,
    /// Its cells, table by table and row by row.
    pub cells: Vec<View>,
    /// The tables, one for each runner.
    pub tables: Vec<Table>,
    /// What needs looking at, and what is better than was thought.
    pub findings: Vec<Finding>,
    /// When the nights before it began, the last one first.
    pub earlier: Vec<String>,
}

/// A runner's table.
#[derive(Debug)]
pub struct Table {
    /// The runner.
    pub runner: String,
    /// The systems that its machines called themselves.
    pub hosts: Vec<String>,
    /// The rows, the newest first.
    pub buildkits: Vec<String>,
    /// The columns, the newest first.
    pub containerds: Vec<String>,
    /// How long its steps took, night by night.
    pub trends: Vec<Trend>,
}

/// A cell, as it is told.
#[derive(Debug)]
pub struct View {
    /// What it wrote.
    pub result: CellResult,
    /// What that comes to.
    pub standing: Standing,
    /// What became of it since the night before; `None` where it has no forerunner.
    pub since: Option<Since>,
}

impl View {
    /// How many of its samples have a verdict.
    pub fn tally(&self, verdict: Verdict) -> usize {
        self.result.samples.iter().filter(|sample| sample.verdict == verdict).count()
    }

    /// The step that it did not come out of, or that went wrong.
    pub fn stopped_in(&self) -> Option<&Step> {
        self.result.steps.iter().find(|step| step.state != StepState::Done)
    }

    /// What it comes to, in a few words: `2 of 33 samples`, `32 samples, 1 skipped`, `in up`.
    pub fn gist(&self) -> String {
        let of = |verdict| format!("{} of {}", self.tally(verdict), count(self.result.samples.len(), "sample"));
        let ended = || match &self.result.exit {
            Some(exit) => format!("exit code {}", exit.code),
            None => "without an exit code".into(),
        };
        match (self.standing, self.stopped_in()) {
            (Standing::Died | Standing::Ground, Some(step)) => format!("in {}", first_line(&step.name)),
            (Standing::Died, None) if self.result.steps.is_empty() => "no result".into(),
            (Standing::Died, None) => "between two steps".into(),
            (Standing::Ground, None) => ended(),
            (Standing::Broken, step) if self.tally(Verdict::NewlyBroken) == 0 => {
                step.map_or_else(ended, |step| format!("in {}", first_line(&step.name)))
            }
            (Standing::Broken, _) => of(Verdict::NewlyBroken),
            (Standing::Fixed, _) => of(Verdict::NewlyFixed),
            (Standing::Nothing, _) if self.result.samples.is_empty() => "no samples".into(),
            (Standing::Nothing, _) => format!("{} skipped", count(self.result.samples.len(), "sample")),
            // `34 of 35` would read as one that is not as expected.
            (Standing::Fine, _) => match self.tally(Verdict::Skipped) {
                0 => count(self.tally(Verdict::AsExpected), "sample"),
                skipped => format!("{}, {skipped} skipped", count(self.tally(Verdict::AsExpected), "sample")),
            },
        }
    }
}

/// Something that needs looking at, or that is better than was thought, with the cells where it is so.
#[derive(Debug)]
pub struct Finding {
    /// What it is.
    pub standing: Standing,
    /// The sample's or the step's name.
    pub what: String,
    /// Why, as the first of the cells has it. What has another reason is another finding.
    pub why: Option<Why>,
    /// The cells, by their place in [`Report::cells`].
    pub cells: Vec<usize>,
}

impl Report {
    /// Puts a night together. `earlier` are the nights before it, the last one first, each with its cells.
    pub fn new(night: Night, results: Vec<CellResult>, earlier: &[Vec<CellResult>]) -> Self {
        let last = earlier.first().map(Vec::as_slice).unwrap_or_default();
        let mut cells: Vec<View> = results
            .into_iter()
            .map(|result| View { standing: Standing::of(&result), since: Since::of(&result, last), result })
            .collect();
        cells.sort_by_key(|view| order(&view.result.cell));
        Self {
            tables: tables(&cells, earlier),
            findings: findings(&cells),
            earlier: earlier.iter().filter_map(|night| Some(night.first()?.night.began.clone())).collect(),
            night,
            cells,
        }
    }

    /// How many cells stand so.
    pub fn tally(&self, standing: Standing) -> usize {
        self.cells.iter().filter(|cell| cell.standing == standing).count()
    }

    /// The worst that there is; what is newly fixed is nothing bad.
    pub fn standing(&self) -> Standing {
        self.cells.iter().map(|cell| cell.standing).min().unwrap_or(Standing::Nothing)
    }

    /// The cell at a place of a table.
    pub fn at(&self, runner: &str, buildkit: &str, containerd: &str) -> Option<&View> {
        self.cells.iter().find(|view| {
            let cell = &view.result.cell;
            cell.runner == runner && cell.buildkit == buildkit && cell.containerd == containerd
        })
    }

    /// All of it in a line: `12 cells: 1 newly broken, 11 as expected`.
    pub fn sentence(&self) -> String {
        let tallies = Standing::ALL.into_iter().map(|standing| (self.tally(standing), standing.words()));
        let parts: Vec<_> =
            tallies.filter(|(number, _)| *number > 0).map(|(number, words)| format!("{number} {words}")).collect();
        format!("{}: {}", count(self.cells.len(), "cell"), parts.join(", "))
    }
}

/// Runners by their names; in a runner's table the newest first.
fn order(cell: &Cell) -> (String, Reverse<Newness>, Reverse<Newness>) {
    (cell.runner.clone(), Reverse(newness(&cell.buildkit)), Reverse(newness(&cell.containerd)))
}

/// How new something is: a version by its number, and what is none, such as a branch, as newer than any.
type Newness = (bool, Option<Version>, String);

fn newness(label: &str) -> Newness {
    let version = Version::parse(label.trim_start_matches('v')).ok();
    (version.is_none(), version, label.to_owned())
}

fn tables(cells: &[View], earlier: &[Vec<CellResult>]) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for view in cells {
        let cell = &view.result.cell;
        if tables.last().is_none_or(|table| table.runner != cell.runner) {
            let of_runner = |result: &&CellResult| result.cell.runner == cell.runner;
            let tonight = cells.iter().map(|view| &view.result).filter(of_runner).collect();
            let before = earlier.iter().map(|night| night.iter().filter(of_runner).collect());
            let nights: Vec<Vec<&CellResult>> = std::iter::once(tonight).chain(before).collect();
            tables.push(Table {
                runner: cell.runner.clone(),
                hosts: Vec::new(),
                buildkits: Vec::new(),
                containerds: Vec::new(),
                trends: Trend::all(&nights),
            });
        }
        let Some(table) = tables.last_mut() else { continue };
        add(&mut table.hosts, host(&view.result));
        add(&mut table.buildkits, cell.buildkit.clone());
        add(&mut table.containerds, cell.containerd.clone());
    }
    for table in &mut tables {
        // Of a cell without a result no more is known than that.
        let unnamed = cells.iter().map(|view| &view.result.host).filter(|host| host.name.is_none());
        for platform in unnamed.map(|host| host.platform.to_string()) {
            if table.hosts.iter().any(|host| host.ends_with(&format!(", {platform}"))) {
                table.hosts.retain(|host| *host != platform);
            }
        }
        table.containerds.sort_by_key(|label| Reverse(newness(label)));
    }
    tables
}

fn add(to: &mut Vec<String>, text: String) {
    if !to.contains(&text) {
        to.push(text);
    }
}

/// A machine in words: `Windows Server 2025, 10.0.26100.1, windows-amd64`.
pub fn host(result: &CellResult) -> String {
    let host = &result.host;
    let known = [host.name.clone(), host.build.clone(), Some(host.platform.to_string())];
    known.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn findings(cells: &[View]) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let mut note = |standing, what: &str, why: Option<&Why>, cell| match found.iter_mut().find(|finding| {
        finding.standing == standing && finding.what == what && reason(finding.why.as_ref()) == reason(why)
    }) {
        Some(finding) => finding.cells.push(cell),
        None => found.push(Finding { standing, what: what.into(), why: why.cloned(), cells: vec![cell] }),
    };
    for (index, view) in cells.iter().enumerate() {
        for sample in &view.result.samples {
            if matches!(sample.verdict, Verdict::NewlyBroken | Verdict::NewlyFixed) {
                note(Standing::of_sample(sample.verdict), &sample.name, sample.failure.as_ref(), index);
            }
        }
        let of_samples = view.tally(Verdict::NewlyBroken) > 0;
        match (view.standing, view.stopped_in()) {
            (Standing::Broken, _) if of_samples => {}
            (standing @ (Standing::Broken | Standing::Died | Standing::Ground), step) => {
                note(standing, step.map_or("", |step| &step.name), step.and_then(|step| step.failure.as_ref()), index);
            }
            _ => {}
        }
    }
    found.sort_by_key(|finding| (finding.standing, Reverse(finding.cells.len())));
    found
}

/// What tells one reason from another: the catalogue's id, otherwise what is said first.
fn reason(why: Option<&Why>) -> Option<&str> {
    why.map(|why| why.id.as_deref().unwrap_or_else(|| first_line(&why.message)))
}

/// When a night began. What is read has a time there.
pub fn began(result: &CellResult) -> SystemTime {
    humantime::parse_rfc3339(&result.night.began).unwrap_or(SystemTime::UNIX_EPOCH)
}
