//! `cargo xtask ci`: everything that this machine can run, and the reason for what it can't.

mod legs;

use super::print;
use crate::error::{Error, Result};
use crate::process;
use crate::ui::Ui;
use clap::Args;

/// The options of `ci`.
#[derive(Debug, Args)]
pub struct Options {
    /// Take a leg that can't run here for a failure
    #[arg(long)]
    strict: bool,
}

/// Runs it.
pub fn run(ui: &Ui, options: &Options) -> Result<()> {
    let mut summary = Vec::new();
    let (mut failed, mut not_run) = (0, 0);
    for leg in legs::all() {
        if let Some(reason) = &leg.missing {
            not_run += 1;
            summary.push(format!("not run  {}: {reason}", leg.name));
            continue;
        }
        let _group = ui.group(leg.name);
        ui.step("Checking", &format!("{}: {}", leg.name, leg.argv.shown()));
        let status = process::run_in_the_open(&leg.argv)?;
        if status.success() {
            summary.push(format!("passed   {}", leg.name));
        } else {
            failed += 1;
            summary.push(format!("failed   {}: {}", leg.name, process::exit(status)));
        }
    }
    print(summary.join("\n") + "\n")?;
    if failed > 0 {
        return Err(Error::failed(format!("{failed} of the checks failed")));
    }
    if options.strict && not_run > 0 {
        return Err(Error::ground(format!("{not_run} of the checks can't run here, and `--strict` wants all of them"))
            .hint("install what they need, as `.ci/run` does"));
    }
    Ok(())
}
