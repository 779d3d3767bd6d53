//! The archives that tests are made of: the good ones are good, and the hostile ones really hostile.

use flate2::read::GzDecoder;
use std::io::Read;
use std::path::Path;
use tests::archives::{corrupt, truncated};
use tests::{Hostile, sha256_hex, tar_gz};

/// Each entry's name, and what it links to.
fn entries(archive: &[u8]) -> Vec<(String, String)> {
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    let entries = archive.entries().unwrap().map(|entry| {
        let entry = entry.unwrap();
        let text = |path: Option<std::borrow::Cow<'_, Path>>| path.map(|path| path.display().to_string());
        let target = text(entry.link_name().unwrap()).unwrap_or_default();
        (text(entry.path().ok()).unwrap(), target)
    });
    entries.collect()
}

#[test]
fn a_good_archive_unpacks_to_what_was_packed() {
    let archive = tar_gz(&[("bin/containerd", b"daemon", 0o755), ("bin/ctr", &[7; 1000], 0o644)]);
    let mut archive = tar::Archive::new(GzDecoder::new(archive.as_slice()));
    let mut found = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        found.push((entry.path().unwrap().into_owned(), content.len(), entry.header().mode().unwrap()));
    }
    assert_eq!(found, [("bin/containerd".into(), 6, 0o755), ("bin/ctr".into(), 1000, 0o644)]);
}

#[test]
fn a_hostile_archive_has_a_good_file_and_then_what_it_says() {
    for hostile in Hostile::ALL {
        let entries = entries(&hostile.archive(&[("bin/containerd", b"daemon", 0o755)]));
        assert_eq!(entries[0].0, "bin/containerd");
        assert_eq!(entries[1].0, hostile.entry(), "{hostile:?}");
    }
    let targets: Vec<String> = entries(&Hostile::FileThroughSymlink.archive(&[])).into_iter().map(|it| it.1).collect();
    assert_eq!(targets, ["..", ""]);
}

#[test]
fn a_spoilt_archive_does_not_unpack() {
    let noise: Vec<u8> = (0..100_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let archive = tar_gz(&[("bin/containerd", &noise, 0o755)]);
    for spoilt in [truncated(&archive), corrupt(&archive)] {
        let mut bytes = Vec::new();
        assert!(GzDecoder::new(spoilt.as_slice()).read_to_end(&mut bytes).is_err());
    }
}

#[test]
fn a_digest_is_the_one_that_sha256sum_prints() {
    assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
