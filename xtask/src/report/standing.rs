//! How a cell stands, in words and signs. Pure.

use crate::result::{CellResult, State, Step, StepState, Verdict};

/// What a cell comes to; what needs looking at first comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// A sample that should work doesn't.
    Broken,
    /// It was killed, or its time was up: nobody knows what else it would have found.
    Died,
    /// It ended early for a reason that says nothing of these versions.
    Ground,
    /// A sample that should fail works.
    Fixed,
    /// No sample was run.
    Nothing,
    /// All is as was said beforehand.
    Fine,
}

impl Standing {
    /// All of them, what needs looking at first.
    pub const ALL: [Standing; 6] =
        [Standing::Broken, Standing::Died, Standing::Ground, Standing::Fixed, Standing::Nothing, Standing::Fine];

    /// Its name.
    pub fn words(self) -> &'static str {
        match self {
            Standing::Broken => "newly broken",
            Standing::Died => "died",
            Standing::Ground => "ground failed",
            Standing::Fixed => "newly fixed",
            Standing::Nothing => "nothing ran",
            Standing::Fine => "as expected",
        }
    }

    /// The sign that goes with it, in fonts that every system has.
    pub fn sign(self) -> &'static str {
        match self {
            Standing::Broken => "\u{2717}",
            Standing::Died => "\u{25a0}",
            Standing::Ground => "\u{25b2}",
            Standing::Fixed => "\u{2605}",
            Standing::Nothing => "\u{2013}",
            Standing::Fine => "\u{2713}",
        }
    }

    /// Its name as a part of the page's own names.
    pub fn slug(self) -> &'static str {
        match self {
            Standing::Broken => "broken",
            Standing::Died => "died",
            Standing::Ground => "ground",
            Standing::Fixed => "fixed",
            Standing::Nothing => "nothing",
            Standing::Fine => "fine",
        }
    }

    /// That of a sample, which is shown with the same signs.
    pub fn of_sample(verdict: Verdict) -> Self {
        match verdict {
            Verdict::NewlyBroken => Standing::Broken,
            Verdict::NewlyFixed => Standing::Fixed,
            Verdict::Skipped => Standing::Nothing,
            Verdict::AsExpected => Standing::Fine,
        }
    }

    /// That of a cell.
    pub fn of(result: &CellResult) -> Self {
        let has = |verdict| result.samples.iter().any(|sample| sample.verdict == verdict);
        let died = |step: &Step| matches!(step.state, StepState::Running | StepState::TimedOut | StepState::Killed);
        let failed = result.exit.as_ref().is_none_or(|exit| exit.code != 0);
        if has(Verdict::NewlyBroken) || result.exit.as_ref().is_some_and(|exit| exit.class == "failed") {
            Standing::Broken
        } else if result.state == State::Running || result.steps.iter().any(died) {
            Standing::Died
        } else if failed || result.steps.iter().any(|step| step.state == StepState::Failed) {
            Standing::Ground
        } else if has(Verdict::NewlyFixed) {
            Standing::Fixed
        } else if has(Verdict::AsExpected) {
            Standing::Fine
        } else {
            Standing::Nothing
        }
    }
}
