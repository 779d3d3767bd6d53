//! What is told of samples: a table for people, an object for scripts.

use super::finding::Sample;
use crate::commands::build_sample::trial;
use crate::commands::ended::Ended;
use crate::platform::Os;
use crate::result::{self, Verdict, Why};
use crate::sample::manifest::{Expectation, Expected};
use crate::sample::verdict::{self, judge};
use serde::Serialize;
use std::collections::BTreeMap;

/// Over the names.
const NAME: &str = "sample";

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
        reason: reason.or_else(|| came.error.as_ref().map(|error| in_short(&error.to_string()))),
        failure: came.error.as_ref().map(Why::from),
        took: came.times,
        healed: came.healed.map(str::to_owned),
    }
}

/// An error's sentence on one line. What it shows below that is told by its first line, of a difference by the first that
/// differs.
pub fn in_short(told: &str) -> String {
    let mut lines = told.lines();
    let sentence = lines.next().unwrap_or_default();
    let Some(begins) = sentence.strip_suffix(':') else { return sentence.to_owned() };
    let shown: Vec<&str> = lines.collect();
    // A difference begins with two lines about itself, and another one about the place.
    let differs = |line: &&&str| line.starts_with(['-', '+']);
    let is_difference = shown.first().is_some_and(|line| line.starts_with("--- "));
    let first = if is_difference { shown.iter().skip(2).find(differs) } else { shown.first() };
    match first {
        Some(line) => format!("{sentence} {}", line.trim()),
        None => begins.to_owned(),
    }
}

/// The table, with a last line that counts.
pub fn table(rows: &[result::Sample]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or_default().max(NAME.len());
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
    let head = format!("{:width$}  expected  outcome  verdict          took\n", NAME);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Took;
    use crate::sample;

    fn row(name: &str) -> result::Sample {
        let took = Took { build_ms: Some(1250), run_ms: None };
        result::Sample { took, ..result::Sample::as_expected(name, name) }
    }

    #[test]
    fn the_columns_stand_below_their_heads() {
        for name in ["a", "sample", "a-longer-name"] {
            let table = table(&[row(name)]);
            let places: Vec<_> = table.lines().take(2).zip(["expected", "works"]).collect();
            let places: Vec<_> = places.into_iter().map(|(line, column)| line.find(column)).collect();
            assert!(places[0].is_some() && places[0] == places[1], "{table}");
            let ends: Vec<_> = table.lines().take(2).map(str::len).collect();
            assert_eq!(ends[0], ends[1], "{table}");
        }
    }

    #[test]
    fn an_error_in_short_is_one_line_that_says_something() {
        let differs = |expected: &str, printed: &str| {
            in_short(&format!("it printed otherwise:\n{}", sample::difference(expected, printed).unwrap()))
        };
        assert_eq!(differs("same\nright\n", "same\nwrong\n"), "it printed otherwise: -right");
        assert_eq!(differs("same\n", "same\nmore\n"), "it printed otherwise: +more");
        assert_eq!(in_short("no; meanwhile containerd logged:\n  one\n  two"), "no; meanwhile containerd logged: one");
        assert_eq!(in_short("plain"), "plain");
        assert_eq!(in_short("nothing:"), "nothing");
    }
}
