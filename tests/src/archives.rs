//! Archives made in memory: good ones, hostile ones, and ones that the net has spoilt.

use flate2::Compression;
use flate2::bufread::DeflateDecoder;
use flate2::write::{DeflateEncoder, GzEncoder};
use rawzip::path::EntryPath;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveWriter, ZipFileHeaderRecord};
use sha2::{Digest, Sha256};
use std::io::{Read as _, Write as _};
use tar::{EntryType, Header};

/// The SHA-256 of some bytes, in hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A `.tar.gz` of files: name, content and mode.
pub fn tar_gz(files: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, content, mode) in files {
        append(&mut tar, &Entry { mode: *mode, ..Entry::file(name, content) });
    }
    finish(tar)
}

/// A zip archive of files: name and content.
///
/// # Panics
/// Never: memory takes what is written to it.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipArchiveWriter::new(Vec::new());
    let mut append = |name: &str, content: &[u8]| {
        let file = archive.new_file(EntryPath::verbatim(name.as_bytes()));
        let (mut entry, config) = file.compression_method(CompressionMethod::DEFLATE).start()?;
        let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::fast()));
        writer.write_all(content)?;
        let (encoder, descriptor) = writer.finish()?;
        encoder.finish()?;
        entry.finish(descriptor)
    };
    for (name, content) in files {
        append(name, content).expect("memory takes what is written to it");
    }
    archive.finish().expect("memory takes what is written to it")
}

/// What is in a zip archive: names and contents, in its order.
///
/// # Panics
/// When it is no zip archive, or is not whole.
pub fn unzip(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let archive = ZipArchive::from_slice(archive).expect("a zip archive");
    let file = |entry: ZipFileHeaderRecord<'_>| {
        let name = String::from_utf8(entry.file_path().as_bytes().to_vec()).expect("a name in UTF-8");
        let contents = archive.get_entry(entry.wayfinder()).expect("it is listed");
        let mut plain = Vec::new();
        let mut reader = contents.verifying_reader(DeflateDecoder::new(contents.data()));
        reader.read_to_end(&mut plain).expect("it is whole");
        (name, plain)
    };
    archive.entries().map(|entry| file(entry.expect("an entry"))).collect()
}

/// The first half of an archive: what an interrupted download leaves.
pub fn truncated(archive: &[u8]) -> Vec<u8> {
    archive[..archive.len() / 2].to_vec()
}

/// An archive of the same length with a byte in its middle flipped.
pub fn corrupt(archive: &[u8]) -> Vec<u8> {
    let mut bytes = archive.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    bytes
}

/// An entry that an archive from a stranger may have and that must not be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hostile {
    /// A file that climbs out of the folder.
    Escape,
    /// A file that climbs out after going in, where a look at the first part of the path finds nothing.
    EscapeFromWithin,
    /// A file with an absolute path.
    Absolute,
    /// A character device.
    Device,
    /// A symbolic link to an absolute path.
    SymlinkOutside,
    /// A symbolic link that climbs out of the folder.
    SymlinkEscape,
    /// A hard link to a file outside.
    HardlinkOutside,
    /// A symbolic link out of the folder, and then a file through it.
    FileThroughSymlink,
}

impl Hostile {
    /// All of them, for a table of tests.
    pub const ALL: [Hostile; 8] = [
        Hostile::Escape,
        Hostile::EscapeFromWithin,
        Hostile::Absolute,
        Hostile::Device,
        Hostile::SymlinkOutside,
        Hostile::SymlinkEscape,
        Hostile::HardlinkOutside,
        Hostile::FileThroughSymlink,
    ];

    /// The name of the first entry that must be refused, as it stands in the archive.
    pub fn entry(self) -> &'static str {
        self.entries()[0].name
    }

    /// A `.tar.gz` of good files and, after them, the hostile ones.
    pub fn archive(self, files: &[(&str, &[u8], u32)]) -> Vec<u8> {
        let mut tar = Vec::new();
        for (name, content, mode) in files {
            append(&mut tar, &Entry { mode: *mode, ..Entry::file(name, content) });
        }
        for entry in self.entries() {
            append(&mut tar, &entry);
        }
        finish(tar)
    }

    fn entries(self) -> Vec<Entry<'static>> {
        match self {
            Hostile::Escape => vec![Entry::file("../escaped", b"out")],
            Hostile::EscapeFromWithin => vec![Entry::file("bin/../../escaped", b"out")],
            Hostile::Absolute => vec![Entry::file("/tmp/escaped-absolute", b"out")],
            Hostile::Device => vec![Entry { kind: EntryType::Char, ..Entry::file("bin/null", b"") }],
            Hostile::SymlinkOutside => vec![Entry::link(EntryType::Symlink, "bin/passwd", "/etc/passwd")],
            Hostile::SymlinkEscape => vec![Entry::link(EntryType::Symlink, "bin/up", "../../escaped")],
            Hostile::HardlinkOutside => vec![Entry::link(EntryType::Link, "bin/hard", "../../escaped")],
            Hostile::FileThroughSymlink => {
                vec![Entry::link(EntryType::Symlink, "door", ".."), Entry::file("door/escaped", b"out")]
            }
        }
    }
}

struct Entry<'a> {
    name: &'a str,
    kind: EntryType,
    target: &'a str,
    content: &'a [u8],
    mode: u32,
}

impl<'a> Entry<'a> {
    fn file(name: &'a str, content: &'a [u8]) -> Self {
        Self { name, kind: EntryType::Regular, target: "", content, mode: 0o644 }
    }

    fn link(kind: EntryType, name: &'a str, target: &'a str) -> Self {
        Self { kind, target, ..Self::file(name, b"") }
    }
}

/// Appends an entry byte by byte: `tar`'s own setters refuse the names that the hostile ones are about.
fn append(tar: &mut Vec<u8>, entry: &Entry<'_>) {
    let mut header = Header::new_ustar();
    header.set_entry_type(entry.kind);
    header.set_mode(entry.mode);
    header.set_size(entry.content.len() as u64);
    if entry.kind == EntryType::Char {
        // /dev/null's numbers: harmless, should it ever be made.
        header
            .set_device_major(1)
            .and_then(|()| header.set_device_minor(3))
            .expect("a ustar header has device numbers");
    }
    let fields = header.as_ustar_mut().expect("it was made as ustar");
    fields.name[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
    fields.linkname[..entry.target.len()].copy_from_slice(entry.target.as_bytes());
    header.set_cksum();
    tar.extend_from_slice(header.as_bytes());
    tar.extend_from_slice(entry.content);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

fn finish(mut tar: Vec<u8>) -> Vec<u8> {
    tar.resize(tar.len() + 1024, 0);
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(&tar).and_then(|()| gz.finish()).expect("memory takes what is written to it")
}
