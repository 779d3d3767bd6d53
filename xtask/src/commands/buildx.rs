//! Which buildx: Docker's plugin, or the workspace's own.

use super::up;
use crate::client::buildx::Program;
use crate::client::docker;
use crate::component::Component;
use crate::context::Context;
use crate::docker::Trouble;
use crate::error::{Error, Result};

/// Chooses one: what is asked for, else Docker's plugin, else the newest. The workspace's is then in its place.
///
/// # Errors
/// When there is none, and none can be had.
pub fn program(context: &Context) -> Result<Program> {
    match &context.buildx {
        Some(asked) => up::ensure_installed(context, Component::Buildx, Some(asked))?,
        None if has_plugin()? => return Ok(Program::Plugin),
        None => up::ensure_installed(context, Component::Buildx, None).map_err(without_buildx)?,
    }
    Ok(Program::Component)
}

/// A plugin that never answers is not passed over: the build would hang on it, or wonder why its Docker has another.
fn has_plugin() -> Result<bool> {
    match docker::buildx_version(docker::PATIENCE) {
        Ok(version) => Ok(version.is_some()),
        Err(Trouble::Absent) => Ok(false),
        Err(trouble) => Err(Error::ground(format!("failed to ask for Docker's buildx: {trouble}"))
            .hint("mend or remove Docker's plugin, or give another buildx with `--buildx SPEC|PATH`")),
    }
}

fn without_buildx(error: Error) -> Error {
    let message = format!("Docker has no buildx, and none could be fetched: {error}");
    let more = error.hint_text().map(|hint| format!("; {hint}")).unwrap_or_default();
    let hint = format!(
        "install Docker's plugin (docker-buildx-plugin in Docker's own packages), or name one with `--buildx SPEC|PATH`{more}"
    );
    error.reworded(message).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Class, Context as _};
    use crate::failure;
    use std::io::{self, ErrorKind};

    #[test]
    fn why_no_buildx_could_be_fetched_stays_known() {
        let full = Err::<(), _>(io::Error::from(ErrorKind::StorageFull)).trying(|| "write `x`".into()).unwrap_err();
        let error = without_buildx(full);
        assert_eq!((error.failure(), error.class()), (Some(failure::DISK_FULL), Class::Ground));
        let hint = error.hint_text().unwrap();
        assert!(hint.starts_with("install Docker's plugin") && hint.contains("; free some space"), "{hint}");
    }
}
