//! What samples are tried on: a client that is connected, and the daemons that it needs. One stand serves any number of samples.

use crate::client::remote::Remote;
use crate::client::{BaseImage, Client};
use crate::commands::tidying::{end_container, listed};
use crate::commands::up;
use crate::component::Component;
use crate::context::Context;
use crate::daemon::state;
use crate::error::Result;
use crate::host_image;
use crate::install;
use crate::interrupt::Interrupt;
use crate::os;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// How the names of samples' containers begin.
const CONTAINER: &str = "buildkit-sample-";

/// What the name of one that is to stay has next.
const KEPT: &str = "kept-";

/// The daemons that building and running take, unless a remote buildkitd builds.
const DAEMONS: [Component; 2] = [Component::Containerd, Component::Buildkit];

/// Looks at what can be known before the workspace's lock is taken: whether anything can be built and run here, or over there.
///
/// # Errors
/// When it can't.
pub fn look_before(context: &Context, address: Option<&str>, tls_dir: Option<&Path>) -> Result<Option<Remote>> {
    context.check_for_platform()?;
    let os = context.workspace.platform().os;
    let Some(remote) = address.map(|address| Remote::new(address, tls_dir, os)).transpose()? else {
        context.require_daemons_can_run()?;
        context.warn_without_container_runtime();
        return Ok(None);
    };
    context.require_programs_can_run()?;
    remote.check()?;
    Ok(Some(remote))
}

/// A client and its daemons. The workspace's lock must be held as long as there is one.
pub struct Stand<'a> {
    /// What every command is given.
    pub context: &'a Context<'a>,
    /// What builds and runs.
    pub client: Box<dyn Client + 'a>,
    /// The daemons of the workspace that the client needs: both, or none for a remote buildkitd.
    pub daemons: &'static [Component],
    /// Ctrl-C, where it doesn't end this program: then it ends the clients.
    pub interrupt: Interrupt,
    /// What the names of its containers have in common, and no other stand's.
    id: String,
    containers: AtomicUsize,
    runs: AtomicUsize,
    forgotten: Once,
    host_image: Mutex<Option<BaseImage>>,
}

impl<'a> Stand<'a> {
    /// A stand for a client, not set up yet.
    pub fn new(context: &'a Context<'a>, client: Box<dyn Client + 'a>, is_remote: bool) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            context,
            client,
            daemons: if is_remote { &[] } else { &DAEMONS },
            interrupt: Interrupt::never(),
            id: format!("{:x}-", since.as_nanos()),
            containers: AtomicUsize::new(0),
            runs: AtomicUsize::new(0),
            forgotten: Once::new(),
            host_image: Mutex::new(None),
        }
    }

    /// Sees to it that the daemons are up.
    ///
    /// # Errors
    /// When they can't be started.
    pub fn set_up(&self) -> Result<()> {
        if self.is_remote() {
            // Clients are run in there.
            return os::create_private_folder(&self.context.workspace.run());
        }
        up::ensure_any(self.context)
    }

    /// The versions of the programs, by component; none where a remote buildkitd builds, which keeps them to itself.
    ///
    /// # Errors
    /// When the workspace's record of what is up can't be read.
    pub fn versions(&self) -> Result<BTreeMap<&'static str, String>> {
        let workspace = &self.context.workspace;
        let Some(state) = state::read(workspace)?.filter(|_| !self.is_remote()) else { return Ok(BTreeMap::new()) };
        let version = |component| {
            let installed = || install::installed(workspace, component).map(|record| record.resolution.version);
            state.daemon(component).map(|daemon| daemon.version.clone()).or_else(installed)
        };
        let components = state.request.specs.iter().map(|(component, _)| *component);
        Ok(components.filter_map(|component| Some((component.name(), version(component)?))).collect())
    }

    /// The base image made from the host's own shell (Linux): once, since samples may be tried at the same time.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn host_image(&self) -> Result<BaseImage> {
        let mut made = self.host_image.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(image) = &*made {
            return Ok(image.clone());
        }
        let folder = self.context.workspace.base_image();
        let digest = host_image::make(&folder, self.context.workspace.platform())?;
        Ok(made.insert(BaseImage::Layout { folder, digest }).clone())
    }

    /// Whether it is a remote buildkitd that builds.
    pub fn is_remote(&self) -> bool {
        self.daemons.is_empty()
    }

    /// A name for the next container.
    pub fn next_container(&self, is_kept: bool) -> String {
        let number = self.containers.fetch_add(1, Ordering::Relaxed);
        format!("{CONTAINER}{}{}{number}", if is_kept { KEPT } else { "" }, self.id)
    }

    /// What tells the next run of a sample from all others.
    pub fn next_run(&self) -> String {
        format!("{}{}", self.id, self.runs.fetch_add(1, Ordering::Relaxed))
    }

    /// Ends, once, the containers of earlier runs that were killed. The lock is held, so nobody else waits for one.
    pub fn end_forgotten(&self) {
        self.forgotten.call_once(|| {
            let Some(list) = self.client.containers() else { return };
            for name in listed(self.context, &list).iter().filter(|name| is_forgotten(name, &self.id)) {
                self.context.ui.note(&format!("ending `{name}`, which an earlier run has left"));
                end_container(self.context, &*self.client, name);
            }
        });
    }
}

/// Whether a container of that name is nobody's any more.
fn is_forgotten(name: &str, id: &str) -> bool {
    name.strip_prefix(CONTAINER).is_some_and(|rest| !rest.starts_with(KEPT) && !rest.starts_with(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_another_stand_has_left_is_forgotten() {
        for (name, expected) in [
            ("buildkit-sample-17e-0", true),
            ("buildkit-sample-18a-0", false),
            ("buildkit-sample-kept-17e-0", false),
            ("somebody-elses", false),
        ] {
            assert_eq!(is_forgotten(name, "18a-"), expected, "{name}");
        }
    }
}
