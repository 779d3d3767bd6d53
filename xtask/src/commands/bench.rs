//! `cargo xtask bench`: measure the harness against the same work done by hand.

use super::cargo;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::process;
use clap::Args;

/// The options of `bench`.
#[derive(Debug, Args)]
pub struct Options {
    /// How many times each; the medians are shown
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Only these
    #[arg(value_parser = ["acquire", "up", "build", "help"])]
    names: Vec<String>,
}

/// Runs it: the measuring is a program of the tests, which have the loopback server that it needs. It says itself what
/// else it needs: the workspace's programs for most of its measures, and root for some.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    context.require_programs_can_run()?;
    let argv = cargo()
        .args(["run", "--quiet", "--package", "tests", "--bin", "bench", "--"])
        .arg(context.workspace.base())
        .arg(options.runs.to_string())
        .args(&options.names)
        .dir(&context.repository);
    let status = process::run_in_the_open(&argv)?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::ground(format!("the benchmark ended with {}", process::exit(status))))
    }
}
