//! Looks at a Windows. Only Wine's answers were seen so far, which has no Defender, no Hyper-V and no network for containers.

use super::{Ground, Probe, ask};
use crate::doctor::{Check, windows};
use crate::network;
use crate::os;
use crate::process::Argv;

pub(super) const PROBES: &[Probe<Ground>] = &[
    Probe { checks: &["system"], look: |_| vec![windows::system(os::windows())] },
    Probe {
        checks: &["containers"],
        look: |_| vec![windows::containers(os::check_container_runtime().err().as_ref(), os::windows())],
    },
    // Hyper-V's own management service comes with the feature, and asking for it takes no rights.
    Probe {
        checks: &["hyper-v"],
        look: |_| vec![windows::hyper_v(os::has_service("vmms").map_err(|e| e.to_string()))],
    },
    Probe {
        checks: &["long-paths"],
        look: |ground| {
            let enabled = os::long_paths_enabled().map_err(|error| error.to_string());
            vec![windows::long_paths(enabled, ground.workspace.base())]
        },
    },
    Probe { checks: &["antivirus"], look: |ground| vec![antivirus(ground)] },
    Probe {
        checks: &["network"],
        look: |ground| {
            let found = os::host_networks().and_then(|answer| network::nat_of(&answer));
            vec![windows::nat(&found, ground.request.network)]
        },
    },
];

fn antivirus(ground: &Ground) -> Check {
    let argv = Argv::new("powershell").args(["-NoProfile", "-NonInteractive", "-Command", windows::ANTIVIRUS_QUESTION]);
    // PowerShell keeps notes of its modules in the user's folder, unless it has nowhere to.
    let argv = argv.env("PSModuleAnalysisCachePath", "nul");
    match ask(&argv) {
        Ok(output) if output.status.success() => windows::antivirus(&output.stdout, ground.workspace.base()),
        Ok(output) => windows::untold_antivirus(&format!("PowerShell said: {}", output.last_words())),
        Err(why) => windows::untold_antivirus(&why),
    }
}
