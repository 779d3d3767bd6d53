//! Both roots live and die together, and `reset` makes them agree again.

use crate::{kill, machine, pid, run, works};
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
    let levels = |arguments: &[&str]| {
        let report = run(&context, &[&["reset", "--json"], arguments].concat()).success().json();
        let levels = report["levels"].as_array().unwrap().clone();
        let name = |level: &serde_json::Value| level["level"].as_str().unwrap().to_owned();
        (levels.iter().map(name).collect::<Vec<_>>(), levels)
    };
    assert_eq!(levels(&[]).0, Vec::<String>::new(), "there is nothing to reset yet");
    works(&context, &[]);
    let (names, climbed) = levels(&[]);
    assert_eq!(names, ["prune", "prune --all", "prune-histories"]);
    assert!(climbed[0]["freed"].as_str().unwrap().ends_with('B'), "{climbed:?}");
    let (names, hard) = levels(&["--hard"]);
    assert_eq!(names, ["hard"]);
    assert!(hard[0]["freed"].as_str().unwrap().ends_with('B'), "{hard:?}");
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
