//! Unpacking release archives, safely: nothing lands outside the folder, and what is refused is named.
//!
//! The folder starts out empty and no link is made before the last file is written, so there is never a link that a
//! file could be written through. Links are made hard ones first, then symbolic ones, whose targets may climb with
//! `..` only at their start and not above the folder: then a chain of links can't leave it either.

mod error;
mod names;
mod packing;
#[cfg(test)]
mod tests;
mod write;
mod zip;

pub use error::ArchiveError;
pub use packing::Packing;
pub use zip::unpack_zip;

use crate::os;
use flate2::bufread::MultiGzDecoder;
use names::{check_target, inner_path};
use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use tar::{Archive, Entry, EntryType};
use write::{Closer, copy, create_file, create_folder, create_parent};

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

/// Unpacks a gzip'd tar stream into `dest`, an existing empty folder.
///
/// Of the mode bits only the executable one is kept.
///
/// # Errors
/// When an entry is refused, the archive is damaged or cut short, or a file can't be written.
pub fn unpack_tar_gz(from: impl BufRead, dest: &Path) -> Result<Unpacked, ArchiveError> {
    std::thread::scope(|scope| {
        let closer = Closer::start(scope);
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
    let mut file = create_file(&path, true).map_err(|error| ArchiveError::of_files(error, "create", &path))?;
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
    /// The file in the folder that a hard link is to be the same as.
    file: Option<PathBuf>,
}

impl Unpacker<'_> {
    fn entries(&mut self, from: impl BufRead, closer: &Closer<'_>) -> Result<(), ArchiveError> {
        let (allowance, ended) = (Cell::new(LARGEST_HEADERS), Cell::new(false));
        let metered = Metered { from: MultiGzDecoder::new(from), allowance: &allowance, ended: &ended };
        let mut archive = Archive::new(metered);
        for entry in archive.entries().map_err(ArchiveError::of_reading)? {
            let mut entry = entry.map_err(ArchiveError::of_reading)?;
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
        while rest.read(&mut self.block).map_err(ArchiveError::of_reading)? > 0 {}
        Ok(())
    }

    fn entry(&mut self, entry: &mut Entry<'_, impl Read>, closer: &Closer<'_>) -> Result<(), ArchiveError> {
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            return Ok(());
        }
        let name = String::from_utf8(entry.path_bytes().into_owned()).map_err(|error| {
            ArchiveError::refused(&String::from_utf8_lossy(error.as_bytes()), "has a name that is no UTF-8")
        })?;
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
                let file = match kind {
                    EntryType::Link => inner_path(&target).map(Some),
                    _ => check_target(&relative, &target).map(|()| None),
                };
                let file =
                    file.map_err(|why| ArchiveError::refused(&name, format!("links to `{target}`, which {why}")))?;
                self.links.push(Link { name, path: relative.clone(), target, file });
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
        let executable = entry.header().mode().map_err(ArchiveError::of_reading)? & 0o111 != 0;
        let mut file = create_file(path, executable).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => ArchiveError::refused(name, "is there twice"),
            _ => ArchiveError::of_files(error, "create", path),
        })?;
        let size = entry.size();
        if copy(entry, &mut file, &mut self.block, path, size)? < size {
            return Err(ArchiveError::CutShort);
        }
        self.unpacked.bytes += size;
        closer.close(file, path.to_owned(), size);
        Ok(())
    }

    /// Hard ones first: so they can't be made through a symbolic one.
    fn make_links(&self) -> Result<(), ArchiveError> {
        for link in &self.links {
            create_parent(&self.dest.join(&link.path))?;
        }
        for link in &self.links {
            let Some(file) = &link.file else { continue };
            let target = self.dest.join(file);
            if !target.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
                return Err(ArchiveError::refused(
                    &link.name,
                    format!("links to `{}`, which isn't there", link.target),
                ));
            }
            made(std::fs::hard_link(&target, self.dest.join(&link.path)), link, self.dest)?;
        }
        for link in self.links.iter().filter(|link| link.file.is_none()) {
            made(os::symlink(Path::new(&link.target), &self.dest.join(&link.path)), link, self.dest)?;
        }
        Ok(())
    }
}

fn made(result: io::Result<()>, link: &Link, dest: &Path) -> Result<(), ArchiveError> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => ArchiveError::refused(&link.name, "is there twice"),
        _ => ArchiveError::of_files(error, "make the link", &dest.join(&link.path)),
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
