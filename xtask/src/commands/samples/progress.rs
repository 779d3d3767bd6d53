//! What samples come to while they are tried: a line of JSON when one begins, and one when it ends. Pure.

use crate::result::Sample;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What has come of a sample.
    #[serde(flatten)]
    pub progress: Progress,
    /// Where that sample is among all that are tried.
    pub at: usize,
}

/// How far a sample has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// A sample is being tried; until it ends, it counts as skipped.
    Began(Sample),
    /// This came of it. Where it is tried again, after a reset, the last line counts.
    Ended(Sample),
}

/// What is known of samples by their lines, in the order that a whole report has. Of those that never ended, `why` is the reason.
///
/// Whoever writes them may be ended in the middle of a line, and the last line is another thing: what is no such line is passed
/// over.
pub fn read(lines: &str, why: &str) -> Vec<Sample> {
    let known = lines.lines().filter_map(|line| {
        let Line { progress, at } = serde_json::from_str(line).ok()?;
        let sample = match progress {
            Progress::Began(sample) => {
                let reason = sample.reason.as_ref().map(|reason| format!("{reason}: {why}"));
                Sample { reason, ..sample }
            }
            Progress::Ended(sample) => sample,
        };
        Some((at, sample))
    });
    known.collect::<BTreeMap<_, _>>().into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Outcome, Verdict};

    fn sample(name: &str, outcome: Outcome, verdict: Verdict) -> Sample {
        let reason = (outcome == Outcome::Skipped).then(|| "it was being tried".into());
        Sample { outcome, verdict, reason, ..Sample::as_expected(name, name) }
    }

    #[test]
    fn what_was_not_told_to_the_end_is_known_as_far_as_it_was_told() {
        let names = ["copy", "heredocs", "secret", "tmpfs"];
        let line = |name, progress| {
            let at = names.iter().position(|known| *known == name).unwrap();
            serde_json::to_string(&Line { progress, at }).unwrap() + "\n"
        };
        let began = |name| line(name, Progress::Began(sample(name, Outcome::Skipped, Verdict::Skipped)));
        let ended = |name, outcome, verdict| line(name, Progress::Ended(sample(name, outcome, verdict)));
        // Of several threads, any may be the first.
        let lines = [
            began("tmpfs"),
            began("copy"),
            began("heredocs"),
            ended("copy", Outcome::Fails, Verdict::NewlyBroken),
            began("copy"),
            ended("copy", Outcome::Works, Verdict::AsExpected),
            began("secret"),
            ended("tmpfs", Outcome::Works, Verdict::AsExpected),
        ];
        let mut text = lines.concat();
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
                ("secret", "skipped", unended),
                ("tmpfs", "as expected", None),
            ]
        );
    }
}
