//! Looks at a Linux. All of it is told by files of the kernel's.

use super::{Ground, Probe, machine};
use crate::component::Component;
use crate::doctor::linux::{self, Rights};
use crate::doctor::{Check, mounts};
use crate::process;
use crate::version::Spec;
use std::fs;

pub(super) const PROBES: &[Probe<Ground>] = &[
    Probe { checks: &["system"], look: |_| vec![from("system", "/proc/sys/kernel/osrelease", system)] },
    machine::RIGHTS,
    Probe {
        checks: &["capabilities"],
        look: |_| vec![from("capabilities", "/proc/self/uid_map", |map| linux::capabilities(rights(), map))],
    },
    Probe { checks: &["cgroups"], look: |_| vec![from("cgroups", MOUNTS, |text| linux::cgroups(text, can_mount()))] },
    Probe { checks: &["overlayfs"], look: |_| vec![from("overlayfs", "/proc/filesystems", linux::overlayfs)] },
    Probe {
        checks: &["file-system"],
        look: |ground| vec![from("file-system", MOUNTS, |text| mounts::file_system(text, ground.workspace.base()))],
    },
    Probe { checks: &["runc"], look: |ground| vec![linux::runc(asked(ground), process::find("runc").as_deref())] },
    Probe { checks: &["iptables"], look: |_| vec![linux::iptables()] },
];

const MOUNTS: &str = "/proc/self/mountinfo";

fn from(check: &'static str, file: &str, judge: impl FnOnce(&str) -> Check) -> Check {
    match fs::read_to_string(file) {
        Ok(text) => judge(&text),
        Err(error) => Check::untold(check, format!("failed to read `{file}`: {error}")),
    }
}

fn rights() -> Option<Rights> {
    Rights::of(&fs::read_to_string("/proc/self/status").ok()?)
}

/// Whether root could mount here; another user's answer says nothing of that.
fn can_mount() -> bool {
    rights().is_none_or(|rights| rights.can_mount() || !rights.is_root())
}

fn asked(ground: &Ground) -> &Spec {
    let asked = ground.request.specs.iter().find(|(component, _)| *component == Component::Runc);
    asked.map_or(&Spec::Latest, |(_, spec)| spec)
}

fn system(release: &str) -> Check {
    Check::ok("system", format!("Linux {}", release.trim()))
}
