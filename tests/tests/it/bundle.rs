//! `bundle`: what is in it, and what is not to be.

use flate2::read::GzDecoder;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use tests::{TestContext, Xtask, assert_outcome, context, unzip};

/// The names and texts of a bundle.
fn unpacked(path: &Path) -> Vec<(String, String)> {
    let bytes = fs::read(path).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if path.extension().unwrap() == "zip" {
        return unzip(&bytes).into_iter().map(|(name, bytes)| (name, text(bytes))).collect();
    }
    let mut archive = tar::Archive::new(GzDecoder::new(bytes.as_slice()));
    let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), text(bytes))
    };
    archive.entries().unwrap().map(read).collect()
}

fn bundle(context: &TestContext, file: &str) -> Xtask {
    context.xtask(["bundle", file, "--offline"])
}

/// What a folder holds.
fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Secrets, each of a kind of its own, and where they are planted.
const OF_VARIABLES: [(&str, &str); 5] = [
    ("GH_TOKEN", "planted-gh-token-value"),
    ("GITHUB_TOKEN", "planted-github-token-value"),
    ("DEPLOY_PASSWORD", "planted \"deploy\" pass"),
    ("HTTPS_PROXY", "http://planteduser:plantedproxypass@proxy.example:3128"),
    ("HTTP_PROXY", "http://planteduser:plantedproxypass@proxy.example:3128"),
];

const LOG: &str = r#"time="2026-01-02T03:04:05Z" level=info msg="with planted-gh-token-value and planted-github-token-value"
time="2026-01-02T03:04:05Z" level=info msg="said planted \"deploy\" pass twice"
time="2026-01-02T03:04:06Z" level=debug msg="Authorization: Basic cGxhbnRlZDpiYXNpYw=="
{"level":"debug","headers":{"Authorization":["Bearer plantedbearer123"],"X-Registry-Auth":"plantedregistryauth"}}
time="2026-01-02T03:04:07Z" level=debug msg="GET https://planteduser:planted-url-pass@registry.example/v2/?token=planted-query&n=1"
time="2026-01-02T03:04:08Z" level=debug msg="ghp_plantedplantedplanted1234 github_pat_plantedplantedplanted1234"
time="2026-01-02T03:04:08Z" level=debug msg="via plantedproxypass" path="C:\\Users\\plantedother\\AppData" and=/home/plantedthird/x
time="2026-01-02T03:04:09Z" level=info msg="proxy.example of planted-person failed with exit code 7"
"#;

/// A workspace in a home, with something in every file, and a secret in each.
fn planted() -> TestContext {
    let context = context!().base_name("home/planted-person/ws");
    let base = context.base_dir().to_owned();
    let home = base.parent().unwrap().display().to_string();
    // What makes it a workspace, for the `down` at the end.
    context.xtask(["resolve", "--offline"]).run().exited(3);
    context.write(base.join("containerd/containerd.log"), format!("{LOG}mounting {home}/x\n"));
    context.write(base.join("buildkit/buildkitd.log"), LOG);
    context.write(base.join("state.json"), serde_json::json!({ "schema": 1, "executable": home }).to_string());
    context.write(base.join("versions.lock.json"), r#"{"url":"https://me:planted-lock-pass@mirror.example/x"}"#);
    context.write(base.join("containerd/config.toml"), format!("root = '{home}'\npassword = 'planted in blanks'\n"));
    context.write(base.join("buildkit/buildkitd.toml"), format!("root = {home:?}\n"));
    context.write(base.join("containerd/installed/install.json"), r#"{"version":"2.3.4"}"#);
    context
}

#[test]
fn no_planted_secret_gets_into_it() {
    for name in ["out.zip", "out.tar.gz"] {
        let context = planted();
        let home = context.base_dir().parent().unwrap().to_owned();
        let run = OF_VARIABLES.iter().fold(bundle(&context, name), |run, (name, value)| run.env(name, value));
        let run = ["HOME", "USERPROFILE"].iter().fold(run, |run, name| run.env(name, &home));
        let run = ["USER", "USERNAME"].iter().fold(run, |run, name| run.env(name, "planted-person"));
        let outcome = run.run().success();
        assert_eq!(outcome.stdout, "", "{outcome}");
        let files = unpacked(&context.root().join(name));
        for (name, text) in &files {
            assert!(!text.to_lowercase().contains("planted"), "{name}: {text}");
            assert!(!text.contains("cGxhbnRlZDpiYXNpYw"), "{name}: {text}");
        }
        let text = |wanted: &str| {
            let found = files.iter().find(|(name, _)| name == &format!("buildkit-windows/{wanted}"));
            found.map(|(_, text)| text.as_str()).unwrap_or_else(|| panic!("no {wanted} in {files:?}"))
        };
        // What is no secret stays.
        let log = text("buildkit/buildkitd.log");
        assert!(log.contains("msg=\"proxy.example of [USER] failed with exit code 7\""), "{log}");
        assert!(log.contains("GET https://[REDACTED]@registry.example/v2/?token=[REDACTED]&n=1"), "{log}");
        assert!(text("containerd/containerd.log").ends_with("mounting [HOME]/x\n"));
        assert!(text("containerd/config.toml").starts_with("root = '[HOME]'\n"), "{}", text("containerd/config.toml"));
        let versions: serde_json::Value = serde_json::from_str(text("versions.json")).unwrap();
        assert_eq!(versions["installed"]["containerd"]["version"], "2.3.4");
        for json in ["doctor.json", "state.json", "versions.lock.json"] {
            assert!(serde_json::from_str::<serde_json::Value>(text(json)).is_ok(), "{json}: {}", text(json));
        }
        assert!(text("doctor.txt").contains("skipped") && text("doctor.txt").contains("rights"));
        assert_eq!(files.len(), 9, "{:?}", files.iter().map(|(name, _)| name).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_there_already_stays_as_it_is() {
    let context = context!();
    context.write("mine.zip", "mine");
    assert_outcome!(bundle(&context, "mine.zip").run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `mine.zip` is there already, and nothing is overwritten

    hint: give another name, or delete it
    ");
    assert_eq!(fs::read(context.root().join("mine.zip")).unwrap(), b"mine");
    assert_eq!(entries(context.root()), ["home", "mine.zip", "tmp"]);
}

#[test]
fn another_ending_is_a_usage_error() {
    let context = context!();
    assert_outcome!(bundle(&context, "bundle.rar").run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `bundle.rar` is no name for a bundle

    hint: end it in `.zip` or `.tar.gz`
    ");
    for name in ["bundle", "bundle.tar", "bundle.zip.txt", "."] {
        bundle(&context, name).run().exited(2);
    }
    assert_eq!(entries(context.root()), ["home", "tmp"]);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let context = context!();
    let outcome = bundle(&context, "nowhere/x.zip").run().exited(3);
    assert!(outcome.stderr.starts_with("error: failed to write `nowhere/x.zip`: "), "{outcome}");
    assert_eq!(entries(context.root()), ["home", "tmp"]);
}

#[test]
fn without_a_workspace_there_are_versions_and_doctors_answers() {
    let context = context!();
    let outcome = bundle(&context, "x.zip").run().success();
    assert!(outcome.stderr.contains("Bundled `x.zip`: 3 files, "), "{outcome}");
    let names: Vec<String> = unpacked(&context.root().join("x.zip")).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["versions.json", "doctor.txt", "doctor.json"].map(|name| format!("buildkit-windows/{name}")));
    assert_eq!(entries(context.root()), ["home", "tmp", "x.zip"]);
    assert!(!context.base_dir().exists());
    assert_eq!(context.strays(), Vec::<String>::new());
}
