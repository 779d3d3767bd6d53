//! `cargo xtask resolve`: what would be used, without fetching it.

use super::{print, print_json};
use crate::context::Context;
use crate::error::Result;
use crate::source::{Resolution, Resolved};
use crate::ui::bytes;
use clap::Args;

/// The options of `resolve`.
#[derive(Debug, Args)]
pub struct Options {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    let resolved = context.resolve(&context.all_specs())?;
    if options.json {
        return print_json(&resolved.iter().map(|resolved| &resolved.resolution).collect::<Vec<&Resolution>>());
    }
    print(resolved.iter().map(shown).collect::<String>())
}

fn shown(resolved: &Resolved) -> String {
    let resolution = &resolved.resolution;
    let mut text = format!("{} {}\n", resolution.component, resolution.version);
    let mut line = |name: &str, value: String| text.push_str(&format!("  {name:<8}{value}\n"));
    line("source", resolution.source.to_string());
    line("url", resolution.url.clone());
    if let Some(size) = resolution.size {
        line("size", bytes(size));
    }
    line(
        "sha256",
        match (&resolution.sha256, &resolved.vouched_by) {
            (Some(sha256), Some(who)) => format!("{sha256} (from {who})"),
            (Some(sha256), None) => format!("{sha256} (unverified)"),
            (None, Some(who)) => format!("none (checked by {who})"),
            (None, None) => "none (unverified)".to_owned(),
        },
    );
    for skipped in &resolution.skipped {
        line("skipped", format!("{}: {}", skipped.version, skipped.reason));
    }
    text
}
