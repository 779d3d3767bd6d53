//! The command line, and the one match that leads from it to the commands.

use crate::commands;
use crate::component::Component;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::os;
use crate::platform::Platform;
use crate::source::Source;
use crate::ui::{self, Level, Ui};
use crate::version::{Spec, Specs};
use clap::builder::BoolishValueParser;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

/// Runs the newest BuildKit and containerd out of target/buildkit-windows-test, and says whether they work
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes: 0 all went well; 1 the build or its container did not; 2 the command line makes no sense; 3 it could not be tried."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What all commands share.
    #[command(flatten)]
    pub shared: Shared,
}

/// The options that all commands share.
#[derive(Debug, Args)]
#[command(next_help_heading = "Shared options")]
pub struct Shared {
    /// The workspace [default: target/buildkit-windows-test]
    #[arg(long, global = true, value_name = "DIR", env = "BUILDKIT_WINDOWS_BASE_DIR", hide_env_values = true)]
    pub base_dir: Option<PathBuf>,
    /// Where downloads and builds are kept, for several workspaces together [default: the workspace's cache folder]
    #[arg(long, global = true, value_name = "DIR", env = "BUILDKIT_WINDOWS_CACHE_DIR", hide_env_values = true)]
    pub cache_dir: Option<PathBuf>,
    /// Which containerd: latest, prerelease, 2.3.4, 2.3, a Go ref, or a path to an archive, programs or a checkout [default: latest]
    #[arg(long, global = true, value_name = "SPEC", env = "BUILDKIT_WINDOWS_CONTAINERD", hide_env_values = true, value_parser = value::<Specs>)]
    pub containerd: Option<Specs>,
    /// Which BuildKit [default: latest]
    #[arg(long, global = true, value_name = "SPEC", env = "BUILDKIT_WINDOWS_BUILDKIT", hide_env_values = true, value_parser = value::<Specs>)]
    pub buildkit: Option<Specs>,
    /// Which runc (Linux) [default: latest]
    #[arg(long, global = true, value_name = "SPEC", env = "BUILDKIT_WINDOWS_RUNC", hide_env_values = true, value_parser = value::<Spec>)]
    pub runc: Option<Spec>,
    /// Which CNI plugins (Windows, when there is to be a network) [default: latest]
    #[arg(long, global = true, value_name = "SPEC", env = "BUILDKIT_WINDOWS_CNI", hide_env_values = true, value_parser = value::<Spec>)]
    pub cni: Option<Spec>,
    /// Which buildx (where Docker is the client) [default: Docker's own, else latest]
    #[arg(long, global = true, value_name = "SPEC", env = "BUILDKIT_WINDOWS_BUILDX", hide_env_values = true, value_parser = value::<Spec>)]
    pub buildx: Option<Spec>,
    /// Which network RUN has on Windows: none, or nat [default: none]
    #[arg(long, global = true, value_name = "NETWORK", env = "BUILDKIT_WINDOWS_NETWORK", hide_env_values = true, value_parser = value::<Network>)]
    pub network: Option<Network>,
    /// Where to look: auto, github, go, or a mirror's folder or URL [default: auto]
    #[arg(long, global = true, value_name = "SOURCE", env = "BUILDKIT_WINDOWS_SOURCE", hide_env_values = true, value_parser = value::<Source>)]
    pub source: Option<Source>,
    /// What the programs are for [default: this host]
    #[arg(long, global = true, value_name = "OS-ARCH", env = "BUILDKIT_WINDOWS_PLATFORM", hide_env_values = true, value_parser = value::<Platform>)]
    pub platform: Option<Platform>,
    /// Who may use buildkitd besides administrators: groups, with commas between (Windows)
    #[arg(long, global = true, value_name = "NAME", env = "BUILDKIT_WINDOWS_GROUP", hide_env_values = true)]
    pub group: Option<String>,
    /// Touch no network: take what the cache holds
    #[arg(long, global = true, env = "BUILDKIT_WINDOWS_OFFLINE", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub offline: bool,
    /// Take what versions.lock.json says, and nothing else
    #[arg(long, global = true, env = "BUILDKIT_WINDOWS_LOCKED", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub locked: bool,
    /// Say more
    #[arg(short, long, global = true, conflicts_with = "quiet", env = "BUILDKIT_WINDOWS_VERBOSE", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub verbose: bool,
    /// Say only what went wrong
    #[arg(short, long, global = true, env = "BUILDKIT_WINDOWS_QUIET", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub quiet: bool,
}

impl Shared {
    /// The version asked for of a component.
    pub fn spec(&self, component: Component) -> Option<&Spec> {
        match component {
            Component::Containerd | Component::Buildkit => self.specs(component).first(),
            Component::Runc => self.runc.as_ref(),
            Component::Cni => self.cni.as_ref(),
            Component::Buildx => self.buildx.as_ref(),
        }
    }

    /// All that was asked for of a component: a matrix takes several versions of containerd and BuildKit.
    pub fn specs(&self, component: Component) -> &[Spec] {
        let specs = match component {
            Component::Containerd => self.containerd.as_ref(),
            Component::Buildkit => self.buildkit.as_ref(),
            _ => None,
        };
        specs.map_or(&[], |specs| &specs.0)
    }

    /// Makes sure that one version of each is asked for.
    fn refuse_several(&self) -> Result<()> {
        for component in [Component::Containerd, Component::Buildkit] {
            if let [first, second, ..] = self.specs(component) {
                return Err(Error::usage(format!(
                    "`--{component} {first},{second}` asks for several versions, and this command takes one"
                ))
                .hint("several at once are for `cargo xtask matrix` and `cargo xtask night`"));
            }
        }
        Ok(())
    }

    /// Whether the daemons' versions, a source, a network or who may use them are asked for at all.
    pub fn is_choosy(&self) -> bool {
        let of_daemons = Component::ALL.iter().filter(|component| **component != Component::Buildx);
        let asks_for_versions = of_daemons.into_iter().any(|component| self.spec(*component).is_some());
        asks_for_versions || self.source.is_some() || self.network.is_some() || self.group.is_some()
    }
}

/// Reads an option's value. Of an error clap shows only the sentence, so its hint comes with that.
fn value<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: Error| match error.hint_text() {
        Some(hint) => format!("{error}\n\nhint: {hint}"),
        None => error.to_string(),
    })
}

/// The subcommands, one file each in [`crate::commands`].
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fetch, configure and start both daemons, and wait until they answer
    Up(commands::up::Options),
    /// Build the sample image, run a container from it, and compare what it prints
    BuildSample(commands::build_sample::Options),
    /// Have a buildx builder for your own builds, and print the variables that lead to it
    Builder(commands::builder::Options),
    /// Build and run the feature samples, and tell which ended otherwise than was expected
    Samples(commands::samples::Options),
    /// Show each daemon: version, pid, endpoint, since when, answering or not, disk use
    Status(commands::status::Options),
    /// Show what the daemons logged
    Logs(commands::logs::Options),
    /// Make BuildKit's and containerd's state agree again, level by level
    Reset(commands::reset::Options),
    /// Stop both daemons and whatever they left; the workspace stays
    Down,
    /// Stop everything and delete the workspace, but for the downloads
    Clean(commands::clean::Options),
    /// Show what would be used, without fetching it
    Resolve(commands::resolve::Options),
    /// Show containerd's configuration as it would be written
    Config(commands::config::Options),
    /// Look at every prerequisite before it bites, and say what mends it
    Doctor(commands::doctor::Options),
    /// Put versions, configuration, logs and doctor's answers into one file, without secrets, to attach to an issue
    Bundle(commands::bundle::Options),
    /// Tell what a message means: by its id, or found in a text on stdin
    Explain(commands::explain::Options),
    /// Print which BuildKit to try with which containerd where, as JSON for GitHub's `fromJSON`
    Matrix(commands::matrix::Options),
    /// Run the cells of a matrix on this machine, each apart from the others, and write what became of them
    Night(commands::night::Options),
    /// Make a page, a job's summary, JUnit's XML and badges of a night's results
    Report(commands::report::Options),
    /// Tell on GitHub what a night found newly broken: in one issue, which is closed when all is mended
    Announce(commands::announce::Options),
    /// Find the version, or with --refs the commit, in which something broke
    Bisect(commands::bisect::Options),
    /// Print shell completions
    Completions(commands::completions::Options),
    /// Measure the harness against the same work done by hand
    Bench(commands::bench::Options),
    /// Run every check that this machine can: formatting, lints, tests, end to end
    Ci(commands::ci::Options),
}

/// Runs this program's command line.
pub fn main() -> ExitCode {
    os::errand().unwrap_or_else(|| ExitCode::from(run(std::env::args_os())))
}

/// Runs a command line, and tells its exit code. One that makes no sense ends the program, as clap does it.
pub fn run(line: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> u8 {
    let matches = without_empty_variables(Cli::command()).try_get_matches_from(line);
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => refuse(&error),
    };
    let level = match (cli.shared.quiet, cli.shared.verbose) {
        (true, _) => Level::Quiet,
        (_, true) => Level::Verbose,
        _ => Level::Normal,
    };
    let ui = Ui::new(level);
    match dispatch(&cli, &ui) {
        Ok(()) => 0,
        Err(error) => {
            ui.error(&error);
            error.class().exit_code()
        }
    }
}

/// Ends the program as clap does it, but that GitHub Actions finds no commands in what clap quotes.
fn refuse(error: &clap::Error) -> ! {
    if !error.use_stderr() || !ui::on_actions() {
        error.exit();
    }
    Ui::new(Level::Normal).passed_on(error.render().to_string().trim_end());
    std::process::exit(error.exit_code())
}

/// An empty variable is none: CI makes one of an input that nobody gave.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &clap::Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    let forget = |arg: clap::Arg| if is_empty(&arg) { arg.env(None::<&'static str>) } else { arg };
    command.mut_args(forget).mut_subcommands(without_empty_variables)
}

fn dispatch(cli: &Cli, ui: &Ui) -> Result<()> {
    if !matches!(cli.command, Command::Matrix(_) | Command::Night(_)) {
        cli.shared.refuse_several()?;
    }
    let context = || Context::new(&cli.shared, ui);
    let wherever = || Context::wherever(&cli.shared, ui);
    match &cli.command {
        Command::Up(options) => commands::up::run(&context()?, options),
        // These two also print, as JSON, why there is no context to run in.
        Command::BuildSample(options) => commands::build_sample::run(context(), options),
        Command::Reset(options) => commands::reset::run(context(), options),
        Command::Builder(options) => commands::builder::run(&context()?, options),
        Command::Samples(options) => {
            // What goes on inside of each sample is said only to who asks for more.
            let hushed = Ui::new(if cli.shared.verbose { Level::Verbose } else { Level::Quiet });
            commands::samples::run(&context()?, &Context::new(&cli.shared, &hushed)?, options)
        }
        Command::Status(options) => commands::status::run(&context()?, options),
        Command::Logs(options) => commands::logs::run(&context()?, options),
        Command::Down => commands::down::run(&context()?),
        Command::Clean(options) => commands::clean::run(&context()?, options),
        Command::Resolve(options) => commands::resolve::run(&context()?, options),
        Command::Config(options) => commands::config::run(&context()?, options),
        Command::Matrix(options) => commands::matrix::run(&context()?, options),
        Command::Night(options) => commands::night::run(&context()?, options),
        Command::Bisect(options) => commands::bisect::run(&context()?, options),
        Command::Bench(options) => commands::bench::run(&context()?, options),
        // These two also tell why no workspace can lie where it is to.
        Command::Doctor(options) => commands::doctor::run(&wherever()?, options),
        Command::Bundle(options) => commands::bundle::run(&wherever()?, options),
        // This one takes nothing of a workspace but its name.
        Command::Announce(options) => commands::announce::run(&wherever()?, options),
        // And these know no workspace.
        Command::Explain(options) => commands::explain::run(ui, options),
        Command::Report(options) => commands::report::run(ui, options),
        Command::Completions(options) => commands::completions::run(options, Cli::command().bin_name("xtask")),
        Command::Ci(options) => commands::ci::run(ui, options),
    }
}
