//! Building a sample's image.

use super::blame::{blame, blame_ended, is_of_step};
use super::report::millis;
use super::showing::{Stage, Stdout, printed_by_steps, show};
use super::stand::Stand;
use super::steps::Run;
use super::trial::{Outcome, Trial};
use super::watching::Watch;
use crate::base_image;
use crate::client::details::Output;
use crate::client::{BaseImage, Build, buildctl};
use crate::commands::in_docker;
use crate::daemon::log::Marks;
use crate::error::{Class, Context as _, Error, Result};
use crate::os;
use crate::poll::{self, Look};
use crate::process::{self, Argv, Ending};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long BuildKit may use a step after the build that it was for: it lets go of them when it has told that it is done.
const LETTING_GO: Duration = Duration::from_secs(10);

/// Does one of a sample's builds, with what its `sample.toml` asks for.
///
/// # Errors
/// When the client fails, with what is known of why, or its time is up; also when it must fail, and doesn't.
pub fn build(trial: &Trial, run: &Run, number: usize, deadline: Instant, outcome: &mut Outcome) -> Result<()> {
    let asked = &trial.sample.builds[number];
    if let Some(words) = &asked.forget {
        forget(trial, words)?;
    }
    let build = Build {
        context: run.context(asked)?,
        base_image: base_image(trial.stand, &trial.sample.folder, trial.base_image)?,
        image: trial.image.to_owned(),
        details: run.details(number)?,
    };
    let Some(words) = &asked.fails else { return build_one(trial, &build, deadline, outcome) };
    match build_one(trial, &build, deadline, outcome) {
        Ok(()) => Err(Error::failed(format!("`{}` was built, and must fail", build.image))
            .hint(format!("its sample.toml says that it fails with `{words}`"))),
        Err(error) if error.class() != Class::Failed => Err(error),
        Err(error) if has(&error.to_string(), outcome.said.as_ref().map(|(_, said)| said), words) => {
            trial.stand.context.ui.step("Failed", &format!("as it must, with `{words}`"));
            outcome.said = None;
            Ok(())
        }
        Err(other) => {
            let why = other.to_string();
            Err(other.reworded(format!("it failed, but not with `{words}`, as its sample.toml says: {why}")))
        }
    }
}

/// Whether an error has these words in it, or what the steps have printed, if it tells of a step's end: what a build prints that
/// was ended says nothing of why it failed.
fn has(error: &str, said: Option<&String>, words: &str) -> bool {
    error.contains(words) || is_of_step(error) && said.is_some_and(|said| printed_by_steps(said).contains(words))
}

/// Lets BuildKit forget the steps that have these words in them.
fn forget(trial: &Trial, words: &str) -> Result<()> {
    if trial.stand.is_remote() {
        return Err(Error::usage(
            "the sample lets BuildKit forget what it has built, and that buildkitd is somebody else's",
        )
        .hint("try it without `--addr`"));
    }
    let workspace = &trial.stand.context.workspace;
    let run = |argv: &Argv| {
        trial.stand.context.ui.detail(&argv.shown());
        process::succeed_within(argv, trial.timeout)
    };
    let is_there = || Ok::<_, Error>(buildctl::is_remembered(&run(&buildctl::remembered(workspace, words))?.stdout));
    // The sample says that it is there. If nothing were forgotten, nobody could tell what comes from another cache.
    if !is_there()? {
        return Err(Error::failed(format!("BuildKit has no step to forget with `{words}` in it")).hint(
            "`forget` in its sample.toml takes words of a step as the Dockerfile has it, that an earlier build has done",
        ));
    }
    let look = || {
        run(&buildctl::forget(workspace, words))?;
        Ok(if is_there()? { Look::NotYet(String::new()) } else { Look::Ready(()) })
    };
    poll::until(LETTING_GO, look, |_| {
        Error::failed(format!("BuildKit does not forget the step with `{words}` in it"))
            .hint("what was built on that step keeps it; `forget` in its sample.toml may take words of the last one")
    })
}

fn build_one(trial: &Trial, build: &Build, deadline: Instant, outcome: &mut Outcome) -> Result<()> {
    let Trial { stand, image, .. } = *trial;
    let context = stand.context;
    outcome.base_image = build.base_image.shown();
    context.ui.step("Building", &format!("{image} from `{}`", build.context.display()));
    let argv = stand.client.build(build);
    let loads = stand.client.loads() && build.details.output == Output::Store;
    let loading = loads.then(|| in_docker::announce(context, image)).transpose()?;
    let before = trial.is_alone.then(|| Marks::now(&context.workspace));
    let group = context.ui.group("build");
    let begun = Instant::now();
    let mut watch = Watch::over(&context.workspace, stand.daemons, stand.interrupt.clone());
    let (ending, _, said) = show(context, &argv, deadline, Stdout::Idle, &mut watch)?;
    outcome.heard(Stage::Build, ending, &said);
    outcome.times.build_ms = Some(outcome.times.build_ms.unwrap_or_default() + millis(begun.elapsed()));
    drop(group);
    // What a build that was ended had handed over, Docker may still load: its record goes on saying so.
    if let (Ending::Exited(_), Some(loading)) = (ending, loading)
        && let Err(error) = loading.done(context)
    {
        // The build ended as it did, whatever Docker says of the images before it.
        context.ui.warn(&format!(
            "failed to tidy up in Docker after the build: {error}; it stays on record for `{}`",
            context.typed("clean")
        ));
    }
    match ending {
        Ending::Exited(status) if status.success() => Ok(()),
        Ending::Exited(status) => {
            let what = format!("failed to build `{image}` ({})", process::exit(status));
            Err(blame(context, Stage::Build, stand.daemons, what, &said, before.as_ref()))
        }
        Ending::TimedOut => Err(trial.out_of_time("building")),
        Ending::InVain => Err(blame_ended(context, &format!("failed to build `{image}`"), watch.ended())),
    }
}

fn base_image(stand: &Stand, sample: &Path, asked: Option<&str>) -> Result<BaseImage> {
    if let Some(reference) = asked {
        return Ok(BaseImage::Reference(reference.to_owned()));
    }
    let Some(host) = os::windows() else { return stand.host_image() };
    let dockerfile = sample.join("Dockerfile");
    let text = fs::read(&dockerfile).trying(|| format!("read `{}`", dockerfile.display()))?;
    if !base_image::is_left_open(&String::from_utf8_lossy(&text)) {
        return Ok(BaseImage::Own);
    }
    let choice = base_image::for_host(host);
    let ui = stand.context.ui;
    ui.step("Base image", &format!("{}, for {host}", choice.reference));
    if let Some(doubt) = choice.doubt {
        ui.note(&format!("{doubt}; `--base-image REF` takes another one"));
    }
    Ok(BaseImage::Reference(choice.reference.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_printed_counts_only_if_a_step_of_it_failed() {
        let said = "#5 [2/2] RUN echo boom\n#5 0.042 boom\n".to_owned();
        let step = "failed to build x: process \"/bin/sh\" did not complete successfully: exit code: 7";
        assert!(has(step, Some(&said), "boom") && has(step, Some(&said), "exit code: 7"));
        assert!(!has(step, Some(&said), "echo boom") && !has(step, None, "boom"));
        for ended in ["building took longer than 6s", "failed to build x: failed to solve: Canceled: context canceled"]
        {
            assert!(!has(ended, Some(&said), "boom"), "{ended}");
        }
    }
}
