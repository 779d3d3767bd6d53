//! Archives that are damaged, hostile or not the promised ones: what is installed stays as it is.

use super::{BYTES, UP, installed, noise, partial};
use crate::common::{PLATFORM, asset, asset_name, asset_with, containerd_of, done, run, server};
use std::fs;
use std::path::{Path, PathBuf};
use tests::Times::Times;
use tests::archives::{corrupt, truncated};
use tests::filters::bind;
use tests::{Fault, Hostile, Release, context, insta, sha256_hex, tar_gz};
use xtask::component::Component::Containerd;

#[test]
fn a_spoilt_archive_changes_nothing() {
    let server = server();
    let context = context!().server(&server);
    done(&context, UP);
    let before = installed(&context);
    assert!(before.len() > 3, "{before:#?}");
    let around = || -> Vec<PathBuf> { fs::read_dir(context.root()).unwrap().map(|it| it.unwrap().path()).collect() };
    let (beside, files) =
        (around(), [("bin/containerd.exe", b"daemon".as_slice(), 0o755), ("bin/ctr.exe", b"", 0o755)]);
    let good = asset_with(Containerd, "2.4.0", PLATFORM, &noise(50_000));
    let mut spoilt = vec![
        ("truncated".to_owned(), truncated(&good)),
        ("corrupted".to_owned(), corrupt(&good)),
        ("not an archive".to_owned(), b"<html>no such page</html>".to_vec()),
        ("empty".to_owned(), Vec::new()),
        ("without ctr".to_owned(), tar_gz(&files[..1])),
    ];
    spoilt.extend(Hostile::ALL.map(|hostile| (format!("{hostile:?}: {}", hostile.entry()), hostile.archive(&files))));
    let mut said = String::new();
    for (patch, (what, bytes)) in spoilt.into_iter().enumerate() {
        let version = format!("2.4.{patch}");
        server.release(Containerd.repository(), containerd_of(&version, bytes));
        let outcome = run(&context, &format!("{UP} --containerd {version}")).exited(3);
        let steps = ["    Resolved", "    Fetching", "    Unpacked"];
        let errors = outcome.stderr.lines().filter(|line| !steps.iter().any(|step| line.starts_with(step)));
        said += &format!("# {what}\n{}\n\n", errors.collect::<Vec<_>>().join("\n"));
        assert_eq!(installed(&context), before, "{what}");
        assert!(!context.base_dir().join("staging").exists(), "{what}");
        assert_eq!(around(), beside, "{what}");
        assert!(context.strays().is_empty() && !Path::new("/tmp/escaped-absolute").exists(), "{what}");
        assert!(partial(&context).is_empty(), "{what}");
    }
    let _filters = bind(&context);
    insta::assert_snapshot!(said);
}

#[test]
fn a_file_that_is_not_the_one_that_was_promised_changes_nothing() {
    let server = server();
    let context = context!().server(&server);
    done(&context, UP);
    let before = installed(&context);
    let (name, good) = (asset_name(Containerd, "2.4.0", PLATFORM), asset(Containerd, "2.4.0", PLATFORM));
    let promise = sha256_hex(b"something else");
    let check = |found: &[u8], expected: &str, length: &str| {
        let outcome = run(&context, UP).exited(3);
        let digests = format!("has the wrong SHA-256: expected {expected}, found {}{length}\n", sha256_hex(found));
        assert!(outcome.stderr.contains(&format!("error: `{name}` from ")), "{outcome}");
        assert!(outcome.stderr.contains(&digests), "{outcome}");
        assert_eq!(installed(&context), before);
        assert!(!context.base_dir().join("staging").exists() && partial(&context).is_empty());
    };
    server.release(Containerd.repository(), Release::new("v2.4.0").asset_with_digest(&name, &good, &promise));
    check(&good, &promise, "");
    // A proxy that cuts files, and a disk that has lost a bit: the file may or may not be an archive still.
    server.release(Containerd.repository(), containerd_of("2.4.0", &good));
    server.fault(BYTES, Fault::Truncate(100), Times(1)).fault(BYTES, Fault::Corrupt(good.len() / 2), Times(1));
    check(&good[..100], &sha256_hex(&good), &format!(" (100 bytes instead of {})", good.len()));
    check(&corrupt(&good), &sha256_hex(&good), "");
    done(&context, UP);
    assert_ne!(installed(&context), before);
}
