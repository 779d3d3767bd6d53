//! `state.json`: which daemons were started, told apart from any other process by pid, start time and program.

use crate::component::Component;
use crate::error::{Context, Result};
use crate::files;
use crate::network::Network;
use crate::os::{self, Process};
use crate::platform::Platform;
use crate::source::Source;
use crate::version::Spec;
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The newest form of the file that this program reads and writes.
const SCHEMA: u32 = 1;

/// What was asked for: the same again needs no new look at what is newest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What the programs are made for.
    pub platform: Platform,
    /// Where to look.
    pub source: Source,
    /// Which versions.
    pub specs: Vec<(Component, Spec)>,
    /// Who may use buildkitd besides administrators (Windows).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Which network RUN has; older harnesses had no choice.
    #[serde(default, skip_serializing_if = "Network::is_default")]
    pub network: Network,
}

/// A daemon that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Daemon {
    /// Which.
    pub component: Component,
    /// Its version, as it was resolved.
    pub version: String,
    /// Process id.
    pub pid: u32,
    /// Start time, in the system's own unit.
    pub start_time: u64,
    /// The program.
    pub executable: PathBuf,
    /// Where it listens.
    pub endpoint: String,
    /// When it was started, in UTC.
    pub since: String,
}

/// What runs in a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    schema: u32,
    /// What was asked for.
    pub request: Request,
    /// What was started, in this order.
    pub daemons: Vec<Daemon>,
}

impl State {
    /// Nothing is running yet.
    pub fn new(request: Request) -> Self {
        Self { schema: SCHEMA, request, daemons: Vec::new() }
    }

    /// What was started of a component.
    pub fn daemon(&self, component: Component) -> Option<&Daemon> {
        self.daemons.iter().find(|daemon| daemon.component == component)
    }
}

impl Daemon {
    /// The process, if it is still there and still the same one.
    pub fn process(&self) -> Option<Process> {
        let recorded = Process { pid: self.pid, started: self.start_time, executable: self.executable.clone() };
        os::process(self.pid).filter(|process| *process == recorded)
    }
}

/// Reads what runs; `None` where nothing was started.
///
/// # Errors
/// When the file can't be read, or was written by a newer harness.
pub fn read(workspace: &Workspace) -> Result<Option<State>> {
    let text = files::read_versioned(&workspace.state_file(), SCHEMA)?;
    // One that makes no sense tells nothing: what runs is found by its program's folder as well.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Whether daemons were started, and not stopped since. Whether they still run is not always told to someone without rights.
///
/// # Errors
/// When the file can't be read.
pub fn are_daemons_recorded(workspace: &Workspace) -> Result<bool> {
    Ok(read(workspace)?.is_some_and(|state| !state.daemons.is_empty()))
}

/// Records what runs.
///
/// # Errors
/// When the file can't be written.
pub fn write(workspace: &Workspace, state: &State) -> Result<()> {
    let json = serde_json::to_string_pretty(state).trying(|| "write the state".into())?;
    files::write_whole(&workspace.state_file(), (json + "\n").as_bytes())
}

/// Records that nothing runs, but keeps what was asked for: `reset` starts the same again.
///
/// # Errors
/// When the file can't be written.
pub fn forget(workspace: &Workspace) -> Result<()> {
    match read(workspace)? {
        Some(state) => write(workspace, &State::new(state.request)),
        None => files::delete(&workspace.state_file()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_before_there_was_a_network_reads_as_none() {
        let old = r#"{"platform":"windows-amd64","source":"auto","specs":[["buildkit","latest"]]}"#;
        let request: Request = serde_json::from_str(old).unwrap();
        assert_eq!(request.network, Network::None);
        assert_eq!(serde_json::to_string(&request).unwrap(), old);
        let nat = Request { network: Network::Nat, ..request };
        let json = serde_json::to_string(&nat).unwrap();
        assert!(json.ends_with(r#","network":"nat"}"#), "{json}");
        assert_eq!(serde_json::from_str::<Request>(&json).unwrap(), nat);
    }

    /// What a state may say of this very process, which is no daemon of any workspace.
    fn daemon(process: &Process) -> Daemon {
        Daemon {
            component: Component::Containerd,
            version: "2.4.2".into(),
            pid: process.pid,
            start_time: process.started,
            executable: process.executable.clone(),
            endpoint: "there".into(),
            since: "2026-01-01T00:00:00Z".into(),
        }
    }

    #[test]
    fn a_pid_alone_tells_no_process() {
        let this = os::process(std::process::id()).unwrap();
        assert_eq!(daemon(&this).process(), Some(this.clone()));
        let earlier = Process { started: this.started - 1, ..this.clone() };
        let other = Process { executable: this.executable.with_file_name("containerd"), ..this.clone() };
        assert_eq!([earlier, other].map(|process| daemon(&process).process()), [None, None]);
    }

    #[test]
    fn who_is_not_the_one_that_was_meant_is_neither_asked_nor_killed() {
        let this = os::process(std::process::id()).unwrap();
        let earlier = Process { started: this.started - 1, ..this };
        assert!(!os::ask_to_stop(&earlier));
        // Were it this process, the test would end here.
        os::kill(&earlier);
    }
}
