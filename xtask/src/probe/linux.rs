//! Looks at a Linux. All of it is told by files of the kernel's.

use super::{Ground, Probe};
use crate::doctor::{Check, linux};
use std::fs;

pub(super) const PROBES: &[Probe<Ground>] = &[
    Probe { checks: &["system"], look: |_| vec![from("system", "/proc/sys/kernel/osrelease", system)] },
    Probe { checks: &["capabilities"], look: |_| vec![from("capabilities", "/proc/self/status", linux::capabilities)] },
    Probe { checks: &["cgroups"], look: |_| vec![from("cgroups", MOUNTS, linux::cgroups)] },
    Probe { checks: &["overlayfs"], look: |_| vec![from("overlayfs", "/proc/filesystems", linux::overlayfs)] },
    Probe {
        checks: &["file-system"],
        look: |ground| vec![from("file-system", MOUNTS, |text| linux::file_system(text, ground.workspace.base()))],
    },
];

const MOUNTS: &str = "/proc/self/mountinfo";

fn from(check: &'static str, file: &str, judge: impl FnOnce(&str) -> Check) -> Check {
    match fs::read_to_string(file) {
        Ok(text) => judge(&text),
        Err(error) => Check::untold(check, format!("failed to read `{file}`: {error}")),
    }
}

fn system(release: &str) -> Check {
    Check::ok("system", format!("Linux {}", release.trim()))
}
