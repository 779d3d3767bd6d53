//! `cargo xtask build-sample`: build the sample's image, run a container from it, and compare what it prints.

mod blame;
mod choosing;
mod healing;
mod report;
mod showing;
mod staging;

use super::loaded;
use super::reset::{self, Level};
use super::tidying::{end_container, listed};
use super::{print_json, up};
use crate::base_image;
use crate::client::remote::Remote;
use crate::client::{BaseImage, Build, Client, Run};
use crate::component::Component;
use crate::context::Context;
use crate::daemon::log::Marks;
use crate::daemon::state;
use crate::error::{Context as _, Error, Result};
use crate::host_image;
use crate::install;
use crate::os;
use crate::process::{self, Ending};
use crate::sample::{self, EXPECTED_FILE, IMAGE};
use blame::{Blamed, blame};
use choosing::{Wanted, choose};
use clap::Args;
use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};
use report::{Report, millis};
use showing::{Stage, Stdout, show};
use staging::{find_sample, stage};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How the names of samples' containers begin.
const CONTAINER: &str = "buildkit-sample-";

/// The daemons that building and running take, unless a remote buildkitd builds.
const DAEMONS: [Component; 2] = [Component::Containerd, Component::Buildkit];

/// What the name of one that is to stay has next.
const KEPT: &str = "kept-";

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
    /// How long build and run may take together, as in 90s or 10m
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = humantime::parse_duration, env = "BUILDKIT_WINDOWS_TIMEOUT", hide_env_values = true)]
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

/// What a run of the command works with.
struct Work<'a> {
    context: &'a Context<'a>,
    options: &'a Options,
    client: Box<dyn Client + 'a>,
    /// The daemons of the workspace that it needs: both, or none for a remote buildkitd.
    daemons: &'static [Component],
    /// Whether the container must print something.
    expects_words: bool,
    deadline: Instant,
}

/// Runs it.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    let begun = Instant::now();
    let asked = options.sample.as_deref().unwrap_or(Path::new("hello"));
    let mut report = Report::new(asked.display().to_string());
    let ended = test(context, options, &mut report);
    report.end(&ended, begun.elapsed());
    let printed = if options.json { print_json(&report) } else { Ok(()) };
    ended.map_err(|blamed| blamed.error).and(printed)
}

/// Puts containerd and BuildKit to the test.
fn test(context: &Context, options: &Options, report: &mut Report) -> Result<(), Blamed> {
    let folder = find_sample(context, options.sample.as_deref())?;
    context.check_for_platform()?;
    let os = context.workspace.platform().os;
    let remote =
        options.addr.as_ref().map(|address| Remote::new(address, options.tls_dir.as_deref(), os)).transpose()?;
    if let Some(remote) = &remote {
        context.require_programs_can_run()?;
        remote.check()?;
    } else {
        context.require_daemons_can_run()?;
        context.warn_without_container_runtime();
    }
    let _guard = context.lock("build-sample")?;
    let client = choose(context, options.client, remote.as_ref())?;
    let daemons: &[Component] = if remote.is_some() {
        // Clients are run in there.
        os::create_private_folder(&context.workspace.run())?;
        &[]
    } else {
        up::ensure_any(context)?;
        note_versions(context, report)?;
        &DAEMONS
    };
    client.connect(context.ui)?;
    let expected = stage(context, &folder)?;
    let expects_words = expected.as_ref().is_some_and(|expected| !expected.is_empty());
    let work = Work { context, options, client, daemons, expects_words, deadline: Instant::now() + options.timeout };
    // A remote buildkitd's state is not this harness's to reset.
    let heals = remote.is_none() && healing::is_wanted(options.heal, std::env::var("CI").ok().as_deref());
    let mut trial = Trial { work, report };
    let (printed, healed) =
        if heals { healing::until_healed(&mut trial)? } else { (healing::Ground::attempt(&mut trial)?, None) };
    let Trial { report, .. } = trial;
    report.healed = healed.map(Level::name);
    // That it works at last must not hide that it failed at first.
    if let Some(level) = healed {
        context.ui.warn(&format!("it was built and run only after a reset: `{}` healed it", level.name()));
    }
    let Some(printed) = printed else {
        context.ui.step("Built", &format!("{IMAGE}, in the store of that buildkitd; nothing here can run it"));
        context.ui.note("with a Docker (`--client buildx`) the image comes here, and is run");
        return Ok(());
    };
    let Some(expected) = expected else {
        let note = format!("the sample has no {EXPECTED_FILE}, so what it printed was compared with nothing");
        context.ui.note(&note);
        return Ok(());
    };
    let compared = compare(context, &expected, &printed);
    report.as_expected = Some(compared.is_ok());
    Ok(compared?)
}

fn note_versions(context: &Context, report: &mut Report) -> Result<()> {
    let workspace = &context.workspace;
    let Some(state) = state::read(workspace)? else { return Ok(()) };
    for (component, _) in &state.request.specs {
        let installed = || install::installed(workspace, *component).map(|record| record.resolution.version);
        let version = state.daemon(*component).map(|daemon| daemon.version.clone()).or_else(installed);
        report.versions.extend(version.map(|version| (component.name(), version)));
    }
    Ok(())
}

/// What a sample is built and run with, as often as it takes. All attempts share the time that they are given.
struct Trial<'a> {
    work: Work<'a>,
    report: &'a mut Report,
}

impl healing::Ground for Trial<'_> {
    type Passed = Option<String>;

    fn attempt(&mut self) -> Result<Option<String>, Blamed> {
        let Trial { work, report } = self;
        let work = &*work;
        // What an earlier run has left is in nobody's way while this one builds.
        std::thread::scope(|scope| {
            scope.spawn(|| end_forgotten(work));
            build(work, report)
        })?;
        let printed = run_container(work, report)?;
        if work.expects_words && printed.as_deref() == Some("") && !work.client.loads() && !work.options.keep {
            // When a container ends before `ctr` has come to read what it prints, as a quick one may on a busy machine, `ctr`
            // doesn't read it at all: `Delete` in https://github.com/containerd/containerd/blob/v2.4.2/client/task.go.
            work.context
                .ui
                .warn("the container printed nothing, which `ctr` may only have missed: it is run once more");
            return run_container(work, report);
        }
        Ok(printed)
    }

    fn reset(&mut self, level: Level) -> Result<()> {
        reset::apply(self.work.context, level, &mut self.report.resets)
    }

    fn warn(&mut self, text: &str) {
        self.work.context.ui.warn(text);
    }

    fn note(&mut self, text: &str) {
        self.work.context.ui.note(text);
    }
}

fn base_image(context: &Context, options: &Options) -> Result<BaseImage> {
    if let Some(reference) = &options.base_image {
        return Ok(BaseImage::Reference(reference.clone()));
    }
    let Some(host) = os::windows() else {
        let folder = context.workspace.base_image();
        let digest = host_image::make(&folder, context.workspace.platform())?;
        return Ok(BaseImage::Layout { folder, digest });
    };
    let dockerfile = context.workspace.sample().join("Dockerfile");
    let text = fs::read(&dockerfile).trying(|| format!("read `{}`", dockerfile.display()))?;
    if !base_image::is_left_open(&String::from_utf8_lossy(&text)) {
        return Ok(BaseImage::Own);
    }
    let choice = base_image::for_host(host);
    context.ui.step("Base image", &format!("{}, for {host}", choice.reference));
    if let Some(doubt) = choice.doubt {
        context.ui.note(&format!("{doubt}; `--base-image REF` takes another one"));
    }
    Ok(BaseImage::Reference(choice.reference.into()))
}

fn build(work: &Work, report: &mut Report) -> Result<(), Blamed> {
    let Work { context, options, .. } = *work;
    let workspace = &context.workspace;
    let build = Build { context: workspace.sample(), base_image: base_image(context, options)?, image: IMAGE.into() };
    report.base_image = build.base_image.shown();
    context.ui.step("Building", &format!("{IMAGE} from `{}`", build.context.display()));
    let argv = work.client.build(&build);
    let before = Marks::now(workspace);
    let group = context.ui.group("build");
    let begun = Instant::now();
    let (ending, _, said) = show(context, &argv, work.deadline, Stdout::Idle)?;
    report.took.build_ms = Some(millis(begun.elapsed()));
    drop(group);
    match ending {
        Ending::Exited(status) if status.success() => {
            if work.client.loads() {
                Ok(loaded::remember(context, IMAGE)?)
            } else {
                Ok(())
            }
        }
        Ending::Exited(status) => {
            let what = format!("failed to build `{IMAGE}` ({})", process::exit(status));
            Err(blame(context, Stage::Build, work.daemons, what, &said, &before))
        }
        Ending::TimedOut => Err(out_of_time(options, "building").into()),
    }
}

/// What the container printed; nothing where there is no container, because the image lies out of reach.
fn run_container(work: &Work, report: &mut Report) -> Result<Option<String>, Blamed> {
    let Work { context, options, .. } = *work;
    let workspace = &context.workspace;
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let kept = if options.keep { KEPT } else { "" };
    let run = Run { image: IMAGE.into(), name: format!("{CONTAINER}{kept}{:x}", since.as_nanos()), keep: options.keep };
    let Some(argv) = work.client.run(&run) else { return Ok(None) };
    context.ui.step("Running", &run.name);
    fs::create_dir_all(workspace.run().join("fifo")).trying(|| "create the folder of FIFOs".into())?;
    let before = Marks::now(workspace);
    let stdout = if options.json { Stdout::Kept } else { Stdout::Relayed };
    let begun = Instant::now();
    let (ending, printed, said) = show(context, &argv, work.deadline, stdout)?;
    report.took.run_ms = Some(millis(begun.elapsed()));
    report.printed = Some(printed.clone());
    let Ending::Exited(status) = ending else {
        end_container(context, &*work.client, &run.name);
        return Err(out_of_time(options, "running").into());
    };
    if options.keep {
        context.ui.note(&format!("the container `{}` stays until `cargo xtask clean`", run.name));
    }
    if !status.success() {
        let what = format!("the container of `{IMAGE}` failed ({})", process::exit(status));
        // What Docker runs is none of the workspace's daemons' business.
        let daemons = if work.client.loads() { &[] } else { work.daemons };
        return Err(blame(context, Stage::Run, daemons, what, &said, &before));
    }
    Ok(Some(printed))
}

/// Ends the containers of runs that were killed. The lock is held, so nobody else waits for one.
fn end_forgotten(work: &Work) {
    let Some(list) = work.client.containers() else { return };
    let is_forgotten = |name: &&String| name.strip_prefix(CONTAINER).is_some_and(|rest| !rest.starts_with(KEPT));
    for name in listed(work.context, &list).iter().filter(is_forgotten) {
        work.context.ui.note(&format!("ending `{name}`, which an earlier run has left"));
        end_container(work.context, &*work.client, name);
    }
}

fn compare(context: &Context, expected: &str, printed: &str) -> Result<()> {
    let Some(difference) = sample::difference(expected, printed) else {
        context.ui.step("Passed", "the container printed what it must");
        return Ok(());
    };
    Err(Error::failed(format!(
        "the container of `{IMAGE}` printed something else than it must:\n{}",
        difference.trim_end()
    ))
    .hint("if the state of an earlier run is to blame, `cargo xtask reset` and try again"))
}

fn out_of_time(options: &Options, doing: &str) -> Error {
    Error::failed(format!("{doing} took longer than {}", humantime::format_duration(options.timeout)))
        .hint("give it more time with `--timeout DURATION`, and see `cargo xtask logs`")
}
