//! The benchmark: `bench BASE RUNS [NAME…]`, started by `cargo xtask bench`.
//!
//! What the harness does is measured beside the same work done by hand, in turn (A B A B …), because a machine is
//! never as fast twice: the ratio of a pair says more than either time. The workspace BASE gives the real programs; it
//! is only read. This is a measurement, not a test: a missed goal is told, and is no failure.

mod acquire;
mod assets;
mod build;
mod help;
mod machine;
mod table;
mod up;

use assets::Assets;
use machine::{Bench, Commands as _};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use table::Row;
use xtask::commands::print;
use xtask::error::{Context as _, Error, Result};
use xtask::ui::{Level, Ui};

/// What can be measured, by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Acquire,
    Up,
    Build,
    Help,
}

impl Measure {
    const ALL: [(&'static str, Self); 4] =
        [("acquire", Self::Acquire), ("up", Self::Up), ("build", Self::Build), ("help", Self::Help)];

    fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, measure)| *measure).ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| name).join(", ");
            Error::usage(format!("there is nothing named `{name}` to measure")).hint(format!("names are {names}"))
        })
    }
}

fn main() -> ExitCode {
    let ui = Ui::new(Level::Normal);
    match run(&ui) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui.error(&error);
            ExitCode::from(error.class().exit_code())
        }
    }
}

fn run(ui: &Ui) -> Result<()> {
    if std::env::consts::OS != "linux" {
        return Err(Error::ground("the benchmark measures only on Linux"));
    }
    let (base, runs, measures) = arguments()?;
    let needs_root = [Measure::Up, Measure::Build].iter().any(|measure| measures.contains(measure));
    if needs_root && xtask::os::check_rights().is_err() {
        return Err(Error::ground("measuring `up` and `build` starts daemons, which needs root")
            .hint("run it as root, or measure only `acquire` and `help`"));
    }
    let bench = Bench::new(ui, base, runs)?;
    let mut rows = Vec::new();
    let mut notes = vec![format!(
        "{runs} runs each, in turn with what they are beside; medians, and the median of the pairs' ratios (with the \
         least and the greatest); {}",
        machine::ground()
    )];
    let measured = measure(&bench, &measures, &mut rows, &mut notes);
    // What was measured before a failure is worth showing too.
    if !rows.is_empty() {
        print(format!("{}\n{}\n", table::render(&rows), notes.join("\n")))?;
    }
    measured
}

fn measure(bench: &Bench, measures: &[Measure], rows: &mut Vec<Row>, notes: &mut Vec<String>) -> Result<()> {
    bench.cargo(["build", "--quiet", "--package", "xtask", "--bin", "xtask"]).timed("build the harness")?;
    if measures.iter().any(|measure| *measure != Measure::Help) {
        let assets = Assets::make(bench)?;
        notes.push(assets.told());
        for measure in measures {
            match measure {
                Measure::Acquire => acquire::measure(bench, &assets, rows, notes)?,
                Measure::Up => up::measure(bench, &assets, rows)?,
                Measure::Build => build::measure(bench, &assets, rows)?,
                Measure::Help => {}
            }
        }
    }
    // Last and once: it keeps every core busy for a while.
    if measures.contains(&Measure::Help) {
        rows.push(help::measure(bench)?);
    }
    Ok(())
}

fn arguments() -> Result<(PathBuf, usize, Vec<Measure>)> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(base), Some(runs)) = (arguments.next(), arguments.next()) else {
        return Err(Error::usage("the benchmark needs a workspace and a number of runs")
            .hint("start it as `cargo xtask bench [--runs N] [NAME…]`"));
    };
    let runs: usize = runs.to_str().and_then(|runs| runs.parse().ok()).filter(|runs| *runs > 0).ok_or_else(|| {
        Error::usage(format!("`{}` is no number of runs", runs.display())).hint("it is a number from 1")
    })?;
    let base = std::path::absolute(&base).trying(|| format!("make `{}` absolute", base.display()))?;
    let names: Vec<OsString> = arguments.collect();
    let mut measures = Vec::new();
    for name in &names {
        let measure = Measure::named(&name.to_string_lossy())?;
        if !measures.contains(&measure) {
            measures.push(measure);
        }
    }
    if measures.is_empty() {
        measures = Measure::ALL.map(|(_, measure)| measure).to_vec();
    }
    Ok((base, runs, measures))
}
