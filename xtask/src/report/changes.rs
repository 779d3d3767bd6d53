//! What became of a cell since the night before. Pure.

use super::standing::Standing;
use crate::component::Component;
use crate::result::{Cell, CellResult, Sample};
use semver::Version;

/// A cell and its forerunner.
#[derive(Debug, PartialEq, Eq)]
pub struct Since {
    /// When the night before began.
    pub night: String,
    /// The forerunner, where it had other versions.
    pub other: Option<Cell>,
    /// What is not as it was.
    pub changes: Vec<Change>,
}

/// Something that is not as it was.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub what: String,
    /// How it was.
    pub was: String,
    /// How it is.
    pub is: String,
}

impl Since {
    /// Compares a cell with the same one of another night, or with the one of the same two series there: of BuildKit 0.34.2
    /// that may be 0.34.1.
    pub fn of(result: &CellResult, before: &[CellResult]) -> Option<Self> {
        let cell = &result.cell;
        let same = before.iter().find(|other| other.cell == *cell);
        let forerunner = same.or_else(|| before.iter().find(|other| is_of_the_same_series(&other.cell, cell)))?;
        let other = (forerunner.cell != *cell).then(|| forerunner.cell.clone());
        Some(Self { night: forerunner.night.began.clone(), other, changes: changes(forerunner, result) })
    }
}

fn is_of_the_same_series(one: &Cell, two: &Cell) -> bool {
    let series = |label: &str| Version::parse(label).ok().map(|version| (version.major, version.minor));
    let same = |one: &str, two: &str| one == two || (series(one).is_some() && series(one) == series(two));
    one.runner == two.runner && same(&one.buildkit, &two.buildkit) && same(&one.containerd, &two.containerd)
}

fn changes(was: &CellResult, is: &CellResult) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut note = |what: String, was: String, is: String| {
        if was != is {
            changes.push(Change { what, was, is });
        }
    };
    let standing = |result| Standing::of(result).words().to_owned();
    note("the cell".into(), standing(was), standing(is));
    // A cell without a result says nothing of its host.
    if let (Some(was), Some(is)) = (&was.host.build, &is.host.build) {
        note("the host's build".into(), was.clone(), is.clone());
    }
    // What a cell that ended early never came to is no change of its own.
    let is_whole = |result| !matches!(Standing::of(result), Standing::Died | Standing::Ground);
    let (was_whole, is_whole) = (is_whole(was), is_whole(is));
    let mut compare = |what: &str, before: Option<String>, now: Option<String>, nothing: &str| {
        let before = before.or_else(|| was_whole.then(|| nothing.into()));
        let now = now.or_else(|| is_whole.then(|| nothing.into()));
        if let (Some(before), Some(now)) = (before, now) {
            note(what.into(), before, now);
        }
    };
    for component in Component::ALL {
        compare(component.name(), used(was, component), used(is, component), "not used");
    }
    let find = |result: &CellResult, name: &str| result.samples.iter().find(|sample| sample.name == name).map(outcome);
    for sample in &is.samples {
        compare(&sample.name, find(was, &sample.name), Some(outcome(sample)), "not there");
    }
    for gone in was.samples.iter().filter(|gone| find(is, &gone.name).is_none()) {
        compare(&gone.name, Some(outcome(gone)), None, "not there");
    }
    changes
}

/// A component as it was used; of its digest enough to see that it is another one.
fn used(result: &CellResult, component: Component) -> Option<String> {
    let used = result.versions.get(&component)?;
    let digest = used.digest.iter().map(|digest| format!(" ({})", digest.chars().take(19).collect::<String>()));
    Some(used.version.clone() + &digest.collect::<String>())
}

/// What came of a sample, in words.
fn outcome(sample: &Sample) -> String {
    let verdict = sample.verdict.name();
    if verdict == sample.outcome.name() { verdict.into() } else { format!("{}, {verdict}", sample.outcome.name()) }
}
