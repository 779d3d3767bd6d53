//! `cargo xtask completions`: what a shell needs to complete the command line.

use super::print;
use crate::error::Result;
use clap::{Args, Command};
use clap_complete::Shell;

/// The options of `completions`.
#[derive(Debug, Args)]
pub struct Options {
    /// For which shell
    shell: Shell,
}

/// Runs it for a command line.
pub fn run(options: &Options, mut command: Command) -> Result<()> {
    let mut script = Vec::new();
    // Shells complete single words: this is for the program itself, or an alias `xtask` of `cargo xtask`.
    clap_complete::generate(options.shell, &mut command, "xtask", &mut script);
    print(script)
}
