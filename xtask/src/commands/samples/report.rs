//! What is told of samples: a table for people, an object for scripts.

use super::finding::Sample;
use crate::commands::build_sample::trial;
use crate::commands::ended::Ended;
use crate::error::Error;
use crate::platform::Os;
use crate::result::{self, Verdict, Why};
use crate::sample::manifest::{Expectation, Expected};
use crate::sample::verdict::{self, judge};
use serde::Serialize;
use std::collections::BTreeMap;

/// All of it.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The versions of the programs, by component.
    pub versions: BTreeMap<&'static str, String>,
    /// What drove the builds: `buildctl` or `buildx`.
    pub client: Option<&'static str>,
    samples: Vec<result::Sample>,
    #[serde(flatten)]
    ended: Option<Ended>,
}

impl Report {
    /// Takes what came of the samples.
    pub fn take(&mut self, rows: Vec<result::Sample>) {
        self.samples = rows;
    }

    /// What came of the samples.
    pub fn rows(&self) -> &[result::Sample] {
        &self.samples
    }

    /// Takes note of how the command ended.
    pub fn end(&mut self, ended: Ended) {
        self.ended = Some(ended);
    }
}

/// What is told of a sample.
pub fn row(
    sample: &Sample,
    expectation: &Expectation,
    outcome: &verdict::Outcome,
    came: &trial::Outcome,
) -> result::Sample {
    let (verdict, reason) = judge(expectation, outcome);
    let first_line = |error: &Error| error.to_string().lines().next().unwrap_or_default().to_owned();
    let known = match expectation.expected {
        Expected::Fails(known) => Some(known),
        Expected::Works | Expected::Untested => None,
    };
    result::Sample {
        name: sample.name.clone(),
        title: sample.manifest.title.clone(),
        expected: expectation.expected.kind(),
        expected_failure: known.map(|known| known.id.into()),
        upstream: expectation.upstream.clone().or_else(|| known.map(|known| known.link.into())),
        outcome: outcome.kind(),
        verdict,
        reason: reason.or_else(|| came.error.as_ref().map(first_line)),
        failure: came.error.as_ref().map(Why::from),
        took: came.times,
        healed: came.healed.map(str::to_owned),
    }
}

/// The table, with a last line that counts.
pub fn table(rows: &[result::Sample]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or_default();
    let line = |row: &result::Sample| {
        let took = row.took.build_ms.map_or(0, |build| build + row.took.run_ms.unwrap_or_default());
        let seconds = format!("{}.{} s", took / 1000, took % 1000 / 100);
        let reason = match (&row.reason, &row.healed) {
            (Some(reason), _) => reason.lines().next().unwrap_or_default().to_owned(),
            (None, Some(level)) => format!("only after a reset: `{level}` healed it"),
            (None, None) => String::new(),
        };
        let line = format!(
            "{:width$}  {:8}  {:7}  {:12}  {seconds:>7}  {reason}",
            row.name,
            row.expected.name(),
            row.outcome.name(),
            row.verdict.name()
        );
        line.trim_end().to_owned() + "\n"
    };
    let counts = Verdict::ALL.map(|verdict| (rows.iter().filter(|row| row.verdict == verdict).count(), verdict.name()));
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
        expected: expectation.expected.kind().name(),
        upstream: expectation.upstream.as_deref(),
    }
}

/// What there is, for people.
pub fn listing(samples: &[Sample], os: Os) -> String {
    let width = samples.iter().map(|sample| sample.name.len()).max().unwrap_or_default();
    let line = |sample: &Sample| {
        let expected = sample.manifest.on(os).expected.kind().name();
        format!("{:width$}  {expected:8}  {}\n", sample.name, sample.manifest.shows)
    };
    samples.iter().map(line).collect()
}
