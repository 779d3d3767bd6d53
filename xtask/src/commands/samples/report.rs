//! What is told of samples: a table for people, an object for scripts.

use super::finding::Sample;
use crate::commands::build_sample::trial::{self, Times};
use crate::commands::ended::{Ended, Why};
use crate::error::Error;
use crate::platform::Os;
use crate::sample::manifest::Expectation;
use crate::sample::verdict::{Outcome, Verdict, judge};
use serde::Serialize;
use std::collections::BTreeMap;

/// All of it.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The versions of the programs, by component.
    pub versions: BTreeMap<&'static str, String>,
    /// What drove the builds: `buildctl` or `buildx`.
    pub client: Option<&'static str>,
    samples: Vec<Row>,
    #[serde(flatten)]
    ended: Option<Ended>,
}

impl Report {
    /// Takes what came of the samples.
    pub fn take(&mut self, rows: Vec<Row>) {
        self.samples = rows;
    }

    /// What came of the samples.
    pub fn rows(&self) -> &[Row] {
        &self.samples
    }

    /// Takes note of how the command ended.
    pub fn end(&mut self, ended: Ended) {
        self.ended = Some(ended);
    }
}

/// A sample, and what came of it.
#[derive(Debug, Serialize)]
pub struct Row {
    name: String,
    title: String,
    /// `works`, `fails` or `untested`.
    expected: &'static str,
    /// `works`, `fails` or `skipped`.
    outcome: &'static str,
    /// `as expected`, `newly fixed`, `newly broken` or `skipped`.
    verdict: &'static str,
    /// Why that is so, where it isn't plain.
    reason: Option<String>,
    failure: Option<Failure>,
    /// The level of `reset` after which it worked.
    healed: Option<&'static str>,
    took: Times,
    #[serde(skip)]
    judged: Verdict,
}

/// Why a sample failed.
#[derive(Debug, Serialize)]
struct Failure {
    #[serde(flatten)]
    why: Why,
    /// Where upstream speaks of it.
    upstream: Option<String>,
}

impl Row {
    /// What is told of a sample.
    pub fn new(sample: &Sample, expectation: &Expectation, outcome: &Outcome, came: &trial::Outcome) -> Self {
        let (judged, reason) = judge(expectation, outcome);
        let upstream = |error: &Error| {
            let known = error.failure().map(|known| known.link.to_owned());
            known.or_else(|| expectation.upstream.clone())
        };
        let first_line = |error: &Error| error.to_string().lines().next().unwrap_or_default().to_owned();
        let failure = |error: &Error| Failure { why: Why::from(error), upstream: upstream(error) };
        Self {
            name: sample.name.clone(),
            title: sample.manifest.title.clone(),
            expected: expectation.expected.name(),
            outcome: outcome.name(),
            verdict: judged.name(),
            reason: reason.or_else(|| came.error.as_ref().map(first_line)),
            failure: came.error.as_ref().map(failure),
            healed: came.healed,
            took: came.times,
            judged,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What to make of it.
    pub fn verdict(&self) -> Verdict {
        self.judged
    }
}

/// The table, with a last line that counts.
pub fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or_default();
    let line = |row: &Row| {
        let took = row.took.build_ms.map_or(0, |build| build + row.took.run_ms.unwrap_or_default());
        let seconds = format!("{}.{} s", took / 1000, took % 1000 / 100);
        let reason = match (&row.reason, row.healed) {
            (Some(reason), _) => reason.lines().next().unwrap_or_default().to_owned(),
            (None, Some(level)) => format!("only after a reset: `{level}` healed it"),
            (None, None) => String::new(),
        };
        let line = format!(
            "{:width$}  {:8}  {:7}  {:12}  {seconds:>7}  {reason}",
            row.name, row.expected, row.outcome, row.verdict
        );
        line.trim_end().to_owned() + "\n"
    };
    let all = [Verdict::AsExpected, Verdict::NewlyFixed, Verdict::NewlyBroken, Verdict::Skipped];
    let counts = all.map(|verdict| (rows.iter().filter(|row| row.judged == verdict).count(), verdict.name()));
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}"));
    let head = format!("{:width$}  expected  outcome  verdict          took\n", "sample");
    format!("{head}{}{}\n", rows.iter().map(line).collect::<String>(), counts.collect::<Vec<_>>().join(", "))
}

/// A sample, as `--list --json` has it.
#[derive(Serialize)]
pub struct Listed<'a> {
    name: &'a str,
    title: &'a str,
    shows: &'a str,
    expected: &'static str,
    upstream: Option<&'a str>,
}

/// What there is, for scripts.
pub fn listing_json(samples: &[Sample], os: Os) -> Vec<Listed<'_>> {
    samples.iter().map(|sample| listed(sample, os)).collect()
}

fn listed(sample: &Sample, os: Os) -> Listed<'_> {
    let expectation = sample.manifest.on(os);
    Listed {
        name: &sample.name,
        title: &sample.manifest.title,
        shows: &sample.manifest.shows,
        expected: expectation.expected.name(),
        upstream: expectation.upstream.as_deref(),
    }
}

/// What there is, for people.
pub fn listing(samples: &[Sample], os: Os) -> String {
    let width = samples.iter().map(|sample| sample.name.len()).max().unwrap_or_default();
    let line = |sample: &Sample| {
        let expected = sample.manifest.on(os).expected.name();
        format!("{:width$}  {expected:8}  {}\n", sample.name, sample.manifest.shows)
    };
    samples.iter().map(line).collect()
}
