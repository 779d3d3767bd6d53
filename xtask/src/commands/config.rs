//! `cargo xtask config`: containerd's configuration as it would be written.

use super::print;
use crate::component::Component;
use crate::config;
use crate::context::Context;
use crate::daemon::{self, state};
use crate::error::Result;
use crate::files;
use crate::install::{self, Prepared};
use crate::version::Spec;
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
    let default = default_of_what_was_asked_for(context)?;
    let patched = config::patch_containerd(&default, &context.workspace)?;
    if options.diff {
        let diff = TextDiff::from_lines(&default, &patched);
        return print(diff.unified_diff().header("config default", "config.toml").to_string());
    }
    print(patched)
}

/// Only containerd knows its default. The installed one is asked if it is the one meant, or no other is; else that is fetched,
/// and put nowhere: nothing that is in use changes.
fn default_of_what_was_asked_for(context: &Context) -> Result<String> {
    let workspace = &context.workspace;
    let installed = workspace.program(Component::Containerd, "containerd");
    let is_installed = || install::installed(workspace, Component::Containerd).is_some();
    let is_meant = state::read(workspace)?.is_some_and(|state| state.request == context.request);
    if is_meant || !context.is_choosy && !context.locked && is_installed() {
        return daemon::default_config(&installed);
    }
    let _guard = context.lock("config")?;
    let is_containerd = |(component, _): &&(Component, Spec)| *component == Component::Containerd;
    let asked: Vec<_> = context.request.specs.iter().filter(is_containerd).cloned().collect();
    let prepared = install::prepare(&context.http, context.ui, workspace, &context.resolve(&asked)?)?;
    let staged = prepared.iter().find_map(Prepared::staged);
    let program = staged.map_or(installed, |folder| folder.join("bin").join(workspace.platform().exe("containerd")));
    let default = daemon::default_config(&program);
    files::delete(&workspace.staging())?;
    default
}
