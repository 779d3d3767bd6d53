//! Failed builds that are explained: what is wrong is real, and so is the message.

use crate::{machine, run};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use tests::{Outcome, TestContext};

/// Builds a Dockerfile, which fails, and checks with which exit code and row.
#[track_caller]
fn fails(context: &TestContext, dockerfile: &str, code: i32, id: &str) -> Outcome {
    context.write("sample/Dockerfile", dockerfile);
    let sample = context.root().join("sample").display().to_string();
    let failed = run(context, &["build-sample", "--sample", &sample]).exited(code);
    let known = xtask::failure::find(id).unwrap();
    assert!(failed.stderr.contains(&format!("hint: {}", known.hint())), "{failed}");
    failed
}

/// A registry that has one answer to all questions. It ends with the test's process.
fn registry(status: &'static str, kind: &'static str, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            // The body belongs to no HEAD, and whoever asked that doesn't read it.
            let _ = (&stream).write_all((head + &body).as_bytes());
        }
    });
    address
}

#[test]
fn a_base_image_for_another_platform() {
    let context = machine();
    let kind = "application/vnd.oci.image.index.v1+json";
    let index = format!(
        r#"{{"schemaVersion": 2, "mediaType": "{kind}", "manifests": [{{"mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": "sha256:{:0>64}", "size": 1, "platform": {{"architecture": "amd64", "os": "windows", "os.version": "10.0.17763.1"}}}}]}}"#,
        1
    );
    let address = registry("200 OK", kind, index);
    let failed = fails(&context, &format!("FROM {address}/x:1\n"), 3, "base-image-platform");
    assert!(failed.stderr.contains("no match for platform in manifest"), "{failed}");
}

#[test]
fn a_registry_that_has_had_enough() {
    let context = machine();
    let body = r#"{"errors": [{"code": "TOOMANYREQUESTS", "message": "You have reached your pull rate limit."}]}"#;
    let address = registry("429 Too Many Requests", "application/json", body.into());
    fails(&context, &format!("FROM {address}/x:1\n"), 3, "registry-rate-limit");
}

/// A small disk where containerd keeps its data, until it is dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn instead_of(folder: &'a Path) -> Self {
        let aside = folder.with_extension("aside");
        fs::rename(folder, &aside).unwrap();
        fs::create_dir(folder).unwrap();
        let works = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
        works(Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "none"]).arg(folder));
        let disk = Self(folder);
        works(Command::new("cp").arg("-a").arg(aside.join(".")).arg(folder));
        disk
    }
}

impl Drop for SmallDisk<'_> {
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
    let disk = SmallDisk::instead_of(&root);
    let failed = fails(&context, "FROM base\nCOPY Dockerfile /\n", 3, "disk-full");
    assert!(failed.stderr.contains("no space left on device"), "{failed}");
    run(&context, &["down"]).success();
    drop(disk);
}

#[test]
fn data_that_no_longer_agree() {
    let context = machine();
    run(&context, &["build-sample"]).success();
    run(&context, &["down"]).success();
    let root = context.base_dir().join("containerd/root");
    // `up` deletes both roots unless they carry the same mark.
    for entry in fs::read_dir(&root).unwrap().flatten() {
        if entry.file_name() != "buildkit-windows-pair" {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    // With nothing changed there is nothing to be built, only to be unpacked.
    // On a busy machine one shape has come in place of another.
    let is_stale = |text: &str| {
        let rows = xtask::failure::all().filter(|known| known.class == xtask::failure::Class::StaleState);
        rows.into_iter().any(|known| text.contains(&format!("hint: {}", known.hint())))
    };
    let failed = run(&context, &["build-sample"]).exited(1);
    assert!(is_stale(&failed.stderr), "{failed}");
    let hello = crate::repository().join("fixtures/hello/linux");
    for file in fs::read_dir(hello).unwrap().flatten() {
        context.write(Path::new("sample").join(file.file_name()), fs::read(file.path()).unwrap());
    }
    context.write("sample/hello.txt", "changed");
    let sample = context.root().join("sample").display().to_string();
    let failed = run(&context, &["build-sample", "--sample", &sample]).exited(1);
    assert!(is_stale(&failed.stderr), "{failed}");
    // The records of the builds before refer to leases that went with the rest.
    let socket = format!("unix://{}", context.base_dir().join("run/buildkitd.sock").display());
    let buildctl = context.base_dir().join("buildkit/installed/bin/buildctl");
    let pruned = Command::new(buildctl).args(["--addr", &socket, "prune-histories"]).output().unwrap();
    let said = String::from_utf8_lossy(&pruned.stderr).into_owned();
    if !pruned.status.success() {
        let explained = context.xtask(["explain", "--json"]).stdin(&said).run();
        assert!(explained.code == 0 && explained.json()["id"] == "stale-lease", "{explained}{said}");
    }
}

#[test]
fn a_user_who_may_not_ask() {
    let context = machine();
    run(&context, &["up"]).success();
    let socket = format!("unix://{}", context.base_dir().join("run/buildkitd.sock").display());
    let buildctl = TestContext::new(context.base_dir().join("buildkit/installed/bin/buildctl"));
    let refused = buildctl.unprivileged_xtask(["--addr", &socket, "debug", "workers"]).run().exited(1);
    let explained = context.xtask(["explain", "--json"]).stdin(&refused.stderr).run().success().json();
    assert_eq!(explained["id"], "not-elevated", "{refused}");
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
