//! What is mounted where (Linux), and whether the workspace can lie on it.

use super::{Check, advise_elsewhere, elsewhere_on_linux};
use crate::platform::Os;
use std::path::{Path, PathBuf};

/// A mount, as `/proc/self/mountinfo` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) at: PathBuf,
    pub(super) kind: String,
    pub(super) is_read_only: bool,
    is_no_exec: bool,
}

/// Reads `/proc/self/mountinfo`. Source: proc_pid_mountinfo(5)
pub(super) fn mounts(mountinfo: &str) -> Vec<Mount> {
    let mount = |line: &str| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(4);
        let at = unescaped(fields.next()?).into();
        let of_mount = fields.next()?;
        let mut after = after.split(' ');
        let kind = after.next()?.to_owned();
        let of_file_system = after.nth(1).unwrap_or_default();
        let has = |options: &str, wanted| options.split(',').any(|option| option == wanted);
        let is_read_only = has(of_mount, "ro") || has(of_file_system, "ro");
        Some(Mount { at, kind, is_read_only, is_no_exec: has(of_mount, "noexec") })
    };
    mountinfo.lines().filter_map(mount).collect()
}

/// The kernel writes blanks, tabs, newlines and backslashes as three octal digits.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

/// What overlayfs can have its upper layer on.
const STACKABLE: [&str; 7] = ["ext4", "ext3", "xfs", "btrfs", "tmpfs", "f2fs", "bcachefs"];

/// What it can't: file systems without whiteouts, trusted attributes or file types in their folders.
/// Source: <https://docs.kernel.org/filesystems/overlayfs.html#upper-and-lower>
const NOT_STACKABLE: [&str; 14] = [
    "overlay", "nfs", "nfs4", "cifs", "smb3", "9p", "vfat", "exfat", "msdos", "ntfs", "ntfs3", "fuseblk", "ecryptfs",
    "aufs",
];

/// Folders that may lie on something better, where the root itself is a container's.
const OTHERS: [&str; 6] = ["/var/tmp", "/tmp", "/var/lib", "/srv", "/mnt", "/home"];

/// The mount that a path lies on. A later mount hides an earlier one at the same place.
fn under<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let under = mounts.iter().filter(|mount| path.starts_with(&mount.at));
    under.max_by_key(|mount| mount.at.components().count())
}

/// Judges what the workspace lies on, or will: `base` is free of links.
pub fn file_system(mountinfo: &str, base: &Path) -> Check {
    const CHECK: &str = "file-system";
    let mounts = mounts(mountinfo);
    let Some(mount) = under(&mounts, base) else {
        return Check::untold(CHECK, "`/proc/self/mountinfo` doesn't show what the workspace lies on");
    };
    let shown = format!("the workspace lies on {} (`{}`)", mount.kind, mount.at.display());
    let check = match objection(mount) {
        None if STACKABLE.contains(&mount.kind.as_str()) => return Check::ok(CHECK, shown),
        None => Check::warning(CHECK, format!("{shown}; whether overlayfs stacks on that is not known")),
        Some(objection) => Check::problem(CHECK, format!("{shown}, {objection}")),
    };
    let is_good = |mount: &Mount| objection(mount).is_none() && STACKABLE.contains(&mount.kind.as_str());
    match OTHERS.iter().find(|folder| under(&mounts, Path::new(folder)).is_some_and(is_good)) {
        Some(folder) => advise_elsewhere(check, Os::Linux).command(elsewhere_on_linux(folder)),
        None => check.advise(
            "put it on another file system with `--base-dir DIR`; inside a container: on a volume (`docker run --volume /var/tmp …`)",
        ),
    }
}

/// What surely speaks against a mount.
fn objection(mount: &Mount) -> Option<&'static str> {
    let kind = mount.kind.as_str();
    if mount.is_read_only {
        Some("which is read-only")
    } else if mount.is_no_exec {
        Some("from which no program may be run (`noexec`)")
    } else if NOT_STACKABLE.contains(&kind) || kind.starts_with("fuse.") {
        Some("which overlayfs can't stack on")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict::{Ok, Problem, Warning};

    const ROOT: &str = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n";

    #[test]
    fn the_innermost_mount_counts() {
        let on = |mounts: &str, base: &str| {
            let check = file_system(&format!("{ROOT}{mounts}"), Path::new(base));
            (check.verdict, check.found)
        };
        assert_eq!(on("", "/w/x"), (Ok, "the workspace lies on ext4 (`/`)".into()));
        let nfs = "28 27 0:25 / /my\\040home rw - nfs4 server:/x rw\n";
        assert_eq!(on(nfs, "/my home/w").0, Problem);
        assert_eq!(on(nfs, "/my homes/w").0, Ok);
        let again = format!("{nfs}29 28 0:26 / /my\\040home rw - xfs /dev/vdb rw\n");
        assert_eq!(on(&again, "/my home/w"), (Ok, "the workspace lies on xfs (`/my home`)".into()));
        assert_eq!(on("28 27 0:25 / /w rw - fuse.sshfs x rw\n", "/w").0, Problem);
        assert_eq!(on("28 27 0:25 / /w rw - novelfs x rw\n", "/w").0, Warning);
        let closed = on("28 27 0:25 / /w rw - ext4 x ro\n", "/w");
        assert_eq!(closed, (Problem, "the workspace lies on ext4 (`/w`), which is read-only".into()));
        let deaf = on("28 27 0:25 / /w rw,nosuid,noexec - ext4 x rw\n", "/w");
        assert_eq!(deaf.0, Problem, "{deaf:?}");
        assert_eq!(file_system("", Path::new("/w")).verdict, Warning);
    }

    #[test]
    fn another_place_is_named_where_one_is_better() {
        let container = "27 1 0:40 / / rw,relatime - overlay overlay rw\n";
        let on = |mounts: &str| file_system(&format!("{container}{mounts}"), Path::new("/w"));
        let nowhere = on("28 27 254:0 /x /etc/hosts rw - ext4 /dev/vda rw\n");
        assert!(nowhere.verdict == Problem && nowhere.command.is_none(), "{nowhere:?}");
        assert!(nowhere.advice.unwrap().contains("--volume"));
        let volume = on("28 27 254:0 /x /var/lib rw - ext4 /dev/vda rw\n");
        assert_eq!(volume.command.as_deref(), Some("export BUILDKIT_WINDOWS_BASE_DIR=/var/lib/buildkit-windows-test"));
    }
}
