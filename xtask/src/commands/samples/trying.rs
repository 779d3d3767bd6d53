//! Trying samples, several at once.

use super::finding::Sample;
use super::progress::{Line, Progress};
use super::report::{in_short, row};
use super::skipping::Skipper;
use crate::commands::build_sample::staging::stage;
use crate::commands::build_sample::stand::Stand;
use crate::commands::build_sample::trial::{self, Trial};
use crate::commands::print_json_line;
use crate::context::Context;
use crate::error::{Class, Error, Result};
use crate::files;
use crate::result::{self, Verdict};
use crate::sample::image_of;
use crate::sample::manifest::Expected;
use crate::sample::verdict::Outcome;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How samples are tried.
pub struct Plan<'a> {
    /// For saying how it goes.
    pub context: &'a Context<'a>,
    /// What they are tried on.
    pub stand: &'a Stand<'a>,
    /// A base image instead of the one that suits this host.
    pub base_image: Option<&'a str>,
    /// How long each may take.
    pub timeout: Duration,
    /// How many at once.
    pub jobs: usize,
    /// Whether stale state is reset.
    pub heals: bool,
    /// What can't be put to the test.
    pub skipper: Skipper<'a>,
    /// Whether each is told of as it begins and ends, for whoever has to know even when this ends too early.
    pub tells: bool,
}

impl Plan<'_> {
    fn tell(&self, at: usize, progress: Progress) {
        if self.tells {
            print_json_line(&Line { progress, at }).unwrap_or_else(|error| self.context.ui.warn(&error.to_string()));
        }
    }
}

/// Why a sample has no verdict that could have had one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// The ground failed under it.
    Ground,
    /// It is no sample as one must be.
    Wrong,
    /// Ctrl-C came first.
    Interrupted,
}

/// A sample that was tried, or not.
pub struct Tried {
    /// How it was asked for.
    pub asked: PathBuf,
    /// What is told of it.
    pub row: result::Sample,
    /// Why it failed, if it did.
    pub error: Option<Error>,
    /// What has been said of that by what failed, besides its last word.
    pub excerpt: Vec<String>,
    /// Why it has no verdict, if it could have had one.
    pub lack: Option<Lack>,
}

/// How one of them is tried.
#[derive(Debug, Clone, Copy)]
struct Way {
    is_alone: bool,
    heals: bool,
}

/// Tries samples; what comes of them is in the same order. After Ctrl-C none is begun, and those under way are ended.
pub fn try_all(plan: &Plan, samples: Vec<Sample>) -> Vec<Tried> {
    let first = Way { is_alone: plan.jobs.min(samples.len()) == 1, heals: false };
    let queue = Mutex::new(samples.into_iter().enumerate());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..plan.jobs {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((at, sample)) = next else { return };
                    let begins = !plan.stand.interrupt.is_heard();
                    let tried = if begins { try_one(plan, at, &sample, first) } else { interrupted(plan, &sample) };
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, sample, tried));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, ..)| *at);
    // A reset takes away what others build on, so it waits until they are done.
    let is_wanted = |error: &Error| plan.heals && error.blames_state() || error.is_open();
    let again = |(at, sample, tried): (usize, Sample, Tried)| match tried.error.as_ref().is_some_and(is_wanted) {
        true if plan.stand.interrupt.is_heard() => interrupted(plan, &sample),
        true => try_alone(plan, at, &sample, &tried),
        false => tried,
    };
    done.into_iter().map(again).collect()
}

/// Tries one again, which now has the daemons to itself.
fn try_alone(plan: &Plan, at: usize, sample: &Sample, before: &Tried) -> Tried {
    let mut tried = try_one(plan, at, sample, Way { is_alone: true, heals: plan.heals });
    // That it works alone must not hide that it failed beside the others.
    if let (Some(beside), None, None) = (before.row.failure.as_ref(), &tried.error, &tried.row.healed) {
        let reason = format!("it works alone; beside others it failed: {}", in_short(&beside.message));
        plan.context.ui.warn(&format!("{}: {reason}", sample.name));
        tried.row.reason.get_or_insert(reason);
    }
    tried
}

fn try_one(plan: &Plan, at: usize, sample: &Sample, way: Way) -> Tried {
    let tried = try_it(plan, at, sample, way);
    plan.tell(at, Progress::Ended(tried.row.clone()));
    tried
}

fn try_it(plan: &Plan, at: usize, sample: &Sample, way: Way) -> Tried {
    let ui = plan.context.ui;
    let expectation = sample.manifest.on(plan.context.workspace.platform().os);
    if let Some(reason) = plan.skipper.reason(sample) {
        ui.step("Skipped", &format!("{}: {reason}", sample.name));
        return skipped(plan, sample, reason, None);
    }
    ui.step("Trying", &sample.name);
    let unended = Outcome::Skipped("it was being tried".into());
    plan.tell(at, Progress::Began(row(sample, expectation, &unended, &trial::Outcome::default())));
    let mut came =
        outcome(plan, sample, way).unwrap_or_else(|error| trial::Outcome { error: Some(error), ..Default::default() });
    let found = came.error.as_ref().and_then(Error::failure);
    let is_expected =
        matches!(&expectation.expected, Expected::Fails(row) if found.is_some_and(|found| found.id == row.id));
    let lack = match came.error.as_ref().filter(|_| !is_expected).map(Error::class) {
        None => None,
        Some(_) if plan.stand.interrupt.is_heard_soon() => return interrupted(plan, sample),
        Some(Class::Failed) => None,
        Some(Class::Usage) => Some(Lack::Wrong),
        Some(Class::Ground) => Some(Lack::Ground),
    };
    let outcome = match &came.error {
        None => Outcome::Works,
        Some(error) if lack.is_some() => Outcome::Skipped(error.to_string()),
        Some(_) => Outcome::Fails(found),
    };
    let row = row(sample, expectation, &outcome, &came);
    let verb = match row.verdict {
        _ if came.error.as_ref().is_some_and(Error::is_open) => "Left open",
        Verdict::AsExpected => "As expected",
        Verdict::NewlyFixed => "Newly fixed",
        Verdict::NewlyBroken => "Newly broken",
        Verdict::Skipped => "Skipped",
    };
    ui.step(verb, &sample.name);
    let excerpt = came.excerpt().into_iter().map(str::to_owned).collect();
    Tried { asked: sample.asked.clone(), row, error: came.error.take(), excerpt, lack }
}

fn skipped(plan: &Plan, sample: &Sample, reason: String, lack: Option<Lack>) -> Tried {
    let expectation = sample.manifest.on(plan.context.workspace.platform().os);
    let row = row(sample, expectation, &Outcome::Skipped(reason), &trial::Outcome::default());
    Tried { asked: sample.asked.clone(), row, error: None, excerpt: Vec::new(), lack }
}

fn interrupted(plan: &Plan, sample: &Sample) -> Tried {
    skipped(plan, sample, "it was interrupted before its end".into(), Some(Lack::Interrupted))
}

fn outcome(plan: &Plan, sample: &Sample, way: Way) -> Result<trial::Outcome> {
    let stand = plan.stand;
    let staged = stage(stand.context, &sample.found, stand.context.workspace.staged(&sample.name))?;
    let image = image_of(&stand.client.image(), &sample.name);
    let trial = Trial {
        stand,
        sample: &staged,
        image: &image,
        base_image: plan.base_image,
        keeps: false,
        relays: false,
        heals: way.heals,
        is_alone: way.is_alone,
        timeout: plan.timeout,
    };
    let outcome = trial.outcome();
    // What failed stays to be looked at, until it is tried again.
    if outcome.error.is_none() {
        for folder in [&staged.folder, &staged.aside] {
            files::delete(folder).unwrap_or_else(|error| plan.context.ui.warn(&error.to_string()));
        }
    }
    Ok(outcome)
}
