//! What Linux must have: capabilities, control groups, overlayfs and a file system that it stacks on.

use super::{Check, elsewhere};
use crate::platform::Os;
use std::path::{Path, PathBuf};

/// The capabilities that containerd, BuildKit and runc make use of, with their numbers.
/// Source: <https://github.com/torvalds/linux/blob/master/include/uapi/linux/capability.h>
const CAPABILITIES: [(u32, &str); 13] = [
    (0, "CAP_CHOWN"),
    (1, "CAP_DAC_OVERRIDE"),
    (3, "CAP_FOWNER"),
    (4, "CAP_FSETID"),
    (5, "CAP_KILL"),
    (6, "CAP_SETGID"),
    (7, "CAP_SETUID"),
    (8, "CAP_SETPCAP"),
    (12, "CAP_NET_ADMIN"),
    (18, "CAP_SYS_CHROOT"),
    (21, "CAP_SYS_ADMIN"),
    (27, "CAP_MKNOD"),
    (31, "CAP_SETFCAP"),
];

/// Mounting takes this one: without it no daemon starts.
const SYS_ADMIN: u32 = 21;

/// Judges `/proc/self/status`.
pub fn capabilities(status: &str) -> Check {
    const CHECK: &str = "capabilities";
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let Some(held) = line.and_then(|line| u64::from_str_radix(line.trim(), 16).ok()) else {
        return Check::untold(CHECK, "`/proc/self/status` has no `CapEff`");
    };
    let lacks = |number: u32| held & (1 << number) == 0;
    let missing: Vec<&str> = CAPABILITIES.iter().filter(|(number, _)| lacks(*number)).map(|(_, name)| *name).collect();
    if missing.is_empty() {
        return Check::ok(CHECK, "all that containers take");
    }
    let found = format!("this process lacks {}", missing.join(", "));
    let check = if lacks(SYS_ADMIN) { Check::problem(CHECK, found) } else { Check::warning(CHECK, found) };
    check.advise("run it as root; inside a container, one that was started with `--privileged`")
}

/// A mount, as `/proc/self/mountinfo` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    at: PathBuf,
    kind: String,
    is_read_only: bool,
}

/// Reads `/proc/self/mountinfo`. Source: proc_pid_mountinfo(5)
fn mounts(mountinfo: &str) -> Vec<Mount> {
    let mount = |line: &str| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(4);
        let at = unescaped(fields.next()?).into();
        let of_mount = fields.next()?;
        let mut after = after.split(' ');
        let kind = after.next()?.to_owned();
        let of_file_system = after.nth(1).unwrap_or_default();
        let is_read_only = [of_mount, of_file_system].iter().any(|options| options.split(',').any(|one| one == "ro"));
        Some(Mount { at, kind, is_read_only })
    };
    mountinfo.lines().filter_map(mount).collect()
}

/// The kernel writes blanks, tabs, newlines and backslashes as three octal digits.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

/// Judges the control groups.
pub fn cgroups(mountinfo: &str) -> Check {
    const CHECK: &str = "cgroups";
    let mounts = mounts(mountinfo);
    let top = Path::new("/sys/fs/cgroup");
    let found: Vec<&Mount> = mounts.iter().filter(|mount| mount.at.starts_with(top)).collect();
    let unified = found.iter().find(|mount| mount.at == top && mount.kind == "cgroup2");
    let old = found.iter().filter(|mount| mount.kind == "cgroup").count();
    let shown = match (unified, old) {
        (Some(_), _) => "version 2".to_owned(),
        (None, 0) => {
            return Check::problem(
                CHECK,
                "none is mounted at `/sys/fs/cgroup`, and runc can't run a container without",
            )
            .command("sudo mount -t cgroup2 none /sys/fs/cgroup");
        }
        (None, hierarchies) => format!("version 1, {hierarchies} hierarchies"),
    };
    let is_group = |mount: &&&Mount| mount.kind == "cgroup" || mount.kind == "cgroup2";
    if found.iter().filter(is_group).any(|mount| mount.is_read_only) {
        return Check::problem(CHECK, format!("{shown}, mounted read-only"))
            .advise("inside a container: start it with `--privileged`")
            .command("sudo mount -o remount,rw /sys/fs/cgroup");
    }
    Check::ok(CHECK, shown)
}

/// Judges `/proc/filesystems`.
pub fn overlayfs(filesystems: &str) -> Check {
    const CHECK: &str = "overlayfs";
    if filesystems.lines().any(|line| line.split_whitespace().next_back() == Some("overlay")) {
        return Check::ok(CHECK, "the kernel has it");
    }
    Check::warning(CHECK, "the kernel doesn't have it loaded; the first mount may do that")
        .command("sudo modprobe overlay")
}

/// What overlayfs can have its upper layer on.
const STACKABLE: [&str; 8] = ["ext4", "ext3", "xfs", "btrfs", "tmpfs", "f2fs", "zfs", "bcachefs"];

/// What it can't: file systems without whiteouts, trusted attributes or file types in their folders.
/// Source: <https://docs.kernel.org/filesystems/overlayfs.html#upper-and-lower>
const NOT_STACKABLE: [&str; 14] = [
    "overlay", "nfs", "nfs4", "cifs", "smb3", "9p", "vfat", "exfat", "msdos", "ntfs", "ntfs3", "fuseblk", "ecryptfs",
    "aufs",
];

/// Judges what the workspace lies on, or will: `base` is free of links.
pub fn file_system(mountinfo: &str, base: &Path) -> Check {
    const CHECK: &str = "file-system";
    let mounts = mounts(mountinfo);
    // A later mount hides an earlier one at the same place.
    let under = mounts.iter().filter(|mount| base.starts_with(&mount.at));
    let Some(mount) = under.max_by_key(|mount| mount.at.components().count()) else {
        return Check::untold(CHECK, "`/proc/self/mountinfo` doesn't show what the workspace lies on");
    };
    let shown = format!("the workspace lies on {} (`{}`)", mount.kind, mount.at.display());
    let elsewhere = elsewhere(Os::Linux);
    let kind = mount.kind.as_str();
    if mount.is_read_only {
        Check::problem(CHECK, format!("{shown}, which is read-only")).command(elsewhere)
    } else if STACKABLE.contains(&kind) {
        Check::ok(CHECK, shown)
    } else if NOT_STACKABLE.contains(&kind) || kind.starts_with("fuse.") {
        Check::problem(CHECK, format!("{shown}, which overlayfs can't stack on")).command(elsewhere)
    } else {
        Check::warning(CHECK, format!("{shown}; whether overlayfs stacks on that is not known")).command(elsewhere)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict::{Ok, Problem, Warning};

    const ROOT: &str = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n";

    #[test]
    fn what_a_process_lacks_is_named() {
        assert_eq!(capabilities("Name:\tx\nCapEff:\t000001ffffffffff\n").verdict, Ok);
        let docker = capabilities("CapEff:\t00000000a80425fb\n");
        assert_eq!(
            (docker.verdict, docker.found.as_str()),
            (Problem, "this process lacks CAP_NET_ADMIN, CAP_SYS_ADMIN")
        );
        assert_eq!(capabilities("CapEff:\t000001fff7ffffff\n").found, "this process lacks CAP_MKNOD");
        assert_eq!(capabilities("CapEff:\t000001fff7ffffff\n").verdict, Warning);
        assert_eq!(capabilities("CapEff:\tx\n").verdict, Warning);
    }

    #[test]
    fn control_groups_are_of_one_version_or_the_other() {
        let unified = "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";
        assert_eq!(cgroups(unified).found, "version 2");
        let old = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                   41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        assert_eq!((cgroups(old).verdict, cgroups(old).found.as_str()), (Ok, "version 1, 1 hierarchies"));
        assert_eq!(cgroups(ROOT).verdict, Problem);
        let closed = cgroups("31 23 0:28 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw\n");
        assert_eq!((closed.verdict, closed.found.as_str()), (Problem, "version 2, mounted read-only"));
    }

    #[test]
    fn the_kernel_has_overlayfs_or_may_load_it() {
        assert_eq!(overlayfs("nodev\tproc\n\text4\nnodev\toverlay\n").verdict, Ok);
        assert_eq!(overlayfs("nodev\tproc\nnodev\toverlayish\n").command.as_deref(), Some("sudo modprobe overlay"));
    }

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
        assert_eq!(file_system("", Path::new("/w")).verdict, Warning);
    }
}
