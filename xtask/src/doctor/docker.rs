//! What Docker says of itself: absent, stopped, refusing, in the other container mode, too old, or fit.

use super::Check;
use crate::platform::Os;
use serde_json::Value;

/// The check's name.
pub const CHECK: &str = "docker";

/// The first Docker Desktop that BuildKit's own document has Windows containers built with.
/// Source: <https://github.com/moby/buildkit/blob/master/docs/windows.md>
const OLDEST_DESKTOP: (u64, u64) = (4, 29);

/// What asking Docker for its version came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Docker {
    /// There is no such program.
    Absent,
    /// There is a client, and no server answers.
    Stopped(String),
    /// A server turns this user away.
    Refused(String),
    /// A server answers.
    Answers {
        /// Its version.
        version: String,
        /// The system of its containers.
        os: String,
        /// Docker Desktop's version, where it is that.
        desktop: Option<(u64, u64)>,
    },
    /// It says something else.
    Unclear(String),
}

/// Reads `docker version --format '{{json .}}'`.
pub fn read(stdout: &str, last_words: &str) -> Docker {
    let answer: Value = serde_json::from_str(stdout.trim()).unwrap_or_default();
    let server = &answer["Server"];
    if let (Some(version), Some(os)) = (server["Version"].as_str(), server["Os"].as_str()) {
        let desktop = server["Platform"]["Name"].as_str().and_then(desktop_version);
        return Docker::Answers { version: version.into(), os: os.into(), desktop };
    }
    let said = last_words.to_lowercase();
    if said.contains("permission denied") || said.contains("access is denied") {
        Docker::Refused(last_words.into())
    } else if answer.is_object() || said.contains("docker") {
        Docker::Stopped(last_words.into())
    } else {
        Docker::Unclear(last_words.into())
    }
}

/// The version in `Docker Desktop 4.29.0 (145265)`.
fn desktop_version(name: &str) -> Option<(u64, u64)> {
    let version = name.strip_prefix("Docker Desktop ")?.split(' ').next()?;
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// Judges it. Nothing here needs Docker, so nothing about it is a problem.
pub fn judge(docker: &Docker, os: Os) -> Check {
    let unneeded = "builds go by buildctl, which needs none of it";
    match docker {
        Docker::Absent => Check::ok(CHECK, format!("not installed; {unneeded}")),
        Docker::Stopped(said) => {
            let check = Check::warning(CHECK, format!("installed, and its server doesn't answer ({said}); {unneeded}"));
            check.command(match os {
                Os::Windows => "Start-Service docker",
                Os::Linux => "sudo systemctl start docker",
            })
        }
        Docker::Refused(said) => {
            let check = Check::warning(CHECK, format!("its server turns this user away ({said}); {unneeded}"));
            match os {
                Os::Windows => check.advise("run it in a terminal opened with *Run as administrator*"),
                Os::Linux => check.command("sudo usermod --append --groups docker \"$USER\""),
            }
        }
        Docker::Unclear(said) => Check::untold(CHECK, format!("`docker version` said: {said}")),
        Docker::Answers { version, os: containers, desktop } => {
            let shown = match desktop {
                Some((major, minor)) => format!("{version} (Docker Desktop {major}.{minor}), {containers} containers"),
                None => format!("{version}, {containers} containers"),
            };
            if containers != os.as_str() {
                let check = Check::warning(CHECK, format!("{shown}: the other kind; {unneeded}"));
                return match os {
                    Os::Windows if desktop.is_some() => {
                        check.command("& \"$Env:ProgramFiles\\Docker\\Docker\\DockerCli.exe\" -SwitchWindowsEngine")
                    }
                    _ => check.advise(format!("point `docker` at a server for {} containers", os.as_str())),
                };
            }
            if desktop.is_some_and(|desktop| desktop < OLDEST_DESKTOP) {
                return Check::warning(CHECK, format!("{shown}: older than Docker Desktop 4.29; {unneeded}"))
                    .command("winget upgrade --id Docker.DockerDesktop");
            }
            Check::ok(CHECK, shown)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    fn answer(os: &str, name: &str) -> String {
        format!(
            r#"{{"Client":{{"Version":"29.1.5","Os":"{os}"}},"Server":{{"Platform":{{"Name":"{name}"}},"Version":"29.1.5","Os":"{os}"}}}}"#
        )
    }

    fn judged(stdout: &str, said: &str, os: Os) -> (Verdict, String, Option<String>) {
        let check = judge(&read(stdout, said), os);
        (check.verdict, check.found, check.command)
    }

    #[test]
    fn a_server_for_the_same_containers_is_fine() {
        let (verdict, found, _) = judged(&answer("windows", "Docker Engine - Community"), "", Os::Windows);
        assert_eq!((verdict, found.as_str()), (Verdict::Ok, "29.1.5, windows containers"));
        let (verdict, found, _) = judged(&answer("windows", "Docker Desktop 4.29.0 (145265)"), "", Os::Windows);
        assert_eq!((verdict, found.as_str()), (Verdict::Ok, "29.1.5 (Docker Desktop 4.29), windows containers"));
    }

    #[test]
    fn the_other_kind_of_containers_has_a_switch_in_docker_desktop() {
        let (verdict, found, command) = judged(&answer("linux", "Docker Desktop 4.40.1 (1)"), "", Os::Windows);
        assert_eq!(verdict, Verdict::Warning);
        assert!(found.contains("linux containers: the other kind"), "{found}");
        assert!(command.unwrap().ends_with("-SwitchWindowsEngine"));
        let (_, _, command) = judged(&answer("linux", "Docker Engine - Community"), "", Os::Windows);
        assert_eq!(command, None);
    }

    #[test]
    fn an_old_docker_desktop_is_told() {
        let (verdict, found, command) = judged(&answer("windows", "Docker Desktop 4.9.1 (1)"), "", Os::Windows);
        assert_eq!((verdict, command.as_deref()), (Verdict::Warning, Some("winget upgrade --id Docker.DockerDesktop")));
        assert!(found.contains("(Docker Desktop 4.9)"), "{found}");
    }

    #[test]
    fn stopped_refusing_and_unclear_are_told_apart() {
        let client = r#"{"Client":{"Version":"20.10.24"},"Server":null}"#;
        let stopped =
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
        assert_eq!(read(client, stopped), Docker::Stopped(stopped.into()));
        let pipe = "error during connect: open //./pipe/docker_engine: The system cannot find the file specified.";
        assert_eq!(read("", pipe), Docker::Stopped(pipe.into()));
        let refused = "permission denied while trying to connect to the Docker daemon socket";
        assert_eq!(read(client, refused), Docker::Refused(refused.into()));
        let refused = "open //./pipe/docker_engine: Access is denied.";
        assert_eq!(read("", refused), Docker::Refused(refused.into()));
        assert_eq!(read("", "Segmentation fault"), Docker::Unclear("Segmentation fault".into()));
        assert_eq!(judge(&Docker::Absent, Os::Linux).verdict, Verdict::Ok);
        for os in [Os::Linux, Os::Windows] {
            let stopped = judge(&Docker::Stopped("x".into()), os);
            assert!(stopped.verdict == Verdict::Warning && stopped.command.is_some());
        }
    }
}
