//! Docker itself, asked whether it can be used. It also runs what buildx has built.

use crate::docker::{self, Server, Trouble};
use crate::platform::Os;
use crate::process::{self, Argv, Output};
use std::time::Duration;

/// A Docker that is just starting may let a client wait.
const PATIENCE: Duration = Duration::from_secs(15);

/// Docker's client.
pub fn docker() -> Argv {
    Argv::new("docker")
}

/// Asks Docker.
///
/// # Errors
/// When there is none of use.
pub fn ask(os: Os) -> Result<Server, Trouble> {
    // Docker before 23.0 takes a bare `json` for a text to print.
    let output = answer(&["version", "--format", "{{json .}}"])?;
    docker::understand(&output.stdout, &output.stderr, os)
}

/// Asks which Docker it is: the client may be led to another one tomorrow, which knows nothing of today's images.
///
/// # Errors
/// When there is none of use.
pub fn engine(os: Os) -> Result<String, Trouble> {
    let output = answer(&["info", "--format", "{{.ID}}"])?;
    match output.stdout.split_whitespace().next().filter(|_| output.status.success()) {
        Some(id) => Ok(id.to_owned()),
        // What passes for Docker need not have an id.
        None => ask(os).map(|_| "unnamed".to_owned()),
    }
}

/// Asks whether Docker has a buildx of its own.
///
/// # Errors
/// When it doesn't say.
pub fn has_buildx() -> Result<bool, Trouble> {
    answer(&["buildx", "version"]).map(|output| output.status.success())
}

fn answer(arguments: &[&str]) -> Result<Output, Trouble> {
    if process::find("docker").is_none() {
        return Err(Trouble::Absent);
    }
    let argv = docker().args(arguments.iter().copied());
    match process::capture_within(&argv, PATIENCE) {
        Ok(Some(output)) => Ok(output),
        Ok(None) => Err(Trouble::Stuck(format!(
            "`docker {}` took longer than {}",
            // Not its format, which tells people nothing.
            arguments.iter().take_while(|argument| **argument != "--format").copied().collect::<Vec<_>>().join(" "),
            humantime::format_duration(PATIENCE)
        ))),
        Err(error) => Err(Trouble::Other(error.to_string())),
    }
}
