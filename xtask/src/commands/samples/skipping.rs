//! Why a sample can't be put to the test here.

use super::finding::Sample;
use crate::commands::build_sample::finding::has;
use crate::component::Component;
use crate::context::Context;
use crate::daemon::state;
use crate::doctor::net;
use crate::error::Result;
use crate::network::Network;
use crate::platform::Os;
use crate::sample::manifest::Need;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What is known of this machine that samples may need.
pub struct Skipper<'a> {
    context: &'a Context<'a>,
    versions: Vec<(Component, String)>,
    has_network: bool,
    /// Why no registry answers. Only asked when a sample needs one.
    registry: OnceLock<Option<String>>,
}

impl<'a> Skipper<'a> {
    /// Looks at what is up.
    ///
    /// # Errors
    /// When the workspace's record of that can't be read.
    pub fn new(context: &'a Context<'a>, versions: &BTreeMap<&'static str, String>) -> Result<Self> {
        let workspace = &context.workspace;
        let version = |component: &Component| Some((*component, versions.get(component.name())?.clone()));
        let network = state::read(workspace)?.map(|state| state.request.network).unwrap_or_default();
        Ok(Self {
            context,
            versions: Component::ALL.iter().filter_map(version).collect(),
            has_network: workspace.platform().os == Os::Linux || network != Network::None,
            registry: OnceLock::new(),
        })
    }

    /// Why a sample can't be put to the test, if so.
    pub fn reason(&self, sample: &Sample) -> Option<String> {
        let os = self.context.workspace.platform().os;
        let lacks = |need: &Need| match need {
            Need::Network if self.has_network => None,
            Need::Network => Some("RUN has no network here: `cargo xtask up --network nat` gives it one".into()),
            Need::Registry => self.registry.get_or_init(|| self.ask_registry(os)).clone(),
        };
        if !has(&sample.found.folder, os, "Dockerfile") {
            return Some(format!("it has no Dockerfile for {}", os.as_str()));
        }
        sample.manifest.on(os).too_old(&self.versions).or_else(|| sample.manifest.needs.iter().find_map(lacks))
    }

    fn ask_registry(&self, os: Os) -> Option<String> {
        let reference = match os {
            Os::Windows => "mcr.microsoft.com/windows/nanoserver",
            Os::Linux => "docker.io/docker/dockerfile",
        };
        let (url, host) = net::registry_of(reference);
        let answer = self.context.http.glance(&url, None);
        answer.err().map(|error| format!("it takes a registry, and `{host}` gives no answer: {error}"))
    }
}
