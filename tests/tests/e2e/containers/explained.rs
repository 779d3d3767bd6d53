//! Failed builds that are explained: what is wrong is real, and so is the message.

use crate::explained::{BUILDCTL, fails as fails_of, means};
use crate::{machine, pid, run, xtask};
use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use tests::{Outcome, StandIn, TestContext, Then};

const CTR: &str = "containerd/installed/bin/ctr";
const SHIM: &str = "containerd-shim-runc-v2";

/// Where the workspace's buildkitd listens.
fn buildkitd(context: &TestContext) -> String {
    format!("unix://{}", context.base_dir().join("run/buildkitd.sock").display())
}

/// Where its containerd listens.
fn containerd(context: &TestContext) -> String {
    context.base_dir().join("run/containerd.sock").display().to_string()
}

/// Builds a Dockerfile, which fails, and checks with which exit code and row.
#[track_caller]
pub(super) fn fails(context: &TestContext, dockerfile: &str, code: i32, id: &str) -> Outcome {
    context.write("sample/Dockerfile", dockerfile);
    let sample = context.root().join("sample").display().to_string();
    let failed = run(context, &["build-sample", "--sample", &sample]).exited(code);
    let known = xtask::failure::find(id).unwrap();
    assert!(failed.stderr.contains(&format!("hint: {}", known.hint())), "{failed}");
    failed
}

/// Another file system where containerd keeps its data, until it is dropped.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn instead_of(folder: &'a Path, mount: &[&str]) -> Self {
        let aside = folder.with_extension("aside");
        fs::rename(folder, &aside).unwrap();
        fs::create_dir(folder).unwrap();
        let works = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
        works(Command::new("mount").args(mount).arg(folder));
        let disk = Self(folder);
        works(Command::new("cp").arg("-a").arg(aside.join(".")).arg(folder));
        disk
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_a_build() {
    let context = machine();
    run(&context, &["up"]).success();
    run(&context, &["down"]).success();
    let root = context.base_dir().join("containerd/root");
    let disk = Disk::instead_of(&root, &["-t", "tmpfs", "-o", "size=3m", "none"]);
    let failed = fails(&context, "FROM base\nCOPY Dockerfile /\n", 3, "disk-full");
    assert!(failed.stderr.contains("no space left on device"), "{failed}");
    run(&context, &["down"]).success();
    drop(disk);
}

/// An overlay, as a container's own root is, which no other can be stacked on.
#[test]
fn a_disk_that_no_layer_can_be_mounted_on() {
    let context = machine();
    run(&context, &["up"]).success();
    run(&context, &["down"]).success();
    let [lower, upper, work] = ["lower", "upper", "work"].map(|name| {
        let folder = context.root().join(name);
        fs::create_dir(&folder).unwrap();
        folder.display().to_string()
    });
    let root = context.base_dir().join("containerd/root");
    let layers = format!("lowerdir={lower},upperdir={upper},workdir={work}");
    let disk = Disk::instead_of(&root, &["-t", "overlay", "-o", &layers, "none"]);
    fails(&context, "FROM base\nCOPY Dockerfile /\n", 3, "no-overlayfs");
    run(&context, &["down"]).success();
    drop(disk);
}

/// `reset` takes that for no failure; a person who types it sees one.
#[test]
fn a_record_of_a_build_whose_lease_is_gone() {
    let context = machine();
    super::healing::fault(&context, false);
    let said = fails_of(&context, BUILDCTL, &["--addr", &buildkitd(&context), "prune-histories"]);
    means(&context, &said, "stale-lease");
}

#[test]
fn a_user_who_may_not_ask() {
    let context = machine();
    run(&context, &["up"]).success();
    let buildctl = TestContext::new(context.base_dir().join(BUILDCTL));
    let refused = buildctl.unprivileged_xtask(["--addr", &buildkitd(&context), "debug", "workers"]).run().exited(1);
    means(&context, &refused.stderr, "not-root");
    let ctr = TestContext::new(context.base_dir().join(CTR));
    let refused = ctr.unprivileged_xtask(["--address", &containerd(&context), "version"]).run().exited(1);
    means(&context, &refused.stderr, "not-root");
}

/// A stream is all that this client has, so that nothing else of it can fail first.
#[test]
fn a_daemon_that_ends_while_it_is_at_work() {
    let context = machine();
    run(&context, &["up"]).success();
    let ctr = TestContext::new(context.base_dir().join(CTR));
    let socket = containerd(&context);
    let mut events = ctr.xtask(["--address", &socket, "events"]).spawn();
    // It says nothing before something happens, and hears nothing of what happened before.
    let has_heard = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for name in (0..).map(|number| format!("n{number}")).take_while(|_| !has_heard.load(Ordering::Relaxed)) {
                ctr.xtask(["--address", &socket, "namespaces", "create", &name]).run().success();
            }
        });
        let waited = catch_unwind(AssertUnwindSafe(|| events.wait_for_output("/namespaces/create")));
        has_heard.store(true, Ordering::Relaxed);
        waited.unwrap();
    });
    crate::kill(pid(&context, "containerd").unwrap());
    means(&context, &events.wait().exited(1).stderr, "daemon-ended");
}

#[test]
fn a_foreign_socket() {
    let context = machine();
    run(&context, &["up", "--no-start"]).success();
    let path = context.root().join("foreign.sock");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let address = format!("unix://{}", path.display());
    means(&context, &fails_of(&context, BUILDCTL, &["--addr", &address, "debug", "workers"]), "daemon-silent");
}

#[test]
fn a_remote_buildkitd_that_is_not_there() {
    let context = machine();
    run(&context, &["up", "--no-start"]).success();
    // The client's end of a connection: nobody listens there, and nobody else gets the port while it is held.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let address = format!("tcp://{}", client.local_addr().unwrap());
    means(&context, &fails_of(&context, BUILDCTL, &["--addr", &address, "debug", "workers"]), "builder-unreachable");
}

/// One that was never looked for, and one that has been found before.
#[test]
fn a_shim_that_is_not_there() {
    let context = machine().without(SHIM);
    run(&context, &["up"]).success();
    let shim = context.base_dir().join("containerd/installed/bin").join(SHIM);
    let aside = context.root().join("shim");
    fs::rename(&shim, &aside).unwrap();
    fails(&context, "FROM base\nRUN echo one\n", 3, "shim-missing");
    fs::rename(&aside, &shim).unwrap();
    run(&context, &["build-sample"]).success();
    fs::rename(&shim, &aside).unwrap();
    fails(&context, "FROM base\nRUN echo two\n", 3, "shim-missing");
}

#[test]
fn a_runc_that_is_not_there() {
    let context = machine().without("runc");
    run(&context, &["up"]).success();
    fs::remove_file(context.base_dir().join("runc/installed/bin/runc")).unwrap();
    fails(&context, "FROM base\nRUN echo one\n", 3, "runc-missing");
}

/// The daemons have a file system of their own, without what the kernel mounts for the others.
#[test]
fn control_groups_that_are_not_there() {
    let unshare = TestContext::new("/usr/bin/unshare");
    let context = machine();
    let up = format!("umount -R /sys/fs/cgroup && exec '{}' up", context.program().display());
    let line = ["--mount", "--propagation", "private", "sh", "-c", &up];
    xtask(&unshare, &line).env("BUILDKIT_WINDOWS_BASE_DIR", context.base_dir()).run().success();
    fails(&context, "FROM base\nRUN echo one\n", 3, "no-control-groups");
}

/// Nobody knows every failure: then the daemon's own words are shown, and where all of them are.
#[test]
fn what_is_not_in_the_catalogue() {
    let context = machine();
    context.write("sample/Dockerfile", "FROM base\nCMD [\"/nothing\"]\n");
    let sample = context.root().join("sample").display().to_string();
    let failed = run(&context, &["build-sample", "--sample", &sample]).exited(1);
    assert!(failed.stderr.contains("; meanwhile containerd logged:\n  time="), "{failed}");
    let log = context.base_dir().join("containerd/containerd.log").display().to_string();
    assert!(failed.stderr.contains(&format!("hint: containerd's whole log is in `{log}`")), "{failed}");
    assert!(
        !failed.stderr.contains("successfully booted"),
        "what was logged before has nothing to do with it: {failed}"
    );
}

/// The same for one that does not start.
#[test]
fn a_daemon_that_ends_for_what_is_not_in_the_catalogue() {
    let context = machine();
    let script = StandIn::new("buildkitd", "0.1.0").then(Then::Exit { code: 4, saying: "the moon is full".into() });
    let folder = super::failing::with_stand_in(&context, "buildkit", "buildkitd", script.script());
    let failed = run(&context, &["up", "--buildkit", &folder]).exited(3);
    assert!(failed.stderr.contains("before it was ready; its log ends:\n  the moon is full\n"), "{failed}");
    let log = context.base_dir().join("buildkit/buildkitd.log").display().to_string();
    assert!(failed.stderr.contains(&format!("hint: the whole log is in `{log}`")), "{failed}");
}

#[test]
fn what_a_container_prints_is_no_verdict() {
    let context = machine();
    let printing = "FROM base\nCMD [\"/bin/sh\", \"-c\", \"echo no space left on device >&2; exit 9\"]\n";
    context.write("sample/Dockerfile", printing);
    let sample = context.root().join("sample").display().to_string();
    let failed = run(&context, &["build-sample", "--sample", &sample]).exited(1);
    assert!(failed.stderr.contains("failed (exit code 9): no space left on device"), "{failed}");
    assert!(!failed.stderr.contains("the disk is full"), "{failed}");
}
