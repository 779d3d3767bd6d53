//! On which disks containers' layers can lie.

use crate::error::{Error, Result};
use std::os::windows::ffi::OsStrExt;
use std::path::Path;
use std::ptr::null_mut;
use windows_sys::Win32::Storage::FileSystem::{GetDriveTypeW, GetVolumeInformationW, QueryDosDeviceW};

/// What `GetDriveTypeW` says of a disk of another machine: `DRIVE_REMOTE` of winbase.h.
const REMOTE: u32 = 4;

/// How the target of a drive letter begins that `subst` has made.
const SUBSTITUTED: &str = r"\??\";

/// Whether containers' layers can lie at a path. Programs can be unpacked to any disk, so this is for daemons only.
///
/// containerd itself asks for the file system by the drive letter, and has no snapshotter where it isn't NTFS
/// (`NewWindowsSnapshotter` in <https://github.com/containerd/containerd/blob/v2.4.2/plugins/snapshots/windows/windows.go>).
/// Layers are mounted by the host compute service. That runs as SYSTEM, and letters of other machines' disks and those that
/// `subst` makes are there for one logon only. Nobody has seen such disks yet: Wine 10 tells of C: and Z: alike that they are
/// fixed ones with NTFS. What Windows doesn't tell is taken for good.
///
/// # Errors
/// One sentence that says what is wrong with the disk.
pub fn check_disk(base: &Path) -> Result<()> {
    let Some(disk) = base.ancestors().last().and_then(Path::to_str) else { return Ok(()) };
    let root = wide(disk);
    // SAFETY: the path ends with NUL.
    let kind = unsafe { GetDriveTypeW(root.as_ptr()) };
    let Some(objection) = objection(kind, file_system(&root).as_deref(), target(disk).as_deref()) else {
        return Ok(());
    };
    Err(Error::usage(format!(
        "container layers can't lie in `{}`: `{disk}` {objection}, and Windows mounts layers on its own NTFS disks only",
        base.display()
    ))
    .hint("choose a folder on such a disk with `--base-dir DIR`"))
}

/// What speaks against a disk, of what is known of it.
fn objection(kind: u32, file_system: Option<&str>, target: Option<&str>) -> Option<String> {
    if target.is_some_and(|target| target.starts_with(SUBSTITUTED)) {
        return Some("is a folder that `subst` shows as a disk".into());
    }
    if kind == REMOTE {
        return Some("is another machine's disk".into());
    }
    let other = file_system.filter(|name| !name.eq_ignore_ascii_case("NTFS"))?;
    Some(format!("has the file system {other}"))
}

/// The name of a disk's file system.
fn file_system(root: &[u16]) -> Option<String> {
    let mut name = [0; 64];
    let none = null_mut();
    // SAFETY: the path ends with NUL, the buffer has the length that is passed, and nothing else is asked for.
    let told = unsafe {
        GetVolumeInformationW(root.as_ptr(), none, 0, null_mut(), null_mut(), null_mut(), name.as_mut_ptr(), 64)
    };
    (told != 0).then(|| text(&name)).filter(|name| !name.is_empty())
}

/// What a drive letter stands for.
fn target(disk: &str) -> Option<String> {
    let mut target = [0; 1024];
    // SAFETY: the name ends with NUL, and the buffer has the length that is passed.
    let length = unsafe { QueryDosDeviceW(wide(disk.trim_end_matches('\\')).as_ptr(), target.as_mut_ptr(), 1024) };
    (length != 0).then(|| text(&target))
}

fn wide(text: &str) -> Vec<u16> {
    Path::new(text).as_os_str().encode_wide().chain([0]).collect()
}

/// What stands before the first NUL.
fn text(buffer: &[u16]) -> String {
    let length = buffer.iter().position(|unit| *unit == 0).unwrap_or(buffer.len());
    String::from_utf16_lossy(&buffer[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `DRIVE_FIXED`, and what it is when it can't be told.
    const FIXED: u32 = 3;
    const UNKNOWN: u32 = 0;

    #[test]
    fn layers_lie_on_plain_disks_with_ntfs() {
        let plain = Some(r"\Device\HarddiskVolume3");
        assert_eq!(objection(FIXED, Some("NTFS"), plain), None);
        assert_eq!(objection(UNKNOWN, None, None), None, "what can't be told");
        for (kind, file_system, target, expected) in [
            (FIXED, Some("ReFS"), plain, "has the file system ReFS"),
            (FIXED, Some("NTFS"), Some(r"\??\C:\work"), "is a folder that `subst` shows as a disk"),
            (REMOTE, Some("NTFS"), Some(r"\Device\LanmanRedirector\x"), "is another machine's disk"),
        ] {
            assert_eq!(objection(kind, file_system, target).as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_disk_of_windows_is_one() {
        let windows = std::env::var("SystemRoot").unwrap();
        check_disk(Path::new(&windows)).unwrap();
        let disk = &windows[..3];
        assert_eq!(file_system(&wide(disk)).as_deref(), Some("NTFS"));
        assert!(target(disk).unwrap().starts_with(r"\Device\"));
    }
}
