//! What samples come to while they are tried: a line of JSON when one begins, and one when it ends. Pure.

use crate::result::Sample;
use serde::{Deserialize, Serialize};

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// A sample is being tried; until it ends, it counts as skipped.
    Began(Sample),
    /// This came of it. Where it is tried again, after a reset, the last line counts.
    Ended(Sample),
}

/// What is known of samples by their lines, in the order in which they began. Of those that never ended, `why` is the reason.
///
/// Whoever writes them may be ended in the middle of a line, and the last line is another thing: what is no such line is passed
/// over.
pub fn read(lines: &str, why: &str) -> Vec<Sample> {
    let mut known: Vec<Sample> = Vec::new();
    for line in lines.lines() {
        let sample = match serde_json::from_str(line) {
            Ok(Progress::Began(sample)) => {
                let reason = sample.reason.as_ref().map(|reason| format!("{reason}: {why}"));
                Sample { reason, ..sample }
            }
            Ok(Progress::Ended(sample)) => sample,
            Err(_) => continue,
        };
        match known.iter_mut().find(|known| known.name == sample.name) {
            Some(known) => *known = sample,
            None => known.push(sample),
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Expected, Outcome, Took, Verdict};

    fn sample(name: &str, outcome: Outcome, verdict: Verdict) -> Sample {
        Sample {
            name: name.into(),
            title: name.into(),
            expected: Expected::Works,
            expected_failure: None,
            upstream: None,
            outcome,
            verdict,
            reason: (outcome == Outcome::Skipped).then(|| "it was being tried".into()),
            failure: None,
            took: Took::default(),
            healed: None,
        }
    }

    #[test]
    fn what_was_not_told_to_the_end_is_known_as_far_as_it_was_told() {
        let began = |name| Progress::Began(sample(name, Outcome::Skipped, Verdict::Skipped));
        let ended = |name, outcome, verdict| Progress::Ended(sample(name, outcome, verdict));
        let lines = [
            began("copy"),
            began("heredocs"),
            ended("copy", Outcome::Fails, Verdict::NewlyBroken),
            began("tmpfs"),
            began("copy"),
            ended("copy", Outcome::Works, Verdict::AsExpected),
            began("secret"),
            ended("tmpfs", Outcome::Works, Verdict::AsExpected),
        ];
        let mut text: String = lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
        text.push_str(r#"{"ended":{"name":"secr"#);
        let known = read(&text, "the cell took too long");
        let told: Vec<_> =
            known.iter().map(|known| (known.name.as_str(), known.verdict.name(), known.reason.as_deref())).collect();
        let unended = Some("it was being tried: the cell took too long");
        assert_eq!(
            told,
            [
                ("copy", "as expected", None),
                ("heredocs", "skipped", unended),
                ("tmpfs", "as expected", None),
                ("secret", "skipped", unended),
            ]
        );
    }
}
