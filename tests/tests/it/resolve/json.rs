//! The JSON of `resolve`: its keys, and that `up` records just what it tells.

use super::mirror_file;
use crate::common::{PLATFORM, asset, asset_name, done, lock_file, offer_containerd, only, release, run, server};
use serde_json::{Value, json};
use std::fs;
use tests::{context, sha256_hex};
use xtask::component::Component::{self, Buildkit, Containerd};
use xtask::platform::Os;

#[test]
fn the_json_has_these_keys_and_no_others() {
    let server = server();
    let context = context!().server(&server);
    let list = run(&context, "resolve --json").success().json();
    let expected = |component: Component| {
        let (version, repository) = (only(component), component.repository());
        let (name, bytes) = (asset_name(component, version, PLATFORM), asset(component, version, PLATFORM));
        json!({
            "component": component.name(),
            "version": version,
            "source": "github",
            "url": format!("{}/{repository}/releases/download/v{version}/{name}", server.api_url()),
            "size": bytes.len(),
            "sha256": sha256_hex(&bytes),
            "skipped": [],
        })
    };
    assert_eq!(list, json!([expected(Containerd), expected(Buildkit)]));
}

#[test]
fn resolve_and_up_agree() {
    let server = server();
    for version in ["2.4.0", "2.5.0-rc.1"] {
        offer_containerd(&server, version);
    }
    let unverified = release(Buildkit, "0.33.0", PLATFORM).without_digest();
    server.release(Buildkit.repository(), unverified);
    let context = context!().server(&server);
    let archive = mirror_file(&context, Containerd, "2.3.4");
    mirror_file(&context, Buildkit, "0.32.2");
    for program in Containerd.programs(Os::Windows) {
        context.write(format!("programs/bin/{program}.exe"), *program);
    }
    let path = format!("--containerd {}", archive.display());
    let lines = [
        "",
        "--containerd 2.3",
        "--containerd 2.3.4",
        "--containerd prerelease",
        "--source mirror",
        &path,
        "--containerd ./programs",
        "--offline",
    ];
    for line in lines {
        let line = format!("resolve --json {line}");
        let told = run(&context, &line).success().json();
        done(&context, &line.replace("resolve --json", "up --no-start"));
        let lock = fs::read_to_string(lock_file(&context)).unwrap();
        let mut recorded: Value = serde_json::from_str(&lock).unwrap();
        let mut recorded = recorded["components"].take();
        for (told, recorded) in told.as_array().unwrap().iter().zip(recorded.as_array_mut().unwrap()) {
            // Fetching finds out what nobody told.
            for found in ["size", "sha256"].into_iter().filter(|found| told[found].is_null()) {
                assert!(!recorded[found].is_null());
                recorded[found] = Value::Null;
            }
        }
        assert_eq!(told, recorded, "{line}");
    }
}
