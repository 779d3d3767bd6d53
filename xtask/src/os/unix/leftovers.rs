//! What daemons may leave that no process shows any more.

use rustix::mount::{UnmountFlags, unmount as unmount_at};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where containerd, BuildKit and runc write when nobody tells them not to.
pub const OUTSIDE: &[&str] = &[
    "/etc/buildkit",
    "/etc/cni",
    "/etc/containerd",
    "/opt/cni",
    "/opt/containerd",
    "/run/buildkit",
    "/run/containerd",
    "/run/runc",
    "/var/lib/buildkit",
    "/var/lib/cni",
    "/var/lib/containerd",
];

/// What is mounted in a folder, as everyone sees it: the innermost first.
pub fn mounts_in(folder: &Path) -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    // Field 5 of proc_pid_mountinfo(5).
    let points = table.lines().filter_map(|line| line.split(' ').nth(4)).map(unescape);
    let mut mounts: Vec<PathBuf> = points.filter(|point| point.starts_with(folder)).collect();
    mounts.sort();
    mounts.reverse();
    mounts
}

/// The kernel writes blanks, tabs, newlines and backslashes as a backslash and three octal digits.
fn unescape(field: &str) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = field.as_bytes();
    while let [first, tail @ ..] = rest {
        let octal = (*first == b'\\').then(|| tail.get(..3)).flatten();
        let byte = octal.and_then(|octal| u8::from_str_radix(std::str::from_utf8(octal).ok()?, 8).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[3..] } else { tail };
    }
    PathBuf::from(OsStr::from_bytes(&bytes))
}

/// Takes a mount away, at the latest when nobody uses it any more.
///
/// # Errors
/// The system's own.
pub fn unmount(point: &Path) -> io::Result<()> {
    Ok(unmount_at(point, UnmountFlags::DETACH)?)
}

/// The named pipes that begin with a name: sockets are files here.
pub fn pipes_of(_name: &str) -> Vec<String> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_may_have_a_blank_in_it() {
        assert_eq!(unescape(r"/w\040s/a\134b"), PathBuf::from(r"/w s/a\b"));
        assert_eq!(unescape("/plain\\"), PathBuf::from("/plain\\"));
    }

    #[test]
    fn what_the_system_has_mounted_is_seen() {
        assert!(mounts_in(Path::new("/")).contains(&PathBuf::from("/proc")));
        assert!(mounts_in(Path::new("/no/such folder")).is_empty());
    }
}
