//! Docker itself, asked whether it can be used. It also runs what buildx has built.

use crate::docker::{self, Server, Trouble};
use crate::platform::Os;
use crate::process::{self, Argv};
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
    if process::find("docker").is_none() {
        return Err(Trouble::Absent);
    }
    // Docker before 23.0 takes a bare `json` for a text to print.
    match process::capture_within(&docker().args(["version", "--format", "{{json .}}"]), PATIENCE) {
        Ok(Some(output)) => docker::understand(&output.stdout, &output.stderr, os),
        Ok(None) => {
            Err(Trouble::Stopped(format!("`docker version` took longer than {}", humantime::format_duration(PATIENCE))))
        }
        Err(error) => Err(Trouble::Other(error.to_string())),
    }
}
