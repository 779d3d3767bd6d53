//! `cargo xtask report`: a night's results as a page, a job's summary, JUnit's XML and badges.

use super::{matrix, run_url};
use crate::error::{Context as _, Error, Result};
use crate::files;
use crate::matrix::Cell;
use crate::report::model::{Report, began};
use crate::report::text::{count, moment};
use crate::report::{self, PAGE, html};
use crate::result::{self, CellResult, Host, Night};
use crate::ui::Ui;
use crate::utf8;
use clap::Args;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The options of `report`.
#[derive(Debug, Args)]
pub struct Options {
    /// A night's result files, or folders with them
    #[arg(required = true, value_name = "RESULTS")]
    results: Vec<PathBuf>,
    /// The folder to write into
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The result files of earlier nights, or folders with them: tell what changed, and how long steps took
    #[arg(long, value_name = "RESULTS", num_args = 1..)]
    previous: Vec<PathBuf>,
    /// What `matrix` printed, in a file or on stdin: a cell without a result is then told as such
    #[arg(long, value_name = "FILE|-")]
    cells: Option<PathBuf>,
    /// When the night began, as `night` was told: only asked for where no cell has a result that says so
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_rfc3339, requires = "cells")]
    began: Option<SystemTime>,
}

/// Runs it; it needs no workspace.
pub fn run(ui: &Ui, options: &Options) -> Result<()> {
    let out = &options.out;
    check_out(out)?;
    let asked = options.cells.as_deref().map(matrix::read).transpose()?.map(|(cells, _)| cells);
    let (night, mut results) = match read_night(ui, &options.results, asked.is_some())? {
        Some(found) => found,
        None => (night_without_results(options.began)?, Vec::new()),
    };
    let missing = missing(&night, &results, asked.unwrap_or_default());
    for result in &missing {
        ui.warn(&format!("{} has no result", result.cell.id()));
    }
    results.extend(missing);
    let earlier = earlier(ui, &options.previous, &results);
    let report = Report::new(night, results, &earlier);
    write(out, &report::files(&report))?;
    ui.step("Reported", &format!("{}, in `{}`", report.sentence(), out.join(PAGE).display()));
    Ok(())
}

/// Reads the results of one night. Where its cells are known without them, there may be none, and not even the place for them:
/// that is what is left of a night whose machines all died.
///
/// # Errors
/// When they are none, or not of one.
pub(super) fn read_night(ui: &Ui, paths: &[PathBuf], may_be_none: bool) -> Result<Option<(Night, Vec<CellResult>)>> {
    let is_missing = |path: &Path| fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    let (missing, there): (Vec<_>, Vec<_>) = paths.iter().cloned().partition(|path| may_be_none && is_missing(path));
    for path in missing {
        ui.warn(&format!("there is no `{}`", path.display()));
    }
    let (results, errors) = read(&there);
    let mut errors = errors.into_iter();
    if let Some(first) = errors.next() {
        errors.for_each(|error| ui.warn(&error.to_string()));
        return Err(first);
    }
    if may_be_none && results.is_empty() {
        return Ok(None);
    }
    let night = one_night(&results)?;
    Ok(Some((night, results.into_iter().map(|(_, result)| result).collect())))
}

/// Which night it is of which nothing is left.
fn night_without_results(began: Option<SystemTime>) -> Result<Night> {
    let Some(began) = began else {
        return Err(Error::usage("no cell has a result, and so nothing tells when the night began")
            .hint("give `--began TIME`, the same as to `cargo xtask night`, or the results"));
    };
    Ok(Night { began: result::time(began), url: run_url() })
}

/// What is known of the cells that never came to write a result.
fn missing(night: &Night, results: &[CellResult], cells: Vec<Cell>) -> Vec<CellResult> {
    let blank = |cell: Cell| {
        let host = Host { platform: cell.platform, name: None, build: None };
        let cell = result::Cell { runner: cell.runner, buildkit: cell.buildkit, containerd: cell.containerd };
        CellResult::new(night.clone(), cell, host)
    };
    let is_missing = |blank: &CellResult| results.iter().all(|result| result.cell != blank.cell);
    cells.into_iter().map(blank).filter(is_missing).collect()
}

/// Result files with their paths.
type Named = Vec<(PathBuf, CellResult)>;

/// Reads result files; one that is none spoils no other.
fn read(paths: &[PathBuf]) -> (Named, Vec<Error>) {
    let mut results = Named::new();
    let (files, mut errors) = listed(paths);
    for path in files {
        match read_one(&path) {
            Ok(result) => results.push((path, result)),
            Err(error) => errors.push(error),
        }
    }
    (results, errors)
}

fn read_one(path: &Path) -> Result<CellResult> {
    let name = path.display();
    let bytes = fs::read(path).trying(|| format!("read `{name}`"))?;
    let text = utf8::text(&bytes).map_err(|error| {
        Error::usage(format!("`{name}` is no result file"))
            .because(error)
            .hint("give files that `cargo xtask night` wrote, as they are")
    })?;
    result::parse(&text, &name.to_string())
}

/// The files that are meant: of a folder those that end in `.json`. What is named twice is taken once.
fn listed(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Error>) {
    let (mut listed, mut errors) = (BTreeMap::new(), Vec::new());
    for path in paths {
        let found = listed_in(path).unwrap_or_else(|error| {
            errors.push(error);
            Vec::new()
        });
        for file in found {
            let same = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            listed.entry(same).or_insert(file);
        }
    }
    (listed.into_values().collect(), errors)
}

fn listed_in(path: &Path) -> Result<Vec<PathBuf>> {
    let what = || format!("read `{}`", path.display());
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            Error::usage(format!("there is no `{}`", path.display())).hint("give result files, or folders with them")
        }
        _ => Error::ground(format!("failed to {}", what())).because(error).hint("check who may read it"),
    })?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).trying(what)?.collect::<Result<Vec<_>, _>>().trying(what)?;
    let files = entries.into_iter().map(|entry| entry.path());
    Ok(files.filter(|file| file.extension().is_some_and(|ending| ending == "json")).collect())
}

/// Which night it is that all of them are of, each another cell.
fn one_night(results: &[(PathBuf, CellResult)]) -> Result<Night> {
    let Some((first_path, first)) = results.first() else {
        return Err(Error::usage("there is no result to report")
            .hint("give result files of `cargo xtask night`, or folders with `.json` files of it"));
    };
    let mut seen: HashMap<String, &Path> = HashMap::new();
    for (path, result) in results {
        if began(result) != began(first) {
            return Err(Error::usage(format!(
                "`{}` is of the night of {}, and `{}` of that of {}",
                path.display(),
                moment(&result.night.began),
                first_path.display(),
                moment(&first.night.began)
            ))
            .hint("give one night's results; those of earlier ones go behind `--previous`"));
        }
        // Windows tells no large letters from small ones, and badges are named by it.
        if let Some(other) = seen.insert(result.cell.id().to_lowercase(), path) {
            return Err(Error::usage(format!(
                "`{}` and `{}` are of the same cell, {}",
                other.display(),
                path.display(),
                result.cell.id()
            ))
            .hint("give each cell's last result only"));
        }
    }
    let url = results.iter().find_map(|(_, result)| result.night.url.clone());
    Ok(Night { began: first.night.began.clone(), url })
}

/// The earlier nights, the last one first. They are an extra: one that can't be read is told and left out.
fn earlier(ui: &Ui, paths: &[PathBuf], tonight: &[CellResult]) -> Vec<Vec<CellResult>> {
    let (results, errors) = read(paths);
    for error in &errors {
        ui.warn(&format!("{error}: it is left out"));
    }
    let now = tonight.first().map(began);
    let mut nights: BTreeMap<_, Vec<CellResult>> = BTreeMap::new();
    for (path, result) in results {
        let night = began(&result);
        if now.is_some_and(|now| night > now) {
            ui.warn(&format!("`{}` is of a later night: it is left out", path.display()));
        } else if now != Some(night) {
            nights.entry(night).or_default().push(result);
        }
    }
    match (paths, nights.len()) {
        ([], _) => {}
        (_, 0) => ui.note("there is no earlier night to compare with"),
        (_, number) => ui.note(&format!("compared with {}", count(number, "earlier night"))),
    }
    nights.into_values().rev().collect()
}

/// Nothing that is somebody else's is overwritten: a report's folder is told by its page.
fn check_out(out: &Path) -> Result<()> {
    let elsewhere = "give another folder with `--out DIR`";
    if fs::metadata(out).is_ok_and(|metadata| !metadata.is_dir()) {
        return Err(Error::usage(format!("`{}` is no folder", out.display())).hint(elsewhere));
    }
    let mark = format!("<meta name=\"generator\" content=\"{}\">", html::GENERATOR);
    if fs::read_to_string(out.join(PAGE)).is_ok_and(|page| page.contains(&mark)) {
        return Ok(());
    }
    for name in [PAGE, "report.md", "junit.xml", "badges"] {
        let path = out.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(Error::usage(format!("`{}` is there already, and is no part of a report", path.display()))
                .hint(elsewhere));
        }
    }
    Ok(())
}

/// Writes each file whole, over those of an older report; other files stay.
fn write(out: &Path, files: &[(String, String)]) -> Result<()> {
    for (name, content) in files {
        let path = out.join(name);
        let folder = path.parent().unwrap_or(out);
        fs::create_dir_all(folder).map_err(|error| {
            Error::ground(format!("failed to make `{}`", folder.display()))
                .because(error)
                .hint("give another folder with `--out DIR`")
        })?;
        files::write_whole(&path, content.as_bytes())?;
    }
    Ok(())
}
