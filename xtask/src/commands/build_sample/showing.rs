//! Running a client, and showing what it says.

use super::watching::Watch;
use crate::commands::Relay;
use crate::context::Context;
use crate::error::Result;
use crate::failure;
use crate::process::{self, Argv, Ending, Stream};
use std::time::Instant;

/// What a client does. What builds says only its own words; what runs a container mixes them with the container's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// buildctl or buildx builds.
    Build,
    /// ctr or docker runs.
    Run,
}

/// What a client says of why it failed, if that is what a line is.
pub fn last_word(line: &str, stage: Stage) -> Option<&str> {
    let beginnings = match stage {
        Stage::Build => ["error: ", "ERROR: "],
        Stage::Run => ["ctr: ", "docker: "],
    };
    beginnings.iter().find_map(|beginning| line.strip_prefix(beginning))
}

/// Whether a line only tells how to get help: docker ends with one, after it has said why it failed.
pub fn is_help(line: &str) -> bool {
    line.trim().is_empty() || line.contains("'docker run --help'")
}

/// How many of its last lines are shown of what a container has said, where all of it was to be kept quiet.
const LAST_LINES: usize = 20;

/// What a client that failed has told of why, besides its last word: each failed step, with the end of what that printed; and
/// the end of what a container said.
pub fn of_failure(said: &str, stage: Stage) -> Vec<&str> {
    match stage {
        // Between two lines of dashes. Of two such steps the second's first line is the first's last.
        Stage::Build => said
            .split("------\n")
            .filter(|section| section.starts_with(" > "))
            .flat_map(str::lines)
            .map(str::trim_end)
            .collect(),
        Stage::Run => {
            let is_told = |line: &&str| !is_help(line) && last_word(line, stage).is_none();
            let lines: Vec<&str> = said.lines().map(str::trim_end).filter(is_told).collect();
            lines[lines.len().saturating_sub(LAST_LINES)..].to_vec()
        }
    }
}

/// What the steps of a build have printed, without a client's own words and without those of the Dockerfile.
pub fn printed_by_steps(said: &str) -> String {
    let of_step = |line: &str| {
        let (number, rest) = line.strip_prefix('#')?.split_once(' ')?;
        let printed = number.parse::<u32>().is_ok().then(|| failure::after_time(rest))??;
        Some(printed.trim_end().to_owned() + "\n")
    };
    said.lines().filter_map(of_step).collect()
}

/// What a client's stdout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdout {
    /// Nothing to speak of: the client builds.
    Idle,
    /// The container's, and so this program's.
    Relayed,
    /// The container's, kept for the report that takes this program's.
    Kept,
}

/// Runs a client, showing what it says. Why it failed is left to the error that ends the command.
pub fn show(
    context: &Context,
    argv: &Argv,
    deadline: Instant,
    stdout: Stdout,
    watch: &mut Watch,
) -> Result<(Ending, String, String)> {
    context.ui.detail(&argv.shown());
    let is_relayed = stdout == Stdout::Relayed;
    let stage = if stdout == Stdout::Idle { Stage::Build } else { Stage::Run };
    let (mut printed, mut said, mut line) = (Vec::new(), Vec::new(), Vec::new());
    let (mut relay, mut broken, mut held) = (Relay::to_stdout(), None, None::<String>);
    let mut pass_on = |line: &[u8]| {
        let line = String::from_utf8_lossy(line).trim_end().to_owned();
        if held.is_some() && is_help(&line) {
            return;
        }
        if let Some(earlier) = held.take() {
            context.ui.passed_on(&earlier);
        }
        if last_word(&line, stage).is_some() { held = Some(line) } else { context.ui.passed_on(&line) }
    };
    let patience = deadline.saturating_duration_since(Instant::now());
    let take = |stream, chunk: &[u8]| {
        if stream == Stream::Stdout {
            printed.extend_from_slice(chunk);
            if is_relayed && let Err(error) = relay.print(chunk) {
                broken = Some(error);
            }
            return;
        }
        said.extend_from_slice(chunk);
        line.extend_from_slice(chunk);
        while let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            let whole: Vec<u8> = line.drain(..=end).collect();
            pass_on(&whole);
        }
    };
    let ending = process::stream_while(argv, patience, take, || watch.is_worth_it())?;
    if !line.is_empty() {
        pass_on(&line);
    }
    let is_failure = matches!(ending, Ending::Exited(status) if !status.success());
    if let Some(held) = held.filter(|_| !is_failure) {
        context.ui.passed_on(&held);
    }
    let said = String::from_utf8_lossy(&said).into_owned();
    if is_relayed && broken.is_none() {
        broken = relay.end().err();
    }
    match broken {
        Some(error) => Err(error),
        None => Ok((ending, String::from_utf8_lossy(&printed).into_owned(), said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_failed_build_each_failed_step_is_told() {
        let said = "#5 [2/2] RUN x\n#5 0.2 one\n#5 ERROR: process\n------\n > [2/2] RUN x:\n0.2 one\n------\n > [a 2/2] RUN y:\n0.3 two\n------\nDockerfile:2\n------------------\n   1 | RUN x\n------------------\nerror: failed to solve: process";
        assert_eq!(of_failure(said, Stage::Build), [" > [2/2] RUN x:", "0.2 one", " > [a 2/2] RUN y:", "0.3 two"]);
        assert!(of_failure("#1 x\nerror: failed to solve: x", Stage::Build).is_empty());
    }

    #[test]
    fn what_steps_print_is_none_of_the_words_around_it() {
        let said = "#1 [internal] load build definition\n#5 [2/2] RUN cat /nope\n#5 0.042 cat: /nope: No such file\n\
                    #6 12.3 two\r\n#5 ERROR: process\n------\n > [2/2] RUN cat /nope:\n0.042 cat: x\n------\nerror: failed";
        assert_eq!(printed_by_steps(said), "cat: /nope: No such file\ntwo\n");
    }

    #[test]
    fn of_a_failed_container_the_end_of_what_it_said_is_told() {
        let said: String = (0..30).map(|number| format!("{number}\n")).collect();
        let told = of_failure(&said, Stage::Run);
        assert_eq!((told.len(), told[0], told.last().copied()), (LAST_LINES, "10", Some("29")));
        assert_eq!(of_failure("x\ndocker: no\n\nRun 'docker run --help' for more", Stage::Run), ["x"]);
    }
}
