//! What Linux must have: capabilities, control groups, overlayfs, runc; and that it needs no iptables.

use super::Check;
use super::mounts::{Mount, mounts};
use crate::version::Spec;
use std::path::Path;

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

/// What `/proc/self/status` tells of a process's rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// Whether it is root's.
    is_root: bool,
    /// Its capabilities, a bit each.
    held: u64,
}

impl Rights {
    /// Reads it.
    pub fn of(status: &str) -> Option<Self> {
        let value = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let effective_user = value("Uid:")?.split_whitespace().nth(1)?;
        Some(Self { is_root: effective_user == "0", held: u64::from_str_radix(value("CapEff:")?, 16).ok()? })
    }

    fn lacks(self, number: u32) -> bool {
        self.held & (1 << number) == 0
    }

    /// Whether it is root's.
    pub fn is_root(self) -> bool {
        self.is_root
    }

    /// Whether it may mount.
    pub fn can_mount(self) -> bool {
        !self.lacks(SYS_ADMIN)
    }
}

/// Judges what root may do here. `uid_map` is `/proc/self/uid_map`.
/// Source: user_namespaces(7)
pub fn capabilities(rights: Option<Rights>, uid_map: &str) -> Check {
    const CHECK: &str = "capabilities";
    let Some(rights) = rights else {
        return Check::untold(CHECK, "`/proc/self/status` has no `Uid` or no `CapEff`");
    };
    if !rights.is_root {
        return Check::skipped(CHECK, "those of root count, and this is another user");
    }
    let missing: Vec<&str> =
        CAPABILITIES.iter().filter(|(number, _)| rights.lacks(*number)).map(|(_, name)| *name).collect();
    if !missing.is_empty() {
        let found = format!("this process lacks {}", missing.join(", "));
        let check = if rights.can_mount() { Check::warning(CHECK, found) } else { Check::problem(CHECK, found) };
        return check.advise(OF_A_CONTAINER);
    }
    let is_real_root = uid_map.split_whitespace().eq(["0", "0", "4294967295"]);
    if !is_real_root {
        // Seen with nothing but a user namespace: both daemons come up, and RUN fails.
        return Check::warning(CHECK, "all that containers take, but in a user namespace, as of a rootless container")
            .advise("if RUN is refused something, run it as the machine's own root");
    }
    Check::ok(CHECK, "all that containers take")
}

/// What gives root in a container what it lacks.
const OF_A_CONTAINER: &str = "inside a container: start that with `--privileged`";

/// Judges the control groups. `can_mount` is whether root could mount them.
pub fn cgroups(mountinfo: &str, can_mount: bool) -> Check {
    const CHECK: &str = "cgroups";
    let mend = |check: Check, command| if can_mount { check.command(command) } else { check.advise(OF_A_CONTAINER) };
    let mounts = mounts(mountinfo);
    let top = Path::new("/sys/fs/cgroup");
    let found: Vec<&Mount> = mounts.iter().filter(|mount| mount.at.starts_with(top)).collect();
    let unified = found.iter().find(|mount| mount.at == top && mount.kind == "cgroup2");
    let old = found.iter().filter(|mount| mount.kind == "cgroup").count();
    let shown = match (unified, old) {
        (Some(_), _) => "version 2".to_owned(),
        (None, 0) => {
            let found = "none is mounted at `/sys/fs/cgroup`, and runc can't run a container without";
            return mend(Check::problem(CHECK, found), "sudo mount -t cgroup2 none /sys/fs/cgroup");
        }
        (None, hierarchies) => format!("version 1, {hierarchies} hierarchies"),
    };
    let is_group = |mount: &&&Mount| mount.kind == "cgroup" || mount.kind == "cgroup2";
    if found.iter().filter(is_group).any(|mount| mount.is_read_only) {
        let found = format!("{shown}, mounted read-only");
        return mend(Check::problem(CHECK, found), "sudo mount -o remount,rw /sys/fs/cgroup");
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

/// Judges runc: it is fetched like the rest, and this machine's own is never run.
pub fn runc(asked: &Spec, of_machine: Option<&Path>) -> Check {
    let own = format!("the workspace's own (`{asked}`)");
    Check::ok(
        "runc",
        match of_machine {
            Some(path) => format!("{own}; `{}` is left alone", path.display()),
            None => own,
        },
    )
}

/// Tells why nobody looks for iptables.
pub fn iptables() -> Check {
    Check::skipped("iptables", "not needed: RUN has the host's network, and containers have none")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict::{Ok, Problem, Skipped, Warning};

    const ROOT: &str = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n";

    const REAL: &str = "         0          0 4294967295\n";

    fn of(user: u32, capabilities: &str) -> Option<Rights> {
        Rights::of(&format!("Name:\tx\nUid:\t1000\t{user}\t0\t0\nCapEff:\t{capabilities}\n"))
    }

    #[test]
    fn what_root_lacks_is_named() {
        let judged = |rights| {
            let check = capabilities(rights, REAL);
            (check.verdict, check.found)
        };
        assert_eq!(judged(of(0, "000001ffffffffff")), (Ok, "all that containers take".into()));
        let docker = of(0, "00000000a80425fb");
        assert_eq!(judged(docker), (Problem, "this process lacks CAP_NET_ADMIN, CAP_SYS_ADMIN".into()));
        assert!(!docker.unwrap().can_mount());
        assert_eq!(judged(of(0, "000001fff7ffffff")), (Warning, "this process lacks CAP_MKNOD".into()));
        assert_eq!(judged(of(0, "x")).0, Warning);
        // That root is missing is told by another check.
        assert_eq!(judged(of(1000, "0000000000000000")).0, Skipped);
    }

    #[test]
    fn root_of_a_user_namespace_is_told() {
        let check = capabilities(of(0, "000001ffffffffff"), "         0       1000          1\n");
        assert!(check.verdict == Warning && check.found.contains("user namespace"), "{check:?}");
    }

    #[test]
    fn runc_is_the_workspaces_own() {
        assert_eq!(runc(&Spec::Latest, None).found, "the workspace's own (`latest`)");
        let other = runc(&Spec::Latest, Some(Path::new("/usr/sbin/runc"))).found;
        assert_eq!(other, "the workspace's own (`latest`); `/usr/sbin/runc` is left alone");
    }

    #[test]
    fn control_groups_are_of_one_version_or_the_other() {
        let unified = "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";
        assert_eq!(cgroups(unified, true).found, "version 2");
        let old = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                   41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        assert_eq!((cgroups(old, true).verdict, cgroups(old, true).found.as_str()), (Ok, "version 1, 1 hierarchies"));
        assert_eq!(cgroups(ROOT, true).verdict, Problem);
        let closed = |can_mount| cgroups("31 23 0:28 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw\n", can_mount);
        assert_eq!((closed(true).verdict, closed(true).found.as_str()), (Problem, "version 2, mounted read-only"));
        assert!(closed(true).command.is_some() && closed(false).command.is_none());
        assert_eq!(closed(false).advice.as_deref(), Some(OF_A_CONTAINER));
    }

    #[test]
    fn the_kernel_has_overlayfs_or_may_load_it() {
        assert_eq!(overlayfs("nodev\tproc\n\text4\nnodev\toverlay\n").verdict, Ok);
        assert_eq!(overlayfs("nodev\tproc\nnodev\toverlayish\n").command.as_deref(), Some("sudo modprobe overlay"));
    }
}
