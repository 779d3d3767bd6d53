//! `cargo xtask logs`: what the daemons logged.

use super::{print, print_on};
use crate::component::Component;
use crate::context::Context;
use crate::error::{Context as _, Error, Result};
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;
use clap::{Args, ValueEnum};
use same_file::Handle;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

/// How often a followed log is looked at.
const INTERVAL: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    Containerd,
    Buildkitd,
}

/// The options of `logs`.
#[derive(Debug, Args)]
pub struct Options {
    /// Whose log [default: both]
    daemon: Option<Which>,
    /// Go on as more is logged, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Only the last N lines of each
    #[arg(short = 'n', long, value_name = "N")]
    lines: Option<usize>,
}

/// Runs it.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    let daemons: &[Component] = match options.daemon {
        Some(Which::Containerd) => &[Component::Containerd],
        Some(Which::Buildkitd) => &[Component::Buildkit],
        None => &[Component::Containerd, Component::Buildkit],
    };
    if !daemons.iter().any(|daemon| context.workspace.log(*daemon).exists()) {
        return Err(Error::ground(format!("there is no log in `{}`", context.workspace.base().display()))
            .hint(format!("start the daemons with `{}`", context.typed("up"))));
    }
    let lines = options.lines.unwrap_or(usize::MAX);
    if !options.follow {
        return print(Reader::new(daemons, daemons.len() > 1).read(&context.workspace, lines)?);
    }
    let interrupt = Interrupt::listen()?;
    follow(context, daemons, lines, daemons.len() > 1, &mut || interrupt.is_heard())
}

/// Prints the last lines of logs, then whatever is added, until `enough` says so.
///
/// # Errors
/// When a log can't be read.
pub fn follow(
    context: &Context,
    daemons: &[Component],
    lines: usize,
    prefixed: bool,
    enough: &mut dyn FnMut() -> bool,
) -> Result<()> {
    let mut reader = Reader::new(daemons, prefixed);
    let mut lines = lines;
    loop {
        // Asked before the look, so that what was logged last is still shown.
        let is_last = enough();
        let is_read = print_on(reader.read(&context.workspace, lines)?)?;
        if is_last || !is_read {
            return Ok(());
        }
        lines = usize::MAX;
        std::thread::sleep(INTERVAL);
    }
}

/// Where the next look at a log begins.
#[derive(Default)]
struct At {
    file: Option<Handle>,
    offset: u64,
}

/// Reads on in one or more logs.
struct Reader {
    daemons: Vec<Component>,
    prefixed: bool,
    at: HashMap<Component, At>,
}

impl Reader {
    fn new(daemons: &[Component], prefixed: bool) -> Self {
        Self { daemons: daemons.to_vec(), prefixed, at: HashMap::new() }
    }

    /// The whole lines since the last look, at most the last `lines` of each log, in the order of their times.
    fn read(&mut self, workspace: &Workspace, lines: usize) -> Result<String> {
        let mut logs = Vec::new();
        for daemon in &self.daemons {
            let at = self.at.entry(*daemon).or_default();
            let text = read_on(workspace, *daemon, at)?;
            let prefix = if self.prefixed { format!("{:<10} | ", daemon.main_program()) } else { String::new() };
            let all: Vec<String> = text.lines().map(str::to_owned).collect();
            let skipped = all.len().saturating_sub(lines);
            logs.push((prefix, all.into_iter().skip(skipped).collect()));
        }
        Ok(interleave(logs))
    }
}

fn read_on(workspace: &Workspace, daemon: Component, at: &mut At) -> Result<String> {
    let path = workspace.log(daemon);
    let what = || format!("read `{}`", path.display());
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(error).trying(what),
    };
    let this = file.try_clone().and_then(Handle::from_file).trying(what)?;
    if at.file.as_ref() != Some(&this) {
        // It was started anew.
        *at = At { file: Some(this), offset: 0 };
    }
    file.seek(SeekFrom::Start(at.offset)).trying(what)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).trying(what)?;
    // A line that is still being written is left for the next look.
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    at.offset += whole as u64;
    Ok(String::from_utf8_lossy(&bytes[..whole]).into_owned())
}

/// Merges logs by the time that each line tells; a line without one stays with the line before it.
fn interleave(logs: Vec<(String, Vec<String>)>) -> String {
    let mut timed: Vec<(String, String)> = Vec::new();
    for (prefix, lines) in logs {
        let mut time = String::new();
        for line in lines {
            if let Some(told) = time_of(&line) {
                time = told.to_owned();
            }
            timed.push((time.clone(), format!("{prefix}{line}\n")));
        }
    }
    // A stable sort: what a log says within a second stays in its order.
    timed.sort_by(|one, other| one.0.cmp(&other.0));
    timed.into_iter().map(|(_, line)| line).collect()
}

/// The time in `time="2026-01-02T03:04:05.678Z" level=…`, down to the second, which both daemons tell.
fn time_of(line: &str) -> Option<&str> {
    line.strip_prefix("time=\"")?.get(..19)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_logs_become_one_story() {
        let line = |second: u8, text: &str| format!("time=\"2026-01-02T03:04:{second:02}.5Z\" level=info msg={text}");
        let one = vec![line(1, "a"), "  a goes on".into(), line(3, "c")];
        let other = vec!["time=\"2026-01-02T03:04:02Z\" level=info msg=b".to_owned()];
        let merged = interleave(vec![("1 | ".into(), one), ("2 | ".into(), other)]);
        let order: Vec<_> = merged.lines().map(|line| line.rsplit(['=', ' ']).next().unwrap_or_default()).collect();
        assert_eq!(order, ["a", "on", "b", "c"], "{merged}");
        assert!(merged.starts_with("1 | time="));
    }
}
