//! Docker: absent, stopped, refusing, in the other container mode, too old, or fit; where its client looks for it.

use super::Check;
use super::proxies::without_password;
use crate::docker::{Server, Trouble};
use crate::platform::Os;

/// The first Docker Desktop that BuildKit's own document has Windows containers built with.
/// Source: <https://github.com/moby/buildkit/blob/master/docs/windows.md>
const OLDEST_DESKTOP: (u64, u64) = (4, 29);

/// What Docker is to builds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Need {
    /// It builds where it can: `--client auto`.
    #[default]
    Welcome,
    /// `--client buildx`.
    Required,
    /// `--client buildctl`.
    Unwanted,
}

/// As what Docker is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// The service `docker`.
    Service,
    /// Docker Desktop (Windows).
    Desktop,
    /// Neither: it runs elsewhere, or is started by hand.
    Otherwise,
}

/// A place that its client was sent to, and isn't the usual one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The address.
    pub address: String,
    /// The context that sends it there; without one, `DOCKER_HOST` does.
    pub context: Option<String>,
}

/// What was found of Docker.
#[derive(Debug, Clone)]
pub struct Found {
    /// What the server says.
    pub server: Result<Server, Trouble>,
    /// Where the client looks, if that isn't the usual place.
    pub elsewhere: Option<Elsewhere>,
    /// What there is to start.
    pub installed: Installed,
    /// The group that may use its socket, if one but root's may (Linux).
    pub group: Option<String>,
    /// The plugin buildx, as it tells its version, if there is one; or why that can't be told.
    pub plugin: Result<Option<String>, String>,
}

/// What the client answers when it is asked where it looks. `DOCKER_HOST` is stronger than a context, and then the client calls its own context `default`.
pub fn place(answer: &str, os: Os) -> Option<Elsewhere> {
    let (context, address) = answer.trim().split_once(' ')?;
    let is_usual = match os {
        Os::Linux => matches!(address, "unix:///var/run/docker.sock" | "unix:///run/docker.sock"),
        // Docker Desktop has a pipe for each of its modes, and a context for each pipe.
        Os::Windows => address.starts_with("npipe:////./pipe/docker"),
    };
    let context = (context != "default").then(|| context.to_owned());
    (!is_usual && !address.is_empty()).then(|| Elsewhere { address: address.to_owned(), context })
}

/// The socket that an address leads to.
pub fn socket(elsewhere: Option<&Elsewhere>) -> Option<&str> {
    elsewhere.map_or(Some("/var/run/docker.sock"), |elsewhere| elsewhere.address.strip_prefix("unix://"))
}

/// Judges Docker itself.
pub fn judge(found: &Found, need: Need, os: Os) -> Check {
    const CHECK: &str = "docker";
    let place = found.elsewhere.as_ref().map_or_else(String::new, |elsewhere| format!(", {}", way(elsewhere)));
    let trouble = match &found.server {
        Ok(server) => return fit(CHECK, server, &place, need, os),
        Err(trouble) => trouble,
    };
    match need {
        Need::Required => {
            let check = Check::problem(CHECK, format!("{trouble}{place}, and `--client buildx` builds with it"));
            mend(check, found, os)
        }
        Need::Unwanted => Check::ok(CHECK, format!("{trouble}; `--client buildctl` needs none")),
        Need::Welcome if *trouble == Trouble::Absent => {
            Check::ok(CHECK, format!("{trouble}; builds go by buildctl, which needs none"))
        }
        Need::Welcome => {
            let check = Check::warning(CHECK, format!("{trouble}{place}; builds go by buildctl, which needs none"));
            mend(check, found, os)
        }
    }
}

fn way(elsewhere: &Elsewhere) -> String {
    let address = without_password(&elsewhere.address);
    match &elsewhere.context {
        Some(context) => format!("by the context `{context}` at `{address}`"),
        None => format!("by DOCKER_HOST at `{address}`"),
    }
}

fn fit(check: &'static str, server: &Server, place: &str, need: Need, os: Os) -> Check {
    let shown = format!("{server}, {} containers{place}", os.as_str());
    if need == Need::Unwanted {
        return Check::ok(check, format!("{shown}; `--client buildctl` makes no use of it"));
    }
    if server.desktop.is_some_and(|desktop| desktop < OLDEST_DESKTOP) {
        return Check::warning(
            check,
            format!("{shown}: Windows containers by BuildKit take Docker Desktop 4.29 or newer"),
        )
        .command("winget upgrade --id Docker.DockerDesktop");
    }
    Check::ok(check, shown)
}

/// Whether it is told wherever the client looks.
fn is_of_the_client(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Absent | Trouble::TooOld(_) | Trouble::Refused(_))
}

/// What mends it: of a Docker elsewhere, nothing on this machine does.
fn mend(check: Check, found: &Found, os: Os) -> Check {
    let Err(trouble) = &found.server else { return check };
    match (trouble, &found.elsewhere, found.installed) {
        (Trouble::Refused(_), ..) if os == Os::Linux && socket(found.elsewhere.as_ref()).is_some() => match &found.group {
            Some(group) => check
                .advise("it takes a new log-in; root needs none of it")
                .command(format!("sudo usermod --append --groups {group} \"$USER\"")),
            None => check.advise("run it as root: no other group may use its socket"),
        },
        (_, Some(Elsewhere { context, .. }), _) if !is_of_the_client(trouble) => {
            let back = match (context, os) {
                (Some(_), _) => "docker context use default",
                (None, Os::Linux) => "unset DOCKER_HOST",
                (None, Os::Windows) => "Remove-Item Env:DOCKER_HOST",
            };
            check.advise(format!("see what there is at that address, or go back to this machine's own Docker: `{back}`"))
        }
        (Trouble::Stopped(_), None, Installed::Service) => match os {
            Os::Linux => check.command("sudo systemctl start docker"),
            Os::Windows => check.advise("in an elevated PowerShell").command("Start-Service docker"),
        },
        (Trouble::Stopped(_), None, Installed::Desktop) => {
            check.command(r#"Start-Process "$Env:ProgramFiles\Docker\Docker\Docker Desktop.exe""#)
        }
        (Trouble::Stopped(_), None, Installed::Otherwise) => {
            check.advise("there is no service `docker` here: start it as it was installed, or choose another with `docker context use`")
        }
        (Trouble::OtherMode(..), None, Installed::Desktop) => {
            check.command(r#"& "$Env:ProgramFiles\Docker\Docker\DockerCli.exe" -SwitchWindowsEngine"#)
        }
        _ => check.advise(trouble.remedy(os)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::understand;
    use crate::doctor::Verdict::{self, Ok as Fine, Problem, Warning};

    fn found(server: Result<Server, Trouble>) -> Found {
        Found { server, elsewhere: None, installed: Installed::Otherwise, group: None, plugin: Ok(None) }
    }

    fn answering(os_of_containers: &str, name: &str) -> Found {
        let answer = format!(
            r#"{{"Client":{{"Version":"29.1.5"}},"Server":{{"Platform":{{"Name":"{name}"}},"Version":"29.1.5","ApiVersion":"1.52","Os":"{os_of_containers}"}}}}"#
        );
        let installed = if name.contains("Desktop") { Installed::Desktop } else { Installed::Service };
        Found { installed, ..found(understand(&answer, "", Os::Windows)) }
    }

    fn judged(found: &Found) -> (Verdict, String, Option<String>) {
        let check = judge(found, Need::Welcome, Os::Windows);
        (check.verdict, check.found, check.command)
    }

    fn stopped() -> Result<Server, Trouble> {
        Err(Trouble::Stopped("x".into()))
    }

    #[test]
    fn a_server_for_the_same_containers_is_fine() {
        let (verdict, found, _) = judged(&answering("windows", "Docker Engine - Community"));
        assert_eq!((verdict, found.as_str()), (Fine, "29.1.5, windows containers"));
        let (verdict, found, _) = judged(&answering("windows", "Docker Desktop 4.29.0 (145265)"));
        assert_eq!((verdict, found.as_str()), (Fine, "29.1.5 (Docker Desktop 4.29), windows containers"));
    }

    #[test]
    fn what_mends_it_suits_what_is_installed() {
        let (verdict, found_so, command) = judged(&answering("linux", "Docker Desktop 4.40.1 (1)"));
        assert!(verdict == Warning && found_so.contains("containers of linux"), "{found_so}");
        assert!(command.unwrap().ends_with("-SwitchWindowsEngine"));
        let (verdict, found_so, command) = judged(&answering("windows", "Docker Desktop 4.9.1 (1)"));
        assert_eq!((verdict, command.as_deref()), (Warning, Some("winget upgrade --id Docker.DockerDesktop")));
        assert!(found_so.contains("(Docker Desktop 4.9)"), "{found_so}");
        let start = |installed, os| judge(&Found { installed, ..found(stopped()) }, Need::Welcome, os).command;
        assert_eq!(start(Installed::Service, Os::Windows).as_deref(), Some("Start-Service docker"));
        assert!(start(Installed::Desktop, Os::Windows).unwrap().contains("Docker Desktop.exe"));
        assert_eq!(start(Installed::Service, Os::Linux).as_deref(), Some("sudo systemctl start docker"));
        assert_eq!(start(Installed::Otherwise, Os::Linux), None);
    }

    #[test]
    fn of_a_docker_elsewhere_nothing_here_is_started() {
        let at = |answer: &str, os| {
            let elsewhere = place(answer, os);
            judge(&Found { elsewhere, installed: Installed::Service, ..found(stopped()) }, Need::Welcome, os)
        };
        assert!(at("default unix:///var/run/docker.sock\n", Os::Linux).command.is_some());
        assert!(at("desktop-linux npipe:////./pipe/dockerDesktopLinuxEngine", Os::Windows).command.is_some());
        let host = at("default ssh://me:hush@far", Os::Linux);
        assert_eq!(host.command, None);
        assert!(host.found.contains(", by DOCKER_HOST at `ssh://…@far`;"), "{host:?}");
        assert!(host.advice.unwrap().ends_with("`unset DOCKER_HOST`"));
        let context = at("far tcp://far:2376", Os::Windows);
        assert!(context.found.contains(", by the context `far` at `tcp://far:2376`;"), "{context:?}");
        assert!(context.advice.unwrap().ends_with("`docker context use default`"));
        assert_eq!(place("", Os::Linux), None);
        assert_eq!(
            socket(place("x unix:///home/me/.docker/desktop/docker.sock", Os::Linux).as_ref()),
            Some("/home/me/.docker/desktop/docker.sock")
        );
        assert_eq!(socket(place("x tcp://far:1", Os::Linux).as_ref()), None);
    }

    #[test]
    fn who_is_refused_joins_the_group_of_the_socket() {
        let refused = |group: Option<&str>| {
            let refused = Found { group: group.map(str::to_owned), ..found(Err(Trouble::Refused("x".into()))) };
            judge(&refused, Need::Welcome, Os::Linux).command
        };
        assert_eq!(refused(Some("moby")).as_deref(), Some("sudo usermod --append --groups moby \"$USER\""));
        assert_eq!(refused(None), None);
    }

    #[test]
    fn how_bad_it_is_follows_from_the_client_that_is_asked_for() {
        let of = |server: Result<Server, Trouble>| {
            [Need::Welcome, Need::Required, Need::Unwanted]
                .map(|need| judge(&found(server.clone()), need, Os::Linux).verdict)
        };
        assert_eq!(of(Err(Trouble::Absent)), [Fine, Problem, Fine]);
        assert_eq!(of(stopped()), [Warning, Problem, Fine]);
        let required = judge(&found(stopped()), Need::Required, Os::Linux).found;
        assert!(!required.contains("buildctl"), "{required}");
    }
}
