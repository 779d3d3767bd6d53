//! `cargo xtask doctor`: every prerequisite before it bites.

use super::build_sample::Wanted;
use super::{print, print_json};
use crate::context::{Context, check_place};
use crate::doctor::docker::Need;
use crate::doctor::{self, Check, Report, Verdict};
use crate::error::{Error, Result};
use crate::os;
use crate::probe::{self, Ground};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use std::time::Instant;

/// The options of `doctor`.
#[derive(Debug, Default, Args)]
pub struct Options {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print the commands that mend what was found, one a line, and change nothing
    #[arg(long, conflicts_with = "json")]
    fix: bool,
    /// Ask this base image's registry [default: that of the host's own]
    #[arg(long, value_name = "REF", value_parser = NonEmptyStringValueParser::new(), env = "BUILDKIT_WINDOWS_BASE_IMAGE", hide_env_values = true)]
    base_image: Option<String>,
    /// Judge Docker by what is to drive the build: buildx (with Docker), buildctl or auto [default: auto]
    #[arg(long, value_enum, hide_possible_values = true, env = "BUILDKIT_WINDOWS_CLIENT", hide_env_values = true)]
    client: Option<Wanted>,
}

/// Runs it. Its context need not have a place where a workspace can lie.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    let checks = look(context, options)?;
    if options.json {
        print_json(&Report::new(context.workspace.platform().to_string(), &checks))?;
    } else if options.fix {
        print(doctor::commands(&checks))?;
        if let Some(why) = doctor::why_no_commands(&checks) {
            context.ui.note(why);
        }
    } else {
        print(doctor::text(&checks))?;
    }
    let problems = doctor::count(&checks, Verdict::Problem);
    if problems == 0 {
        return Ok(());
    }
    let error = Error::ground(format!("{problems} of {} checks found a problem", checks.len()));
    let has_command = |check: &Check| check.verdict == Verdict::Problem && check.command.is_some();
    let has_commands = !options.fix && checks.iter().any(has_command);
    Err(if has_commands {
        error.hint(format!("`{}` prints the commands that mend it", context.typed("doctor --fix")))
    } else {
        error
    })
}

/// Looks at everything.
///
/// # Errors
/// When it is another platform's programs that were asked for.
pub fn look(context: &Context, options: &Options) -> Result<Vec<Check>> {
    context.require_programs_can_run()?;
    let base = context.workspace.base();
    Ok(probe::all(Ground {
        workspace: context.workspace.clone(),
        objection: check_place(base).and_then(|()| os::check_disk(base)).err(),
        request: context.request.clone(),
        github: context.github.clone(),
        base_image: options.base_image.clone(),
        docker: match options.client.unwrap_or(Wanted::Auto) {
            Wanted::Auto => Need::Welcome,
            Wanted::Buildx => Need::Required,
            Wanted::Buildctl => Need::Unwanted,
        },
        buildx: context.buildx.clone(),
        again: context.typed("doctor"),
        clean: context.typed("clean --cache"),
        offline: context.offline,
        since: Instant::now(),
    }))
}
