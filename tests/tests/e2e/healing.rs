//! What a kill, a damaged file or half a deletion leaves behind is no trouble to whoever comes next.

use crate::{kill, kill_at, kill_when, machine, pid, run, status, works};

#[test]
fn killed_daemons_are_replaced() {
    let context = machine();
    works(&context, &[]);
    for killed in [vec!["containerd"], vec!["buildkitd"], vec!["containerd", "buildkitd"]] {
        for daemon in &killed {
            kill(pid(&context, daemon).unwrap());
        }
        let again = works(&context, &[]);
        assert!(again.stderr.contains("Up containerd"), "after the end of {killed:?}: {again}");
    }
}

#[test]
fn up_killed_at_any_step_is_healed_by_the_next() {
    let context = machine();
    // Each text appears when a step is reached; the run is killed right then.
    for step in ["Resolved", "Fetching", "Unpacked"] {
        kill_at(&context, &["up"], step);
    }
    let mut files =
        vec!["staging", "containerd/installed", "containerd/config.toml", "state.json", "buildkit/buildkitd.log"];
    if cfg!(unix) {
        files.extend(["run/containerd.sock", "run/buildkitd.sock"]);
    }
    for file in files {
        let path = context.base_dir().join(file);
        let clean = || drop(run(&context, &["clean"]).success());
        kill_when(&context, &["up"], clean, &format!("{file} is there"), || path.exists());
    }
    works(&context, &[]);
}

#[test]
fn a_state_that_makes_no_sense_is_no_obstacle() {
    let context = machine();
    run(&context, &["up"]).success();
    context.write(context.base_dir().join("state.json"), "{ half of it");
    let seen = status(&context, "buildkitd");
    assert!(seen["answering"] == true && seen["pid"].is_u64(), "what runs is seen by its program: {seen}");
    let again = run(&context, &["up"]).success();
    assert!(again.stderr.contains("Stopped containerd"), "what runs is found by its program: {again}");
    std::fs::remove_file(context.base_dir().join("state.json")).unwrap();
    let down = run(&context, &["down"]).success();
    assert!(down.stderr.contains("Stopped buildkitd"), "{down}");
}

#[test]
fn programs_that_were_damaged_are_put_in_place_again() {
    let context = machine();
    run(&context, &["up"]).success();
    run(&context, &["down"]).success();
    let ctr = format!("containerd/installed/bin/ctr{}", std::env::consts::EXE_SUFFIX);
    std::fs::remove_file(context.base_dir().join(ctr)).unwrap();
    works(&context, &[]);
}

#[test]
fn a_deletion_that_was_cut_short_leaves_nothing_to_be_used() {
    let context = machine();
    works(&context, &[]);
    run(&context, &["down"]).success();
    // The first thing that any deletion of the roots does, and then it is killed.
    for component in ["containerd", "buildkit"] {
        std::fs::remove_file(context.base_dir().join(component).join("root/buildkit-windows-pair")).unwrap();
    }
    std::fs::remove_file(context.base_dir().join("buildkit/root/cache.db")).unwrap();
    let healed = works(&context, &[]);
    assert!(healed.stderr.contains("did not belong together"), "{healed}");
}
