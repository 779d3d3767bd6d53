//! `cargo xtask night`: the cells of a matrix on this machine, one after another, each apart from the others.

mod again;
mod cell;
mod record;
mod telling;

use super::{matrix as making, patience, print, run_url, samples};
use crate::apart;
use crate::context::Context;
use crate::error::{Class, Context as _, Error, Result};
use crate::files;
use crate::interrupt::Interrupt;
use crate::matrix::Cell;
use crate::matrix::runner::LOCAL;
use crate::report::text;
use crate::result::{self, CellResult};
use crate::workspace::Workspace;
use cell::{NONE, Stage, run_cell};
use clap::Args;
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

/// The options of `night`.
#[derive(Debug, Args)]
pub struct Options {
    /// What `matrix` printed, in a file or on stdin [default: this machine's own matrix]
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["newest", "include", "exclude"])]
    cells: Option<PathBuf>,
    #[command(flatten)]
    choice: making::Choice,
    /// Which samples to try beside the hello sample, or `none` of them [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    samples: Vec<String>,
    /// Go on with the other cells when one has failed
    #[arg(long)]
    keep_going: bool,
    /// How many cells to run at once
    #[arg(long, value_name = "N", default_value = "1")]
    jobs: NonZeroUsize,
    /// How long a cell may take, as in 90s or 30m; with --jobs, waiting for another cell's downloads counts too
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = patience)]
    timeout: Duration,
    /// Where the results go; the last night's, in the default folder, become `previous` [default: night/results in the workspace]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// When the night began, in UTC, where several machines share one [default: now]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_rfc3339)]
    began: Option<SystemTime>,
}

/// Runs it.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    let cells = find_cells(context, options)?;
    context.require_daemons_can_run()?;
    context.warn_without_container_runtime();
    if options.samples != [NONE] {
        // What every cell would only find out when its daemons are up.
        samples::check(context, &options.samples)?;
    }
    let _guard = context.lock("night")?;
    let interrupt = Interrupt::listen()?;
    apart::clear_away(context, &context.workspace.night(), "night", Workspace::is_night_cell)?;
    if interrupt.is_heard() {
        return Err(Error::ground("the night was interrupted before its first cell").hint("begin it again"));
    }
    // Nothing but the cells comes after this: whatever keeps a night from beginning leaves the results of the last ones.
    let out = results_folder(context, options)?;
    let stage = Stage {
        context,
        night: result::Night { began: result::time(options.began.unwrap_or_else(SystemTime::now)), url: run_url() },
        out: out.clone(),
        samples: options.samples.clone(),
        timeout: options.timeout,
        interrupt,
    };
    let (results, lost) = run_all(&stage, &cells, options);
    print(table(&results))?;
    context.ui.step("Results", &format!("are in `{}`", out.display()));
    conclude(&results, lost, cells.len(), stage.interrupt.is_heard(), &out)
}

/// The cells that this machine can run.
fn find_cells(context: &Context, options: &Options) -> Result<Vec<Cell>> {
    let Some(source) = &options.cells else {
        return Ok(making::make(context, &options.choice, &[LOCAL.into()])?.include);
    };
    if context.asked.iter().any(|(_, specs)| !specs.is_empty()) {
        return Err(Error::usage("`--cells` says which versions to take, and so do `--buildkit` and `--containerd`")
            .hint("give one or the other"));
    }
    let (all, whence) = making::read(source)?;
    let here = making::here(context);
    let mut cells = Vec::new();
    let mut refusal = None;
    for cell in all {
        match here.refuses(&cell.runner, cell.platform) {
            None => cells.push(cell),
            Some(why) => {
                context.ui.note(&format!("left out {cell}: {why}"));
                refusal = Some(why);
            }
        }
    }
    match refusal {
        Some(why) if cells.is_empty() => Err(Error::usage(format!(
            "none of the cells in {whence} can be run on this machine: of the last one, {why}"
        ))
        .hint("make some for it with `cargo xtask matrix --runner local`")),
        _ => Ok(cells),
    }
}

/// An empty folder for results, or one that holds none: those of two nights make no report.
fn results_folder(context: &Context, options: &Options) -> Result<PathBuf> {
    let out = match &options.out {
        Some(out) => std::path::absolute(out).trying(|| format!("make `{}` absolute", out.display()))?,
        None => {
            let out = context.workspace.night_results();
            if out.exists() {
                let previous = context.workspace.previous_night_results();
                files::delete(&previous)?;
                crate::os::rename(&out, &previous)
                    .trying(|| format!("move `{}` to `{}`", out.display(), previous.display()))?;
            }
            out
        }
    };
    let elsewhere = |error: Error| match &options.out {
        Some(_) => error.with_hint("give another folder with `--out DIR`"),
        None => error,
    };
    if fs::metadata(&out).is_ok_and(|metadata| !metadata.is_dir()) {
        return Err(elsewhere(Error::usage(format!("`{}` is no folder", out.display()))));
    }
    fs::create_dir_all(&out).trying(|| format!("create `{}`", out.display())).map_err(elsewhere)?;
    let entries = fs::read_dir(&out).trying(|| format!("read `{}`", out.display()))?;
    let holds_results = entries.flatten().any(|entry| entry.path().extension().is_some_and(|ending| ending == "json"));
    if holds_results {
        return Err(Error::usage(format!("`{}` holds results already", out.display()))
            .hint("give a folder without any with `--out DIR`"));
    }
    Ok(out)
}

/// Runs the cells, and tells what became of those that were begun, in their order; and why some have no result.
fn run_all(stage: &Stage, cells: &[Cell], options: &Options) -> (Vec<CellResult>, Vec<Error>) {
    let results: Mutex<BTreeMap<usize, Result<CellResult>>> = Mutex::default();
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let work = || {
        while !stop.load(Ordering::Relaxed) && !stage.interrupt.is_heard() {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(cell) = cells.get(at) else { break };
            stage.context.ui.step("Cell", &format!("{} of {}: {cell}", at + 1, cells.len()));
            let result = run_cell(stage, at + 1, cell);
            let is_done = result.as_ref().is_ok_and(|result| class(result).is_none());
            // Where its result can't even be written, the others' can't be either.
            if result.is_err() || !is_done && !options.keep_going {
                stop.store(true, Ordering::Relaxed);
            }
            results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(at, result);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.get().min(cells.len()) {
            scope.spawn(work);
        }
    });
    let (mut all, mut lost) = (Vec::new(), Vec::new());
    for result in results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).into_values() {
        match result {
            Ok(result) => all.push(result),
            Err(error) => lost.push(error),
        }
    }
    (all, lost)
}

/// Whose fault it was that a cell isn't done; nothing for one that is.
fn class(result: &CellResult) -> Option<Class> {
    let exit = result.exit.as_ref().map_or("ground", |exit| exit.class.as_str());
    [Class::Failed, Class::Usage, Class::Ground].into_iter().find(|class| class.name() == exit)
}

fn table(results: &[CellResult]) -> String {
    let line = |result: &CellResult| {
        let result::Cell { runner, buildkit, containerd } = &result.cell;
        let came = class(result).map_or("done", Class::name);
        let took: u64 = result.steps.iter().filter_map(|step| step.took_ms).sum();
        let took = humantime::format_duration(Duration::from_secs(took.div_ceil(1000)));
        let left = if result.left_behind.is_empty() { "" } else { ", left something behind" };
        format!("{came:<7} BuildKit {buildkit:<8} containerd {containerd:<8} {runner} ({took}{left})\n")
    };
    results.iter().map(line).collect()
}

/// The exit code of a night: a release that fails is worth more than a machine that does.
fn conclude(results: &[CellResult], lost: Vec<Error>, cells: usize, interrupted: bool, out: &Path) -> Result<()> {
    let count = |class: Class| results.iter().filter(|result| self::class(result) == Some(class)).count();
    let (failed, usage, ground) = (count(Class::Failed), count(Class::Usage), count(Class::Ground));
    let unwritten = lost.len();
    let missing = cells - results.len() - unwritten;
    if failed + usage + ground + unwritten + missing == 0 {
        return Ok(());
    }
    let mut said = Vec::new();
    for (number, what) in [
        (failed, "failed"),
        (usage, "made no sense"),
        (ground, "with failed ground"),
        (unwritten, "without a result"),
        (missing, "not begun"),
    ] {
        if number > 0 {
            said.push(format!("{number} {what}"));
        }
    }
    let how = if interrupted { "the night was interrupted: of" } else { "of" };
    let sentence = format!("{how} {}, {}", text::count(cells, "cell"), said.join(", "));
    let error = match (failed, usage) {
        (1.., _) => Error::failed(sentence),
        (0, 1..) => Error::usage(sentence),
        _ => Error::ground(sentence),
    };
    // What stopped the night is told with it: it is nothing that `--keep-going` would go past.
    if let Some(first) = lost.into_iter().next() {
        return Err(error.because(first).hint(format!("what became of the others is in `{}`", out.display())));
    }
    let more = if missing > 0 && !interrupted { "; `--keep-going` runs the others all the same" } else { "" };
    Err(error.hint(format!("what became of each is in `{}`{more}", out.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Exit, Host, Night};

    fn result(class: Option<Class>) -> CellResult {
        let night = Night { began: "2026-01-02T03:04:05Z".into(), url: None };
        let cell = result::Cell { runner: "local".into(), buildkit: "1".into(), containerd: "2".into() };
        let host = Host { platform: "linux-amd64".parse().unwrap(), name: None, build: None };
        let mut result = CellResult::new(night, cell, host);
        result.end(class.map_or_else(Exit::done, Exit::of));
        result
    }

    fn concluded(classes: &[Option<Class>], cells: usize) -> (u8, String) {
        let results: Vec<CellResult> = classes.iter().map(|class| result(*class)).collect();
        concluded_with(&results, Vec::new(), cells)
    }

    fn concluded_with(results: &[CellResult], lost: Vec<Error>, cells: usize) -> (u8, String) {
        match conclude(results, lost, cells, false, Path::new("out")) {
            Ok(()) => (0, String::new()),
            Err(error) => (error.class().exit_code(), error.to_string()),
        }
    }

    #[test]
    fn a_release_that_fails_counts_more_than_a_bad_night() {
        use Class::{Failed, Ground, Usage};
        assert_eq!(concluded(&[None, None], 2).0, 0);
        assert_eq!(
            concluded(&[None, Some(Ground), Some(Failed)], 3),
            (1, "of 3 cells, 1 failed, 1 with failed ground".into())
        );
        assert_eq!(concluded(&[Some(Usage), Some(Ground)], 2).0, 2);
        assert_eq!(concluded(&[Some(Ground)], 2), (3, "of 2 cells, 1 with failed ground, 1 not begun".into()));
        assert_eq!(concluded(&[None], 2).0, 3, "what was not tried is not done");
    }

    #[test]
    fn a_result_that_can_not_be_written_costs_no_other() {
        let lost = || vec![Error::ground("failed to write `x.json`: no space")];
        let (code, told) = concluded_with(&[result(None)], lost(), 3);
        assert_eq!(code, 3);
        assert!(told.starts_with("of 3 cells, 1 without a result, 1 not begun"), "{told}");
        assert!(told.contains("failed to write `x.json`: no space"), "{told}");
        assert_eq!(concluded_with(&[result(Some(Class::Failed))], lost(), 2).0, 1);
    }

    #[test]
    fn a_cell_that_never_ended_had_its_ground_fail() {
        let mut killed = result(None);
        killed.exit = None;
        assert_eq!(class(&killed), Some(Class::Ground));
    }
}
