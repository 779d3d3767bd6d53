//! What Windows' scanner makes of the workspace, and whether there is another.

use super::{Check, quoted_for_powershell};
use crate::windows_path;
use serde_json::Value;
use std::path::Path;

const CHECK: &str = "antivirus";

/// What PowerShell is asked about Defender. It changes nothing.
///
/// Windows for people also knows of other scanners, whose state has a bit that tells whether they look at all; a server has no such list.
pub const QUESTION: &str = "$ErrorActionPreference = 'Stop'; $s = Get-MpComputerStatus; $p = Get-MpPreference; \
$o = Get-CimInstance -Namespace root/SecurityCenter2 -ClassName AntiVirusProduct -ErrorAction SilentlyContinue | \
Where-Object { $_.productState -band 0x1000 }; \
ConvertTo-Json -Compress @{ realtime = $s.RealTimeProtectionEnabled; paths = @($p.ExclusionPath); all = @($o.displayName) }";

/// Judges the answer. What other scanners than Windows' own leave alone isn't known.
pub fn judge(answer: &str, base: &Path) -> Check {
    let Ok(answer) = serde_json::from_str::<Value>(answer.trim()) else {
        return untold("PowerShell gave no answer about Defender");
    };
    let Some(is_on) = answer["realtime"].as_bool() else {
        return untold("PowerShell didn't say whether Defender is on");
    };
    let texts = |name: &str| {
        let all = answer[name].as_array().into_iter().flatten().filter_map(Value::as_str);
        all.map(str::to_owned).collect::<Vec<_>>()
    };
    let others: Vec<String> = texts("all").into_iter().filter(|name| !name.contains("Defender")).collect();
    if !others.is_empty() {
        return Check::warning(CHECK, format!("{} looks into files, and may hold those of layers", others.join(", ")))
            .advise(format!("have it leave `{}` alone", base.display()));
    }
    if !is_on {
        return Check::ok(CHECK, "Defender's real-time protection is off");
    }
    let paths = texts("paths");
    // To others than administrators it says `N/A: Must be an administrator to view exclusions`.
    if paths.iter().any(|path| path.starts_with("N/A:")) {
        return untold("Defender shows what it excludes to administrators only");
    }
    let base = base.to_string_lossy();
    if paths.iter().any(|path| windows_path::is_within(&base, path)) {
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
pub fn untold(why: &str) -> Check {
    Check::untold(CHECK, why).advise("if there is a scanner, have it leave the workspace alone")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict::{Ok as Fine, Warning};

    #[test]
    fn an_exclusion_counts_for_all_that_is_in_it() {
        let judged = |answer: &str| judge(answer, Path::new(r"C:\it's\target\x"));
        assert_eq!(judged(r#"{"realtime":false,"paths":[null]}"#).verdict, Fine);
        assert_eq!(judged(r#"{"realtime":true,"paths":["c:/IT'S/target/"]}"#).verdict, Fine);
        assert_eq!(judged(r#"{"realtime":true,"paths":["C:\\"]}"#).verdict, Fine);
        for others in [r#"["C:\\it's\\tar"]"#, "[null]", "[]", r#"[""]"#] {
            let check = judged(&format!(r#"{{"realtime":true,"paths":{others}}}"#));
            assert_eq!(check.verdict, Warning, "{others}");
            assert_eq!(check.command.as_deref(), Some(r"Add-MpPreference -ExclusionPath 'C:\it''s\target\x'"));
        }
        let passive = judged(r#"{"realtime":false,"paths":[],"all":["Windows Defender","Guard 3"]}"#);
        assert!(passive.verdict == Warning && passive.found.starts_with("Guard 3 looks"), "{passive:?}");
        assert_eq!(judged(r#"{"realtime":false,"paths":[],"all":["Windows Defender"]}"#).verdict, Fine);
        for untold in ["", "{}", r#"{"realtime":true,"paths":["N/A: Must be an administrator to view exclusions"]}"#] {
            let check = judged(untold);
            assert!(check.verdict == Warning && check.found.starts_with("can't be told: "), "{check:?}");
        }
    }
}
