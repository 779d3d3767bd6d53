//! Running a client, and showing what it says.

use super::watching::Watch;
use crate::commands::Relay;
use crate::context::Context;
use crate::error::Result;
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
    if is_relayed && broken.is_none() {
        broken = relay.end().err();
    }
    match broken {
        Some(error) => Err(error),
        None => {
            Ok((ending, String::from_utf8_lossy(&printed).into_owned(), String::from_utf8_lossy(&said).into_owned()))
        }
    }
}
