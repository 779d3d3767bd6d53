//! `cargo xtask builder`: both daemons up, and a buildx builder that leads to them, for builds of one's own.

use super::build_sample::stand::Stand;
use super::{buildx, check_address, print, print_json};
use crate::client::BUILDER;
use crate::client::buildx::{Buildx, Program};
use crate::component::Component;
use crate::context::Context;
use crate::error::Result;
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;

/// The options of `builder`.
#[derive(Debug, Args)]
pub struct Options {
    /// Print JSON: also the endpoint, the versions, and where buildx is if Docker has none
    #[arg(long)]
    json: bool,
}

/// What it takes to build with it.
#[derive(Debug, Serialize)]
struct Report {
    builder: &'static str,
    /// Where its buildkitd listens, as buildctl and buildx take it.
    endpoint: String,
    versions: BTreeMap<&'static str, String>,
    /// The workspace's buildx; nothing where Docker has its own.
    buildx: Option<String>,
    /// What leads `docker buildx`, or that buildx, to the builder.
    environment: BTreeMap<&'static str, String>,
}

/// Runs it.
///
/// # Errors
/// When the daemons, buildx or the builder can't be had.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    context.check_for_platform()?;
    context.require_daemons_can_run()?;
    context.warn_without_container_runtime();
    check_address(&context.workspace, "buildx")?;
    let _guard = context.lock("builder")?;
    let program = buildx::program(context)?;
    let client = Buildx::new(&context.workspace, program, None);
    let (endpoint, config) = (client.remote().address.clone(), client.config().display().to_string());
    let stand = Stand::new(context, Box::new(client), false);
    stand.set_up()?;
    stand.client.connect(context.ui)?;
    context.ui.step("Builder", &format!("{BUILDER}, which leads to {endpoint}"));
    let own = context.workspace.program(Component::Buildx, "buildx");
    let report = Report {
        builder: BUILDER,
        endpoint,
        versions: stand.versions()?,
        buildx: (program == Program::Component).then(|| own.display().to_string()),
        environment: BTreeMap::from([("BUILDX_BUILDER", BUILDER.to_owned()), ("BUILDX_CONFIG", config)]),
    };
    if options.json {
        return print_json(&report);
    }
    let with = report.buildx.as_deref().unwrap_or("docker buildx");
    context.ui.note(&format!("with these variables, `{with} build` builds there"));
    print(report.environment.iter().map(|(name, value)| format!("{name}={value}\n")).collect::<String>())
}
