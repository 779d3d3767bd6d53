//! A buildkitd that somebody else has started: its address, and what proves to it who calls.

use crate::error::{Context, Error, Result};
use crate::failure;
use crate::os;
use crate::platform::Os;
use crate::process::Argv;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

/// How long a host may take to be found, and to accept a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a buildkitd listens, as clients are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// `tcp://`, `unix://` or `npipe://`.
    pub address: String,
    /// What it takes to be let in.
    pub tls: Option<Tls>,
}

/// The files of a client's TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Who signed the daemon's certificate.
    pub ca: PathBuf,
    /// The client's own.
    pub cert: PathBuf,
    /// The key to that.
    pub key: PathBuf,
}

impl Remote {
    /// Reads what was asked for.
    ///
    /// # Errors
    /// On an address that is none, and on a folder that lacks a file, or has something else in it.
    pub fn new(address: &str, tls_dir: Option<&Path>, host: Os) -> Result<Self> {
        check_address(address, host)?;
        if tls_dir.is_some() && !address.starts_with("tcp://") {
            return Err(Error::usage(format!("`--tls-dir` is for `tcp://`, and the address is `{address}`"))
                .hint("leave it out: who may use a socket or a pipe is the file system's affair"));
        }
        let tls = tls_dir.map(Tls::in_folder).transpose()?;
        Ok(Self { address: address.to_owned(), tls })
    }

    /// Makes sure that there is something at the address. A client that waits for it does so for long, and doesn't say why.
    ///
    /// # Errors
    /// When there is nothing.
    pub fn check(&self) -> Result<()> {
        let reached = match self.address.split_once("://") {
            Some(("tcp", place)) => dial(place),
            Some(("unix", path)) => os::reach_socket(Path::new(path)),
            // Only opening a pipe tells whether it is there, and that would be a call already.
            _ => Ok(()),
        };
        reached.map_err(|error| {
            let is_refused = self.address.starts_with("unix://") && error.kind() == ErrorKind::PermissionDenied;
            Error::ground(format!("failed to reach a buildkitd at `{}`", self.address))
                .because(error)
                .known(if is_refused { failure::NOT_ROOT } else { failure::BUILDER_UNREACHABLE })
                .hint("check `--addr`, and that the buildkitd is up; without `--addr` the harness starts its own")
        })
    }

    /// Tells a buildctl where it is.
    pub fn name_to_buildctl(&self, argv: Argv) -> Argv {
        let argv = argv.args(["--addr", &self.address]);
        match &self.tls {
            None => argv,
            Some(tls) => {
                argv.arg("--tlscacert").arg(&tls.ca).arg("--tlscert").arg(&tls.cert).arg("--tlskey").arg(&tls.key)
            }
        }
    }

    /// What heals its stale state, as it could be typed: no level of `reset` reaches it.
    pub fn prune_all(&self) -> String {
        self.name_to_buildctl(Argv::new("buildctl")).args(["prune", "--all"]).shown()
    }

    /// What to try when something is there and turns the client away.
    pub fn hint(&self) -> &'static str {
        match (&self.tls, self.address.starts_with("tcp://")) {
            (Some(_), _) => {
                "check that ca.pem signed its certificate, which must be for this host's name, that it takes cert.pem, and that key.pem is the key to that"
            }
            (None, true) => "if it wants TLS, give a folder with ca.pem, cert.pem and key.pem as `--tls-dir DIR`",
            (None, false) => "check that it is a buildkitd's, and that you may use it",
        }
    }
}

fn check_address(address: &str, host: Os) -> Result<()> {
    let refused = |why: &str, hint: &str| {
        Err(Error::usage(format!("`--addr {address}` is no address of a buildkitd: {why}")).hint(hint))
    };
    const FORMS: &str = "give `tcp://HOST:PORT`, `unix:///PATH` or `npipe:////./pipe/NAME`";
    match address.split_once("://") {
        Some(("tcp", place)) => match place.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0) => Ok(()),
            _ => refused("it has no host, or no port", FORMS),
        },
        Some(("unix", path)) if path.starts_with('/') => Ok(()),
        Some(("unix", _)) => refused("the socket's path is not absolute", FORMS),
        Some(("npipe", _)) if host != Os::Windows => refused("only Windows has pipes", FORMS),
        Some(("npipe", path)) if path.starts_with("//./pipe/") => Ok(()),
        Some(("npipe", _)) => refused("a pipe's path begins with //./pipe/", FORMS),
        _ => refused("it begins with none of tcp://, unix:// and npipe://", FORMS),
    }
}

fn dial(place: &str) -> io::Result<()> {
    let place = place.to_owned();
    within(PATIENCE, move || {
        let addresses: Vec<_> = place.to_socket_addrs()?.collect();
        let mut last = None;
        for address in &addresses {
            // None may keep the others from being tried.
            match TcpStream::connect_timeout(address, PATIENCE / addresses.len() as u32) {
                Ok(_) => return Ok(()),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::other("the host has no address")))
    })
}

/// Does something that has no limit of its own, as looking for a name has none. What is too late is left behind.
fn within<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || drop(sender.send(work())));
    receiver.recv_timeout(patience).unwrap_or_else(|_| {
        let limit = humantime::format_duration(patience);
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("it took longer than {limit}")))
    })
}

impl Tls {
    fn in_folder(folder: &Path) -> Result<Self> {
        let folder = std::path::absolute(folder).trying(|| format!("make `{}` absolute", folder.display()))?;
        let file = |name: &str, holds: &str| {
            let path = folder.join(name);
            let text = fs::read(&path).map_err(|error| {
                Error::usage(format!("`--tls-dir {}` has no `{name}` that can be read", folder.display()))
                    .because(error)
                    .hint("it must hold ca.pem, cert.pem and key.pem")
            })?;
            if is_pem(&String::from_utf8_lossy(&text), holds) {
                return Ok(path);
            }
            Err(Error::usage(format!("`{}` holds no {} in PEM form", path.display(), holds.to_lowercase()))
                .hint("ca.pem and cert.pem hold certificates, and key.pem the key to cert.pem"))
        };
        Ok(Self {
            ca: file("ca.pem", "CERTIFICATE")?,
            cert: file("cert.pem", "CERTIFICATE")?,
            key: file("key.pem", "PRIVATE KEY")?,
        })
    }
}

/// Whether a text has a PEM block of a kind: `PRIVATE KEY` may be an `EC PRIVATE KEY`.
fn is_pem(text: &str, kind: &str) -> bool {
    text.lines().any(|line| {
        line.trim()
            .strip_prefix("-----BEGIN ")
            .and_then(|rest| rest.strip_suffix("-----"))
            .is_some_and(|found| found.ends_with(kind))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_this_system_has() {
        for address in ["tcp://127.0.0.1:1234", "tcp://[::1]:1234", "unix:///run/buildkitd.sock"] {
            assert!(Remote::new(address, None, Os::Linux).is_ok(), "{address}");
        }
        assert!(Remote::new("npipe:////./pipe/buildkitd", None, Os::Windows).is_ok());
        let wrong =
            ["", "host:1", "tcp://host", "tcp://:1", "tcp://host:0", "unix://run/x", "npipe:////./pipe/x", "ssh://x"];
        for address in wrong {
            let error = Remote::new(address, None, Os::Linux).unwrap_err();
            assert!(error.to_string().contains(&format!("`--addr {address}`")), "{error}");
        }
        assert!(Remote::new("unix:///run/x", Some(Path::new("tls")), Os::Linux).is_err());
    }

    #[test]
    fn a_name_that_nobody_finds_is_not_waited_for() {
        let (hold, held) = channel::<()>();
        let error = within(Duration::from_millis(10), move || held.recv().map_err(io::Error::other)).unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::TimedOut, "it took longer than 10ms".into()));
        drop(hold);
        assert_eq!(within(PATIENCE, || Ok(7)).unwrap(), 7);
    }

    #[test]
    fn what_heals_it_can_be_typed() {
        let tls = Tls { ca: "/t/ca.pem".into(), cert: "/t/cert.pem".into(), key: "/t/key.pem".into() };
        assert_eq!(
            Remote { address: "tcp://h:1".into(), tls: Some(tls) }.prune_all(),
            "buildctl --addr tcp://h:1 --tlscacert /t/ca.pem --tlscert /t/cert.pem --tlskey /t/key.pem prune --all"
        );
    }

    #[test]
    fn a_key_is_no_certificate() {
        assert!(is_pem("x\n-----BEGIN CERTIFICATE-----\n", "CERTIFICATE"));
        assert!(is_pem("-----BEGIN EC PRIVATE KEY-----\n", "PRIVATE KEY"));
        assert!(!is_pem("-----BEGIN PRIVATE KEY-----\n", "CERTIFICATE"));
        assert!(!is_pem("", "CERTIFICATE"));
    }
}
