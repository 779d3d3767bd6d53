//! A sample put to the test: built, run, what it printed compared, and all of that healed where stale state made it fail. One
//! call, one outcome: whoever tries several samples calls it for each, on one stand.

use super::building;
use super::healing::{self, until_healed};
use super::running::run;
use super::serving::Server;
use super::showing::{Stage, of_failure};
use super::staging::Staged;
use super::stand::Stand;
use super::steps::Run;
use crate::commands;
use crate::commands::reset::{self, Freed, Level};
use crate::error::{Error, Result};
use crate::process::Ending;
use crate::result::Took;
use crate::sample::build::{Build, Output};
use crate::sample::{self, EXPECTED_FILE};
use serde::Serialize;
use std::time::{Duration, Instant};

/// A sample, and how it is to be tried.
pub struct Trial<'a> {
    /// What it is tried on.
    pub stand: &'a Stand<'a>,
    /// What is built, and what its container must print.
    pub sample: &'a Staged,
    /// The image's name.
    pub image: &'a str,
    /// A base image instead of the one that suits this host.
    pub base_image: Option<&'a str>,
    /// Whether the container stays when it has ended.
    pub keeps: bool,
    /// Whether what the container prints goes to stdout as it comes. It is in the outcome anyway.
    pub relays: bool,
    /// Whether stale state is reset.
    pub heals: bool,
    /// Whether nothing else is tried on the stand meanwhile, so that what the daemons log is about this one.
    pub is_alone: bool,
    /// How long all attempts may take together, and each level of a reset between them.
    pub timeout: Duration,
}

/// What a sample came to. What it never came to is `None`.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    /// What it was built on; `None` where its Dockerfile alone says so.
    pub base_image: Option<String>,
    /// What the container printed, also one that failed.
    pub printed: Option<String>,
    /// Whether the container was run once more because it seemed to print nothing, which its client may only have missed.
    pub ran_again: bool,
    /// Whether it printed what it must; `None` where nothing says what that is.
    pub as_expected: Option<bool>,
    /// The level of `reset` after which it passed; `None` where none was needed, or none helped.
    pub healed: Option<&'static str>,
    /// Each level that was done, and what it freed.
    pub resets: Vec<Freed>,
    /// How long it took.
    #[serde(skip)]
    pub times: Took,
    /// What the last client has said, if that failed, and what it was to do.
    #[serde(skip)]
    pub said: Option<(Stage, String)>,
    /// Why it did not pass.
    #[serde(skip)]
    pub error: Option<Error>,
}

impl Outcome {
    /// Takes note of what was printed next.
    pub fn print(&mut self, more: &str) {
        self.printed.get_or_insert_default().push_str(more);
    }

    /// Takes note of what a client has said, if it failed.
    pub fn heard(&mut self, stage: Stage, ending: Ending, said: &str) {
        let is_done = matches!(ending, Ending::Exited(status) if status.success());
        self.said = (!is_done).then(|| (stage, said.to_owned()));
    }

    /// What the client that failed has told of why, besides its last word.
    pub fn excerpt(&self) -> Vec<&str> {
        self.said.as_ref().map(|(stage, said)| of_failure(said, *stage)).unwrap_or_default()
    }
}

impl Trial<'_> {
    /// Tries it.
    pub fn outcome(&self) -> Outcome {
        let mut outcome = Outcome::default();
        outcome.error = self.pass(&mut outcome).err();
        outcome
    }

    fn pass(&self, outcome: &mut Outcome) -> Result<()> {
        let ui = self.stand.context.ui;
        let mut attempts = Attempts { trial: self, deadline: Instant::now() + self.timeout, outcome };
        let (printed, healed) =
            if self.heals { until_healed(&mut attempts)? } else { (healing::Ground::attempt(&mut attempts)?, None) };
        outcome.healed = healed.map(Level::name);
        // That it works at last must not hide that it failed at first.
        if let Some(level) = healed {
            ui.warn(&format!("it was built and run only after a reset: `{}` healed it", level.name()));
        }
        let Some(printed) = printed else {
            ui.step("Built", &format!("{}, in the store of that buildkitd; nothing here can run it", self.image));
            ui.note("with a Docker (`--client buildx`) the image comes here, and is run");
            return Ok(());
        };
        let Some(expected) = &self.sample.expected else {
            if !self.sample.builds.iter().any(Build::prints) {
                return Ok(());
            }
            ui.note(&format!("the sample has no {EXPECTED_FILE}, so what it printed was compared with nothing"));
            return Ok(());
        };
        let compared = compare(self.stand, self.image, expected, &printed);
        outcome.as_expected = Some(compared.is_ok());
        compared
    }

    /// Takes what is to be compared of an output that nothing runs for printed.
    fn show(&self, shown: &str, outcome: &mut Outcome) -> Result<String> {
        outcome.print(shown);
        if self.relays {
            commands::print(shown)?;
        }
        Ok(shown.to_owned())
    }

    /// The error for when its time is up.
    pub fn out_of_time(&self, doing: &str) -> Error {
        let more = "give it more time with `--timeout DURATION`";
        let logs = if self.stand.is_remote() {
            String::new()
        } else {
            format!(", and see `{}`", self.stand.context.typed("logs"))
        };
        Error::failed(format!("{doing} took longer than {}", humantime::format_duration(self.timeout)))
            .hint(format!("{more}{logs}"))
    }
}

/// A sample is tried as often as it takes. All attempts share the time that they are given, and no reset takes any of it.
struct Attempts<'a> {
    trial: &'a Trial<'a>,
    deadline: Instant,
    outcome: &'a mut Outcome,
}

impl healing::Ground for Attempts<'_> {
    /// What the container printed; nothing where the image lies out of reach.
    type Passed = Option<String>;

    fn attempt(&mut self) -> Result<Option<String>> {
        let Attempts { trial, deadline, outcome } = self;
        (outcome.printed, outcome.times, outcome.said) = (None, Took::default(), None);
        let Staged { serve, builds, .. } = trial.sample;
        let server = serve.as_deref().map(Server::start).transpose()?;
        let served = server.as_ref().map(Server::url);
        let steps = Run { sample: trial.sample, id: trial.stand.next_run(), served };
        let mut printed = Some(String::new());
        for (number, build) in builds.iter().enumerate() {
            // What an earlier run has left is in nobody's way while this one builds.
            std::thread::scope(|scope| {
                scope.spawn(|| trial.stand.end_forgotten());
                building::build(trial, &steps, number, *deadline, outcome)
            })?;
            let more = match build.output {
                _ if build.fails.is_some() => Some(String::new()),
                Output::Image => run(trial, *deadline, outcome)?,
                _ => Some(trial.show(&steps.shown(number)?, outcome)?),
            };
            printed = printed.zip(more).map(|(printed, more)| printed + &more);
        }
        Ok(printed)
    }

    fn reset(&mut self, level: Level) -> Result<()> {
        let begun = Instant::now();
        let Trial { stand, timeout, .. } = *self.trial;
        let done = reset::apply(stand.context, level, timeout, &mut self.outcome.resets);
        self.deadline += begun.elapsed();
        done
    }

    fn warn(&mut self, text: &str) {
        self.trial.stand.context.ui.warn(text);
    }

    fn note(&mut self, text: &str) {
        self.trial.stand.context.ui.note(text);
    }
}

fn compare(stand: &Stand, image: &str, expected: &str, printed: &str) -> Result<()> {
    let Some(difference) = sample::difference(expected, printed) else {
        stand.context.ui.step("Passed", "the container printed what it must");
        return Ok(());
    };
    let error = Error::failed(format!(
        "the container of `{image}` printed something else than it must:\n{}",
        difference.trim_end()
    ));
    // A reset does not reach what a remote buildkitd keeps.
    if stand.is_remote() {
        return Err(error.hint("if what that buildkitd has cached is to blame, have it pruned and try again"));
    }
    let reset = stand.context.typed("reset");
    Err(error.hint(format!("if the state of an earlier run is to blame, `{reset}` and try again")))
}
