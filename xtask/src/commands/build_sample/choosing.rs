//! Which client drives a build.

use crate::client::Client;
use crate::client::buildctl::Buildctl;
use crate::client::buildx::{Buildx, Program};
use crate::client::docker;
use crate::client::remote::Remote;
use crate::commands::{buildx, up};
use crate::component::Component;
use crate::context::Context;
use crate::docker::Server;
use crate::error::Result;
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
            return with_docker(context, &server, remote);
        }
        Wanted::Auto => {
            let reason = match docker::ask(os, docker::PATIENCE).map(|server| with_docker(context, &server, remote)) {
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

fn with_docker<'a>(context: &'a Context, server: &Server, remote: Option<&Remote>) -> Result<Box<dyn Client + 'a>> {
    let program = buildx::program(context)?;
    let which = match program {
        Program::Plugin => "its own buildx",
        Program::Component => "the workspace's buildx",
    };
    context.ui.step("Client", &format!("Docker {}, with {which}", server.version));
    Ok(Box::new(Buildx::new(&context.workspace, program, remote.cloned())))
}
