//! Workspaces in odd places.

use crate::{machine, run, works};

#[test]
fn blanks_and_letters_beyond_ascii() {
    let context = machine().base_name("bäse dir ü");
    works(&context, &[]);
    run(&context, &["reset"]).success();
}

#[test]
fn two_workspaces_run_side_by_side() {
    let (one, two) = (machine(), machine());
    works(&one, &[]);
    works(&two, &[]);
    run(&one, &["down"]).success();
    assert!(works(&two, &[]).stderr.contains("Up already"), "one's end is not the other's");
}
