//! Looking at this machine without changing anything.

use std::io;
use std::path::Path;

/// The free bytes of the disk that a path is on, or would be, for this user.
///
/// # Errors
/// The system's own.
pub fn free_space(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Where systemd looks for services. Source: systemd.unit(5)
const UNITS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"];

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
