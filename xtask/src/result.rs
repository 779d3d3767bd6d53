//! The result file: what became of one cell of a night. Pure; its JSON Schema is `docs/result.schema.json`.
//!
//! It is written whole before and after each step. So that of a cell which was killed says `running`, with the step that it
//! died in.

mod sample;
#[cfg(test)]
mod tests;

pub use sample::{Expected, Outcome, Sample, Took, Verdict};

use crate::component::Component;
use crate::error::{self, Error, Result};
use crate::platform::Platform;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// The form of the file that this program reads and writes. A new field that may be missing needs no new one.
pub const SCHEMA: u32 = 1;

/// What became of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellResult {
    /// See [`SCHEMA`].
    pub schema: u32,
    /// Which night it belongs to.
    pub night: Night,
    /// Which cell it is.
    pub cell: Cell,
    /// The machine that it ran on.
    pub host: Host,
    /// Whether it is over.
    pub state: State,
    /// What was used, as far as it was resolved.
    #[serde(default)]
    pub versions: BTreeMap<Component, Used>,
    /// What was done, in this order.
    pub steps: Vec<Step>,
    /// What became of the samples, in this order.
    pub samples: Vec<Sample>,
    /// What it ended with; `None` while it runs, and for ever if it was killed.
    #[serde(default)]
    pub exit: Option<Exit>,
    /// Where its logs are: paths from this file's folder, with slashes.
    #[serde(default)]
    pub logs: Vec<String>,
    /// Processes, mounts and files that it left and that had to be taken away, as a person reads them.
    #[serde(default)]
    pub left_behind: Vec<String>,
}

/// A night: all of its cells tell the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Night {
    /// When it began, in UTC, as RFC 3339; this is also how one is told from another.
    pub began: String,
    /// Where its run can be looked at.
    #[serde(default)]
    pub url: Option<String>,
}

/// A cell of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cell {
    /// The machine's kind: `windows-2025`.
    pub runner: String,
    /// Which BuildKit, as the matrix names it.
    pub buildkit: String,
    /// Which containerd.
    pub containerd: String,
}

/// The machine that a cell ran on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// System and architecture.
    pub platform: Platform,
    /// The system's name, as it calls itself.
    #[serde(default)]
    pub name: Option<String>,
    /// The system's build: `10.0.26100.1`.
    #[serde(default)]
    pub build: Option<String>,
}

/// Whether a cell is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is not, or it was killed.
    Running,
    /// It came to its end, whatever that was.
    Ended,
}

/// A component as it was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Its exact version.
    pub version: String,
    /// `sha256:` and lower-case hex, where there is one: programs in a folder have none.
    #[serde(default)]
    pub digest: Option<String>,
    /// What kind of place it came from: `github`.
    pub source: String,
}

/// A step of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The command: `up`.
    pub name: String,
    /// How far it is.
    pub state: StepState,
    /// When it began, in UTC, as RFC 3339.
    pub began: String,
    /// How long it took, in milliseconds; `None` while it runs.
    #[serde(default)]
    pub took_ms: Option<u64>,
    /// What its command ended with, if it ended by itself.
    #[serde(default)]
    pub exit: Option<Exit>,
    /// Why it failed.
    #[serde(default)]
    pub failure: Option<Why>,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// It began, and nobody noted an end.
    Running,
    /// It did what it is for.
    Done,
    /// It ended by itself, without doing that.
    Failed,
    /// It had to be ended, because its time was up.
    #[serde(rename = "timed out")]
    TimedOut,
    /// Something else ended it.
    Killed,
}

impl StepState {
    /// Its name, as people and scripts read it.
    pub fn name(self) -> &'static str {
        match self {
            StepState::Running => "running",
            StepState::Done => "done",
            StepState::Failed => "failed",
            StepState::TimedOut => "timed out",
            StepState::Killed => "killed",
        }
    }
}

/// What a command ended with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// As the system has it; below zero where Windows ends a program by an exception.
    pub code: i64,
    /// The same in words: `done`, `failed`, `usage`, `ground`.
    pub class: String,
}

impl Exit {
    /// Of a command that did what it is for.
    pub fn done() -> Self {
        Self { code: 0, class: "done".into() }
    }

    /// Of one that ended with an error.
    pub fn of(class: error::Class) -> Self {
        Self { code: class.exit_code().into(), class: class.name().into() }
    }
}

impl<T> From<&Result<T>> for Exit {
    fn from(ended: &Result<T>) -> Self {
        ended.as_ref().err().map_or_else(Self::done, |error| Self::of(error.class()))
    }
}

/// Why something failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// The id of the catalogue's row for it; `None` where there is none.
    #[serde(default)]
    pub id: Option<String>,
    /// What kind of failure that is.
    #[serde(default)]
    pub class: Option<String>,
    /// As people read it.
    pub message: String,
    /// What to do next.
    #[serde(default)]
    pub hint: Option<String>,
    /// Where upstream speaks of it.
    #[serde(default)]
    pub upstream: Option<String>,
}

impl From<&Error> for Why {
    fn from(error: &Error) -> Self {
        let known = error.failure();
        Self {
            id: known.map(|known| known.id.into()),
            class: known.map(|known| known.class.name().into()),
            message: error.to_string(),
            hint: error.hint_text().map(str::to_owned),
            upstream: known.map(|known| known.link.into()),
        }
    }
}

/// A file's name has up to 255 bytes, and a path on Windows often no more than 260.
const LONGEST_ID: usize = 120;

impl Cell {
    /// A name for files and links: of letters, digits, dots, dashes and underscores, and no longer than a file's may be. No dot
    /// begins it, which would hide the file, and no dash, which would make an option of it. Cells that differ in nothing else
    /// share one.
    pub fn id(&self) -> String {
        let Cell { runner, buildkit, containerd } = self;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let id = format!("{runner}_buildkit-{buildkit}_containerd-{containerd}");
        let id: String = id.chars().take(LONGEST_ID).map(|c| if is_plain(c) { c } else { '-' }).collect();
        match id.strip_prefix(['.', '-']) {
            Some(rest) => format!("_{rest}"),
            None => id,
        }
    }

    /// The name of its result file.
    pub fn file_name(&self) -> String {
        self.id() + ".json"
    }
}

impl CellResult {
    /// Nothing was done yet.
    pub fn new(night: Night, cell: Cell, host: Host) -> Self {
        Self {
            schema: SCHEMA,
            night,
            cell,
            host,
            state: State::Running,
            versions: BTreeMap::new(),
            steps: Vec::new(),
            samples: Vec::new(),
            exit: None,
            logs: Vec::new(),
            left_behind: Vec::new(),
        }
    }

    /// Takes note of a step that begins now.
    pub fn begin(&mut self, name: &str, now: SystemTime) {
        let began = time(now);
        let state = StepState::Running;
        self.steps.push(Step { name: name.into(), state, began, took_ms: None, exit: None, failure: None });
    }

    /// The step that runs, or that the cell died in.
    pub fn running(&self) -> Option<&Step> {
        self.steps.iter().rfind(|step| step.state == StepState::Running)
    }

    /// The same, to take note of its end.
    pub fn running_mut(&mut self) -> Option<&mut Step> {
        self.steps.iter_mut().rfind(|step| step.state == StepState::Running)
    }

    /// Takes note of its end.
    pub fn end(&mut self, exit: Exit) {
        self.state = State::Ended;
        self.exit = Some(exit);
    }

    /// As it is written.
    ///
    /// # Errors
    /// Never, as far as is known.
    pub fn to_json(&self) -> Result<String> {
        match serde_json::to_string_pretty(self) {
            Ok(json) => Ok(json + "\n"),
            Err(error) => Err(Error::ground("failed to write a result as JSON").because(error)),
        }
    }
}

/// A point in time as results have it.
pub fn time(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}

/// Reads a result file's text.
///
/// # Errors
/// When it is none, or has a schema that this program doesn't know.
pub fn parse(text: &str, name: &str) -> Result<CellResult> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: u32,
    }
    let no_result = |error: serde_json::Error| {
        let hint = if error.is_eof() {
            "it seems to be cut off: copy it again; result files are never written by halves"
        } else {
            "give files that `cargo xtask night` wrote; docs/result.schema.json says what is in them"
        };
        Error::usage(format!("`{name}` is no result file")).because(error).hint(hint)
    };
    let Versioned { schema } = serde_json::from_str(text).map_err(no_result)?;
    if schema != SCHEMA {
        let whose = if schema > SCHEMA { "a newer harness" } else { "an older harness" };
        return Err(Error::usage(format!("`{name}` is of {whose} (schema {schema}, and this one knows {SCHEMA})"))
            .hint("make the report with the checkout that wrote the results"));
    }
    let result: CellResult = serde_json::from_str(text).map_err(no_result)?;
    if humantime::parse_rfc3339(&result.night.began).is_err() {
        let began = &result.night.began;
        return Err(Error::usage(format!("`{name}` tells no time at which its night began: `{began}`"))
            .hint("times are in UTC, such as 2026-01-02T03:04:05Z"));
    }
    Ok(result)
}
