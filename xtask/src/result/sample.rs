//! What became of a sample. Pure.

use super::Why;
use serde::{Deserialize, Serialize};

/// What became of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Its folder's name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What was said beforehand.
    pub expected: Expected,
    /// The id of the failure that was foretold.
    #[serde(default)]
    pub expected_failure: Option<String>,
    /// Where upstream speaks of what is foretold, or of why it is untested.
    #[serde(default)]
    pub upstream: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// Both together.
    pub verdict: Verdict,
    /// Why it was skipped, or what the verdict rests on.
    #[serde(default)]
    pub reason: Option<String>,
    /// Why it failed; also of one that counts as skipped, because the ground failed.
    #[serde(default)]
    pub failure: Option<Why>,
    /// How long it took.
    #[serde(default)]
    pub took: Took,
    /// The level of `reset` after which it passed.
    #[serde(default)]
    pub healed: Option<String>,
}

impl Sample {
    /// One that should work and does, of which nothing else is known.
    pub fn as_expected(name: &str, title: &str) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            expected: Expected::Works,
            expected_failure: None,
            upstream: None,
            outcome: Outcome::Works,
            verdict: Verdict::AsExpected,
            reason: None,
            failure: None,
            took: Took::default(),
            healed: None,
        }
    }
}

/// What a sample is said to do on a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    /// It works there.
    Works,
    /// It fails there, and why is known.
    Fails,
    /// Nobody knows.
    Untested,
}

impl Expected {
    /// Its name, as people and scripts read it.
    pub fn name(self) -> &'static str {
        match self {
            Expected::Works => "works",
            Expected::Fails => "fails",
            Expected::Untested => "untested",
        }
    }
}

/// What came of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It built and printed what it must.
    Works,
    /// It did not.
    Fails,
    /// It was not run, or the ground failed: that says nothing of these versions.
    Skipped,
}

impl Outcome {
    /// Its name, as people and scripts read it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Works => "works",
            Outcome::Fails => "fails",
            Outcome::Skipped => "skipped",
        }
    }
}

/// What a sample's outcome means, given what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It should have worked.
    #[serde(rename = "newly broken")]
    NewlyBroken,
    /// It should have failed.
    #[serde(rename = "newly fixed")]
    NewlyFixed,
    /// There is nothing to say.
    Skipped,
    /// As was said beforehand.
    #[serde(rename = "as expected")]
    AsExpected,
}

impl Verdict {
    /// All of them, what needs looking at first.
    pub const ALL: [Verdict; 4] = [Verdict::NewlyBroken, Verdict::NewlyFixed, Verdict::Skipped, Verdict::AsExpected];

    /// Its name, as people and scripts read it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::NewlyBroken => "newly broken",
            Verdict::NewlyFixed => "newly fixed",
            Verdict::Skipped => "skipped",
            Verdict::AsExpected => "as expected",
        }
    }
}

/// How long a sample took, in milliseconds, all its builds and all its containers together. Of several attempts, the last one
/// counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Took {
    /// Its builds.
    #[serde(default)]
    pub build_ms: Option<u64>,
    /// Its containers, from their clients' start to their end.
    #[serde(default)]
    pub run_ms: Option<u64>,
}
