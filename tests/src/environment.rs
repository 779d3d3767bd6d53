//! The environment that a test's runs see: nothing of this machine's that would change what they do.

use crate::go;
use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Variables that would change what a run does, prefixes ending in `*`; in any case of letters.
const REMOVED: &[&str] = &[
    "BUILDKIT_WINDOWS_*",
    "BUILDKIT_HOST",
    "BUILDX_*",
    "CI",
    "CLICOLOR*",
    "COLUMNS",
    "CONTAINERD_*",
    "DOCKER_*",
    "FORCE_COLOR",
    "GH_*",
    "GITHUB_*",
    "NO_COLOR",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "RUST_LOG",
    "XDG_*",
];

/// The variables that send calls through a proxy.
const PROXIES: &[&str] = &["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY"];

/// Takes away what would change a run, and keeps the user's Go settings.
pub(crate) fn clean(command: &mut Command, keeps_proxies: bool) {
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_ascii_uppercase();
        if is_removed(&upper) || (!keeps_proxies && PROXIES.contains(&upper.as_str())) {
            command.env_remove(name);
        }
    }
    if keeps_proxies {
        let kept = ["NO_PROXY", "no_proxy"].into_iter().find_map(|name| std::env::var(name).ok());
        let bypass = kept.map_or_else(String::new, |kept| format!("{kept},")) + "127.0.0.1,localhost";
        command.env("NO_PROXY", &bypass).env("no_proxy", &bypass);
    }
    command.envs(go::variables(|name| std::env::var_os(name)));
    // Messages of the system and of its programs, in English but with every letter.
    command.env("LC_ALL", "C.UTF-8");
}

fn is_removed(name: &str) -> bool {
    REMOVED.iter().any(|pattern| pattern.strip_suffix('*').map_or(name == *pattern, |prefix| name.starts_with(prefix)))
}

/// A loopback port that refuses connections, for as long as it lives.
///
/// A port that was free a moment ago may be another test's server by now. The client's end of a connection is taken
/// and never listened on.
pub(crate) struct RefusingPort {
    client: TcpStream,
    _server: TcpStream,
}

impl RefusingPort {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
        let client = listener.local_addr().and_then(TcpStream::connect).expect("a connection to ourselves");
        let (server, _) = listener.accept().expect("the connection just made");
        Self { client, _server: server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.client.local_addr().expect("a connected socket has an address"))
    }
}

/// A folder with links to all that another has but one program; nothing where it does not have that.
pub(crate) fn shadow_without(folder: &Path, program: &str, shadow: &Path) -> Option<PathBuf> {
    let is_hidden = |name: &OsStr| name == program || name.eq_ignore_ascii_case(format!("{program}.exe"));
    let entries: Vec<_> = fs::read_dir(folder).ok()?.flatten().collect();
    if !entries.iter().any(|entry| is_hidden(&entry.file_name())) {
        return None;
    }
    fs::create_dir(shadow).expect("a new folder");
    #[cfg(unix)]
    for entry in entries.iter().filter(|entry| !is_hidden(&entry.file_name())) {
        std::os::unix::fs::symlink(entry.path(), shadow.join(entry.file_name())).expect("a link in a new folder");
    }
    Some(shadow.to_owned())
}
