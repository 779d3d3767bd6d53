//! Workspaces in odd places, and builds in them.

use crate::{hello, machine, run, works};

/// What `/proc` tells of a program has no links in it.
#[test]
fn behind_a_link() {
    let context = machine();
    std::fs::create_dir(context.root().join("real")).unwrap();
    std::os::unix::fs::symlink("real", context.root().join("link")).unwrap();
    let base = context.root().join("link/../link/base");
    let with_base =
        |command: &str| crate::xtask(&context, &[command, "--base-dir", base.to_str().unwrap()]).run().success();
    assert_eq!(with_base("build-sample").stdout, hello());
    std::fs::remove_file(context.root().join("real/base/state.json")).unwrap();
    let down = with_base("down");
    assert!(down.stderr.contains("Stopped containerd"), "{down}");
}

#[test]
fn in_the_very_context_that_is_built() {
    let context = machine();
    context.write("project/Dockerfile", "FROM base\nCOPY . /all\nCMD [\"/bin/cat\", \"/all/note\"]\n");
    context.write("project/note", "short\n");
    let project = context.root().join("project");
    let base = project.join("target/base").display().to_string();
    let built = run(&context, &["build-sample", "--base-dir", &base, "--sample", project.to_str().unwrap()]).success();
    assert_eq!(built.stdout, "short\n");
    run(&context, &["down", "--base-dir", &base]).success();
}

#[test]
fn deeper_than_a_socket_address_is_long() {
    let deep = ["deep"; 40].join("/");
    let context = machine().base_name(&deep);
    works(&context, &[]);
    let again = run(&context, &["up"]).success();
    assert!(again.stderr.contains("Up already"), "{again}");
    run(&context, &["reset"]).success();
}
