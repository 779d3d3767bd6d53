//! Whole archives, good and bad ones.

use super::*;
use flate2::{Compression, write::GzEncoder};
use std::io::Write as _;

/// One tar entry, byte for byte: `tar::Builder` would refuse most of these.
fn entry(kind: u8, name: &str, link: &str, data: &[u8]) -> Vec<u8> {
    let mut header = [0u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0004755");
    header[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
    header[156] = kind;
    header[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut bytes = header.to_vec();
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    gzip(&[entries.concat(), vec![0; 1024]].concat())
}

fn unpack(archive: &[u8]) -> (tempfile::TempDir, Result<Unpacked, ArchiveError>) {
    let around = tempfile::tempdir().unwrap();
    let dest = around.path().join("in");
    std::fs::create_dir(&dest).unwrap();
    let result = unpack_tar_gz(archive, &dest);
    let outside: Vec<_> = std::fs::read_dir(around.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(outside, ["in"], "something was written outside");
    (around, result)
}

fn complaint(entries: &[Vec<u8>]) -> String {
    unpack(&archive(entries)).1.unwrap_err().to_string()
}

#[test]
fn a_release_unpacks_with_its_executable_bits_only() {
    let program = vec![7; BLOCK + 5];
    let (around, result) = unpack(&archive(&[
        entry(b'5', "bin/", "", b""),
        entry(b'0', "./bin/ctr", "", &program),
        entry(b'2', "bin/link", "../bin/ctr", b""),
        entry(b'1', "hard", "bin/ctr", b""),
    ]));
    let unpacked = result.unwrap();
    assert_eq!(unpacked.files, ["bin/ctr", "bin/link", "hard"].map(PathBuf::from));
    assert_eq!(unpacked.bytes, program.len() as u64);
    for name in &unpacked.files {
        assert_eq!(std::fs::read(around.path().join("in").join(name)).unwrap(), program);
    }
    let mode = os::mode(&around.path().join("in/bin/ctr")).unwrap();
    assert!(mode.is_none_or(|mode| (mode & 0o7000, mode & 0o100) == (0, 0o100)));
}

#[test]
fn names_that_leave_the_folder_are_refused_by_name() {
    for (name, why) in [
        ("../evil", "leads out of the folder"),
        ("bin/../../evil", "leads out of the folder"),
        ("/etc/evil", "is an absolute path"),
        ("//host/share/evil", "is an absolute path"),
        ("C:/evil", "has a drive or a stream in it"),
        ("C:evil", "has a drive or a stream in it"),
        ("bin/ctr:hidden", "has a drive or a stream in it"),
        ("..\\evil", "has a backslash in it"),
        ("\\\\host\\share\\evil", "has a backslash in it"),
        ("bin/NUL.txt", "is a device's name on Windows"),
        ("bin/com1", "is a device's name on Windows"),
        ("bin/ctr. ", "ends in a dot or a space"),
        ("bin/a\nb", "has a control character in it"),
        ("./", "has no name"),
    ] {
        let data: &[u8] = b"x";
        let expected = format!("its entry `{}` {why}", name.escape_debug());
        assert_eq!(complaint(&[entry(b'0', name, "", data)]), expected);
    }
}

#[test]
fn what_is_neither_file_nor_folder_nor_link_is_refused_by_name() {
    for (kind, why) in [(b'3', "device"), (b'4', "device"), (b'6', "named pipe"), (b'Z', "neither")] {
        let said = complaint(&[entry(kind, "dev/thing", "", b"")]);
        assert!(said.starts_with("its entry `dev/thing` is") && said.contains(why), "{said}");
    }
}

#[test]
fn links_that_lead_outside_are_refused_by_name() {
    for (kind, name, target) in [
        (b'2', "link", "../evil"),
        (b'2', "bin/link", "../../evil"),
        (b'2', "link", "/etc"),
        (b'2', "link", "C:/evil"),
        (b'2', "link", "..\\evil"),
        // Harmless by its letters, but not if `bin` were a link.
        (b'2', "link", "bin/../x"),
        (b'2', "link", ""),
        (b'1', "link", "../evil"),
        (b'1', "link", "/etc/passwd"),
        (b'1', "link", "missing"),
    ] {
        let said = complaint(&[entry(kind, name, target, b"")]);
        assert!(said.starts_with(&format!("its entry `{name}` links to `{target}`, which ")), "{said}");
    }
}

/// On Windows a link becomes a copy of what it leads to, and here that is nothing.
#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    let file = |name| entry(b'0', name, "", b"x");
    let link = |name, target| entry(b'2', name, target, b"");
    for entries in [
        vec![file("a"), file("a")],
        vec![link("a", "b"), file("a")],
        vec![file("a"), link("a", "b")],
        vec![link("a", "b"), link("a", "c")],
        vec![link("dir", "other"), file("dir/x")],
        vec![link("dir", "other"), link("dir/x", "../y")],
    ] {
        let said = complaint(&entries);
        assert!(said.ends_with("is there twice"), "{said}");
    }
}

#[test]
fn damage_is_told_in_one_sentence() {
    let whole = archive(&[entry(b'0', "a", "", &[1; 4000]), entry(b'0', "b", "", b"x")]);
    let said = |bytes: &[u8]| unpack(bytes).1.unwrap_err().to_string();
    assert_eq!(said(&whole[..whole.len() - 4]), "the archive is cut short");
    assert_eq!(said(&whole[..whole.len() / 2]), "the archive is cut short");
    assert_eq!(said(b""), "the archive is cut short");
    assert_eq!(said(b"<html>not found</html>"), "the archive is damaged: invalid gzip header");
    let mut bad_sum = whole.clone();
    let at = whole.len() - 8;
    bad_sum[at] ^= 1;
    assert_eq!(said(&bad_sum), "the archive is damaged: corrupt gzip stream does not have a matching checksum");
    let tar = entry(b'0', "a", "", &[1; 4000]);
    for cut in [100, 1000, tar.len()] {
        assert!(
            matches!(unpack(&gzip(&tar[..cut])).1, Err(ArchiveError::CutShort | ArchiveError::Damaged(_))),
            "{cut}"
        );
    }
    assert!(said(&gzip(&[b'x'; 2048])).starts_with("the archive is damaged: "));
}

#[test]
fn a_name_of_gigabytes_is_not_read() {
    let long = entry(b'L', "././@LongLink", "", &vec![b'a'; 3 << 20]);
    let said = complaint(&[long, entry(b'0', "a", "", b"")]);
    assert_eq!(said, "the archive is damaged: an entry's header is too long");
}

#[test]
fn a_full_or_locked_disk_is_not_the_archives_fault() {
    let nowhere = tempfile::tempdir().unwrap().path().join("file");
    std::fs::create_dir_all(nowhere.parent().unwrap()).unwrap();
    std::fs::write(&nowhere, "").unwrap();
    let result = unpack_tar_gz(archive(&[entry(b'0', "a", "", b"x")]).as_slice(), &nowhere);
    assert!(matches!(result, Err(ArchiveError::Local(_))));
    std::fs::remove_dir_all(nowhere.parent().unwrap()).unwrap();
}

#[test]
fn a_bare_program_lands_in_bin() {
    let dest = tempfile::tempdir().unwrap();
    let placed = place_program(&b"elf"[..], dest.path(), "runc").unwrap();
    assert_eq!((placed.files, placed.bytes), (vec![PathBuf::from("bin/runc")], 3));
    assert!(place_program(&b"elf"[..], dest.path(), "../runc").is_err());
}
