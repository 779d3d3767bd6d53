//! Which cells there are, from the lists of the loopback server.

use crate::common::{asset, asset_name, release};
use tests::{Outcome, ReleaseServer, TestContext, assert_outcome, context};
use xtask::component::Component::{Buildkit, Containerd};

const WINDOWS: &str = "windows-amd64";

/// Three minor versions of each, one of them incomplete, and what else such lists hold.
fn server() -> ReleaseServer {
    let server = ReleaseServer::start();
    for version in ["1.7.33", "2.4.2", "2.3.6", "1.7.34", "2.3.7", "2.2.9", "2.4.1"] {
        server.release(Containerd.repository(), release(Containerd, version, WINDOWS));
    }
    server.release(Containerd.repository(), release(Containerd, "2.4.3", "linux-amd64"));
    server.release(Containerd.repository(), release(Containerd, "2.5.0-rc.1", WINDOWS).prerelease());
    server.release(Containerd.repository(), tests::Release::new("api/v1.11.0"));
    for version in ["0.34.2", "0.33.1", "0.33.0", "0.32.2", "0.31.1"] {
        server.release(Buildkit.repository(), release(Buildkit, version, WINDOWS));
    }
    server.release(Buildkit.repository(), release(Buildkit, "0.35.0", WINDOWS).draft());
    // Lists have pages, and what matters may be on the last.
    server.page_size(2);
    server
}

/// A matrix' machines tell its platforms, so none is asked for.
fn run(context: &TestContext, line: &str) -> Outcome {
    context.xtask(line.split_whitespace()).run()
}

fn cells(outcome: &Outcome) -> Vec<String> {
    let include = outcome.json()["include"].as_array().unwrap().clone();
    let text = |cell: &serde_json::Value, name: &str| cell[name].as_str().unwrap().to_owned();
    let shown = |cell| format!("{} {} {}", text(cell, "runner"), text(cell, "buildkit"), text(cell, "containerd"));
    include.iter().map(shown).collect()
}

#[test]
fn a_matrix_is_one_line_of_json_for_github() {
    let (server, context) = (server(), context!());
    let context = context.server(&server);
    let outcome = run(&context, "matrix --newest 2");
    assert_outcome!(outcome, @r#"
    exit code: 0
    ----- stdout -----
    {"include":[{"runner":"windows-2022","platform":"windows-amd64","buildkit":"0.34.2","containerd":"2.4.2"},{"runner":"windows-2022","platform":"windows-amd64","buildkit":"0.34.2","containerd":"2.3.7"},{"runner":"windows-2022","platform":"windows-amd64","buildkit":"0.33.1","containerd":"2.4.2"},{"runner":"windows-2022","platform":"windows-amd64","buildkit":"0.33.1","containerd":"2.3.7"},{"runner":"windows-2025","platform":"windows-amd64","buildkit":"0.34.2","containerd":"2.4.2"},{"runner":"windows-2025","platform":"windows-amd64","buildkit":"0.34.2","containerd":"2.3.7"},{"runner":"windows-2025","platform":"windows-amd64","buildkit":"0.33.1","containerd":"2.4.2"},{"runner":"windows-2025","platform":"windows-amd64","buildkit":"0.33.1","containerd":"2.3.7"}]}
    ----- stderr -----
    "#);
    assert_eq!(run(&context, "matrix --newest 2").stdout, outcome.stdout, "the same lists make the same matrix");
}

#[test]
fn versions_and_machines_are_chosen() {
    let server = server();
    let context = context!().server(&server);
    let line = "matrix --runner windows-2025 --containerd 1.7,2.x --newest 2 --buildkit latest";
    let outcome = run(&context, line).success();
    assert_eq!(
        cells(&outcome),
        ["windows-2025 0.34.2 2.4.2", "windows-2025 0.34.2 2.3.7", "windows-2025 0.34.2 1.7.34"]
    );
    let line = "matrix --runner windows-2025 --newest 1 --include prerelease,main";
    assert_eq!(
        cells(&run(&context, line).success()),
        [
            "windows-2025 master main",
            "windows-2025 master 2.5.0-rc.1",
            "windows-2025 master 2.4.2",
            "windows-2025 0.34.2 main",
            "windows-2025 0.34.2 2.5.0-rc.1",
            "windows-2025 0.34.2 2.4.2",
        ]
    );
    // A variable names them as well.
    let set = context.xtask(["matrix", "--runner", "windows-2022"]).env("BUILDKIT_WINDOWS_CONTAINERD", "2.3,2.2");
    assert_eq!(cells(&set.env("BUILDKIT_WINDOWS_BUILDKIT", "0.33").run().success()).len(), 2);
}

#[test]
fn a_source_of_releases_makes_no_cell_of_a_branch() {
    let server = server();
    let context = context!().server(&server);
    assert_outcome!(run(&context, "matrix --include main --source github"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--buildkit master` is a Go ref, and GitHub's releases have only versions

    hint: use `--source go`, or leave `--source` out
    ");
    let named = run(&context, "matrix --containerd 2.3,main --source github").exited(2);
    assert!(named.stderr.contains("`--containerd main` is a Go ref"), "{named}");
    context.write("mirror/empty", "");
    let mirror = context.root().join("mirror");
    let mirrored = context.xtask(["matrix", "--include", "main", "--source", mirror.to_str().unwrap()]).run();
    assert!(mirrored.exited(2).stderr.contains("has only released files"));
    assert!(server.requests().is_empty());
}

#[test]
fn what_is_left_out_is_told_with_its_reason() {
    let server = server();
    let context = context!().server(&server);
    assert_outcome!(run(&context, "matrix --runner win11=26200 --exclude containerd=2.2"), @r#"
    exit code: 0
    ----- stdout -----
    {"include":[{"runner":"win11","platform":"windows-amd64","buildkit":"0.34.2","containerd":"2.4.2"},{"runner":"win11","platform":"windows-amd64","buildkit":"0.34.2","containerd":"2.3.7"},{"runner":"win11","platform":"windows-amd64","buildkit":"0.33.1","containerd":"2.4.2"},{"runner":"win11","platform":"windows-amd64","buildkit":"0.33.1","containerd":"2.3.7"}]}
    ----- stderr -----
    note: left out 3, because `--exclude containerd=2.2` says so: BuildKit 0.34.2, 0.33.1, 0.32.2 with containerd 2.2.9 on win11
    note: left out 2, because BuildKit 0.26 to 0.32 takes none but newer images on a Windows above build 26100, and there is none: BuildKit 0.32.2 with containerd 2.4.2, 2.3.7 on win11
    "#);
    let line = "matrix --runner windows-2025 --newest 1 --exclude buildkit=0.99";
    assert_outcome!(run(&context, line), @r#"
    exit code: 0
    ----- stdout -----
    {"include":[{"runner":"windows-2025","platform":"windows-amd64","buildkit":"0.34.2","containerd":"2.4.2"}]}
    ----- stderr -----
    warning: no cell is left out although `--exclude buildkit=0.99` says so
    "#);
}

#[test]
fn what_is_not_there_is_left_out_of_what_is() {
    let server = server();
    let context = context!().server(&server);
    assert_outcome!(run(&context, "matrix --runner windows-11-arm,windows-2025 --newest 1 --containerd 9.9,2.4"), @r#"
    exit code: 0
    ----- stdout -----
    {"include":[{"runner":"windows-2025","platform":"windows-amd64","buildkit":"0.34.2","containerd":"2.4.2"}]}
    ----- stderr -----
    note: left out: there is no buildkit for windows-arm64
    note: left out: there is no containerd for windows-arm64
    note: left out: there is no containerd 9.9 for windows-amd64
    "#);
}

#[test]
fn a_matrix_that_makes_no_sense_is_refused() {
    let server = server();
    let context = context!().server(&server);
    assert_outcome!(run(&context, "matrix --containerd 9.9"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the matrix would be empty: there is no containerd 9.9 for windows-amd64

    hint: the newest there is 2.4.2
    ");
    assert_outcome!(run(&context, "matrix --exclude runner=windows-2022 --exclude runner=windows-2025"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the matrix would be empty: every cell is excluded, the first because `--exclude runner=windows-2022` says so

    hint: ask for other versions or runners, or exclude less
    ");
    assert_outcome!(run(&context, "matrix --exclude flavour=vanilla"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--exclude flavour=vanilla`: there is no `flavour` in a cell

    hint: give one or more of buildkit=, containerd= and runner=, with commas between, as in buildkit=0.26..0.32,containerd=2.1
    ");
    assert_outcome!(run(&context, "matrix --runner macos-15"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--runner macos-15` names no machine that containerd and BuildKit are released for

    hint: name a runner of GitHub's such as windows-2025 or ubuntu-24.04, `local`, or LABEL=BUILD for a Windows of your own
    ");
    assert_outcome!(run(&context, "matrix --buildkit ./dist"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: a matrix is for many machines, and `--buildkit ./dist` is a path on this one

    hint: name versions, series such as 2.3, or a branch
    ");
    assert_outcome!(run(&context, "matrix --runner windows-11-arm"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the matrix would be empty: there is no buildkit for windows-arm64

    hint: use another `--source`, or another `--runner`
    ");
    assert_outcome!(run(&context, "matrix --runner mine=26100,mine=26200"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--runner` has `mine` twice, once as windows-amd64 of build 26100 and once as windows-amd64 of build 26200

    hint: give each machine a label of its own, such as mine=26100,other=26200
    ");
    assert_outcome!(run(&context, "matrix --runner windows-2022 --platform linux-amd64"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--platform linux-amd64` is not the platform of `--runner windows-2022`, which is windows-amd64

    hint: leave `--platform` out: a runner has its own
    ");
    assert_outcome!(run(&context, "matrix --locked"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--locked` takes one version of each, and a matrix is made of several

    hint: leave `--locked` out, or name the versions with `--buildkit` and `--containerd`
    ");
    context.write("downloads/readme.txt", "no release files\n");
    assert_outcome!(run(&context, "matrix --source downloads"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: the matrix would be empty: there is no buildkit for windows-amd64 in the mirror `[ROOT]/downloads`

    hint: give a flat folder of upstream's release files, or leave `--source` out
    ");
    assert_outcome!(run(&context, "matrix --newest 0"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: invalid value '0' for '--newest <N>': number would be zero for non-zero type

    For more information, try '--help'.
    ");
    assert_outcome!(run(&context, "resolve --containerd 1.7,2.x"), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--containerd 1.7,2` asks for several versions, and this command takes one

    hint: several at once are for `cargo xtask matrix` and `cargo xtask night`
    ");
}

/// A folder that names its files as upstream does, for two platforms.
fn mirror(context: &TestContext) {
    for (component, version, of) in [
        (Containerd, "2.4.2", WINDOWS),
        (Containerd, "2.4.1", WINDOWS),
        (Containerd, "2.3.7", "linux-amd64"),
        (Buildkit, "0.34.2", WINDOWS),
        (Buildkit, "0.33.1", "linux-amd64"),
    ] {
        context.write(format!("mirror/{}", asset_name(component, version, of)), asset(component, version, of));
    }
}

#[test]
fn a_mirror_has_a_list_too_and_each_platform_its_own() {
    let context = context!();
    mirror(&context);
    let line = "matrix --source mirror --runner windows-2025,ubuntu-24.04";
    let expected = ["windows-2025 0.34.2 2.4.2", "ubuntu-24.04 0.33.1 2.3.7"];
    assert_eq!(cells(&run(&context, line).success()), expected);
    let server = ReleaseServer::start();
    for file in std::fs::read_dir(context.root().join("mirror")).unwrap().flatten() {
        server.mirror_file(file.file_name().to_str().unwrap(), std::fs::read(file.path()).unwrap());
    }
    let line = format!("matrix --source {} --runner windows-2025,ubuntu-24.04", server.mirror_url());
    assert_eq!(cells(&run(&context, &line).success()), expected);
    server.forbid_listing();
    assert_outcome!(run(&context, &line), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: the mirror `http://[SERVER]/mirror` shows no listing, so its versions can't be told

    hint: take a mirror's folder, or another `--source`
    ");
}

#[test]
fn an_empty_cache_is_no_mistake_of_the_line() {
    let context = context!();
    assert_outcome!(run(&context, "matrix --offline"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: the matrix would be empty: there is no buildkit for windows-amd64 in the cache `[BASE]/cache`

    hint: leave `--offline` out, or give a mirror's folder with `--source DIR`
    ");
    mirror(&context);
    assert_eq!(cells(&run(&context, "matrix --offline --source mirror --runner windows-2025").success()).len(), 1);
}
