//! `explain`: what a message means, whoever brings it.

use tests::{assert_outcome, context};

#[test]
fn a_row_is_shown_by_its_id() {
    let context = context!();
    let shown = context.xtask(["explain", "stale-lease"]).run();
    assert_outcome!(shown, @r#"
    exit code: 0
    ----- stdout -----
    stale-lease

      cause      BuildKit's record of a build refers to a lease that containerd no longer has
      remedy     run `cargo xtask reset`, which takes that for no failure
      upstream   https://github.com/moby/buildkit/blob/master/cmd/buildctl/prunehistories.go

      class      stale state; a build that ends with it exits with 1
      platforms  windows, linux
      said by    client, daemon
      message    lease " … ": not found
    ----- stderr -----
    "#);
    for typed in ["STALE-LEASE", "stale_lease", " stale lease"] {
        assert_eq!(context.xtask(["explain", typed]).run().render(), shown.render());
    }
    let json = context.xtask(["explain", "--json", "disk-full"]).run().success().json();
    assert_eq!((&json["id"], &json["class"], &json["exit_code"]), (&"disk-full".into(), &"ground".into(), &3.into()));
    assert_eq!(json["messages"][0], "no space left on device");
    assert!(json.get("line").is_none(), "it was found nowhere: {json}");
    assert!(!context.base_dir().exists(), "it needs no workspace");
}

#[test]
fn the_list_has_every_row() {
    let context = context!();
    let listed = context.xtask(["explain", "--list"]).run().success().stdout;
    let rows = context.xtask(["explain", "--list", "--json"]).run().success().json();
    let rows = rows.as_array().unwrap();
    assert_eq!((listed.lines().count(), rows.len()), (xtask::failure::all().count(), listed.lines().count()));
    for (line, row) in listed.lines().zip(rows) {
        let columns = ["id", "class", "cause"].map(|name| row[name].as_str().unwrap());
        assert!(line.starts_with(columns[0]) && columns.iter().all(|column| line.contains(column)), "{line}");
    }
}

#[test]
fn of_a_very_long_text_the_end_is_explained() {
    let context = context!();
    let long = "a line that tells nothing ".repeat(8);
    let said = format!("{}\nerror: lease \"ref_x\": not found\n", format!("{long}\n").repeat((9 << 20) / long.len()));
    let explained = context.xtask(["explain", "--json"]).stdin(&said).run().success();
    assert_eq!(explained.json()["id"], "stale-lease");
    assert!(explained.stderr.contains("note: only the last 8.00 MiB of it are looked at\n"), "{explained}");
}

#[test]
fn a_text_is_explained_by_the_last_message_in_it_that_is_known() {
    let context = context!();
    let said = "#4 DONE\r\n\u{1b}[31merror: failed to solve: failed to load cache key: failed to prepare a as b: \
        parent snapshot sha256:1 does not exist: not found\u{1b}[0m\r\n\r\n";
    let explained = context.xtask(["explain", "-"]).stdin(said).run();
    assert_outcome!(explained, @"
    exit code: 0
    ----- stdout -----
    stale-snapshot

      found in   error: failed to solve: failed to load cache key: failed to prepare a as b: parent snapshot sha256:1 does not exist: not found
      cause      BuildKit refers to a snapshot that containerd no longer has
      remedy     run `cargo xtask reset`
      upstream   https://github.com/moby/buildkit/issues/4024

      class      stale state; a build that ends with it exits with 1
      platforms  windows, linux
      said by    client, daemon
      message    parent snapshot … does not exist: not found
                 failed to stat lower snapshot … does not exist: not found
    ----- stderr -----
    ");
    assert_eq!(context.xtask(["explain"]).stdin(said).run().render(), explained.render());
    let json = context.xtask(["explain", "--json"]).stdin(said).run().success().json();
    assert!(json["id"] == "stale-snapshot" && json["line"].as_str().unwrap().starts_with("error: "), "{json}");
}

#[test]
fn what_is_not_known_is_not_explained() {
    let context = context!();
    assert_outcome!(context.xtask(["explain", "--json"]).stdin("error: the moon is full\n").run(), @"
    exit code: 1
    ----- stdout -----
    null
    ----- stderr -----
    error: the text has no known message in it

    hint: `cargo xtask explain --list` shows the known ones, `cargo xtask doctor` looks for what is missing here, and `cargo xtask bundle FILE.zip` packs what an upstream issue needs
    ");
    assert_outcome!(context.xtask(["explain"]).run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: stdin has no text to explain

    hint: pipe in what a build said, or a daemon's log
    ");
    assert_outcome!(context.xtask(["explain", "stale-snapshots"]).run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `stale-snapshots` is no known message's id

    hint: the nearest: stale-snapshot, stale-content, stale-lease; `cargo xtask explain --list` shows all
    ");
    assert_outcome!(context.xtask(["explain", "xyzzy"]).run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `xyzzy` is no known message's id

    hint: `cargo xtask explain --list` shows all; a text is read from stdin
    ");
    assert_outcome!(context.xtask(["explain", ""]).run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: there is nothing to explain

    hint: give an ID of `cargo xtask explain --list`, or pipe a text in, as in `cargo xtask logs | cargo xtask explain`
    ");
    context.xtask(["explain", "disk-full", "--list"]).run().exited(2);
}

/// The end-to-end tests that make the real programs fail, and look at what that is found to be.
const PROVOKING: [&str; 9] = [
    include_str!("../e2e/explained.rs"),
    include_str!("../e2e/containers/docker/explained.rs"),
    include_str!("../e2e/containers/docker/remote.rs"),
    include_str!("../e2e/containers/explained.rs"),
    include_str!("../e2e/containers/failing.rs"),
    include_str!("../e2e/containers/healing.rs"),
    include_str!("../e2e/containers/registries.rs"),
    include_str!("../e2e/containers/remote.rs"),
    include_str!("../e2e/windows.rs"),
];

/// All other rows are provoked: whoever adds one says which it is, and whoever provokes one of these strikes it out.
#[test]
fn the_rows_that_nobody_has_provoked_here() {
    let is_named = |id: &str| PROVOKING.iter().any(|text| text.contains(&format!("\"{id}\"")));
    let (provoked, matched): (Vec<_>, Vec<_>) =
        xtask::failure::all().map(|known| known.id).partition(|id| is_named(id));
    insta::assert_snapshot!(format!("{} provoked; only matched:\n{}", provoked.len(), matched.join("\n")), @"
    29 provoked; only matched:
    docker-down
    docker-not-elevated
    not-elevated
    windows-layer-in-use
    windows-layer-denied
    windows-out-of-resources
    not-ntfs
    system-temp
    no-nat-network
    windows-build-mismatch
    windows-too-old
    windows-layer-format
    no-windows-image
    no-network
    docker-buildkit
    tmpfs-mount
    run-mount
    several-mounts
    copy-link
    container-user
    privileged
    no-seccomp
    system-volume-information
    default-path
    ");
}
