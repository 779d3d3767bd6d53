//! Running a container from a sample's image.

use super::blame::{blame, blame_ended};
use super::report::millis;
use super::showing::{Stage, Stdout, show};
use super::trial::{Outcome, Trial};
use super::watching::Watch;
use crate::client::Run;
use crate::commands::tidying::end_container;
use crate::component::Component;
use crate::daemon::log::Marks;
use crate::error::{Context as _, Result};
use crate::process::{self, Ending};
use std::fs;
use std::time::Instant;

/// What the container printed; nothing where there is no container, because the image lies out of reach.
///
/// # Errors
/// When the container or its client fails, or its time is up.
pub fn run(trial: &Trial, deadline: Instant, outcome: &mut Outcome) -> Result<Option<String>> {
    let printed = run_once(trial, deadline, outcome)?;
    let expects_words = trial.sample.expected.as_ref().is_some_and(|expected| !expected.is_empty());
    if !expects_words || printed.as_deref() != Some("") || trial.stand.client.loads() || trial.keeps {
        return Ok(printed);
    }
    // When a container ends before `ctr` has come to read what it prints, as a quick one may on a busy machine, `ctr`
    // doesn't read it at all: `Delete` in https://github.com/containerd/containerd/blob/v2.4.2/client/task.go.
    let warning = "the container printed nothing, which `ctr` may only have missed: it is run once more";
    trial.stand.context.ui.warn(warning);
    outcome.ran_again = true;
    run_once(trial, deadline, outcome)
}

fn run_once(trial: &Trial, deadline: Instant, outcome: &mut Outcome) -> Result<Option<String>> {
    let Trial { stand, image, keeps, .. } = *trial;
    let context = stand.context;
    let workspace = &context.workspace;
    let run = Run { image: image.to_owned(), name: stand.next_container(keeps), keep: keeps };
    let Some(argv) = stand.client.run(&run) else { return Ok(None) };
    context.ui.step("Running", &run.name);
    fs::create_dir_all(workspace.run().join("fifo")).trying(|| "create the folder of FIFOs".into())?;
    let before = trial.is_alone.then(|| Marks::now(workspace));
    let stdout = if trial.relays { Stdout::Relayed } else { Stdout::Kept };
    let begun = Instant::now();
    // What Docker runs is none of the workspace's daemons' business.
    let daemons = if stand.client.loads() { &[] } else { stand.daemons };
    // And what runs needs no buildkitd.
    let needed: &[Component] = if daemons.is_empty() { &[] } else { &[Component::Containerd] };
    let mut watch = Watch::over(workspace, needed, stand.interrupt.clone());
    let (ending, printed, said) = show(context, &argv, deadline, stdout, &mut watch)?;
    outcome.heard(Stage::Run, ending, &said);
    outcome.times.run_ms = Some(outcome.times.run_ms.unwrap_or_default() + millis(begun.elapsed()));
    outcome.print(&printed);
    let status = match ending {
        Ending::Exited(status) => status,
        Ending::TimedOut => {
            end_container(context, &*stand.client, &run.name);
            return Err(trial.out_of_time("running"));
        }
        Ending::InVain => {
            // Without a daemon nobody could end the container: the next run does.
            if watch.ended().is_none() {
                end_container(context, &*stand.client, &run.name);
            }
            return Err(blame_ended(context, &format!("the container of `{image}` failed"), watch.ended()));
        }
    };
    if keeps {
        context.ui.note(&format!("the container `{}` stays until `{}`", run.name, context.typed("clean")));
    }
    if !status.success() {
        let what = format!("the container of `{image}` failed ({})", process::exit(status));
        return Err(blame(context, Stage::Run, daemons, what, &said, before.as_ref()));
    }
    Ok(Some(printed))
}
