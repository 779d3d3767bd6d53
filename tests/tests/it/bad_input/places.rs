//! Where a workspace may lie, and what is there instead of one.

use super::{Transcript, has_rights};
use crate::common::{PLATFORM, done, run, server};
use std::fs;
use tests::filters::bind;
use tests::{assert_outcome, context, insta};

#[test]
#[cfg(unix)]
fn a_workspace_must_lie_where_the_daemons_can_mount_it() {
    let context = context!();
    let lines: &[&[&str]] =
        &[&["status", "--base-dir", "/a:b"], &["up", "--base-dir", "/a,b"], &["clean", "--base-dir", "/run/workspace"]];
    let transcript = Transcript::of(&context, 2, lines);
    let _filters = bind(&context);
    insta::assert_snapshot!(transcript.0, @"
    $ cargo xtask status --base-dir /a:b
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the workspace can't lie in `/a:b`: overlay mounts can't name a path with `:` in it

    hint: choose another folder with `--base-dir DIR`

    $ cargo xtask up --base-dir /a,b
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the workspace can't lie in `/a,b`: overlay mounts can't name a path with `,` in it

    hint: choose another folder with `--base-dir DIR`

    $ cargo xtask clean --base-dir /run/workspace
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the workspace can't lie in `/run/workspace`: the daemons get a `/run` of their own

    hint: choose a folder on a disk with `--base-dir DIR`
    ");
}

#[test]
#[cfg(unix)]
fn a_workspace_that_cannot_be_written_says_who_owns_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = server();
    let context = context!().server(&server).base_name("theirs/base");
    let theirs = context.root().join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o555)).unwrap();
    let outcome = context.unprivileged_xtask(["up", "--no-start", "--platform", PLATFORM]).run();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o755)).unwrap();
    assert_outcome!(outcome, @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: failed to create the workspace `[BASE]`: Permission denied (os error 13)

    hint: check who owns it, or put the workspace elsewhere with `--base-dir DIR`
    ");
    assert!(server.requests().is_empty());
}

#[test]
fn where_there_is_no_workspace_there_is_nothing_to_do() {
    let context = context!();
    let lines: &[&[&str]] = &[&["down"], &["clean"], &["clean", "--dry-run"], &["clean", "--cache"], &["status"]];
    let mut transcript = Transcript::of(&context, 0, lines);
    for line in [["logs"].as_slice(), &["logs", "buildkitd", "--follow"]] {
        let outcome = context.xtask(line).run().exited(3);
        transcript.add(line, &outcome);
    }
    let _filters = bind(&context);
    insta::assert_snapshot!(transcript.0);
    assert!(!context.base_dir().exists());
    let outcome = context.xtask(["status", "--json"]).run().success();
    let daemons = outcome.json()["daemons"].as_array().unwrap().clone();
    assert!(daemons.len() == 2 && daemons.iter().all(|daemon| daemon["answering"] == false), "{outcome}");
    if has_rights() {
        assert_outcome!(context.xtask(["reset"]).run(), @"
        exit code: 0
        ----- stdout -----
        ----- stderr -----
               Reset nothing: there is no workspace
        ");
    }
}

#[test]
fn a_workspace_that_is_a_file_stays_one() {
    let server = server();
    let context = context!().server(&server);
    context.write(context.base_dir(), "not a folder");
    // For some of these a lack of rights is as good a reason.
    for line in ["up --no-start", "resolve", "status", "logs", "down", "clean", "clean --dry-run"] {
        let outcome = run(&context, line).exited(3);
        assert!(outcome.stderr.contains("\n\nhint: "), "{line}: {outcome}");
        assert_eq!(fs::read_to_string(context.base_dir()).unwrap(), "not a folder", "{line}");
    }
    assert_outcome!(run(&context, "up --no-start"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: the workspace can't lie in `[BASE]`: `[BASE]` is a file

    hint: move the file, or put the workspace elsewhere with `--base-dir DIR`
    ");
    assert_outcome!(run(&context, "status --base-dir base/below/it"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: the workspace can't lie in `[BASE]/below/it`: `[BASE]` is a file

    hint: move the file, or put the workspace elsewhere with `--base-dir DIR`
    ");
}

#[test]
fn a_folder_of_somebody_elses_is_left_alone() {
    let server = server();
    let context = context!().server(&server);
    context.write(context.base_dir().join("thesis.txt"), "years of work");
    let before = context.tree();
    for line in
        ["up --no-start", "resolve", "status", "logs", "down", "clean", "clean --cache", "clean --dry-run", "reset"]
    {
        let outcome = run(&context, line);
        assert_eq!(context.tree(), before, "{line}: {outcome}");
    }
    assert_outcome!(run(&context, "up --no-start"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `[BASE]` is not empty, and no workspace of this harness

    hint: choose an empty or a new folder with `--base-dir DIR`
    ");
    assert!(run(&context, "clean --dry-run").exited(2).stdout.is_empty(), "what isn't ours isn't listed to be deleted");
    assert!(server.requests_for("/objects/").is_empty());
}

#[test]
fn blanks_and_letters_of_any_alphabet_are_fine_in_a_workspaces_path() {
    let server = server();
    let context = context!().server(&server).base_name("a base/with ü ж & 空");
    assert_eq!(done(&context, "up --no-start").stdout, "");
    done(&context, "resolve --locked");
    let here = context.tree();
    // Relative, as people type it.
    let relative = "another base/with ü";
    let command = context.xtask(["up", "--no-start", "--platform", PLATFORM, "--base-dir", relative]);
    assert_eq!(command.run().code, 0);
    assert!(context.root().join(relative).join("containerd/installed/bin/ctr.exe").is_file());
    assert_eq!(context.tree(), here);
    assert!(context.strays().is_empty());
}

#[test]
fn a_cache_that_others_use_is_not_among_what_is_deleted() {
    let server = server();
    let context = context!().server(&server);
    for line in
        ["up --no-start --cache-dir base/dl", "up --no-start --cache-dir base/../base/dl", "clean --cache-dir base"]
    {
        run(&context, line).exited(2);
    }
    assert_outcome!(run(&context, "up --no-start --cache-dir base/dl"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--cache-dir [BASE]/dl` lies in the workspace `[BASE]`

    hint: `clean` deletes what is in there: give a folder elsewhere, or none, as the workspace has a cache of its own
    ");
    assert!(!context.base_dir().exists() && server.requests().is_empty());
    done(&context, "up --no-start --cache-dir base/cache");
    done(&context, "clean --cache-dir base/cache");
    assert!(context.base_dir().join("cache/archives").is_dir());
    done(&context, "up --no-start --cache-dir dl");
    done(&context, "clean --cache --cache-dir dl");
    assert!(!context.base_dir().exists() && context.root().join("dl/archives").is_dir());
}
