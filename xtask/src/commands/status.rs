//! `cargo xtask status`: what each daemon is, and whether it answers.

use super::{print, print_json};
use crate::component::Component;
use crate::context::Context;
use crate::daemon;
use crate::daemon::state::{self, Daemon};
use crate::daemon::stop;
use crate::error::Result;
use crate::files;
use crate::install;
use crate::os;
use crate::os::Process;
use crate::ui::bytes;
use clap::Args;
use serde::Serialize;

/// The options of `status`.
#[derive(Debug, Args)]
pub struct Options {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is known of a daemon.
#[derive(Serialize)]
struct Status {
    daemon: &'static str,
    version: Option<String>,
    pid: Option<u32>,
    endpoint: String,
    /// When it was started, in UTC, as RFC 3339.
    since: Option<String>,
    answering: bool,
    /// Why it doesn't answer.
    reason: Option<String>,
    /// Bytes of its programs, data and logs.
    disk: u64,
}

#[derive(Serialize)]
struct Report {
    workspace: String,
    /// Bytes of the downloads and builds.
    cache: u64,
    daemons: Vec<Status>,
}

/// Runs it.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    let workspace = &context.workspace;
    let recorded = state::read(workspace)?;
    let running = stop::running(workspace)?;
    let daemons = [Component::Containerd, Component::Buildkit].map(|component| {
        let process = running.iter().find(|(running, _)| *running == component).map(|(_, process)| process);
        look_at(context, component, recorded.as_ref().and_then(|state| state.daemon(component)), process)
    });
    let report = Report {
        workspace: workspace.base().display().to_string(),
        cache: files::disk_use(&workspace.cache()),
        daemons: daemons.into(),
    };
    if options.json { print_json(&report) } else { print(table(&report)) }
}

/// A process may be a daemon that nothing was recorded of: a killed `up` had no time for that.
fn look_at(context: &Context, component: Component, recorded: Option<&Daemon>, process: Option<&Process>) -> Status {
    let workspace = &context.workspace;
    let started = recorded.filter(|daemon| daemon.process().is_some());
    let answer = match process {
        Some(_) => daemon::answers(workspace, component),
        None => Err("it is not running".into()),
    };
    // Who has no rights may neither be let in by a daemon nor even see that it runs.
    let answer = answer.map_err(|reason| match os::check_rights() {
        Err(missing) if recorded.is_some() => format!("this user gets no answer: {missing}"),
        _ => reason,
    });
    let installed = || install::installed(workspace, component).map(|record| record.resolution.version);
    Status {
        daemon: component.main_program(),
        version: started.map(|daemon| daemon.version.clone()).or_else(installed),
        pid: process.map(|process| process.pid),
        endpoint: workspace.endpoint(component).shown(),
        since: started.map(|daemon| daemon.since.clone()),
        answering: answer.is_ok(),
        reason: answer.err(),
        disk: files::disk_use(&workspace.component(component)),
    }
}

fn table(report: &Report) -> String {
    let mut text = String::new();
    for status in &report.daemons {
        let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
        let answer = match &status.reason {
            None => "answering".to_owned(),
            Some(reason) => format!("not answering: {reason}"),
        };
        text.push_str(&format!(
            "{} {}\n  status    {answer}\n  pid       {}\n  since     {}\n  endpoint  {}\n  disk      {}\n",
            status.daemon,
            known(&status.version),
            status.pid.map_or_else(|| "-".into(), |pid| pid.to_string()),
            known(&status.since),
            status.endpoint,
            bytes(status.disk)
        ));
    }
    text + &format!("workspace {}\n  cache     {}\n", report.workspace, bytes(report.cache))
}
