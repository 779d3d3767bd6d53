//! Looking at this machine without changing anything.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The free bytes of the disk that a path is on, or would be, for this user.
///
/// # Errors
/// The system's own.
pub fn free_space(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The system's name and build, as far as it tells: the distribution's name, and the kernel's release.
pub fn system() -> (Option<String>, Option<String>) {
    let name_in = |text: String| {
        let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
        Some(name.trim_matches('"').to_owned())
    };
    let name = fs::read_to_string("/etc/os-release").ok().and_then(name_in);
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    (name, release.map(|release| release.trim().to_owned()))
}

/// Where systemd looks for services. Source: systemd.unit(5)
const UNITS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Whether a service of a name is installed.
///
/// # Errors
/// Never.
pub fn has_service(name: &str) -> io::Result<bool> {
    Ok(UNITS.iter().any(|folder| Path::new(folder).join(format!("{name}.service")).exists()))
}

/// Windows' switch for long paths: there is none here, nor a need for it.
///
/// # Errors
/// Never.
pub fn long_paths_enabled() -> io::Result<Option<u32>> {
    Ok(None)
}

/// This machine's name.
pub fn host_name() -> Option<String> {
    rustix::system::uname().nodename().to_str().ok().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// How far Windows has been updated: this is none.
pub fn windows_revision() -> Option<u32> {
    None
}

/// The proxy that is set in Windows itself: this is none.
pub fn system_proxy() -> Option<String> {
    None
}

/// Makes sure that something listens at a socket.
///
/// # Errors
/// When nothing does, or it is no socket.
pub fn reach_socket(path: &Path) -> io::Result<()> {
    if !fs::metadata(path)?.file_type().is_socket() {
        return Err(io::Error::other("that is no socket"));
    }
    UnixStream::connect(path).map(drop)
}

/// The group that may use a socket besides its owner, by its name; root's own doesn't count.
pub fn group_of(socket: &Path) -> Option<String> {
    let found = fs::metadata(socket).ok()?;
    let may_write = found.permissions().mode() & 0o020 != 0;
    let groups = fs::read_to_string("/etc/group").ok()?;
    group_named(&groups, found.gid()).filter(|name| may_write && *name != "root").map(str::to_owned)
}

/// The name of a group in `/etc/group`.
fn group_named(groups: &str, id: u32) -> Option<&str> {
    let id = id.to_string();
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_a_name() {
        let groups = "root:x:0:\nbroken\ndocker:x:998:me,you\n";
        assert_eq!(group_named(groups, 998), Some("docker"));
        assert_eq!(group_named(groups, 99), None);
    }
}
