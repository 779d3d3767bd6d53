//! `cargo xtask doctor`: every prerequisite before it bites.

use super::{print, print_json};
use crate::context::{Context, check_place};
use crate::doctor::{self, Check, Report, Verdict};
use crate::error::{Error, Result};
use crate::probe::{self, Ground};
use clap::Args;

/// The options of `doctor`.
#[derive(Debug, Args)]
pub struct Options {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print the commands that mend what was found, one a line, and change nothing
    #[arg(long, conflicts_with = "json")]
    fix: bool,
    /// Ask this base image's registry [default: that of the host's own]
    #[arg(long, value_name = "REF", env = "BUILDKIT_WINDOWS_BASE_IMAGE", hide_env_values = true)]
    base_image: Option<String>,
}

/// Runs it. Its context need not have a place where a workspace can lie.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    let checks = look(context, options.base_image.clone())?;
    if options.json {
        print_json(&Report::new(context.workspace.platform().to_string(), &checks))?;
    } else if options.fix {
        print(doctor::commands(&checks))?;
    } else {
        print(doctor::text(&checks))?;
    }
    let problems = doctor::count(&checks, Verdict::Problem);
    if problems == 0 {
        return Ok(());
    }
    let error = Error::ground(format!("{problems} of {} checks found a problem", checks.len()));
    Err(if options.fix { error } else { error.hint("`cargo xtask doctor --fix` prints the commands that mend it") })
}

/// Looks at everything.
///
/// # Errors
/// When it is another platform's programs that were asked for.
pub fn look(context: &Context, base_image: Option<String>) -> Result<Vec<Check>> {
    context.require_programs_can_run()?;
    Ok(probe::all(Ground {
        workspace: context.workspace.clone(),
        objection: check_place(context.workspace.base()).err(),
        request: context.request.clone(),
        github: context.github.clone(),
        base_image,
        offline: context.offline,
    }))
}
