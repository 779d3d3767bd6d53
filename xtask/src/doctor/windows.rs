//! What Windows must have: a build with a base image, the Containers feature, long paths, a network.

use super::Check;
use crate::base_image;
use crate::error::Error;
use crate::network::{self, Nat, Network};
use crate::platform::{Arch, Windows};
use std::path::Path;

/// The oldest build that a `nanoserver` is still made for.
const OLDEST_BUILD: u32 = 17763;

/// Which Windows it is.
#[derive(Debug, Clone, Copy)]
pub struct System {
    /// Its build.
    pub windows: Option<Windows>,
    /// How far it has been updated.
    pub revision: Option<u32>,
    /// Its processor's.
    pub arch: Arch,
}

impl System {
    fn shown(self, windows: Windows) -> String {
        let revision = self.revision.map_or_else(String::new, |revision| format!(".{revision}"));
        let name = name(windows).map_or_else(String::new, |name| format!(" ({name})"));
        format!("{windows}{revision}{name}")
    }
}

/// What people call it.
/// Source: <https://learn.microsoft.com/windows/release-health/>
fn name(windows: Windows) -> Option<&'static str> {
    Some(match (windows.build, windows.is_server) {
        (17763, true) => "2019",
        (20348, true) => "2022",
        (25398, true) => "23H2",
        (26100, true) => "2025",
        (19041..=19045, false) => "Windows 10",
        (22000, false) => "Windows 11 21H2",
        (22621, false) => "Windows 11 22H2",
        (22631, false) => "Windows 11 23H2",
        (26100, false) => "Windows 11 24H2",
        (26200, false) => "Windows 11 25H2",
        _ => return None,
    })
}

/// Judges which Windows it is, and names the base image that follows from that, unless another is asked for.
pub fn system(found: System, asked: Option<&str>) -> Check {
    const CHECK: &str = "system";
    let Some(windows) = found.windows else { return Check::untold(CHECK, "Windows doesn't tell its version") };
    let shown = found.shown(windows);
    if found.arch == Arch::Arm64 {
        return Check::problem(CHECK, format!("{shown}, on arm64: containerd isn't released for that"))
            .advise("take a machine with amd64");
    }
    let choice = base_image::for_host(windows);
    let shown = format!("{shown}; base image {}", asked.unwrap_or(choice.reference));
    match choice.doubt {
        Some(doubt) if windows.build < OLDEST_BUILD => {
            Check::problem(CHECK, format!("{shown}: {doubt}")).advise("take Windows Server 2022 or 2025, or Windows 11")
        }
        Some(doubt) if asked.is_none() => Check::warning(CHECK, format!("{shown}: {doubt}"))
            .advise("`cargo xtask build-sample --base-image REF` takes another"),
        _ => Check::ok(CHECK, shown),
    }
}

/// What PowerShell is asked about the Containers feature. It changes nothing, and takes no administrator's rights, as DISM does.
pub const FEATURE_QUESTION: &str = "$ErrorActionPreference = 'Stop'; \
(Get-CimInstance Win32_OptionalFeature -Filter \"Name='Containers'\").InstallState";

/// Whether the feature is on, as the answer has it.
///
/// # Errors
/// One sentence, where it tells nothing.
/// Source: <https://learn.microsoft.com/windows/win32/cimwin32prov/win32-optionalfeature>
pub fn feature(answer: &str) -> Result<bool, String> {
    match answer.trim() {
        "1" => Ok(true),
        "2" | "3" => Ok(false),
        _ => Err("PowerShell gave no answer about the Containers feature".into()),
    }
}

/// Judges whether Windows has what runs containers. `missing` is what lacks of the container runtime, parts of which Hyper-V and
/// WSL 2 bring as well: so the feature itself is asked for too.
pub fn containers(missing: Option<&Error>, feature: Result<bool, String>, windows: Option<Windows>) -> Check {
    const CHECK: &str = "containers";
    let bites = "the daemons will start, and every build will fail";
    let check = match (missing, feature) {
        (None, Ok(true)) => return Check::ok(CHECK, "the Containers feature is on"),
        (None, Err(why)) => {
            return Check::untold(CHECK, format!("{why}; parts of the container runtime are there")).advise(
                "in an elevated PowerShell, `Get-WindowsOptionalFeature -Online -FeatureName Containers` tells it",
            );
        }
        (Some(missing), Ok(true)) => {
            return Check::problem(CHECK, format!("the Containers feature is on, but {missing}: {bites}"))
                .advise("a feature just switched on takes a restart")
                .command("Restart-Computer");
        }
        (None, Ok(false)) => Check::problem(
            CHECK,
            format!("the Containers feature is off: {bites}. Parts of the runtime are Hyper-V's or WSL 2's"),
        ),
        (Some(missing), _) => Check::problem(CHECK, format!("{missing}: {bites}")),
    };
    match windows {
        Some(windows) => check.advise("in an elevated PowerShell; then restart").command(windows.containers_command()),
        None => check,
    }
}

/// Judges Hyper-V by whether its service is there. Containers are isolated as processes here, which takes none of it.
pub fn hyper_v(is_there: Result<bool, String>) -> Check {
    const CHECK: &str = "hyper-v";
    match is_there {
        Ok(true) => Check::ok(CHECK, "the feature is on"),
        Ok(false) => Check::ok(CHECK, "the feature is off; only containers of another build of Windows take it"),
        Err(why) => Check::untold(CHECK, why),
    }
}

/// How much of the 260 characters must be left below the workspace: a snapshot's own folder takes about 80, and what is
/// in an image as much again.
const ROOM: usize = 160;

/// Judges `LongPathsEnabled` by how deep the workspace lies. Rust's and Go's own libraries need it not; git, hcsshim's calls
/// into Windows and the programs in a build may.
///
/// `must_move` is whether the workspace can't lie there at all, which another check tells.
pub fn long_paths(enabled: Result<Option<u32>, String>, base: &Path, must_move: bool) -> Check {
    const CHECK: &str = "long-paths";
    let length = base.to_string_lossy().encode_utf16().count();
    let depth = format!("the workspace's path has {length} characters");
    let is_deep = length + ROOM > 260;
    match enabled {
        Ok(Some(1..)) => Check::ok(CHECK, format!("on; {depth}")),
        Ok(_) if must_move => Check::skipped(CHECK, "off; that matters where the workspace will lie"),
        Ok(_) if !is_deep => Check::ok(CHECK, format!("off, and not needed: {depth}")),
        Ok(_) => Check::warning(CHECK, format!("off, and {depth}: of 260, that leaves little for what images hold"))
            .advise("in an elevated PowerShell; or put the workspace in a short folder with `--base-dir C:\\bw`")
            .command(
                "Set-ItemProperty HKLM:\\SYSTEM\\CurrentControlSet\\Control\\FileSystem LongPathsEnabled 1 -Type DWord",
            ),
        Err(why) => Check::untold(CHECK, format!("{why}; {depth}")),
    }
}

/// Judges the network that HNS tells of, by whether one is asked for. `has_runtime` is whether HNS can be there at all.
pub fn nat(found: &Result<Nat, Error>, asked: Network, has_runtime: bool) -> Check {
    const CHECK: &str = "network";
    let error = match found {
        Ok(nat) => return Check::ok(CHECK, nat.shown()),
        Err(_) if !has_runtime => return Check::skipped(CHECK, "without a container runtime there is none"),
        Err(error) => error,
    };
    if asked == Network::None {
        return Check::ok(
            CHECK,
            format!("{error}; nothing asks for it (`cargo xtask doctor --network nat` tells what makes it)"),
        );
    }
    let check = Check::problem(CHECK, error.to_string());
    match error.hint_text() {
        Some(_) if error.to_string().contains("has no network") => check
            .advise("in an elevated PowerShell; or start Docker once, which makes it too")
            .command(network::COMMAND_TO_MAKE_IT),
        Some(hint) => check.advise(hint),
        None => check,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict::{Ok as Fine, Problem, Skipped, Warning};

    fn of(build: u32, is_server: bool) -> System {
        System { windows: Some(Windows { build, is_server }), revision: Some(2113), arch: Arch::Amd64 }
    }

    #[test]
    fn the_base_image_follows_from_the_build() {
        let judged = |found, asked| {
            let check = system(found, asked);
            (check.verdict, check.found)
        };
        let server = "Windows Server build 20348.2113 (2022); base image mcr.microsoft.com/windows/nanoserver:ltsc2022";
        assert_eq!(judged(of(20348, true), None), (Fine, server.into()));
        assert_eq!(judged(of(26200, false), None).0, Warning);
        let asked = "Windows build 26200.2113 (Windows 11 25H2); base image x";
        assert_eq!(judged(of(26200, false), Some("x")), (Fine, asked.into()));
        assert_eq!(judged(of(14393, true), None).0, Problem);
        assert_eq!(judged(System { windows: None, ..of(0, true) }, None).0, Warning);
        let arm = System { arch: Arch::Arm64, ..of(26100, false) };
        assert!(judged(arm, None).1.contains("containerd isn't released"));
    }

    #[test]
    fn without_containers_the_command_is_that_windows_own() {
        let missing = Error::ground("this Windows has no container runtime");
        let laptop = Some(Windows { build: 26100, is_server: false });
        let judged = |missing, answer| {
            let check = containers(missing, feature(answer), laptop);
            (check.verdict, check.command.unwrap_or_default().split(' ').next().unwrap_or_default().to_owned())
        };
        assert_eq!(judged(None, "1\r\n"), (Fine, String::new()));
        for answer in ["2\r\n", ""] {
            assert_eq!(judged(Some(&missing), answer), (Problem, "Enable-WindowsOptionalFeature".into()), "{answer}");
        }
        // WSL 2 has brought the library.
        assert_eq!(judged(None, "2"), (Problem, "Enable-WindowsOptionalFeature".into()));
        assert_eq!(judged(None, ""), (Warning, String::new()));
        assert_eq!(judged(Some(&missing), "1"), (Problem, "Restart-Computer".into()));
        assert_eq!(hyper_v(Ok(false)).verdict, Fine);
        assert_eq!(hyper_v(Err("x".into())).verdict, Warning);
    }

    #[test]
    fn long_paths_matter_where_the_workspace_lies_deep() {
        let deep = format!(r"C:\{}", "d".repeat(98));
        let judged = |enabled, base: &str| long_paths(enabled, Path::new(base), false);
        assert_eq!(judged(Ok(Some(1)), &deep).verdict, Fine);
        let off = judged(Ok(Some(0)), &deep);
        assert!(off.verdict == Warning && off.found.contains("101 characters") && off.command.is_some(), "{off:?}");
        assert_eq!(judged(Ok(None), r"C:\bw").found, "off, and not needed: the workspace's path has 5 characters");
        assert_eq!(judged(Err("no".into()), r"C:\bw").verdict, Warning);
        assert_eq!(long_paths(Ok(None), Path::new(&deep), true).verdict, Skipped, "another check tells it");
    }

    #[test]
    fn a_missing_network_is_a_problem_for_who_asks_for_it() {
        let missing = || network::nat_of(r#"{"Success":true,"Output":[]}"#);
        let asked = nat(&missing(), Network::Nat, true);
        assert!(asked.verdict == Problem && asked.command.unwrap().contains("New-HnsNetwork -Type NAT"));
        assert_eq!(nat(&missing(), Network::None, true).verdict, Fine);
        assert_eq!(nat(&missing(), Network::Nat, false).verdict, Skipped, "another check tells why");
        let silent = nat(&Err(Error::ground("HNS gave no answer").hint("see whether it runs")), Network::Nat, true);
        assert_eq!((silent.advice.as_deref(), silent.command), (Some("see whether it runs"), None));
        let there = network::nat_of(include_str!("../../../fixtures/hns/networks.json"));
        assert_eq!(nat(&there, Network::Nat, true).found, "nat (172.22.96.0/20 by way of 172.22.96.1)");
    }
}
