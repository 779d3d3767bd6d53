//! Looks at what every machine has.

use super::{Ground, Probe, docker};
use crate::component::Component;
use crate::daemon::state;
use crate::doctor::machine::{self, Listener, Listening, Tools};
use crate::os;
use crate::platform::Os;
use crate::process::{self, Argv};
use crate::source::Source;
use crate::version::Spec;
use crate::workspace::Endpoint;
use std::fs;
use std::path::Path;

/// Told early: most of what mends other things takes rights.
pub(super) const RIGHTS: Probe<Ground> = Probe {
    checks: &["rights"],
    look: |ground| vec![machine::rights(os::check_rights().err().as_ref(), &ground.again, ground.os())],
};

pub(super) const PROBES: &[Probe<Ground>] = &[
    Probe {
        checks: &["workspace"],
        look: |ground| {
            let (base, is_there) = (ground.workspace.base(), is_there(ground));
            vec![machine::workspace(base, is_there, ground.objection.as_ref(), ground.os())]
        },
    },
    Probe {
        checks: &["disk"],
        look: |ground| {
            let free = os::free_space(ground.nearest_folder()).map_err(|error| error.to_string());
            let clean = is_there(ground).then_some(ground.clean.as_str());
            vec![machine::disk(free, clean, ground.os())]
        },
    },
    Probe { checks: &["endpoints"], look: |ground| vec![machine::endpoints(&own_endpoints(ground), ground.os())] },
    Probe { checks: &["services"], look: |ground| vec![machine::others(&services(), &others(ground.os()))] },
    Probe { checks: &["docker", "buildx"], look: docker::look },
    Probe { checks: &["go"], look: |ground| vec![machine::go(&tools(ground), why_built(ground), ground.os())] },
];

fn is_there(ground: &Ground) -> bool {
    ground.workspace.base().is_dir()
}

/// Why something must be built from source, if that is known beforehand.
fn why_built(ground: &Ground) -> Option<&'static str> {
    let asks_for_ref = ground.request.specs.iter().any(|(_, spec)| matches!(spec, Spec::GoRef(_)));
    match ground.request.source {
        Source::Go => Some("`--source go`"),
        _ if asks_for_ref => Some("the branch or commit that was asked for"),
        _ => None,
    }
}

fn own_endpoints(ground: &Ground) -> Vec<Listening> {
    let recorded = state::read(&ground.workspace).ok().flatten();
    let look = |component| {
        let endpoint = ground.workspace.endpoint(component);
        let process = os::listener(&endpoint);
        let daemon = recorded.as_ref().and_then(|state| state.daemon(component)?.process());
        let lies_here = process.as_ref().is_some_and(|found| lies_in(&found.executable, ground.workspace.base()));
        let is_ours = lies_here || daemon == process;
        Listening { endpoint: endpoint.shown(), is_ours, process: process.map(listener) }
    };
    [Component::Containerd, Component::Buildkit].map(look).into()
}

fn listener(process: os::Process) -> Listener {
    Listener { pid: process.pid, program: process.executable }
}

/// Whether a program is in a folder, however the system spells either.
fn lies_in(program: &Path, folder: &Path) -> bool {
    program.ancestors().any(|above| os::is_same_path(above, folder))
}

/// Where those listen that are installed.
fn others(os: Os) -> Vec<Listening> {
    let unix = |path: &str| Endpoint::Unix { path: path.into(), seen_by_daemons: path.into() };
    let endpoints = match os {
        Os::Linux => [unix("/run/containerd/containerd.sock"), unix("/run/buildkit/buildkitd.sock")],
        Os::Windows => [Endpoint::Pipe("containerd-containerd".into()), Endpoint::Pipe("buildkitd".into())],
    };
    let look = |endpoint: Endpoint| {
        let process = os::listener(&endpoint).map(listener);
        Listening { endpoint: endpoint.shown(), process, is_ours: false }
    };
    endpoints.map(look).into()
}

fn services() -> Result<Vec<String>, String> {
    let mut installed = Vec::new();
    for name in ["containerd", "buildkitd", "buildkit"] {
        if os::has_service(name).map_err(|error| error.to_string())? {
            installed.push(name.to_owned());
        }
    }
    Ok(installed)
}

/// What building from source would find.
pub(super) fn tools(ground: &Ground) -> Tools {
    let succeeds = |argv: &Argv| ground.ask(argv).is_ok_and(|output| output.status.success());
    let compiler = std::env::var("CC").ok().and_then(|cc| cc.split_whitespace().next().map(str::to_owned));
    let compiler = compiler.unwrap_or_else(|| "gcc".into());
    Tools {
        go: process::find("go").map(|go| go_version(&go).unwrap_or_else(|| "go".into())),
        has_c_compiler: process::find(&compiler).is_some(),
        has_libseccomp: succeeds(&Argv::new("pkg-config").args(["--exists", "libseccomp"])),
        has_apt: process::find("apt-get").is_some(),
    }
}

/// What a Go says of itself beside its program. It is not run for that: it would note the run in the user's home.
fn go_version(go: &Path) -> Option<String> {
    let text = fs::read_to_string(go.canonicalize().ok()?.parent()?.parent()?.join("VERSION")).ok()?;
    text.lines().next().map(|line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_lies_in_the_workspace_in_whatever_case() {
        assert!(lies_in(Path::new("/w/x/bin/containerd"), Path::new("/w/x")));
        assert!(!lies_in(Path::new("/w/xy/containerd"), Path::new("/w/x")));
        // Only Windows takes these for one place.
        let is_windows = Os::Windows.as_str() == std::env::consts::OS;
        assert_eq!(lies_in(Path::new(r"C:\W\X\containerd.exe"), Path::new(r"c:\w\x")), is_windows);
    }
}
