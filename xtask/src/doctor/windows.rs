//! What Windows must have: a build with a base image, the Containers feature, long paths, a scanner that keeps away, a network.

use super::{Check, quoted_for_powershell};
use crate::base_image;
use crate::error::Error;
use crate::network::{self, Nat, Network};
use crate::platform::Windows;
use crate::windows_path;
use serde_json::Value;
use std::path::Path;

/// The oldest build that a `nanoserver` is still made for.
const OLDEST_BUILD: u32 = 17763;

/// Judges which Windows it is, and names the base image that follows from that.
pub fn system(found: Option<Windows>) -> Check {
    const CHECK: &str = "system";
    let Some(windows) = found else { return Check::untold(CHECK, "Windows doesn't tell its version") };
    let choice = base_image::for_host(windows);
    let shown = format!("{windows}; base image {}", choice.reference);
    match choice.doubt {
        None => Check::ok(CHECK, shown),
        Some(doubt) if windows.build < OLDEST_BUILD => {
            Check::problem(CHECK, format!("{shown}: {doubt}")).advise("take Windows Server 2022 or 2025, or Windows 11")
        }
        Some(doubt) => Check::warning(CHECK, format!("{shown}: {doubt}"))
            .advise("`cargo xtask build-sample --base-image REF` takes another"),
    }
}

/// Judges whether Windows has what runs containers.
pub fn containers(missing: Option<&Error>, windows: Option<Windows>) -> Check {
    const CHECK: &str = "containers";
    let Some(missing) = missing else { return Check::ok(CHECK, "the Containers feature is on") };
    let check = Check::problem(CHECK, format!("{missing}: the daemons will start, and every build will fail"));
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
pub fn long_paths(enabled: Result<Option<u32>, String>, base: &Path) -> Check {
    const CHECK: &str = "long-paths";
    let length = base.to_string_lossy().encode_utf16().count();
    let depth = format!("the workspace's path has {length} characters");
    let is_deep = length + ROOM > 260;
    match enabled {
        Ok(Some(1..)) => Check::ok(CHECK, format!("on; {depth}")),
        Ok(_) if !is_deep => Check::ok(CHECK, format!("off, and not needed: {depth}")),
        Ok(_) => Check::warning(CHECK, format!("off, and {depth}: of 260, that leaves little for what images hold"))
            .advise("in an elevated PowerShell; or put the workspace in a short folder with `--base-dir C:\\bw`")
            .command(
                "Set-ItemProperty HKLM:\\SYSTEM\\CurrentControlSet\\Control\\FileSystem LongPathsEnabled 1 -Type DWord",
            ),
        Err(why) => Check::untold(CHECK, format!("{why}; {depth}")),
    }
}

/// What PowerShell is asked about Defender. It changes nothing.
pub const ANTIVIRUS_QUESTION: &str = "$ErrorActionPreference = 'Stop'; $s = Get-MpComputerStatus; $p = Get-MpPreference; \
ConvertTo-Json -Compress @{ realtime = $s.RealTimeProtectionEnabled; paths = @($p.ExclusionPath) }";

/// Judges the answer. Of other scanners than Windows' own nothing is known.
pub fn antivirus(answer: &str, base: &Path) -> Check {
    const CHECK: &str = "antivirus";
    let Ok(answer) = serde_json::from_str::<Value>(answer.trim()) else {
        return untold_antivirus("PowerShell gave no answer about Defender");
    };
    let Some(is_on) = answer["realtime"].as_bool() else {
        return untold_antivirus("PowerShell didn't say whether Defender is on");
    };
    if !is_on {
        return Check::ok(CHECK, "Defender's real-time protection is off");
    }
    let paths: Vec<&str> = answer["paths"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    // To others than administrators it says `N/A: Must be an administrator to view exclusions`.
    if paths.iter().any(|path| path.starts_with("N/A:")) {
        return untold_antivirus("Defender shows what it excludes to administrators only");
    }
    let base = base.to_string_lossy();
    if paths.iter().any(|path| is_within(&base, path)) {
        return Check::ok(CHECK, "Defender leaves the workspace alone");
    }
    Check::warning(
        CHECK,
        "Defender looks into the workspace, which slows it down and can make layers fail with `Access is denied`",
    )
    .advise("in an elevated PowerShell")
    .command(format!("Add-MpPreference -ExclusionPath {}", quoted_for_powershell(&base)))
}

/// A scanner that nothing is known of.
pub fn untold_antivirus(why: &str) -> Check {
    Check::untold("antivirus", why).advise("if there is a scanner, have it leave the workspace alone")
}

/// Whether a path is another or lies in it.
fn is_within(path: &str, folder: &str) -> bool {
    let (path, folder) = (windows_path::comparable(path), windows_path::comparable(folder));
    !folder.is_empty() && (path == folder || path.starts_with(&format!("{}\\", folder.trim_end_matches('\\'))))
}

/// Judges the network that HNS tells of, by whether one is asked for.
pub fn nat(found: &Result<Nat, Error>, asked: Network) -> Check {
    const CHECK: &str = "network";
    match found {
        Ok(nat) => Check::ok(CHECK, nat.shown()),
        Err(error) => {
            let check = match asked {
                Network::Nat => Check::problem(CHECK, error.to_string()),
                Network::None => Check::warning(CHECK, format!("{error}; only `--network nat` needs it")),
            };
            match error.hint_text() {
                Some(hint) if error.to_string().contains("has no network") => {
                    check.advise(hint).command(network::COMMAND_TO_MAKE_IT)
                }
                Some(hint) => check.advise(hint),
                None => check,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict::{Ok as Fine, Problem, Warning};

    #[test]
    fn the_base_image_follows_from_the_build() {
        let of = |build, is_server| system(Some(Windows { build, is_server }));
        let server = of(20348, true);
        assert_eq!(server.verdict, Fine);
        assert!(server.found.ends_with("nanoserver:ltsc2022"), "{}", server.found);
        assert_eq!(
            [of(26200, false).verdict, of(14393, true).verdict, system(None).verdict],
            [Warning, Problem, Warning]
        );
    }

    #[test]
    fn without_containers_the_command_is_that_windows_own() {
        let missing = Error::ground("this Windows has no container runtime");
        let client = containers(Some(&missing), Some(Windows { build: 26100, is_server: false }));
        assert_eq!(client.verdict, Problem);
        assert!(client.command.unwrap().starts_with("Enable-WindowsOptionalFeature"));
        assert_eq!(containers(None, None).verdict, Fine);
        assert_eq!(hyper_v(Ok(false)).verdict, Fine);
        assert_eq!(hyper_v(Err("x".into())).verdict, Warning);
    }

    #[test]
    fn long_paths_matter_where_the_workspace_lies_deep() {
        let deep = format!(r"C:\{}", "d".repeat(98));
        let judged = |enabled, base: &str| long_paths(enabled, Path::new(base));
        assert_eq!(judged(Ok(Some(1)), &deep).verdict, Fine);
        let off = judged(Ok(Some(0)), &deep);
        assert!(off.verdict == Warning && off.found.contains("101 characters") && off.command.is_some(), "{off:?}");
        assert_eq!(judged(Ok(None), r"C:\bw").found, "off, and not needed: the workspace's path has 5 characters");
        assert_eq!(judged(Err("no".into()), r"C:\bw").verdict, Warning);
    }

    #[test]
    fn an_exclusion_counts_for_all_that_is_in_it() {
        let judged = |answer: &str| antivirus(answer, Path::new(r"C:\it's\target\x"));
        assert_eq!(judged(r#"{"realtime":false,"paths":[null]}"#).verdict, Fine);
        assert_eq!(judged(r#"{"realtime":true,"paths":["c:/IT'S/target/"]}"#).verdict, Fine);
        assert_eq!(judged(r#"{"realtime":true,"paths":["C:\\"]}"#).verdict, Fine);
        for others in [r#"["C:\\it's\\tar"]"#, "[null]", "[]", r#"[""]"#] {
            let check = judged(&format!(r#"{{"realtime":true,"paths":{others}}}"#));
            assert_eq!(check.verdict, Warning, "{others}");
            assert_eq!(check.command.as_deref(), Some(r"Add-MpPreference -ExclusionPath 'C:\it''s\target\x'"));
        }
        for untold in ["", "{}", r#"{"realtime":true,"paths":["N/A: Must be an administrator to view exclusions"]}"#] {
            let check = judged(untold);
            assert!(check.verdict == Warning && check.found.starts_with("can't be told: "), "{check:?}");
        }
    }

    #[test]
    fn a_missing_network_is_a_problem_for_who_asks_for_it() {
        let missing = || network::nat_of(r#"{"Success":true,"Output":[]}"#);
        let asked = nat(&missing(), Network::Nat);
        assert!(asked.verdict == Problem && asked.command.unwrap().contains("New-HnsNetwork -Type NAT"));
        assert_eq!(nat(&missing(), Network::None).verdict, Warning);
        let silent = nat(&Err(Error::ground("HNS gave no answer").hint("see whether it runs")), Network::Nat);
        assert_eq!((silent.advice.as_deref(), silent.command), (Some("see whether it runs"), None));
        let there = network::nat_of(include_str!("../../../fixtures/hns/networks.json"));
        assert_eq!(nat(&there, Network::Nat).found, "nat (172.22.96.0/20 by way of 172.22.96.1)");
    }
}
