//! Workspaces in odd places.

use crate::{hello, machine, run};

#[test]
fn blanks_and_letters_beyond_ascii() {
    let context = machine().base_name("bäse dir ü");
    assert_eq!(run(&context, &["build-sample"]).success().stdout, hello());
    run(&context, &["reset"]).success();
}

#[test]
fn deeper_than_a_socket_address_is_long() {
    let deep = ["deep"; 40].join("/");
    let context = machine().base_name(&deep);
    assert_eq!(run(&context, &["build-sample"]).success().stdout, hello());
    let again = run(&context, &["up"]).success();
    assert!(again.stderr.contains("Up already"), "{again}");
    run(&context, &["reset"]).success();
}

#[test]
fn two_workspaces_run_side_by_side() {
    let (one, two) = (machine(), machine());
    run(&one, &["build-sample"]).success();
    run(&two, &["build-sample"]).success();
    run(&one, &["down"]).success();
    assert_eq!(run(&two, &["build-sample"]).success().stdout, hello(), "one's end is not the other's");
}
