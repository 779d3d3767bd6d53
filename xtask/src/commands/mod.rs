//! The subcommands, one file each, named as they are typed.

pub mod announce;
pub mod bench;
pub mod bisect;
pub mod build_sample;
pub mod builder;
mod buildx;
pub mod bundle;
pub mod ci;
pub mod clean;
pub mod completions;
pub mod config;
pub mod doctor;
pub mod down;
mod ended;
pub mod explain;
mod in_docker;
pub mod logs;
pub mod matrix;
pub mod night;
pub mod report;
pub mod reset;
pub mod resolve;
pub mod samples;
pub mod status;
mod tidying;
pub mod up;

use crate::component::Component;
use crate::error::{Context, Error, Result};
use crate::process::Argv;
use crate::utf8::Utf8;
use crate::workspace::Workspace;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Prints data: the only thing that goes to stdout.
///
/// # Errors
/// When stdout can't be written, but for a reader that has seen enough.
pub fn print(data: impl AsRef<[u8]>) -> Result<()> {
    print_on(data).map(drop)
}

/// Prints data, and tells whether anyone still reads.
///
/// # Errors
/// When stdout can't be written.
pub fn print_on(data: impl AsRef<[u8]>) -> Result<bool> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(data.as_ref()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        written => written.trying(|| "write to stdout".into()).map(|()| true),
    }
}

/// Prints the data of another program as they come.
///
/// To a file or a pipe they go as they are. A terminal gets text: Windows' console takes nothing else, and Rust's standard
/// library refuses to write it other bytes.
pub struct Relay {
    text: Option<Utf8>,
}

impl Relay {
    /// Looks at stdout once.
    pub fn to_stdout() -> Self {
        Self { text: std::io::stdout().is_terminal().then(Utf8::default) }
    }

    /// Prints the next piece.
    ///
    /// # Errors
    /// When stdout can't be written.
    pub fn print(&mut self, piece: &[u8]) -> Result<()> {
        match &mut self.text {
            Some(text) => print(text.next(piece)),
            None => print(piece),
        }
    }

    /// Prints what is left.
    ///
    /// # Errors
    /// When stdout can't be written.
    pub fn end(mut self) -> Result<()> {
        self.text.as_mut().map_or(Ok(()), |text| print(text.rest()))
    }
}

/// Reads how long something may take. No time at all is no time in which anything could end.
fn patience(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("it must be longer than nothing".into()),
        Ok(patience) => Ok(patience),
        Err(error) => Err(error.to_string()),
    }
}

/// Prints a value as JSON.
///
/// # Errors
/// When stdout can't be written.
pub fn print_json(value: &impl serde::Serialize) -> Result<()> {
    print(serde_json::to_string_pretty(value).trying(|| "write JSON".into())? + "\n")
}

/// Prints a value as JSON in a line of its own.
///
/// # Errors
/// When stdout can't be written.
pub fn print_json_line(value: &impl serde::Serialize) -> Result<()> {
    print(serde_json::to_string(value).trying(|| "write JSON".into())? + "\n")
}

/// cargo, as a person calls it.
pub fn cargo() -> Argv {
    Argv::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())).without_cargos_own()
}

/// The run of GitHub Actions that this is.
fn run_url() -> Option<String> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (server, repository, run) = (set("GITHUB_SERVER_URL")?, set("GITHUB_REPOSITORY")?, set("GITHUB_RUN_ID")?);
    Some(format!("{server}/{repository}/actions/runs/{run}"))
}

/// The harness reaches a socket in a deep folder from its own folder, which clients of one's own can't.
///
/// # Errors
/// When a workspace lies too deep for them.
fn check_address(workspace: &Workspace, client: &str) -> Result<()> {
    let endpoint = workspace.endpoint(Component::Buildkit);
    if endpoint.is_reached_from_anywhere() {
        return Ok(());
    }
    Err(Error::usage(format!("{client} can't reach `{}`: the path is too long for a socket", endpoint.shown()))
        .hint("put the workspace into a shorter folder with `--base-dir DIR`"))
}
