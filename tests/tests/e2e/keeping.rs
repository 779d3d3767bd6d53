//! What is kept, and what is deleted.

use crate::{machine, run, status, works, xtask};
use tests::real;

#[test]
fn clean_leaves_the_cache_unless_told_otherwise() {
    let context = machine();
    run(&context, &["up"]).success();
    let listed = run(&context, &["clean", "--dry-run"]).success();
    assert!(listed.stdout.contains("stop containerd") && listed.stdout.contains("containerd ("), "{listed}");
    assert_eq!(status(&context, "containerd")["answering"], true, "a dry run changes nothing");
    context.write(context.base_dir().join("cache/archives/kept"), "x");
    run(&context, &["clean"]).success();
    let left: Vec<_> =
        context.tree().into_iter().filter(|line| !line.contains("cache") && !line.contains("CACHEDIR.TAG")).collect();
    assert_eq!(left, Vec::<String>::new());
    assert!(context.base_dir().join("cache/archives/kept").exists());
    run(&context, &["clean", "--cache"]).success();
    assert!(!context.base_dir().exists());
}

#[test]
fn fresh_recreates_everything_but_the_cache() {
    let context = machine();
    works(&context, &[]);
    context.write(context.base_dir().join("containerd/root/marked"), "x");
    let kept = context.write(context.base_dir().join("cache/archives/kept"), "x");
    let fresh = run(&context, &["up", "--fresh"]).success();
    assert!(fresh.stderr.contains("Stopped containerd") && fresh.stderr.contains("Unpacked"), "{fresh}");
    assert!(!context.base_dir().join("containerd/root/marked").exists());
    assert!(kept.exists());
    works(&context, &[]);
    // What is recreated from the lock file is what it says.
    assert!(run(&context, &["up", "--fresh", "--locked"]).success().stderr.contains("Up containerd"));
}

/// What can't be read is found out before the daemons are stopped and their data deleted.
#[test]
fn a_record_of_a_newer_harness_costs_nothing() {
    let context = machine();
    run(&context, &["up"]).success();
    let record = context.write(context.base_dir().join("in-docker.json"), r#"{"schema": 99}"#);
    for line in [vec!["clean"], vec!["up", "--fresh"]] {
        let refused = run(&context, &line).exited(3);
        assert!(refused.stderr.contains("in-docker.json` was written by a newer harness"), "{refused}");
        assert_eq!(status(&context, "containerd")["answering"], true, "{refused}");
    }
    std::fs::remove_file(record).unwrap();
}

#[test]
fn a_kept_workspace_starts_without_the_network() {
    let context = machine();
    let server = tests::ReleaseServer::start();
    for file in std::fs::read_dir(&real::programs(context.program()).mirror).unwrap().flatten() {
        server.mirror_file(file.file_name().to_str().unwrap(), std::fs::read(file.path()).unwrap());
    }
    let with_server = |arguments: &[&str]| {
        context.xtask(arguments).env("BUILDKIT_WINDOWS_SOURCE", server.mirror_url()).run().success()
    };
    with_server(&["up"]);
    server.forget_requests();
    let again = with_server(&["up"]);
    assert!(again.stderr.contains("Up already"), "{again}");
    assert_eq!(server.requests().len(), 0, "doing it again asks nobody");
    with_server(&["down"]);
    let offline = with_server(&["up", "--offline"]);
    assert_eq!(server.requests().len(), 0);
    assert!(offline.stderr.contains("Up containerd"), "{offline}");
    // Programs, roots and all but the cache gone: the cache is enough.
    let fresh = with_server(&["up", "--fresh", "--offline"]);
    assert_eq!(server.requests().len(), 0);
    assert!(fresh.stderr.contains("from the cache"), "{fresh}");
    let locked = xtask(&context, &["up", "--locked", "--containerd", "9.9.9"]).run();
    assert_eq!(locked.code, 3, "{locked}");
}
