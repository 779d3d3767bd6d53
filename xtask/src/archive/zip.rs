//! Taking one program out of a zip archive. Its list of files stands at its end, so the archive is put aside first.

use super::names::inner_path;
use super::write::{copy, create_file, create_parent};
use super::{ArchiveError, BLOCK, Unpacked};
use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ErrorKind, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ZipArchive, ZipFileHeaderRecord};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// No program that comes in a zip archive is a tenth as large. The next one could be said to have any size.
const LARGEST_PROGRAM: u64 = 256 << 20;

/// Writes the program of a name, wherever in the archive it is, to `bin/NAME` in `dest`, an existing empty folder.
///
/// Nothing else is written, but an entry that could do harm has the whole archive refused, as with tar.
///
/// # Errors
/// When an entry is refused, the archive is damaged or cut short, or a file can't be written.
pub fn unpack_zip(from: impl Read, dest: &Path, program: &str) -> Result<Unpacked, ArchiveError> {
    let mut block = vec![0; BLOCK];
    let aside = put_aside(from, dest, &mut block)?;
    // With a buffer of this size, no entry is too large for it.
    let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
    let archive = ZipArchive::from_file(aside, &mut buffer).map_err(of_zip)?;
    let mut entries = archive.entries(&mut buffer);
    let mut unpacked = Unpacked::default();
    while let Some(entry) = entries.next_entry().map_err(of_zip)? {
        let name = checked_name(&entry)?;
        if entry.is_dir() || name.rsplit('/').next() != Some(program) {
            continue;
        }
        let size = entry.uncompressed_size_hint();
        let contents = archive.get_entry(entry.wayfinder()).map_err(of_zip)?;
        let packed = BufReader::new(contents.reader());
        // What verifies ends the reading at the first block beyond the size told.
        let mut plain: Box<dyn Read + '_> = match entry.compression_method() {
            CompressionMethod::STORE => Box::new(contents.verifying_reader(packed)),
            CompressionMethod::DEFLATE => Box::new(contents.verifying_reader(DeflateDecoder::new(packed))),
            _ => return Err(ArchiveError::refused(&name, "is compressed in a way that isn't supported")),
        };
        let relative = Path::new("bin").join(program);
        let path = dest.join(&relative);
        create_parent(&path)?;
        let mut file = create_file(&path, true).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => ArchiveError::refused(&name, "is there twice"),
            _ => ArchiveError::of_files(error, "create", &path),
        })?;
        if copy(&mut plain, &mut file, &mut block, &path, u64::MAX)? < size {
            return Err(ArchiveError::CutShort);
        }
        unpacked.files.push(relative);
        unpacked.bytes += size;
    }
    Ok(unpacked)
}

/// The archive as a file that nobody else sees, and that is gone when it is closed.
fn put_aside(mut from: impl Read, dest: &Path, block: &mut [u8]) -> Result<File, ArchiveError> {
    let mut file = tempfile::tempfile_in(dest)
        .map_err(|error| ArchiveError::of_files(error, "create a temporary file in", dest))?;
    copy(&mut from, &mut file, block, dest, u64::MAX)?;
    Ok(file)
}

/// An entry's name, if nothing about the entry is wrong.
fn checked_name(entry: &ZipFileHeaderRecord<'_>) -> Result<String, ArchiveError> {
    let name = String::from_utf8(entry.file_path().as_bytes().to_vec()).map_err(|error| {
        ArchiveError::refused(&String::from_utf8_lossy(error.as_bytes()), "has a name that is no UTF-8")
    })?;
    let refused = |why: &str| Err(ArchiveError::refused(&name, why));
    match inner_path(&name) {
        Err(why) => return refused(why),
        Ok(path) if path.as_os_str().is_empty() => return refused("has no name"),
        Ok(_) => {}
    }
    // The kinds of `stat(2)`, of which an archive made on Windows tells none.
    let kind = entry.mode().value() & 0o170_000;
    match kind {
        0o040_000 | 0o100_000 | 0 => {}
        0o120_000 => return refused("is a link"),
        _ => return refused("is neither a file nor a folder"),
    }
    if entry.flags().is_encrypted() {
        return refused("is encrypted");
    }
    if entry.uncompressed_size_hint() > LARGEST_PROGRAM {
        return refused("is larger than any program is");
    }
    Ok(name)
}

/// An error of reading the archive's own notes.
fn of_zip(error: rawzip::Error) -> ArchiveError {
    match error.into_kind() {
        ErrorKind::IO(error) => ArchiveError::of_reading(error),
        ErrorKind::Eof => ArchiveError::CutShort,
        ErrorKind::MissingEndOfCentralDirectory => {
            ArchiveError::Damaged("the list of its files, with which a zip archive ends, is missing".into())
        }
        kind => ArchiveError::Damaged(kind.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::DeflateEncoder};
    use rawzip::ZipArchiveWriter;
    use rawzip::path::EntryPath;
    use std::io::Write as _;

    const PROGRAM: &[u8] = &[7; BLOCK + 5];

    /// An archive of entries, each with its name, its mode and what is in it.
    fn zip(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
        let mut archive = ZipArchiveWriter::new(Vec::new());
        for (name, mode, content) in entries {
            let file = archive.new_file(EntryPath::verbatim(name.as_bytes())).unix_permissions(*mode);
            let (mut entry, config) = file.compression_method(CompressionMethod::DEFLATE).start().unwrap();
            let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::fast()));
            writer.write_all(content).unwrap();
            let (encoder, descriptor) = writer.finish().unwrap();
            encoder.finish().unwrap();
            entry.finish(descriptor).unwrap();
        }
        archive.finish().unwrap()
    }

    fn unpack(archive: &[u8]) -> (tempfile::TempDir, Result<Unpacked, ArchiveError>) {
        let around = tempfile::tempdir().unwrap();
        let dest = around.path().join("in");
        std::fs::create_dir(&dest).unwrap();
        let result = unpack_zip(archive, &dest, "nat.exe");
        for (folder, only) in [(around.path(), "in"), (dest.as_path(), "bin")] {
            let found = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
            assert!(found.into_iter().all(|name| name == only), "something else was written");
        }
        (around, result)
    }

    fn complaint(archive: &[u8]) -> String {
        unpack(archive).1.unwrap_err().to_string()
    }

    /// An archive with other bytes in all the places where some stand.
    fn replaced(archive: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
        let mut bytes = archive.to_vec();
        let places: Vec<usize> = (0..=bytes.len() - old.len()).filter(|at| bytes[*at..].starts_with(old)).collect();
        assert!(!places.is_empty());
        for at in places {
            bytes[at..at + new.len()].copy_from_slice(new);
        }
        bytes
    }

    #[test]
    fn only_the_wanted_program_is_taken_out() {
        for name in ["nat.exe", "bin/nat.exe", "./out/nat.exe"] {
            let (around, result) =
                unpack(&zip(&[("sdnbridge.exe", 0, b"other"), (name, 0o644, PROGRAM), ("docs/", 0o040_755, b"")]));
            let unpacked = result.unwrap();
            let expected = Path::new("bin").join("nat.exe");
            assert_eq!((unpacked.bytes, unpacked.files), (PROGRAM.len() as u64, vec![expected.clone()]));
            assert_eq!(std::fs::read(around.path().join("in").join(expected)).unwrap(), PROGRAM);
            assert_eq!(std::fs::read_dir(around.path().join("in/bin")).unwrap().count(), 1);
        }
        assert_eq!(unpack(&zip(&[("NAT.EXE", 0, PROGRAM)])).1.unwrap(), Unpacked::default());
    }

    #[test]
    fn an_entry_that_could_do_harm_has_the_archive_refused() {
        for (name, mode, why) in [
            ("../nat.exe", 0, "leads out of the folder"),
            ("bin/../../evil", 0, "leads out of the folder"),
            ("/etc/evil", 0, "is an absolute path"),
            ("C:/evil", 0, "has a drive or a stream in it"),
            ("..\\evil", 0, "has a backslash in it"),
            ("bin/NUL.txt", 0, "is a device's name on Windows"),
            ("./", 0, "has no name"),
            ("nat.exe", 0o120_777, "is a link"),
            ("other", 0o120_777, "is a link"),
            ("null", 0o020_666, "is neither a file nor a folder"),
            ("nat.exe", 0o100_644, "is there twice"),
        ] {
            let archive = zip(&[("nat.exe", 0, PROGRAM), (name, mode, b"out")]);
            assert_eq!(complaint(&archive), format!("its entry `{}` {why}", name.escape_debug()));
        }
        let no_text = replaced(&zip(&[("nat.exe", 0, PROGRAM), ("other", 0, b"")]), b"other", b"\xff\xff\xff\xff\xff");
        assert!(complaint(&no_text).ends_with("has a name that is no UTF-8"), "{}", complaint(&no_text));
    }

    /// Where an entry's fields stand in the list at the end: from the start of that list, of which there is one entry.
    /// Source: APPNOTE.TXT 4.3.12, <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>
    fn with_field(at: usize, field: &[u8]) -> Vec<u8> {
        let mut archive = zip(&[("nat.exe", 0, PROGRAM)]);
        let list = (0..archive.len()).rfind(|start| archive[*start..].starts_with(b"PK\x01\x02")).unwrap();
        archive[list + at..][..field.len()].copy_from_slice(field);
        archive
    }

    #[test]
    fn what_the_list_says_of_the_program_must_be_true() {
        let entry = "its entry `nat.exe`";
        assert_eq!(complaint(&with_field(8, &[1, 0])), format!("{entry} is encrypted"));
        let refused = format!("{entry} is compressed in a way that isn't supported");
        assert_eq!(complaint(&with_field(10, &[12, 0])), refused);
        assert_eq!(complaint(&with_field(24, &[0, 0, 0, 0x7f])), format!("{entry} is larger than any program is"));
        // Its checksum, and its size: less than there is, and more.
        for (at, field) in [(16, [1, 2, 3, 4]), (24, [1, 0, 0, 0]), (24, [0, 0, 16, 0])] {
            let said = complaint(&with_field(at, &field));
            assert!(said.starts_with("the archive is damaged: "), "{said}");
        }
    }

    #[test]
    fn half_an_archive_and_something_else_are_no_archives() {
        let archive = zip(&[("nat.exe", 0, PROGRAM)]);
        let missing = "the archive is damaged: the list of its files, with which a zip archive ends, is missing";
        for bytes in [&archive[..archive.len() / 2], b"<html>not here</html>", b""] {
            assert_eq!(complaint(bytes), missing);
        }
        // The list is there, and what it tells of isn't.
        let moved = archive[40..].to_vec();
        assert!(unpack(&moved).1.is_err());
    }
}
