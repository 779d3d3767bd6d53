//! `cargo xtask config`: containerd's configuration as it would be written.

use super::{print, up};
use crate::component::Component;
use crate::context::Context;
use crate::error::Result;
use crate::install;
use clap::Args;
use similar::TextDiff;

/// The options of `config`.
#[derive(Debug, Args)]
pub struct Options {
    /// Show it against that version's default
    #[arg(long)]
    diff: bool,
}

/// Runs it.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    context.require_programs_can_run()?;
    // Only containerd knows its default. One that is installed is asked; else the one asked for is fetched first.
    if install::installed(&context.workspace, Component::Containerd).is_none() {
        let _guard = context.lock("config")?;
        let asked: Vec<_> = context
            .request
            .specs
            .iter()
            .filter(|(component, _)| *component == Component::Containerd)
            .cloned()
            .collect();
        let prepared = install::prepare(&context.http, context.ui, &context.workspace, &context.resolve(&asked)?)?;
        install::commit(&context.workspace, &prepared)?;
    }
    let (default, patched) = up::containerd_config(context)?;
    if options.diff {
        let diff = TextDiff::from_lines(&default, &patched);
        return print(diff.unified_diff().header("config default", "config.toml").to_string());
    }
    print(patched)
}
