//! Which BuildKit is tried with which containerd on which machine. Pure: lists of versions in, cells out.

pub mod exclusions;
pub mod runner;

use crate::component::Component;
use crate::error::{Context as _, Error, Result};
use crate::platform::Platform;
use crate::release::{self, Listed};
use crate::result;
use crate::version::Spec;
use exclusions::Exclusion;
use runner::Runner;
use semver::Version;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// GitHub starts no more jobs than this from one matrix.
/// Source: <https://docs.github.com/actions/reference/limits>
pub const MOST_CELLS: usize = 256;

/// One BuildKit with one containerd on one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The machine, as GitHub's `runs-on` names it, or `local`.
    pub runner: String,
    /// What the programs are for.
    pub platform: Platform,
    /// A version, or a branch.
    pub buildkit: String,
    /// A version, or a branch.
    pub containerd: String,
}

impl Cell {
    /// As its result names it.
    pub fn for_result(&self) -> result::Cell {
        let Cell { runner, buildkit, containerd, .. } = self.clone();
        result::Cell { runner, buildkit, containerd }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildKit {} with containerd {} on {}", self.buildkit, self.containerd, self.runner)
    }
}

/// Cells, as GitHub's `fromJSON` takes them for `strategy.matrix`.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// The cells.
    pub include: Vec<Cell>,
    /// Those that were left out, each with the reason.
    #[serde(skip)]
    pub left_out: Vec<(Cell, String)>,
}

/// Which versions a matrix has beside those that are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breadth {
    /// Of how many minor versions the newest patch is taken.
    pub newest: usize,
    /// Whether a pre-release newer than all of them is.
    pub prerelease: bool,
    /// Whether the branch is that releases are made from.
    pub main: bool,
}

/// What there is of a component for a machine.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The versions, the newest first, each once.
    pub versions: Vec<String>,
    /// What was asked for and isn't there, and what to do about that.
    pub lacking: Vec<(String, String)>,
}

/// The versions of a component that a matrix has for a platform.
///
/// # Errors
/// When a spec asks for a path.
pub fn choose(
    component: Component,
    platform: Platform,
    listed: &[Listed],
    specs: &[Spec],
    breadth: Breadth,
) -> Result<Chosen> {
    let (mut chosen, mut lacking) = (Vec::new(), Vec::new());
    let newest = listed.iter().rfind(|listed| !listed.prerelease);
    let hint = match newest {
        Some(newest) => format!("the newest there is {}", newest.version),
        None => "use another `--source`, or another `--runner`".into(),
    };
    if specs.is_empty() {
        chosen.extend(newest_patches(listed, |_| true).into_iter().take(breadth.newest));
    }
    let mut refs: Vec<String> = Vec::new();
    for spec in specs {
        let found: Vec<Version> = match spec {
            Spec::GoRef(reference) => {
                refs.push(reference.clone());
                continue;
            }
            Spec::Path(path) => {
                return Err(Error::usage(format!(
                    "a matrix is for many machines, and `--{component} {}` is a path on this one",
                    path.display()
                ))
                .hint("name versions, series such as 2.3, or a branch"));
            }
            Spec::Series(_, None) => {
                newest_patches(listed, |version| spec.admits(version)).into_iter().take(breadth.newest).collect()
            }
            _ => release::newest_admitted(spec, listed).cloned().into_iter().collect(),
        };
        if found.is_empty() {
            lacking.push((format!("there is no {component} {spec} for {platform}"), hint.clone()));
        }
        chosen.extend(found);
    }
    if breadth.prerelease {
        let newest = |prerelease| listed.iter().rev().find(|listed| listed.prerelease == prerelease);
        chosen.extend(newest(true).filter(|pre| newest(false) < Some(*pre)).map(|listed| listed.version.clone()));
    }
    if breadth.main {
        refs.push(component.main_branch().to_owned());
    }
    chosen.sort();
    chosen.dedup();
    let versions: Vec<String> = refs.into_iter().chain(chosen.iter().rev().map(ToString::to_string)).collect();
    if versions.is_empty() && (lacking.is_empty() || listed.is_empty()) {
        lacking = vec![(format!("there is no {component} for {platform}"), hint)];
    }
    Ok(Chosen { versions, lacking })
}

/// The newest patch of each minor version, the newest first.
fn newest_patches(listed: &[Listed], is_wanted: impl Fn(&Version) -> bool) -> Vec<Version> {
    let mut versions: Vec<&Version> =
        listed.iter().filter(|listed| !listed.prerelease).map(|listed| &listed.version).collect();
    versions.retain(|version| version.pre.is_empty() && is_wanted(version));
    versions.sort_by(|a, b| b.cmp(a));
    versions.dedup_by_key(|version| (version.major, version.minor));
    versions.into_iter().cloned().collect()
}

/// What a matrix is made of, for one machine.
#[derive(Debug, Clone)]
pub struct Row {
    /// The machine.
    pub runner: Runner,
    /// The versions of BuildKit, the newest first.
    pub buildkits: Vec<String>,
    /// The versions of containerd, the newest first.
    pub containerds: Vec<String>,
}

/// Every BuildKit with every containerd on every machine, but for what is excluded and what is too much.
///
/// Where there are too many, those stay that are newest, BuildKit's and containerd's age counting alike.
///
/// # Errors
/// When none is left.
pub fn cells(rows: &[Row], exclusions: &[Exclusion], most: usize) -> Result<Matrix> {
    let mut matrix = Matrix::default();
    let mut ages = Vec::new();
    for Row { runner, buildkits, containerds } in rows {
        for (older, buildkit) in buildkits.iter().enumerate() {
            for (still_older, containerd) in containerds.iter().enumerate() {
                let cell = Cell {
                    runner: runner.label.clone(),
                    platform: runner.platform,
                    buildkit: buildkit.clone(),
                    containerd: containerd.clone(),
                };
                if matrix.include.contains(&cell) {
                    continue;
                }
                if let Some(exclusion) = exclusions.iter().find(|exclusion| exclusion.applies(&cell, runner)) {
                    matrix.left_out.push((cell, exclusion.reason.clone()));
                } else {
                    ages.push(older + still_older);
                    matrix.include.push(cell);
                }
            }
        }
    }
    if matrix.include.is_empty() {
        let reason = matrix.left_out.first().map_or("nothing was asked for", |(_, reason)| reason.as_str());
        return Err(Error::usage(format!(
            "the matrix would be empty: every cell is excluded, the first because {reason}"
        ))
        .hint("ask for other versions or runners, or exclude less"));
    }
    drop_the_oldest(&mut matrix, &ages, most);
    refuse_same_files(&matrix.include)?;
    Ok(matrix)
}

/// Results are files, so two cells whose files would have the same name can't be of one night: one would take the other's place.
/// Windows tells no `A` from an `a`.
fn refuse_same_files(cells: &[Cell]) -> Result<()> {
    let mut seen: BTreeMap<String, &Cell> = BTreeMap::new();
    for cell in cells {
        let id = cell.for_result().id().to_lowercase();
        if let Some(other) = seen.insert(id, cell) {
            let place = |cell: &Cell| format!("{cell} ({})", cell.platform);
            let name = cell.for_result().file_name();
            return Err(Error::usage(format!(
                "{} and {} would both have their result in `{name}`",
                place(other),
                place(cell)
            ))
            .hint("take one of them to another night, or name it by something else: a tag, or a commit"));
        }
    }
    Ok(())
}

fn drop_the_oldest(matrix: &mut Matrix, ages: &[usize], most: usize) {
    let mut order: Vec<usize> = (0..matrix.include.len()).collect();
    // Stable, so that of the same age the first ones stay.
    order.sort_by_key(|at| ages[*at]);
    let mut doomed = order.split_off(most.min(order.len()));
    doomed.sort_unstable();
    for at in doomed.into_iter().rev() {
        let cell = matrix.include.remove(at);
        matrix.left_out.push((cell, format!("a matrix has at most {most} cells, and the newest ones stay")));
    }
}

/// Cells in words, those together that differ in one thing only: `BuildKit 0.34.2, 0.33.1 with containerd 2.2.9 on windows-2022`.
pub fn told(cells: &[&Cell]) -> String {
    let by_containerd = grouped(cells.iter().map(|cell| ((&cell.runner, &cell.containerd), cell.buildkit.as_str())));
    let by_buildkits = grouped(
        by_containerd.into_iter().map(|((runner, containerd), buildkits)| ((runner, buildkits), containerd.as_str())),
    );
    let lines = by_buildkits.into_iter().map(|((runner, buildkits), containerds)| {
        format!("BuildKit {} with containerd {} on {runner}", buildkits.join(", "), containerds.join(", "))
    });
    lines.collect::<Vec<_>>().join("; ")
}

/// What has the same key together, in the order in which keys come first.
pub fn grouped<K: PartialEq, V>(all: impl Iterator<Item = (K, V)>) -> Vec<(K, Vec<V>)> {
    let mut groups: Vec<(K, Vec<V>)> = Vec::new();
    for (key, value) in all {
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(value),
            None => groups.push((key, vec![value])),
        }
    }
    groups
}

/// Reads cells as [`Matrix`] is written, or as a bare list of them, or a single one, which is what a job of GitHub's has.
///
/// # Errors
/// When the text is none, with the place where it stops being one; when it has no cell, or one twice, or one without sense.
pub fn read(text: &str, whence: &str) -> Result<Vec<Cell>> {
    let is_list = text.trim_start().starts_with('[');
    let is_one = serde_json::from_str(text).is_ok_and(|json: serde_json::Value| json.get("runner").is_some());
    let cells = if is_list {
        serde_json::from_str(text)
    } else if is_one {
        serde_json::from_str(text).map(|cell: Cell| vec![cell])
    } else {
        serde_json::from_str(text).map(|matrix: Matrix| matrix.include)
    };
    let cells: Vec<Cell> = cells.map_err(|error| {
        Error::usage(format!("{whence} holds no cells: {error}"))
            .hint("give what `cargo xtask matrix` prints: `{\"include\":[{\"runner\":…,\"platform\":…,\"buildkit\":…,\"containerd\":…}]}`")
    })?;
    if let Some((at, cell)) = cells.iter().enumerate().find(|(at, cell)| cells[..*at].contains(cell)) {
        return Err(Error::usage(format!("{whence} has {cell} twice, the second time as cell {}", at + 1))
            .hint("take one of them out"));
    }
    refuse_same_files(&cells)?;
    for cell in &cells {
        for version in [&cell.buildkit, &cell.containerd] {
            let spec: Spec = version.parse().trying(|| format!("read {cell} in {whence}"))?;
            // Cells come from elsewhere, and which programs of this machine are run is not for them to say.
            if let Spec::Path(path) = spec {
                return Err(Error::usage(format!("{whence} has {cell}, and `{}` is a path", path.display()))
                    .hint("a cell has versions, series such as 2.3, or branches"));
            }
        }
    }
    if cells.is_empty() {
        return Err(Error::usage(format!("{whence} holds no cell")).hint("see `cargo xtask matrix --help`"));
    }
    Ok(cells)
}

#[cfg(test)]
mod tests;
