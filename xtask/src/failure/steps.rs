//! What a failed RUN failed of, as it said itself.

use super::Speaker;
use super::lines::{Found, after_time, innermost};

/// What a failed step's own last words mean.
///
/// At its end a client says those once more, between two lines of dashes, below the step's name.
pub fn explain_step(said: &str) -> Option<Found> {
    said.split("\n------\n").find_map(|section| {
        // The next failed step's section begins just behind this one's end.
        let (step, printed) = section.trim_start_matches("------\n").split_once('\n')?;
        if !step.starts_with(" > ") || !step.contains("RUN ") {
            return None;
        }
        // PowerShell breaks its messages into lines, and each line has a time before it.
        let words = printed.lines().flat_map(|line| after_time(line).unwrap_or(line).split_whitespace());
        let line = words.collect::<Vec<_>>().join(" ");
        innermost(&line, Some(Speaker::Run)).map(|failure| Found { failure, line })
    })
}
