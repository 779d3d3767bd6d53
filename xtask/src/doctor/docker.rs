//! Docker: absent, stopped, refusing, in the other container mode, too old, or fit.

use super::Check;
use crate::docker::{Server, Trouble};
use crate::platform::Os;

/// The check's name.
pub const CHECK: &str = "docker";

/// The first Docker Desktop that BuildKit's own document has Windows containers built with.
/// Source: <https://github.com/moby/buildkit/blob/master/docs/windows.md>
const OLDEST_DESKTOP: (u64, u64) = (4, 29);

/// Judges it. Nothing here needs Docker, so nothing about it is a problem.
pub fn judge(docker: &Result<Server, Trouble>, os: Os) -> Check {
    let unneeded = "builds go by buildctl, which needs none of it";
    let trouble = match docker {
        Err(Trouble::Absent) => return Check::ok(CHECK, format!("not installed; {unneeded}")),
        Err(trouble) => trouble,
        Ok(Server { version, desktop: Some((major, minor)) }) => {
            let shown = format!("{version} (Docker Desktop {major}.{minor}), {} containers", os.as_str());
            if (*major, *minor) >= OLDEST_DESKTOP {
                return Check::ok(CHECK, shown);
            }
            return Check::warning(CHECK, format!("{shown}: older than Docker Desktop 4.29; {unneeded}"))
                .command("winget upgrade --id Docker.DockerDesktop");
        }
        Ok(Server { version, desktop: None }) => {
            return Check::ok(CHECK, format!("{version}, {} containers", os.as_str()));
        }
    };
    let check = Check::warning(CHECK, format!("{trouble}; {unneeded}")).advise(trouble.remedy(os));
    match (trouble, os) {
        (Trouble::Stopped(_), Os::Windows) => check.command("Start-Service docker"),
        (Trouble::Stopped(_), Os::Linux) => check.command("sudo systemctl start docker"),
        (Trouble::Refused(_), Os::Linux) => check.command("sudo usermod --append --groups docker \"$USER\""),
        (Trouble::OtherMode(_), Os::Windows) => {
            check.command("& \"$Env:ProgramFiles\\Docker\\Docker\\DockerCli.exe\" -SwitchWindowsEngine")
        }
        _ => check,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::understand;
    use crate::doctor::Verdict;

    fn judged(os_of_containers: &str, name: &str) -> (Verdict, String, Option<String>) {
        let answer = format!(
            r#"{{"Client":{{"Version":"29.1.5"}},"Server":{{"Platform":{{"Name":"{name}"}},"Version":"29.1.5","ApiVersion":"1.52","Os":"{os_of_containers}"}}}}"#
        );
        let check = judge(&understand(&answer, "", Os::Windows), Os::Windows);
        (check.verdict, check.found, check.command)
    }

    #[test]
    fn a_server_for_the_same_containers_is_fine() {
        let (verdict, found, _) = judged("windows", "Docker Engine - Community");
        assert_eq!((verdict, found.as_str()), (Verdict::Ok, "29.1.5, windows containers"));
        let (verdict, found, _) = judged("windows", "Docker Desktop 4.29.0 (145265)");
        assert_eq!((verdict, found.as_str()), (Verdict::Ok, "29.1.5 (Docker Desktop 4.29), windows containers"));
    }

    #[test]
    fn what_mends_it_is_a_command_where_there_is_one() {
        let (verdict, found, command) = judged("linux", "Docker Desktop 4.40.1 (1)");
        assert!(verdict == Verdict::Warning && found.contains("containers of linux"), "{found}");
        assert!(command.unwrap().ends_with("-SwitchWindowsEngine"));
        let (verdict, found, command) = judged("windows", "Docker Desktop 4.9.1 (1)");
        assert_eq!((verdict, command.as_deref()), (Verdict::Warning, Some("winget upgrade --id Docker.DockerDesktop")));
        assert!(found.contains("(Docker Desktop 4.9)"), "{found}");
        for os in [Os::Linux, Os::Windows] {
            let stopped = judge(&Err(Trouble::Stopped("x".into())), os);
            assert!(stopped.verdict == Verdict::Warning && stopped.command.is_some());
        }
        assert_eq!(judge(&Err(Trouble::Absent), Os::Linux).verdict, Verdict::Ok);
    }
}
