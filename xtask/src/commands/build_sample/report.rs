//! What `build-sample --json` prints: one object, whatever the command came to.

use super::trial::Outcome;
use crate::commands::ended::Ended;
use crate::error::Result;
use crate::result;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What is known when the command ends. What it never came to is `null`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The versions of the programs, by component.
    pub versions: BTreeMap<&'static str, String>,
    /// What drove the build: `buildctl` or `buildx`.
    pub client: Option<&'static str>,
    /// The sample, as it was asked for.
    pub sample: String,
    /// What the sample came to.
    #[serde(flatten)]
    pub outcome: Outcome,
    #[serde(flatten)]
    ended: Ended,
    took: Took,
}

/// How long things took, in milliseconds.
#[derive(Debug, Default, Serialize)]
struct Took {
    #[serde(flatten)]
    sample: result::Took,
    /// The command, with all that it had to fetch, start and reset.
    total_ms: u64,
}

impl Report {
    /// Nothing is known yet but the sample.
    pub fn new(sample: String) -> Self {
        Self {
            versions: BTreeMap::new(),
            client: None,
            sample,
            outcome: Outcome::default(),
            ended: Ended::from(&Ok(())),
            took: Took::default(),
        }
    }

    /// Takes note of how the command ended.
    pub fn end<T>(&mut self, ended: &Result<T>, took: Duration) {
        self.ended = Ended::from(ended);
        self.took = Took { sample: self.outcome.times, total_ms: millis(took) };
    }
}

/// A duration as reports have it.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn what_was_never_come_to_is_null() {
        let mut report = Report::new("hello".into());
        report.end::<()>(&Err(Error::usage("no such sample")), Duration::from_millis(1500));
        assert_eq!(
            serde_json::to_value(&report).unwrap(),
            serde_json::json!({
                "versions": {},
                "client": null,
                "sample": "hello",
                "base_image": null,
                "printed": null,
                "ran_again": false,
                "as_expected": null,
                "healed": null,
                "resets": [],
                "failure": {
                    "id": null, "class": null, "message": "no such sample", "hint": null, "upstream": null,
                },
                "exit": { "code": 2, "class": "usage" },
                "took": { "build_ms": null, "run_ms": null, "total_ms": 1500 },
            })
        );
    }
}
