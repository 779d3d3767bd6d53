//! `bundle`: what is in it, and what is not to be.

mod planted;

use flate2::read::GzDecoder;
use planted::{KEPT, NO_SECRETS, OF_LOGS, OF_VARIABLES};
use rawzip::time::ZipDateTimeKind;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
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

/// A daemon's log.
fn log() -> String {
    let lines = OF_LOGS.iter().chain(KEPT).map(|line| format!("time=\"2026-01-02T03:04:05Z\" level=debug\n{line}\n"));
    lines.collect()
}

/// A workspace in a home, with something in every file, and secrets in each.
fn planted() -> TestContext {
    let context = context!().base_name("home/planted-person/ws");
    let base = context.base_dir().to_owned();
    let home = base.parent().unwrap().display().to_string();
    // What makes it a workspace, for the `down` at the end.
    context.xtask(["resolve", "--offline"]).run().exited(3);
    context.write(base.join("containerd/containerd.log"), format!("{}mounting {home}/x\n", log()));
    context.write(base.join("buildkit/buildkitd.log"), log());
    let state = serde_json::json!({ "schema": 1, "executable": home, "registry_auth": "planted", "token": "planted" });
    context.write(base.join("state.json"), state.to_string());
    context.write(base.join("versions.lock.json"), r#"{"url":"https://me:planted-lock-pass@mirror.example/x"}"#);
    let config = [
        &format!("root = '{home}'"),
        "[plugins.'io.containerd.cri.v1.images'.registry.configs.'registry.example'.auth]",
        "password = 'planted in blanks'",
        "username = \"planted\"",
        "identitytoken = \"planted\"",
        "[plugins.x.header]",
        "x-vault-token = [\"planted\",\n  \"planted\"]",
        "authorization = \"Basic planted\"",
        "mirror = \"https://planted:planted@mirror.example\"\n",
    ];
    context.write(base.join("containerd/config.toml"), config.join("\n"));
    context.write(base.join("buildkit/buildkitd.toml"), format!("root = {home:?}\n"));
    context.write(base.join("containerd/installed/install.json"), r#"{"version":"2.3.4"}"#);
    context
}

/// The bundle of a planted workspace, in a planted environment.
fn planted_bundle(name: &str) -> (TestContext, Vec<(String, String)>) {
    let context = planted();
    let home = context.base_dir().parent().unwrap().to_owned();
    let of_user = [("USER", "planted-person"), ("USERNAME", "planted-person")];
    let variables = OF_VARIABLES.iter().chain(NO_SECRETS).copied().chain(of_user);
    let run = variables.fold(bundle(&context, name), |run, (name, value)| run.env(name, value));
    let run = ["HOME", "USERPROFILE"].iter().fold(run, |run, name| run.env(name, &home));
    let outcome = run.run().success();
    assert_eq!(outcome.stdout, "", "{outcome}");
    let files = unpacked(&context.root().join(name));
    (context, files)
}

#[test]
fn no_planted_secret_gets_into_it_and_the_rest_stays() {
    for name in ["out.zip", "out.tar.gz"] {
        let (_context, files) = planted_bundle(name);
        // All that is wrong at once: a list is better read than one line of it.
        let lines = files.iter().flat_map(|(name, text)| text.lines().chain([name.as_str()]));
        let is_leak = |line: &&str| ["planted", "cgxhbnrlz"].iter().any(|part| line.to_lowercase().contains(part));
        let leaks: Vec<&str> = lines.filter(is_leak).collect();
        assert_eq!(leaks, Vec::<&str>::new(), "{}", leaks.join("\n"));
        let text = |wanted: &str| {
            let found = files.iter().find(|(name, _)| name == &format!("buildkit-windows/{wanted}"));
            found.map(|(_, text)| text.as_str()).unwrap_or_else(|| panic!("no {wanted} in {files:?}"))
        };
        let log = text("buildkit/buildkitd.log");
        let lost: Vec<&str> = KEPT.iter().copied().filter(|line| !log.contains(&format!("\n{line}\n"))).collect();
        assert_eq!(lost, Vec::<&str>::new(), "{log}");
        // Nothing is taken along that stands behind a secret.
        assert_eq!(
            log.matches("time=\"2026-01-02T03:04:05Z\" level=debug\n").count(),
            OF_LOGS.len() + KEPT.len(),
            "{log}"
        );
        assert!(log.contains("GET https://[REDACTED]@registry.example/v2/?token=[REDACTED]&n=1"), "{log}");
        assert!(log.contains("AccountKey=[REDACTED];EndpointSuffix=core.windows.net"), "{log}");
        assert!(log.contains(r#"msg="config password: \"[REDACTED]\" quotes" b=1"#), "{log}");
        assert!(text("containerd/containerd.log").ends_with("mounting [HOME]/x\n"));
        assert!(text("containerd/config.toml").starts_with("root = '[HOME]'\n"), "{}", text("containerd/config.toml"));
        let versions: serde_json::Value = serde_json::from_str(text("versions.json")).unwrap();
        assert_eq!(versions["installed"]["containerd"]["version"], "2.3.4");
        for json in ["doctor.json", "state.json", "versions.lock.json"] {
            assert!(serde_json::from_str::<serde_json::Value>(text(json)).is_ok(), "{json}: {}", text(json));
        }
        let config = text("containerd/config.toml");
        assert!(config.contains("password = '[REDACTED]'\n"), "{config}");
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
    assert_outcome!(bundle(&context, "nowhere/x.zip").run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `nowhere/x.zip` can't be written: there is no folder `nowhere`

    hint: create the folder, or give another
    ");
    context.write("file", "no folder");
    bundle(&context, "file/x.zip").run().exited(2);
    assert_eq!(entries(context.root()), ["file", "home", "tmp"]);
}

/// Root may write anywhere, and Windows keeps such rights elsewhere.
#[test]
#[cfg(unix)]
fn a_folder_that_may_not_be_written_to_is_failed_ground() {
    use std::os::unix::fs::PermissionsExt as _;
    let context = context!();
    let closed = context.root().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    assert_outcome!(context.unprivileged_xtask(["bundle", "closed/x.zip", "--offline"]).run(), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: failed to write `closed/x.zip`: Permission denied (os error 13)

    hint: give a file in a folder that you may write to, on a disk with room for it
    ");
    assert_eq!(entries(&closed), Vec::<String>::new());
}

#[test]
fn every_entry_tells_when_it_was_packed() {
    let context = context!();
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for name in ["x.zip", "x.tar.gz"] {
        bundle(&context, name).run().success();
    }
    let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let bytes = fs::read(context.root().join("x.tar.gz")).unwrap();
    let mut archive = tar::Archive::new(GzDecoder::new(bytes.as_slice()));
    let of_tar = archive.entries().unwrap().map(|entry| entry.unwrap().header().mtime().unwrap());
    let bytes = fs::read(context.root().join("x.zip")).unwrap();
    let archive = rawzip::ZipArchive::from_slice(bytes.as_slice()).unwrap();
    let of_zip = archive.entries().map(|entry| seconds(entry.unwrap().last_modified()));
    let times: Vec<u64> = of_tar.chain(of_zip).collect();
    assert_eq!(times.len(), 6);
    assert!(times.iter().all(|time| (before..=after).contains(time)), "{times:?}, not in {before}..={after}");
}

/// The second that a zip archive tells.
fn seconds(time: ZipDateTimeKind) -> u64 {
    let ZipDateTimeKind::Utc(time) = time else { panic!("{time:?} is no UTC") };
    time.to_unix().cast_unsigned()
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
