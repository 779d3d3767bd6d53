//! What Docker says of itself: whether buildx can hand images to it, and if not, why. Pure.

use crate::error::Error;
use crate::platform::Os;
use serde::Deserialize;
use std::fmt;

/// The oldest API that buildx speaks: `MinAPIVersion` in github.com/moby/moby/client. Docker 19.03 was the first with it.
const OLDEST_API: (u64, u64) = (1, 40);

/// A server that buildx can hand images to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its version.
    pub version: String,
    /// Docker Desktop's, where it is that: major and minor.
    pub desktop: Option<(u64, u64)>,
}

/// Why Docker can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// There is no `docker`.
    Absent,
    /// Nobody listens where the client looks.
    Stopped(String),
    /// It took the call, and has not answered it.
    Stuck(String),
    /// It runs containers of another system.
    OtherMode(String, Server),
    /// Client, server and buildx have no API in common.
    TooOld(String),
    /// It runs, and not for this user.
    Refused(String),
    /// Anything else.
    Other(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    server: Option<ServerAnswer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ServerAnswer {
    version: String,
    api_version: String,
    os: String,
    #[serde(default)]
    platform: PlatformAnswer,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PlatformAnswer {
    #[serde(default)]
    name: String,
}

/// What `docker version` says.
pub fn understand(stdout: &str, stderr: &str, os: Os) -> Result<Server, Trouble> {
    let answer = serde_json::from_str::<Answer>(stdout.trim()).ok();
    let Some(server) = answer.and_then(|answer| answer.server) else { return Err(trouble(stderr)) };
    let known = Server { version: server.version, desktop: desktop_version(&server.platform.name) };
    if server.os != os.as_str() {
        return Err(Trouble::OtherMode(server.os, known));
    }
    if two_numbers(&server.api_version).is_some_and(|api| api < OLDEST_API) {
        return Err(Trouble::TooOld(format!("its API is {}", server.api_version)));
    }
    Ok(known)
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.version)?;
        self.desktop.map_or(Ok(()), |(major, minor)| write!(f, " (Docker Desktop {major}.{minor})"))
    }
}

/// The version in `Docker Desktop 4.29.0 (145265)`.
fn desktop_version(name: &str) -> Option<(u64, u64)> {
    two_numbers(name.strip_prefix("Docker Desktop ")?.split(' ').next()?)
}

/// The first two numbers of a version.
fn two_numbers(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

fn trouble(stderr: &str) -> Trouble {
    let said = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim().to_owned();
    let text = said.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // Refusals come before the rest: they too speak of a daemon that can't be connected to.
    if says(&["permission denied", "access is denied"]) {
        Trouble::Refused(said)
    } else if says(&[
        "is too new. maximum supported",
        "is too old. minimum supported",
        "minimum supported api version is",
    ]) {
        Trouble::TooOld(said)
    } else if says(&[
        "is the docker daemon running",
        "check if the path is correct and if the daemon is running",
        "cannot find the file specified",
        "error during connect",
    ]) {
        Trouble::Stopped(said)
    } else {
        Trouble::Other(said)
    }
}

/// Whether a client that reached nobody has looked where Docker is mostly, or tells no place.
fn is_usual_place(said: &str) -> bool {
    let usual = ["/run/docker.sock", "/pipe/docker", "%2Fpipe%2Fdocker"];
    usual.iter().any(|place| said.contains(place)) || !said.contains("://")
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Absent => f.write_str("there is no `docker` on PATH"),
            Trouble::Stopped(said) => write!(f, "Docker does not run ({said})"),
            Trouble::Stuck(said) => write!(f, "Docker gives no answer ({said})"),
            Trouble::OtherMode(os, server) => write!(f, "Docker {server} runs containers of {os}"),
            Trouble::TooOld(said) => write!(f, "this Docker is too old for buildx, or for its own client ({said})"),
            Trouble::Refused(said) => write!(f, "Docker refuses this user ({said})"),
            Trouble::Other(said) => write!(f, "Docker can't be used ({said})"),
        }
    }
}

impl Trouble {
    /// What to do about it on a system.
    pub fn remedy(&self, os: Os) -> &'static str {
        match (self, os) {
            (Trouble::Absent, _) => "install Docker, or build with `--client buildctl`, which needs none",
            (Trouble::Stopped(said), _) if !is_usual_place(said) => match os {
                Os::Linux => {
                    "see what there is at that address, or go back to this machine's own Docker: `unset DOCKER_HOST`, or `docker context use default`"
                }
                Os::Windows => {
                    "see what there is at that address, or go back to this machine's own Docker: `Remove-Item Env:DOCKER_HOST`, or `docker context use default`"
                }
            },
            (Trouble::Stopped(_), Os::Linux) => {
                "start it (`systemctl start docker`), or check DOCKER_HOST and `docker context ls`"
            }
            (Trouble::Stopped(_), Os::Windows) => {
                "start Docker Desktop, or the service (`Start-Service docker`), or check DOCKER_HOST and `docker context ls`"
            }
            (Trouble::Stuck(_), Os::Linux) => {
                "restart it (`systemctl restart docker`), or build with `--client buildctl`"
            }
            (Trouble::Stuck(_), Os::Windows) => {
                "restart Docker Desktop, or the service (`Restart-Service docker`), or build with `--client buildctl`"
            }
            (Trouble::OtherMode(..), Os::Windows) => {
                "switch Docker Desktop to Windows containers: `& \"$Env:ProgramFiles\\Docker\\Docker\\DockerCli.exe\" -SwitchWindowsEngine`"
            }
            (Trouble::OtherMode(..), Os::Linux) => "point DOCKER_HOST or `docker context use` at a Docker for Linux",
            (Trouble::TooOld(_), _) => {
                "update Docker (19.03 is the oldest that buildx takes), or unset DOCKER_API_VERSION"
            }
            (Trouble::Refused(_), Os::Linux) => "run it as root, or as a member of the group `docker`",
            (Trouble::Refused(_), Os::Windows) => "run it as administrator, or as a member of the group `docker-users`",
            (Trouble::Other(_), _) => "see what `docker version` says, or build with `--client buildctl`",
        }
    }

    /// As the end of a command that can't do without Docker.
    pub fn error(&self, os: Os) -> Error {
        Error::ground(format!("failed to build with Docker: {self}")).hint(self.remedy(os))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A real answer, of docker 28.2.2 to a server 20.10.24, without what nobody reads.
    fn answer(api: &str, os: &str) -> String {
        format!(
            r#"{{"Client":{{"Version":"28.2.2","ApiVersion":"{api}"}},"Server":{{"Platform":{{"Name":""}},"Version":"20.10.24+dfsg1","ApiVersion":"{api}","MinAPIVersion":"1.12","Os":"{os}","Arch":"amd64"}}}}"#
        )
    }

    const NO_SERVER: &str = r#"{"Client":{"Version":"28.2.2","ApiVersion":"1.50","Os":"linux"},"Server":null}"#;

    #[test]
    fn a_server_of_this_system_is_taken() {
        assert_eq!(
            understand(&answer("1.41", "linux"), "", Os::Linux),
            Ok(Server { version: "20.10.24+dfsg1".into(), desktop: None })
        );
        let other = understand(&answer("1.41", "linux"), "", Os::Windows).unwrap_err();
        assert_eq!(other.to_string(), "Docker 20.10.24+dfsg1 runs containers of linux");
        assert!(matches!(understand(&answer("1.39", "linux"), "", Os::Linux), Err(Trouble::TooOld(_))));
        assert!(understand(&answer("1.40", "windows"), "", Os::Windows).is_ok());
    }

    /// As docker 20.10 and 28.2 say it on Linux, and 29 says it; the pipes' as docker says it on Windows.
    #[test]
    fn each_trouble_is_known_by_what_docker_says() {
        let told = |stderr: &str| understand(NO_SERVER, stderr, Os::Linux).unwrap_err();
        for stopped in [
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n",
            "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory",
            "error during connect: Get \"http://docker.example.com/v1.50/version\": command [ssh -o ConnectTimeout=30 -T -l nosuch -p 9 -- 127.0.0.1 docker system dial-stdio] has exited with exit status 255, make sure the URL is valid, and Docker 18.09 or later is installed on the remote host: stderr=ssh: connect to host 127.0.0.1 port 9: Connection refused\n\n",
            "error during connect: Get \"http://%2F%2F.%2Fpipe%2Fdocker_engine/v1.50/version\": open //./pipe/docker_engine: The system cannot find the file specified.",
        ] {
            assert!(matches!(told(stopped), Trouble::Stopped(_)), "{stopped}");
        }
        for refused in [
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get \"http://%2Fvar%2Frun%2Fdocker.sock/v1.50/version\": dial unix /var/run/docker.sock: connect: permission denied",
            "error during connect: Get \"http://%2F%2F.%2Fpipe%2Fdocker_engine/v1.50/version\": open //./pipe/docker_engine: Access is denied.",
        ] {
            assert!(matches!(told(refused), Trouble::Refused(_)), "{refused}");
        }
        for old in [
            "Error response from daemon: client version 1.99 is too new. Maximum supported API version is 1.41",
            "Error response from daemon: client version 1.24 is too old. Minimum supported API version is 1.44, please upgrade your client to a newer version",
        ] {
            assert!(matches!(told(old), Trouble::TooOld(_)), "{old}");
        }
        let context = "Failed to initialize: unable to resolve docker endpoint: context \"nosuch\": context not found: open meta.json: no such file or directory";
        assert!(matches!(understand("", context, Os::Linux), Err(Trouble::Other(_))));
    }

    #[test]
    fn a_docker_elsewhere_is_not_started_here() {
        let remedy = |said: &str| Trouble::Stopped(said.into()).remedy(Os::Linux);
        for usual in [
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
            "error during connect: Get \"http://%2F%2F.%2Fpipe%2Fdocker_engine/v1.50/version\": open //./pipe/docker_engine: x",
            "it said nothing",
        ] {
            assert!(remedy(usual).starts_with("start it"), "{usual}");
        }
        let elsewhere =
            remedy("Cannot connect to the Docker daemon at tcp://bogus:2375. Is the docker daemon running?");
        assert!(!elsewhere.contains("start") && elsewhere.contains("`unset DOCKER_HOST`"), "{elsewhere}");
    }

    #[test]
    fn each_trouble_has_its_own_remedy() {
        let troubles = [
            Trouble::Absent,
            Trouble::Stopped(String::new()),
            Trouble::Stuck(String::new()),
            Trouble::OtherMode("linux".into(), Server { version: String::new(), desktop: None }),
            Trouble::TooOld(String::new()),
            Trouble::Refused(String::new()),
        ];
        for os in [Os::Linux, Os::Windows] {
            let mut remedies: Vec<_> = troubles.iter().map(|trouble| trouble.remedy(os)).collect();
            remedies.sort_unstable();
            remedies.dedup();
            assert_eq!(remedies.len(), troubles.len());
        }
    }
}
