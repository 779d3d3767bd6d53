//! `cargo xtask build-sample`: build the sample's image, run a container from it, and compare what it prints.

mod blame;
mod building;
pub(super) mod choosing;
mod elsewhere;
pub(super) mod finding;
pub(super) mod healing;
mod making;
mod put_out;
pub(super) mod report;
mod running;
mod serving;
mod showing;
pub(super) mod staging;
pub(super) mod stand;
mod steps;
pub(super) mod trial;
mod watching;

use super::{patience, print_json};
use crate::component::Component;
use crate::context::Context;
use crate::error::Result;
pub use choosing::Wanted;
use choosing::choose;
use clap::Args;
use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};
use finding::find_sample;
use report::Report;
use staging::stage;
use stand::Stand;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use trial::Trial;

/// The options of `build-sample`.
#[derive(Debug, Args)]
pub struct Options {
    /// Leave the container when it has ended
    #[arg(long)]
    keep: bool,
    /// A folder of sample-dockerfile, or the path of a build context [default: the hello sample]
    #[arg(long, value_name = "NAME|PATH", env = "BUILDKIT_WINDOWS_SAMPLE", hide_env_values = true)]
    sample: Option<PathBuf>,
    /// A base image instead of the one that suits this host, as the build argument BASE_IMAGE
    #[arg(long, value_name = "REF", value_parser = NonEmptyStringValueParser::new(), env = "BUILDKIT_WINDOWS_BASE_IMAGE", hide_env_values = true)]
    base_image: Option<String>,
    /// How long build and run may take together, and each level of a reset besides, as in 90s or 10m
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = patience, env = "BUILDKIT_WINDOWS_TIMEOUT", hide_env_values = true)]
    timeout: Duration,
    /// When stale state makes it fail, reset level by level and try again [default: yes in CI, where CI=true]
    #[arg(long, value_name = "YES|NO", num_args = 0..=1, require_equals = true, default_missing_value = "yes", env = "BUILDKIT_WINDOWS_HEAL", hide_env_values = true, hide_possible_values = true, value_parser = BoolishValueParser::new())]
    heal: Option<bool>,
    /// Print one JSON object about all of it instead of what the container prints
    #[arg(long)]
    json: bool,
    /// What drives the build: buildx (with Docker), buildctl, or auto: Docker if one runs containers of this system
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
    /// Build on a buildkitd that runs already, as in tcp://HOST:PORT, unix:///PATH or npipe:////./pipe/NAME
    #[arg(long, value_name = "ADDRESS", env = "BUILDKIT_WINDOWS_ADDR", hide_env_values = true)]
    addr: Option<String>,
    /// The folder with ca.pem, cert.pem and key.pem for that
    #[arg(long, value_name = "DIR", requires = "addr", env = "BUILDKIT_WINDOWS_TLS_DIR", hide_env_values = true)]
    tls_dir: Option<PathBuf>,
}

/// Runs it. Its one object also tells why there is no context to run in.
///
/// # Errors
/// When the sample does not pass, or can't be tried.
pub fn run(context: Result<Context>, options: &Options) -> Result<()> {
    let begun = Instant::now();
    let asked = options.sample.as_deref().unwrap_or(Path::new("hello"));
    let mut report = Report::new(asked.display().to_string());
    let ended = context.and_then(|context| test(&context, options, &mut report));
    report.end(&ended, begun.elapsed());
    let printed = if options.json { print_json(&report) } else { Ok(()) };
    ended.and(printed)
}

/// Puts containerd and BuildKit to the test.
fn test(context: &Context, options: &Options, report: &mut Report) -> Result<()> {
    let found = find_sample(context, options.sample.as_deref())?;
    if options.addr.is_some() {
        elsewhere::check(context, options.heal)?;
    }
    let remote = stand::look_before(context, options.addr.as_deref(), options.tls_dir.as_deref())?;
    let _guard = context.lock("build-sample")?;
    let client = choose(context, options.client, remote.as_ref())?;
    report.client = Some(client.name());
    if remote.is_some() {
        elsewhere::tell_what_is_idle(context, &*client, options.keep);
    }
    let stand = Stand::new(context, client, remote.is_some());
    stand.set_up()?;
    report.versions = stand.versions()?;
    let told = stand.client.connect(context.ui)?.filter(|_| stand.is_remote());
    report.versions.extend(told.map(|version| (Component::Buildkit.name(), version)));
    let sample = stage(context, &found, context.workspace.sample())?;
    let trial = Trial {
        stand: &stand,
        sample: &sample,
        image: &stand.client.image(),
        base_image: options.base_image.as_deref(),
        keeps: options.keep,
        relays: !options.json,
        heals: !stand.is_remote() && healing::is_wanted(options.heal, std::env::var("CI").ok().as_deref()),
        is_alone: true,
        timeout: options.timeout,
    };
    report.outcome = trial.outcome();
    context.ui.kept_quiet(&report.outcome.excerpt(), "all of it is shown without `--quiet`");
    report.outcome.error.take().map_or(Ok(()), |error| Err(elsewhere::advise(remote.as_ref(), error)))
}
