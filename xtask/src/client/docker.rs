//! Docker itself, asked whether it can be used. It also runs what buildx has built.

use crate::docker::{self, Server, Trouble};
use crate::error::Error;
use crate::platform::Os;
use crate::process::{self, Argv, Output};
use std::time::Duration;

/// How long Docker may take for an answer. One that is just starting may let a client wait.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Docker's client.
pub fn docker() -> Argv {
    Argv::new("docker")
}

/// Asks Docker.
///
/// # Errors
/// When there is none of use.
pub fn ask(os: Os, patience: Duration) -> Result<Server, Trouble> {
    // Docker before 23.0 takes a bare `json` for a text to print.
    let output = answer(&["version", "--format", "{{json .}}"], patience)?;
    docker::understand(&output.stdout, &output.stderr, os)
}

/// Asks which Docker it is: the client may be led to another one tomorrow, which knows nothing of today's images.
///
/// # Errors
/// When there is none of use.
pub fn engine(os: Os) -> Result<String, Trouble> {
    let output = answer(&["info", "--format", "{{.ID}}"], PATIENCE)?;
    match output.stdout.split_whitespace().next().filter(|_| output.status.success()) {
        Some(id) => Ok(id.to_owned()),
        // What passes for Docker need not have an id.
        None => ask(os, PATIENCE).map(|_| "unnamed".to_owned()),
    }
}

/// Asks for the version of the buildx that Docker has of its own, if it has one.
///
/// # Errors
/// When it doesn't say.
pub fn buildx_version(patience: Duration) -> Result<Option<String>, Trouble> {
    let output = answer(&["buildx", "version"], patience)?;
    // As it says it: `github.com/docker/buildx v0.38.0 1b6e…`.
    let version = || output.stdout.split_whitespace().nth(1).unwrap_or("of no version").to_owned();
    Ok(output.status.success().then(version))
}

/// Asks where the client looks for Docker: the context's name and the address.
///
/// # Errors
/// When it doesn't say.
pub fn place(patience: Duration) -> Result<String, Trouble> {
    let output = answer(&["context", "inspect", "--format", "{{.Name}} {{.Endpoints.docker.Host}}"], patience)?;
    if output.status.success() { Ok(output.stdout) } else { Err(Trouble::Other(output.last_words())) }
}

fn answer(arguments: &[&str], patience: Duration) -> Result<Output, Trouble> {
    if process::find("docker").is_none() {
        return Err(Trouble::Absent);
    }
    let argv = docker().args(arguments.iter().copied());
    told(process::capture_within(&argv, patience), arguments, patience)
}

/// What became of a question.
fn told(answer: Result<Option<Output>, Error>, arguments: &[&str], patience: Duration) -> Result<Output, Trouble> {
    match answer {
        Ok(Some(output)) => Ok(output),
        Ok(None) => Err(Trouble::Stuck(format!(
            "`docker {}` took longer than {}",
            // Not its format, which tells people nothing.
            arguments.iter().take_while(|argument| **argument != "--format").copied().collect::<Vec<_>>().join(" "),
            humantime::format_duration(patience)
        ))),
        Err(error) => Err(Trouble::Other(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_took_too_long_is_stuck() {
        let patience = Duration::from_secs(9);
        let question = ["version", "--format", "x"];
        let stuck = told(Ok(None), &question, patience).unwrap_err();
        assert_eq!(stuck, Trouble::Stuck("`docker version` took longer than 9s".into()));
        // Such as a `docker` that may not be executed: to start it again mends nothing.
        let failed = told(Err(Error::ground("failed to run `docker`")), &question, patience).unwrap_err();
        assert_eq!(failed, Trouble::Other("failed to run `docker`".into()));
    }
}
