//! Looks at a Windows. Only Wine's answers were seen so far, which has no Defender, no Hyper-V and no network for containers.

use super::{Ground, Probe, machine};
use crate::doctor::windows::System;
use crate::doctor::{Check, antivirus, windows};
use crate::network;
use crate::os;
use crate::process::Argv;

pub(super) const PROBES: &[Probe<Ground>] = &[
    Probe { checks: &["system"], look: |ground| vec![system(ground)] },
    machine::RIGHTS,
    Probe { checks: &["containers"], look: |ground| vec![containers(ground)] },
    // Hyper-V's own management service comes with the feature, and asking for it takes no rights.
    Probe {
        checks: &["hyper-v"],
        look: |_| vec![windows::hyper_v(os::has_service("vmms").map_err(|e| e.to_string()))],
    },
    Probe {
        checks: &["long-paths"],
        look: |ground| {
            let enabled = os::long_paths_enabled().map_err(|error| error.to_string());
            vec![windows::long_paths(enabled, ground.workspace.base(), ground.objection.is_some())]
        },
    },
    Probe { checks: &["antivirus"], look: |ground| vec![scanners(ground)] },
    Probe {
        checks: &["network"],
        look: |ground| {
            let found = os::host_networks().and_then(|answer| network::nat_of(&answer));
            vec![windows::nat(&found, ground.request.network, os::check_container_runtime().is_ok())]
        },
    },
];

fn system(ground: &Ground) -> Check {
    let found =
        System { windows: os::windows(), revision: os::windows_revision(), arch: ground.workspace.platform().arch };
    windows::system(found, ground.base_image.as_deref())
}

fn containers(ground: &Ground) -> Check {
    let feature = powershell(ground, windows::FEATURE_QUESTION).and_then(|answer| windows::feature(&answer));
    windows::containers(os::check_container_runtime().err().as_ref(), feature, os::windows())
}

fn scanners(ground: &Ground) -> Check {
    match powershell(ground, antivirus::QUESTION) {
        Ok(answer) => antivirus::judge(&answer, ground.workspace.base()),
        Err(why) => antivirus::untold(&why),
    }
}

/// Asks Windows' own PowerShell.
fn powershell(ground: &Ground, question: &str) -> Result<String, String> {
    let argv = Argv::new("powershell")
        .args(["-NoProfile", "-NonInteractive", "-Command", question])
        // It keeps notes of its modules in the user's folder, unless it has nowhere to.
        .env("PSModuleAnalysisCachePath", "nul")
        // In a shell of the newer PowerShell, as on GitHub's runners, this leads to modules that Windows' own can't load.
        .without_env("PSModulePath");
    let output = ground.ask(&argv)?;
    if output.status.success() { Ok(output.stdout) } else { Err(format!("PowerShell said: {}", output.last_words())) }
}
