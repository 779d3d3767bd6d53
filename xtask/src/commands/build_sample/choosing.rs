//! Which client drives a build.

use crate::client::Client;
use crate::client::buildctl::Buildctl;
use crate::client::buildx::{Buildx, Program};
use crate::client::docker;
use crate::client::remote::Remote;
use crate::commands::up;
use crate::component::Component;
use crate::context::Context;
use crate::docker::Server;
use crate::error::{Error, Result};
use crate::version::Spec;
use clap::ValueEnum;

/// The client that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Wanted {
    /// Docker, if it runs containers of this system; else buildctl
    Auto,
    /// Docker's, with docker to run the image
    Buildx,
    /// BuildKit's own, with containerd's ctr to run the image
    Buildctl,
}

/// Chooses a client, and gets its programs where it isn't `up` that does.
///
/// # Errors
/// When the one asked for can't be used.
pub fn choose<'a>(context: &'a Context, wanted: Wanted, remote: Option<&Remote>) -> Result<Box<dyn Client + 'a>> {
    let os = context.workspace.platform().os;
    match wanted {
        Wanted::Buildctl => {}
        Wanted::Buildx => {
            let server = docker::ask(os, docker::PATIENCE).map_err(|trouble| trouble.error(os))?;
            return buildx(context, &server, remote);
        }
        Wanted::Auto => {
            let reason = match docker::ask(os, docker::PATIENCE).map(|server| buildx(context, &server, remote)) {
                Ok(Ok(client)) => return Ok(client),
                // What was asked for by name is not passed over.
                Ok(Err(error)) if context.buildx.is_some() => return Err(error),
                Ok(Err(error)) => error.to_string(),
                Err(trouble) => trouble.to_string(),
            };
            context.ui.step("Client", &format!("buildctl: {reason}"));
        }
    }
    if remote.is_some() {
        let asked = context.request.specs.iter().find(|(component, _)| *component == Component::Buildkit);
        let asked = asked.map(|(_, spec)| spec).filter(|spec| **spec != Spec::Latest);
        up::ensure_installed(context, Component::Buildkit, asked)?;
    }
    Ok(Box::new(Buildctl::new(&context.workspace, remote.cloned())))
}

fn buildx<'a>(context: &'a Context, server: &Server, remote: Option<&Remote>) -> Result<Box<dyn Client + 'a>> {
    let program = match &context.buildx {
        Some(asked) => {
            up::ensure_installed(context, Component::Buildx, Some(asked))?;
            Program::Component
        }
        None if has_plugin()? => Program::Plugin,
        None => {
            up::ensure_installed(context, Component::Buildx, None).map_err(without_buildx)?;
            Program::Component
        }
    };
    let which = match program {
        Program::Plugin => "its own buildx",
        Program::Component => "the workspace's buildx",
    };
    context.ui.step("Client", &format!("Docker {}, with {which}", server.version));
    Ok(Box::new(Buildx::new(&context.workspace, program, remote.cloned())))
}

/// A plugin that never answers is not passed over: the build would hang on it, or wonder why its Docker has another.
fn has_plugin() -> Result<bool> {
    let version = docker::buildx_version(docker::PATIENCE);
    version.map(|version| version.is_some()).map_err(|trouble| {
        Error::ground(format!("failed to ask for Docker's buildx: {trouble}"))
            .hint("mend or remove Docker's plugin, or give another buildx with `--buildx SPEC|PATH`")
    })
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
