//! `cargo xtask build-sample`: build the sample's image, run a container from it, and compare what it prints.

use super::{Relay, up};
use crate::base_image;
use crate::client::buildctl;
use crate::client::{BaseImage, Build, Run};
use crate::component::Component;
use crate::context::Context;
use crate::daemon::{self, state};
use crate::error::{Class, Context as _, Error, Result};
use crate::failure::{self, Failure};
use crate::files;
use crate::host_image;
use crate::network::Network;
use crate::os;
use crate::platform::Os;
use crate::process::{self, Argv, Ending, Stream};
use crate::sample::{self, EXPECTED_FILE};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The name of every sample's image.
pub const IMAGE: &str = "docker.io/library/buildkit-sample:latest";

/// How the names of samples' containers begin.
const CONTAINER: &str = "buildkit-sample-";

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
    #[arg(long, value_name = "REF", env = "BUILDKIT_WINDOWS_BASE_IMAGE", hide_env_values = true)]
    base_image: Option<String>,
    /// How long build and run may take together, as in 90s or 10m
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = humantime::parse_duration, env = "BUILDKIT_WINDOWS_TIMEOUT", hide_env_values = true)]
    timeout: Duration,
}

/// Runs it.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    let folder = find_sample(context, options.sample.as_deref())?;
    context.require_daemons_can_run()?;
    context.warn_without_container_runtime();
    let _guard = context.lock("build-sample")?;
    up::ensure_any(context)?;
    let expected = stage(context, &folder)?;
    let deadline = Instant::now() + options.timeout;
    // What an earlier run has left is in nobody's way while this one builds.
    std::thread::scope(|scope| {
        scope.spawn(|| end_forgotten(context));
        build(context, options, deadline)
    })?;
    let printed = run_container(context, options, deadline)?;
    match expected {
        Some(expected) => compare(context, &expected, &printed),
        None => {
            context
                .ui
                .note(&format!("the sample has no {EXPECTED_FILE}, so what it printed was compared with nothing"));
            Ok(())
        }
    }
}

/// The sample's folder: the hello sample, one by its name, or any build context by its path.
fn find_sample(context: &Context, asked: Option<&Path>) -> Result<PathBuf> {
    let os = context.workspace.platform().os.as_str();
    let Some(asked) = asked else {
        return Ok(context.repository.join("fixtures").join("hello").join(os));
    };
    let samples = context.repository.join("sample-dockerfile");
    let named = samples.join(asked);
    let is_name = asked.components().count() == 1;
    let candidates = [named.join(os), named, asked.to_owned()];
    let candidates = if is_name { &candidates[..] } else { &candidates[2..] };
    if let Some(found) = candidates.iter().find(|folder| folder.join("Dockerfile").is_file()) {
        return os::real_path(found).trying(|| format!("make `{}` absolute", found.display()));
    }
    let mut names: Vec<String> = fs::read_dir(&samples)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Err(Error::usage(format!("`--sample {}` is no sample, nor a folder with a Dockerfile", asked.display()))
        .hint(format!("samples are {}", names.join(", "))))
}

/// Copies a sample into the workspace, and takes out what its container must print.
fn stage(context: &Context, folder: &Path) -> Result<Option<String>> {
    let staged = context.workspace.sample();
    files::delete(&staged)?;
    // The workspace may lie in the context, and must not be copied into itself.
    files::copy_folder(folder, &staged, context.workspace.base())?;
    let expected = staged.join(EXPECTED_FILE);
    match fs::read_to_string(&expected) {
        Ok(text) => files::delete(&expected).map(|()| Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).trying(|| format!("read `{}`", folder.join(EXPECTED_FILE).display())),
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

fn build(context: &Context, options: &Options, deadline: Instant) -> Result<()> {
    let workspace = &context.workspace;
    let build = Build { context: workspace.sample(), base_image: base_image(context, options)?, image: IMAGE.into() };
    context.ui.step("Building", &format!("{IMAGE} from `{}`", build.context.display()));
    let argv = buildctl::build(workspace, &build);
    let group = context.ui.group("build");
    let (ending, _, said) = show(context, &argv, deadline, false)?;
    drop(group);
    match ending {
        Ending::Exited(status) if status.success() => Ok(()),
        Ending::Exited(status) => {
            Err(blame(context, format!("failed to build `{IMAGE}` ({})", process::exit(status)), &said))
        }
        Ending::TimedOut => Err(out_of_time(options, "building")),
    }
}

fn run_container(context: &Context, options: &Options, deadline: Instant) -> Result<String> {
    let workspace = &context.workspace;
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let kept = if options.keep { KEPT } else { "" };
    let run = Run { image: IMAGE.into(), name: format!("{CONTAINER}{kept}{:x}", since.as_nanos()), keep: options.keep };
    context.ui.step("Running", &run.name);
    fs::create_dir_all(workspace.run().join("fifo")).trying(|| "create the folder of FIFOs".into())?;
    let (ending, printed, said) = show(context, &buildctl::run(workspace, &run), deadline, true)?;
    let Ending::Exited(status) = ending else {
        end_container(context, &run.name);
        return Err(out_of_time(options, "running"));
    };
    if options.keep {
        context.ui.note(&format!("the container `{}` stays until `cargo xtask clean`", run.name));
    }
    if !status.success() {
        return Err(blame(context, format!("the container of `{IMAGE}` failed ({})", process::exit(status)), &said));
    }
    Ok(printed)
}

/// Ends the containers of runs that were killed. The lock is held, so nobody else waits for one.
fn end_forgotten(context: &Context) {
    let workspace = &context.workspace;
    let listed =
        process::capture(&buildctl::list_containers(workspace)).map(|output| output.stdout).unwrap_or_default();
    let is_forgotten = |name: &&str| name.strip_prefix(CONTAINER).is_some_and(|rest| !rest.starts_with(KEPT));
    for name in listed.lines().map(str::trim).filter(is_forgotten) {
        context.ui.note(&format!("ending `{name}`, which an earlier run has left"));
        end_container(context, name);
    }
}

/// Ends a container, whatever of it there still is: each step fails when there is nothing left to do.
pub fn end_container(context: &Context, name: &str) {
    let workspace = &context.workspace;
    for argv in [buildctl::kill(workspace, name), buildctl::delete_task(workspace, name)] {
        drop(process::capture(&argv));
    }
    drop(process::capture(&buildctl::delete_containers(workspace, &[name.to_owned()])));
}

/// How the line begins in which a client says why it failed.
fn last_word(is_data: bool) -> &'static str {
    if is_data { "ctr: " } else { "error: " }
}

/// Runs a client, showing what it says; stdout goes to stdout if it is data. Why it failed is left to the error that ends the
/// command.
fn show(context: &Context, argv: &Argv, deadline: Instant, is_data: bool) -> Result<(Ending, String, String)> {
    context.ui.detail(&argv.shown());
    let (mut printed, mut said, mut line) = (Vec::new(), Vec::new(), Vec::new());
    let (mut relay, mut broken, mut held) = (Relay::to_stdout(), None, None::<String>);
    let mut pass_on = |line: &[u8]| {
        let line = String::from_utf8_lossy(line).trim_end().to_owned();
        if let Some(earlier) = held.take() {
            context.ui.passed_on(&earlier);
        }
        if line.starts_with(last_word(is_data)) { held = Some(line) } else { context.ui.passed_on(&line) }
    };
    let ending = process::stream(argv, deadline.saturating_duration_since(Instant::now()), |stream, chunk| {
        if stream == Stream::Stdout {
            printed.extend_from_slice(chunk);
            if is_data && let Err(error) = relay.print(chunk) {
                broken = Some(error);
            }
            return;
        }
        said.extend_from_slice(chunk);
        line.extend_from_slice(chunk);
        while let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            let whole: Vec<u8> = line.drain(..=end).collect();
            pass_on(&whole);
        }
    })?;
    if !line.is_empty() {
        pass_on(&line);
    }
    let is_failure = matches!(ending, Ending::Exited(status) if !status.success());
    if let Some(held) = held.filter(|_| !is_failure) {
        context.ui.passed_on(&held);
    }
    if is_data && broken.is_none() {
        broken = relay.end().err();
    }
    match broken {
        Some(error) => Err(error),
        None => {
            Ok((ending, String::from_utf8_lossy(&printed).into_owned(), String::from_utf8_lossy(&said).into_owned()))
        }
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

/// Whose fault a client's failing is: the ground's, if a daemon no longer answers.
fn blame(context: &Context, what: String, said: &str) -> Error {
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim();
    for component in [Component::Containerd, Component::Buildkit] {
        if let Err(reason) = daemon::answers(&context.workspace, component) {
            // This error has its own reason; the client's is shown as what else it said was.
            if [false, true].iter().any(|is_data| last.starts_with(last_word(*is_data))) {
                context.ui.passed_on(last);
            }
            let message = format!("{what}, and {} no longer answers ({reason})", component.main_program());
            return daemon::with_log(&context.workspace, component, message);
        }
    }
    let message = format!("{what}: {}", last.trim_start_matches(last_word(false)).trim_start_matches(last_word(true)));
    // Only the client's own last word tells whose fault it was: what a RUN says, or is, may hold any words.
    let verdict = last.rsplit("did not complete successfully: ").next().unwrap_or(last);
    let error = match failure::explain(verdict) {
        Some(known) if known.class == Class::Ground => Error::ground(message),
        _ => Error::failed(message),
    };
    match failure::explain(verdict).or_else(|| no_network(context, said)).or_else(|| failure::explain(said)) {
        Some(known) if known.id == failure::NO_CONTAINER_RUNTIME => match os::check_container_runtime() {
            Err(missing) => error.hint(known.hint_with(missing.hint_text().unwrap_or(known.remedy))),
            Ok(()) => error.hint(known.hint()),
        },
        Some(known) => error.hint(known.hint()),
        None => error.hint("see `cargo xtask logs`; `cargo xtask reset` if the state of an earlier run is to blame"),
    }
}

/// Whether a build failed for want of a network, when what is up gives it none. On Linux, RUN has the host's.
fn no_network(context: &Context, said: &str) -> Option<&'static Failure> {
    let state = state::read(&context.workspace).ok().flatten()?;
    let has_none = context.workspace.platform().os == Os::Windows && state.request.network == Network::None;
    has_none.then(|| failure::no_network(said)).flatten()
}

fn out_of_time(options: &Options, doing: &str) -> Error {
    Error::failed(format!("{doing} took longer than {}", humantime::format_duration(options.timeout)))
        .hint("give it more time with `--timeout DURATION`, and see `cargo xtask logs`")
}
