//! What a failed RUN failed of, as it said itself.

use super::Speaker;
use super::lines::{Found, after_time, innermost};
use crate::platform::Os;

/// What a failed step's own last words mean on a system, or on any if that is not known.
///
/// At its end a client says those once more, between two lines of dashes, below the step's name.
pub fn explain_step(said: &str, on: Option<Os>) -> Option<Found> {
    said.split("\n------\n").find_map(|section| {
        // The next failed step's section begins just behind this one's end.
        let (step, printed) = section.trim_start_matches("------\n").split_once('\n')?;
        if !step.starts_with(" > ") || !step.contains("RUN ") {
            return None;
        }
        // PowerShell breaks its messages into lines, and each line has a time before it.
        let words = printed.lines().flat_map(|line| after_time(line).unwrap_or(line).split_whitespace());
        let line = words.collect::<Vec<_>>().join(" ");
        innermost(&line, Some(Speaker::Run), on).map(|failure| Found { failure, line })
    })
}
