//! Unpacking release archives, safely: nothing lands outside the folder, and what is refused is named.
//!
//! The folder starts out empty and no link is made before the last file is written, so there is never a link that a
//! file could be written through. Links are made hard ones first, then symbolic ones, whose targets may climb with
//! `..` only at their start and not above the folder: then a chain of links can't leave it either.

use crate::error::{Context as _, Error};
use crate::os;
use flate2::bufread::MultiGzDecoder;
use std::cell::Cell;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::ScopedJoinHandle;
use tar::{Archive, Entry, EntryType};

/// The size of every read and write. `tar`'s own unpacking takes 8 KiB, which is measurably slower.
pub const BLOCK: usize = 256 << 10;

/// What may stand between the contents of two entries: headers, long names, padding. A hostile archive could otherwise
/// have a "name" of gigabytes read into memory.
const LARGEST_HEADERS: u64 = 1 << 20;

/// What was unpacked.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// The files and links, relative to the folder, in the archive's order.
    pub files: Vec<PathBuf>,
    /// How many bytes the files hold.
    pub bytes: u64,
}

/// Why an archive was not unpacked. It reads on after `failed to unpack NAME: `.
#[derive(Debug)]
pub enum ArchiveError {
    /// An entry that could do harm, or that is nothing a release holds.
    Refused {
        /// The entry's name as the archive has it.
        entry: String,
        /// What is wrong with it.
        why: String,
    },
    /// The archive ends too early.
    CutShort,
    /// The archive is no gzip'd tar, or not any more.
    Damaged(String),
    /// This machine's fault: the disk, rights.
    Local(Error),
}

impl ArchiveError {
    fn refused(entry: &str, why: impl Into<String>) -> Self {
        ArchiveError::Refused { entry: entry.to_owned(), why: why.into() }
    }

    /// An error of reading the archive.
    fn of_reading(error: &io::Error) -> Self {
        // The crates beneath have no kinds to tell these apart by; tar says it in words only.
        match error.kind() {
            io::ErrorKind::UnexpectedEof => ArchiveError::CutShort,
            _ if error.to_string().contains("unexpected EOF") => ArchiveError::CutShort,
            _ => ArchiveError::Damaged(error.to_string()),
        }
    }
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArchiveError::Refused { entry, why } => write!(f, "its entry `{}` {why}", entry.escape_debug()),
            ArchiveError::CutShort => f.write_str("the archive is cut short"),
            ArchiveError::Damaged(why) => write!(f, "the archive is damaged: {why}"),
            ArchiveError::Local(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ArchiveError {}

impl From<ArchiveError> for Error {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Local(error) => error,
            ArchiveError::Refused { .. } => {
                Error::ground(error.to_string()).hint("don't use this archive; fetch it again, or take another version")
            }
            _ => Error::ground(error.to_string()).hint("fetch the archive again; if it is a local one, replace it"),
        }
    }
}

/// Unpacks a gzip'd tar stream into `dest`, an existing empty folder.
///
/// Of the mode bits only the executable one is kept.
pub fn unpack_tar_gz(from: impl Read, dest: &Path) -> Result<Unpacked, ArchiveError> {
    unpack_tar_gz_blocks(BufReader::with_capacity(BLOCK, from), dest)
}

/// [`unpack_tar_gz`] for a reader that has its own buffer.
pub fn unpack_tar_gz_blocks(from: impl BufRead, dest: &Path) -> Result<Unpacked, ArchiveError> {
    // Virus scanners on Windows read a program when it is closed, and hold up who closes it.
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(16);
        let closer = Closer { files: sender, thread: scope.spawn(move || close_all(&receiver)) };
        let mut unpacker = Unpacker { dest, block: vec![0; BLOCK], links: Vec::new(), unpacked: Unpacked::default() };
        let read = unpacker.entries(from, &closer);
        // Its error comes first: the unpacker only notices that nobody takes its files any more.
        closer.join().and(read)?;
        unpacker.make_links()?;
        Ok(unpacker.unpacked)
    })
}

/// Writes a bare program, as some projects release theirs, to `bin/NAME` in `dest`.
pub fn place_program(mut from: impl Read, dest: &Path, name: &str) -> Result<Unpacked, ArchiveError> {
    let relative = inner_path(&format!("bin/{name}")).map_err(|why| ArchiveError::refused(name, why))?;
    let path = dest.join(&relative);
    create_parent(&path)?;
    let mut file = create_file(&path, true).map_err(|error| local(error, "create", &path))?;
    let mut block = vec![0; BLOCK];
    let bytes = copy(&mut from, &mut file, &mut block, &path, u64::MAX)?;
    Ok(Unpacked { files: vec![relative], bytes })
}

/// An archive being unpacked.
struct Unpacker<'a> {
    dest: &'a Path,
    block: Vec<u8>,
    links: Vec<Link>,
    unpacked: Unpacked,
}

/// A link that waits for the last file to be written.
struct Link {
    name: String,
    path: PathBuf,
    target: String,
    hard: bool,
}

impl Unpacker<'_> {
    fn entries(&mut self, from: impl BufRead, closer: &Closer<'_>) -> Result<(), ArchiveError> {
        let (allowance, ended) = (Cell::new(LARGEST_HEADERS), Cell::new(false));
        let metered = Metered { from: MultiGzDecoder::new(from), allowance: &allowance, ended: &ended };
        let mut archive = Archive::new(metered);
        for entry in archive.entries().map_err(|error| ArchiveError::of_reading(&error))? {
            let mut entry = entry.map_err(|error| ArchiveError::of_reading(&error))?;
            allowance.set(entry.size().saturating_add(LARGEST_HEADERS));
            self.entry(&mut entry, closer)?;
            allowance.set(LARGEST_HEADERS);
        }
        // tar takes an end of the stream for the end of the archive. The real one is marked with zeros.
        if ended.get() {
            return Err(ArchiveError::CutShort);
        }
        // gzip's checksum stands at its very end, behind what tar looks at.
        allowance.set(u64::MAX);
        let mut rest = archive.into_inner();
        while rest.read(&mut self.block).map_err(|error| ArchiveError::of_reading(&error))? > 0 {}
        Ok(())
    }

    fn entry(&mut self, entry: &mut Entry<'_, impl Read>, closer: &Closer<'_>) -> Result<(), ArchiveError> {
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            return Ok(());
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if std::str::from_utf8(&entry.path_bytes()).is_err() {
            return Err(ArchiveError::refused(&name, "has a name that is no UTF-8"));
        }
        let relative = inner_path(&name).map_err(|why| ArchiveError::refused(&name, why))?;
        let path = self.dest.join(&relative);
        match kind {
            EntryType::Directory => return create_folder(&name, &path),
            // Before there was a type for folders, they were files with a slash behind the name.
            EntryType::Regular | EntryType::Continuous if name.ends_with('/') && entry.size() == 0 => {
                return create_folder(&name, &path);
            }
            _ if relative.as_os_str().is_empty() => return Err(ArchiveError::refused(&name, "has no name")),
            EntryType::Regular | EntryType::Continuous => self.file(entry, &name, &path, closer)?,
            EntryType::Symlink | EntryType::Link => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                let target = String::from_utf8(target)
                    .map_err(|_| ArchiveError::refused(&name, "links to a name that is no UTF-8"))?;
                let hard = kind == EntryType::Link;
                let checked = if hard { inner_path(&target).map(drop) } else { check_target(&relative, &target) };
                checked.map_err(|why| ArchiveError::refused(&name, format!("links to `{target}`, which {why}")))?;
                self.links.push(Link { name, path: relative.clone(), target, hard });
            }
            EntryType::Char | EntryType::Block => return Err(ArchiveError::refused(&name, "is a device")),
            EntryType::Fifo => return Err(ArchiveError::refused(&name, "is a named pipe")),
            EntryType::GNUSparse => {
                return Err(ArchiveError::refused(&name, "is a sparse file, which isn't supported"));
            }
            _ => return Err(ArchiveError::refused(&name, "is neither a file, a folder nor a link")),
        }
        self.unpacked.files.push(relative);
        Ok(())
    }

    fn file(
        &mut self,
        entry: &mut Entry<'_, impl Read>,
        name: &str,
        path: &Path,
        closer: &Closer<'_>,
    ) -> Result<(), ArchiveError> {
        create_parent(path)?;
        let executable = entry.header().mode().map_err(|error| ArchiveError::of_reading(&error))? & 0o111 != 0;
        let mut file = create_file(path, executable).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => ArchiveError::refused(name, "is there twice"),
            _ => local(error, "create", path),
        })?;
        let size = entry.size();
        if copy(entry, &mut file, &mut self.block, path, size)? < size {
            return Err(ArchiveError::CutShort);
        }
        self.unpacked.bytes += size;
        closer.close(Written { file, path: path.to_owned(), size });
        Ok(())
    }

    fn make_links(&self) -> Result<(), ArchiveError> {
        for link in &self.links {
            create_parent(&self.dest.join(&link.path))?;
        }
        for link in self.links.iter().filter(|link| link.hard) {
            let target = self.dest.join(inner_path(&link.target).unwrap_or_default());
            if !target.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
                return Err(ArchiveError::refused(
                    &link.name,
                    format!("links to `{}`, which isn't there", link.target),
                ));
            }
            made(std::fs::hard_link(&target, self.dest.join(&link.path)), link, self.dest)?;
        }
        for link in self.links.iter().filter(|link| !link.hard) {
            made(os::symlink(&link.target, &self.dest.join(&link.path)), link, self.dest)?;
        }
        Ok(())
    }
}

fn made(result: io::Result<()>, link: &Link, dest: &Path) -> Result<(), ArchiveError> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => ArchiveError::refused(&link.name, "is there twice"),
        _ => local(error, "make the link", &dest.join(&link.path)),
    })
}

/// A gzip stream that notes its end, and gives out no more than it is allowed to.
struct Metered<'a, R> {
    from: R,
    allowance: &'a Cell<u64>,
    ended: &'a Cell<bool>,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(block)?;
        self.ended.set(self.ended.get() || (read == 0 && !block.is_empty()));
        let left = self.allowance.get().checked_sub(read as u64);
        self.allowance.set(left.ok_or_else(|| io::Error::other("an entry's header is too long"))?);
        Ok(read)
    }
}

/// A written file that is to be closed.
struct Written {
    file: File,
    path: PathBuf,
    size: u64,
}

/// The thread that closes files.
struct Closer<'scope> {
    files: SyncSender<Written>,
    thread: ScopedJoinHandle<'scope, Result<(), Error>>,
}

impl Closer<'_> {
    fn close(&self, written: Written) {
        // If the thread has stopped, it is because of an error, which `join` tells.
        let _ = self.files.send(written);
    }

    fn join(self) -> Result<(), ArchiveError> {
        drop(self.files);
        let closed = self.thread.join().unwrap_or_else(|_| Err(Error::ground("failed to close the unpacked files")));
        closed.map_err(ArchiveError::Local)
    }
}

fn close_all(files: &Receiver<Written>) -> Result<(), Error> {
    for Written { file, path, size } in files {
        // std drops errors of close(2); a length that isn't what was written shows the ones that matter.
        let length = file.metadata().trying(|| format!("write `{}`", path.display()))?.len();
        if length != size {
            return Err(Error::ground(format!(
                "failed to write `{}`: {length} of {size} bytes arrived",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Copies up to `most` bytes, and says how many there were.
fn copy(from: &mut impl Read, to: &mut File, block: &mut [u8], path: &Path, most: u64) -> Result<u64, ArchiveError> {
    let mut copied = 0;
    while copied < most {
        let read = match from.read(block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(ArchiveError::of_reading(&error)),
        };
        to.write_all(&block[..read]).map_err(|error| local(error, "write", path))?;
        copied += read as u64;
    }
    Ok(copied)
}

fn local(error: io::Error, verb: &str, path: &Path) -> ArchiveError {
    let result: Result<(), _> = Err(error).trying(|| format!("{verb} `{}`", path.display()));
    match result {
        Err(error) => ArchiveError::Local(error),
        Ok(()) => unreachable!("an error stays one"),
    }
}

/// The path within the folder that an entry's name stands for, or what is wrong with the name.
///
/// The rules are Windows' rules everywhere, so that an archive is refused on every system or on none.
fn inner_path(name: &str) -> Result<PathBuf, &'static str> {
    if name.starts_with('/') {
        return Err("is an absolute path");
    }
    let mut path = PathBuf::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err("leads out of the folder"),
            _ => {
                check_part(part)?;
                path.push(part);
            }
        }
    }
    Ok(path)
}

/// Whether one part of a path is the same plain name on every system.
fn check_part(part: &str) -> Result<(), &'static str> {
    if part.contains('\\') {
        return Err("has a backslash in it");
    }
    if part.contains(':') {
        return Err("has a drive or a stream in it");
    }
    if part.contains(char::is_control) {
        return Err("has a control character in it");
    }
    // Windows drops these, and so takes two names for one.
    if part.ends_with(['.', ' ']) {
        return Err("ends in a dot or a space");
    }
    // https://learn.microsoft.com/windows/win32/fileio/naming-a-file
    let stem = part.split('.').next().unwrap_or(part).trim_end().to_ascii_uppercase();
    let numbered = ["COM", "LPT"].iter().any(|device| {
        stem.strip_prefix(device).is_some_and(|number| number.len() == 1 && number.as_bytes()[0].is_ascii_digit())
    });
    if numbered || matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return Err("is a device's name on Windows");
    }
    Ok(())
}

/// Whether a symbolic link stays inside, whatever other links it leads over.
fn check_target(link: &Path, target: &str) -> Result<(), &'static str> {
    if target.is_empty() {
        return Err("is no path");
    }
    if target.starts_with('/') {
        return Err("is an absolute path");
    }
    let depth = link.components().count().saturating_sub(1);
    let (mut climbed, mut descended) = (0, false);
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if descended || climbed == depth => return Err("leads out of the folder"),
            ".." => climbed += 1,
            _ => {
                check_part(part)?;
                descended = true;
            }
        }
    }
    Ok(())
}

fn create_folder(name: &str, path: &Path) -> Result<(), ArchiveError> {
    std::fs::create_dir_all(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => ArchiveError::refused(name, "is a folder and a file"),
        _ => local(error, "create", path),
    })
}

fn create_parent(path: &Path) -> Result<(), ArchiveError> {
    match path.parent() {
        Some(parent) => std::fs::create_dir_all(parent).map_err(|error| local(error, "create", parent)),
        None => Ok(()),
    }
}

/// Creates a file that must not be there yet: what is there already would be another entry's.
fn create_file(path: &Path, executable: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    os::set_mode(&mut options, executable);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

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
        let outside: Vec<_> =
            std::fs::read_dir(around.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
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
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(around.path().join("in/bin/ctr")).unwrap().permissions().mode();
            assert_eq!((mode & 0o7000, mode & 0o100), (0, 0o100));
        }
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
}
