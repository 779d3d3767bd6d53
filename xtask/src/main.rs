//! `cargo xtask`: parse, run, and turn the outcome into an exit code.

use clap::Parser;
use std::process::ExitCode;
use xtask::cli::Cli;

fn main() -> ExitCode {
    xtask::cli::run(&Cli::parse())
}
