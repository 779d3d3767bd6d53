//! `cargo xtask samples`: build and run the feature samples, and tell which ended otherwise than was expected.

mod finding;
pub mod progress;
mod report;
mod skipping;
mod trying;

use super::build_sample::choosing::{Wanted, choose};
use super::build_sample::healing;
use super::build_sample::stand::{self, Stand};
use super::ended::Ended;
use super::{patience, print, print_json, print_json_line, up};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::platform::Os;
use crate::report::text;
use crate::result::Verdict;
use clap::Args;
use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};
use finding::{Sample, find};
use report::{Report, listing, listing_json, table};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;
use trying::{Lack, Plan, Tried, try_all};

/// The most that are tried at once where nothing is said: more only wait for each other.
const MOST_AT_ONCE: usize = 4;

/// The options of `samples`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit code 1 means that something is newly broken, 2 that a sample itself is wrong, and 3 that some could not be put to the test. \
After Ctrl-C, what has ended by then is told.")]
pub struct Options {
    /// Folders of sample-dockerfile, or paths of such folders [default: all]
    #[arg(value_name = "NAME|PATH")]
    samples: Vec<PathBuf>,
    /// Show what there is and what is expected of it here, and build nothing
    #[arg(long)]
    list: bool,
    /// How many are tried at once [default: as many as there are processors, at most 4; on Windows 1]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// A base image instead of the one that suits this host, as the build argument BASE_IMAGE
    #[arg(long, value_name = "REF", value_parser = NonEmptyStringValueParser::new(), env = "BUILDKIT_WINDOWS_BASE_IMAGE", hide_env_values = true)]
    base_image: Option<String>,
    /// How long each may take, as in 90s or 10m
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = patience, env = "BUILDKIT_WINDOWS_TIMEOUT", hide_env_values = true)]
    timeout: Duration,
    /// When stale state makes one fail, reset level by level and try it again, after the others [default: yes in CI, where CI=true]
    #[arg(long, value_name = "YES|NO", num_args = 0..=1, require_equals = true, default_missing_value = "yes", env = "BUILDKIT_WINDOWS_HEAL", hide_env_values = true, hide_possible_values = true, value_parser = BoolishValueParser::new())]
    heal: Option<bool>,
    /// What drives the builds: buildx (with Docker), buildctl, or auto: Docker if one runs containers of this system
    #[arg(
        long,
        value_name = "CLIENT",
        value_enum,
        default_value = "auto",
        hide_possible_values = true,
        env = "BUILDKIT_WINDOWS_CLIENT",
        hide_env_values = true
    )]
    client: Wanted,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print one a line: when a sample begins, when it ends, and at last what --json prints
    #[arg(long, conflicts_with_all = ["json", "list"])]
    json_lines: bool,
}

/// Looks whether there are such samples, or any if none are named.
///
/// # Errors
/// When there is none of that name, or one has something wrong with it.
pub fn check(context: &Context, names: &[String]) -> Result<()> {
    let asked: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
    find(context, &asked).map(drop)
}

/// Runs it. `hushed` is the same context for what is done for each sample, which has less to say.
///
/// # Errors
/// When something is newly broken, or the ground failed under a sample.
pub fn run(context: &Context, hushed: &Context, options: &Options) -> Result<()> {
    let samples = find(context, &options.samples)?;
    let os = context.workspace.platform().os;
    if options.list {
        return if options.json { print_json(&listing_json(&samples, os)) } else { print(listing(&samples, os)) };
    }
    let mut report = Report::default();
    let ended = test(context, hushed, options, samples, &mut report);
    report.end(Ended::from(&ended));
    let printed = match (options.json, options.json_lines) {
        (true, _) => print_json(&report),
        (_, true) => print_json_line(&report),
        _ => print(table(report.rows())),
    };
    ended.and(printed)
}

/// Puts the samples to the test.
fn test(
    context: &Context,
    hushed: &Context,
    options: &Options,
    samples: Vec<Sample>,
    report: &mut Report,
) -> Result<()> {
    stand::look_before(context, None, None)?;
    let _guard = context.lock("samples")?;
    let client = choose(hushed, options.client, None)?;
    context.ui.step("Client", client.name());
    report.client = Some(client.name());
    up::ensure_any(context)?;
    let mut stand = Stand::new(hushed, client, false);
    report.versions = stand.versions()?;
    stand.client.connect(hushed.ui)?;
    // Whoever reads line by line knows all that had ended, and ends this program itself.
    if !options.json_lines {
        stand.interrupt = Interrupt::listen()?;
    }
    let plan = Plan {
        context,
        stand: &stand,
        base_image: options.base_image.as_deref(),
        timeout: options.timeout,
        jobs: options.jobs.map_or_else(|| jobs(context.workspace.platform().os), NonZeroUsize::get),
        heals: healing::is_wanted(options.heal, std::env::var("CI").ok().as_deref()),
        skipper: skipping::Skipper::new(context, &report.versions)?,
        tells: options.json_lines,
    };
    let tried = try_all(&plan, samples);
    for broken in tried.iter().filter(|tried| tried.row.verdict == Verdict::NewlyBroken) {
        if let Some(error) = &broken.error {
            context.ui.warn(&format!("{} is newly broken: {error}", broken.row.name));
            let alone = format!("`{}` shows all of it", alone(context, broken));
            hushed.ui.kept_quiet(&broken.excerpt, &alone);
            context.ui.note(error.hint_text().unwrap_or(&alone));
        }
    }
    let ended = conclude(context, &tried);
    report.take(tried.into_iter().map(|tried| tried.row).collect());
    ended
}

/// How one of them is tried by itself.
fn alone(context: &Context, tried: &Tried) -> String {
    context.typed_with("build-sample --sample", [&tried.asked])
}

fn jobs(os: Os) -> usize {
    match os {
        // Windows has layers active one after the other at best: https://github.com/moby/buildkit/issues/5807
        Os::Windows => 1,
        Os::Linux => std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_AT_ONCE),
    }
}

/// What they come to. A release that fails is worth more than a sample or a machine that does.
fn conclude(context: &Context, tried: &[Tried]) -> Result<()> {
    let names = |of: &[&Tried]| of.iter().map(|tried| tried.row.name.as_str()).collect::<Vec<_>>().join(", ");
    let lacking = |lack| tried.iter().filter(|tried| tried.lack == Some(lack)).collect::<Vec<_>>();
    let broken: Vec<_> = tried.iter().filter(|tried| tried.row.verdict == Verdict::NewlyBroken).collect();
    let interrupted = lacking(Lack::Interrupted);
    let unended =
        format!("interrupted: of {}, {} had not ended", text::count(tried.len(), "sample"), interrupted.len());
    if let Some(first) = broken.first() {
        let also = if interrupted.is_empty() { String::new() } else { format!("; {unended}") };
        let whose = if broken.len() > 1 { "the first does" } else { "it does" };
        return Err(Error::failed(format!("newly broken: {}{also}", names(&broken)))
            .hint(format!("`{}` shows all that {whose}", alone(context, first))));
    }
    let wrong = lacking(Lack::Wrong);
    if !wrong.is_empty() {
        return Err(Error::usage(format!("not as samples must be: {}", names(&wrong)))
            .hint("see the reasons above; docs/samples.md says what a sample has in it"));
    }
    if !interrupted.is_empty() {
        let again = context.typed_with("samples", interrupted.iter().map(|tried| &tried.asked));
        return Err(Error::ground(unended).hint(format!("`{again}` tries those that had not")));
    }
    let untried = lacking(Lack::Ground);
    if !untried.is_empty() {
        return Err(Error::ground(format!("could not be put to the test: {}", names(&untried)))
            .hint(format!("see the reasons above, and `{}`", context.typed("doctor"))));
    }
    Ok(())
}
