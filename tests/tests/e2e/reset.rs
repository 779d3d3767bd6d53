//! Both roots live and die together, and `reset` makes them agree again.

use crate::{kill, machine, pid, run, works, xtask};
use std::fs;

#[test]
fn every_level_says_what_it_freed_and_the_next_build_works() {
    let context = machine();
    works(&context, &[]);
    let reset = run(&context, &["reset"]).success();
    for level in ["prune: freed", "prune --all: freed", "prune-histories"] {
        assert!(reset.stderr.contains(level), "{reset}");
    }
    let rebuilt = works(&context, &[]);
    assert!(!rebuilt.stderr.contains("CACHED"), "the cache was freed: {rebuilt}");
}

#[test]
fn hard_deletes_both_roots_and_starts_again() {
    let context = machine();
    works(&context, &[]);
    let marks = ["containerd", "buildkit"]
        .map(|component| context.write(context.base_dir().join(component).join("root/marked"), "x"));
    let reset = run(&context, &["reset", "--hard"]).success();
    assert!(reset.stderr.contains("both roots deleted: freed"), "{reset}");
    assert!(marks.iter().all(|mark| !mark.exists()));
    assert!(!reset.stderr.contains("Resolved"), "the programs stay what they are: {reset}");
    assert!(run(&context, &["up"]).success().stderr.contains("Up already"));
    works(&context, &[]);
}

#[test]
fn a_reset_with_nothing_up_starts_what_it_needs() {
    let context = machine();
    works(&context, &[]);
    run(&context, &["down"]).success();
    let reset = run(&context, &["reset"]).success();
    assert!(reset.stderr.contains("started first") && reset.stderr.contains("prune --all: freed"), "{reset}");
}

#[test]
fn as_json_each_level_with_what_it_freed() {
    let context = machine();
    let reset = |arguments: &[&str]| {
        let report = run(&context, &[&["reset", "--json"], arguments].concat()).success().json();
        assert_eq!((&report["failure"], &report["exit"]["class"]), (&serde_json::Value::Null, &"done".into()));
        report["resets"].as_array().unwrap().clone()
    };
    works(&context, &[]);
    let climbed = reset(&[]);
    assert_eq!(
        climbed.iter().map(|level| level["level"].as_str().unwrap()).collect::<Vec<_>>(),
        ["prune", "prune --all", "prune-histories"]
    );
    let freed: u64 = climbed[..2].iter().map(|level| level["freed_bytes"].as_u64().unwrap()).sum();
    // Under Wine nothing is built.
    assert_eq!(freed > 1_000_000, cfg!(unix), "{climbed:?}");
    assert!(climbed[2]["freed_bytes"].is_null() && climbed[2]["missing_leases"] == 0, "{climbed:?}");
    let again = reset(&[]);
    assert_eq!((&again[0]["freed_bytes"], &again[1]["freed_bytes"]), (&0.into(), &0.into()), "{again:?}");
    let hard = reset(&["--hard"]);
    assert_eq!((hard.len(), &hard[0]["level"]), (1, &"hard".into()));
    assert!(hard[0]["freed_bytes"].as_u64().unwrap() > 0, "{hard:?}");
}

/// Nobody fetches and starts two daemons to find that they hold nothing.
#[test]
fn where_nothing_was_started_there_is_nothing_to_reset() {
    let context = machine();
    let is_nothing = |what: &str| {
        let reset = run(&context, &["reset", "--json"]).success();
        assert_eq!(reset.json()["resets"], serde_json::json!([]), "{reset}");
        assert!(reset.stderr.contains(&format!("Reset nothing: {what}")), "{reset}");
        assert_eq!(reset.stderr.lines().count(), 1, "{reset}");
        assert_eq!(pid(&context, "containerd"), None);
    };
    is_nothing("there is no workspace");
    run(&context, &["up", "--no-start"]).success();
    is_nothing("the workspace holds no data of the daemons");
}

#[test]
fn a_reset_makes_do_with_the_programs_that_are_there() {
    let context = machine();
    works(&context, &[]);
    run(&context, &["down"]).success();
    // Without a word of what was asked for, it is still what is installed.
    fs::remove_file(context.base_dir().join("state.json")).unwrap();
    let reset = run(&context, &["reset"]).success();
    assert!(reset.stderr.contains("started first") && !reset.stderr.contains("Resolved"), "{reset}");
    run(&context, &["down"]).success();
    let ctr = format!("containerd/installed/bin/ctr{}", std::env::consts::EXE_SUFFIX);
    fs::remove_file(context.base_dir().join(ctr)).unwrap();
    let refused = run(&context, &["reset", "--json"]).exited(3);
    assert_eq!(refused.json()["exit"]["class"], "ground", "{refused}");
    assert!(refused.stderr.contains("not all programs of containerd"), "{refused}");
    let base = context.base_dir().to_str().unwrap();
    let reset = xtask(&context, &["reset", "--base-dir", base]);
    let refused = reset.env_remove("BUILDKIT_WINDOWS_BASE_DIR").run().exited(3);
    let hint = refused.stderr.lines().last().unwrap();
    for command in ["up", "reset --hard"] {
        assert!(hint.contains(&format!("`cargo xtask {command} --base-dir ")), "{refused}");
    }
    assert!(context.base_dir().join("containerd/root").exists(), "nothing is lost: {refused}");
    let hard = run(&context, &["reset", "--hard"]).success();
    assert!(hard.stderr.contains("the daemons stay down") && !hard.stderr.contains("Resolved"), "{hard}");
    assert!(!context.base_dir().join("containerd/root").exists() && !context.base_dir().join("buildkit/root").exists());
    works(&context, &[]);
}

/// What the scripts before this harness did on every run: delete one root, keep the other.
#[test]
fn half_a_pair_of_roots_is_never_used() {
    let context = machine();
    for component in ["containerd", "buildkit"] {
        works(&context, &[]);
        run(&context, &["down"]).success();
        fs::remove_dir_all(context.base_dir().join(component).join("root")).unwrap();
        let healed = works(&context, &[]);
        assert!(healed.stderr.contains("did not belong together"), "{healed}");
    }
}

#[test]
fn a_reset_after_down_starts_the_same_programs_again() {
    let context = machine();
    let older = tests::real::programs(context.program()).older_containerd();
    run(&context, &["up", "--containerd", older]).success();
    run(&context, &["down"]).success();
    for arguments in [vec!["reset"], vec!["reset", "--hard"]] {
        run(&context, &arguments).success();
        assert_eq!(crate::status(&context, "containerd")["version"], older, "{arguments:?}");
        run(&context, &["down"]).success();
    }
}

/// The other one holds its endpoint, and is nobody else's.
#[test]
fn a_reset_with_half_of_them_up_loses_nothing() {
    let context = machine();
    works(&context, &[]);
    for killed in ["buildkitd", "containerd"] {
        let kept = context.write(context.base_dir().join("containerd/root/marked"), "x");
        kill(pid(&context, killed).unwrap());
        let reset = run(&context, &["reset"]).success();
        assert!(reset.stderr.contains("started first") && reset.stderr.contains("prune --all: freed"), "{reset}");
        assert!(kept.exists() && !reset.stderr.contains("both roots deleted"), "{reset}");
    }
}
