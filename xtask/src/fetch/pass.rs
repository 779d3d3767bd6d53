//! One pass over the bytes of an asset: they are hashed while another thread unpacks them.

use super::{Form, Job, Progress};
use crate::archive::{ArchiveError, BLOCK, Unpacked, place_program, unpack_tar_gz, unpack_zip};
use crate::error::{Context as _, Error, Result};
use crate::files::hex;
use crate::http::HttpError;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

/// How many blocks may wait for the unpacker: 4 MiB, enough to even out a busy disk.
const WAITING_BLOCKS: usize = 16;

/// What one pass over the bytes has found.
pub(super) struct Passed {
    pub(super) sha256: String,
    pub(super) size: u64,
    pub(super) unpacked: Result<Unpacked, ArchiveError>,
    /// Whether all bytes were seen. The rest isn't read when unpacking it has failed for good.
    pub(super) complete: bool,
}

/// Why a pass was given up.
pub(super) enum Trouble {
    /// What is to come belongs to another file than what came: begin again.
    StartOver,
    /// The network failed; what is here is good for a later run.
    Network(HttpError),
    /// This machine failed.
    Local(Error),
}

/// Where the bytes of a pass come from.
pub(super) trait Source {
    /// Reads a block, which is empty only at the end.
    fn read_block(&mut self, block: &mut [u8]) -> Result<usize, Trouble>;
}

impl Job<'_> {
    /// The pass over a file of this machine.
    pub(super) fn read_file(&self, path: &Path) -> Result<Passed> {
        let what = || format!("read `{}`", path.display());
        let file = File::open(path).trying(what)?;
        (self.progress)(Progress::Start { total: Some(file.metadata().trying(what)?.len()) });
        self.pass(&mut Local { file, path }).map_err(|trouble| match trouble {
            Trouble::Local(error) => error,
            Trouble::Network(error) => error.into(),
            Trouble::StartOver => Error::ground(format!("failed to {}: it changed meanwhile", what())),
        })
    }

    /// One pass over all bytes, from the source into `staging`.
    pub(super) fn pass(&self, source: &mut dyn Source) -> Result<Passed, Trouble> {
        std::thread::scope(|scope| {
            let (blocks, incoming) = sync_channel::<Block>(WAITING_BLOCKS);
            let (used, recycled) = channel::<Block>();
            let unpacker =
                scope.spawn(move || self.unpack(Blocks { incoming, used, block: None, at: 0, ended: false }));
            let (mut hasher, mut size) = (Sha256::new(), 0);
            let mut read = |bytes: &mut [u8]| -> Result<usize, Trouble> {
                let length = source.read_block(bytes)?;
                hasher.update(&bytes[..length]);
                size += length as u64;
                (self.progress)(Progress::At(size));
                Ok(length)
            };
            let (gave_up, ended) = loop {
                // A used block keeps its full length: filling it up with zeros again would cost more than hashing it.
                let mut bytes = recycled.try_recv().map_or_else(|_| vec![0; BLOCK], |block| block.bytes);
                let length = read(&mut bytes)?;
                let gave_up = blocks.send(Block { bytes, length }).is_err();
                if gave_up || length == 0 {
                    break (gave_up, length == 0);
                }
            };
            drop(blocks);
            let unpacked = unpacker
                .join()
                .unwrap_or_else(|_| Err(ArchiveError::Local(Error::ground("the unpacking thread crashed"))));
            if gave_up {
                // A wrong download is likelier than a wrong release. So if there is a digest, what remains is read for
                // it alone, and a mismatch is told instead of what it did to the unpacker. A full disk, or having no
                // digest, leaves nothing to find out.
                if matches!(unpacked, Err(ArchiveError::Local(_))) || self.asset.sha256.is_none() {
                    return Ok(Passed { sha256: String::new(), size, unpacked, complete: false });
                }
                let mut bytes = vec![0; BLOCK];
                while !ended && read(&mut bytes)? > 0 {}
            }
            Ok(Passed { sha256: hex(&hasher.finalize()), size, unpacked, complete: true })
        })
    }

    fn unpack(&self, from: Blocks) -> Result<Unpacked, ArchiveError> {
        match &self.asset.form {
            Form::TarGz => unpack_tar_gz(from, self.staging),
            Form::Zip { name } => unpack_zip(from, self.staging, name),
            Form::Program { name } => place_program(from, self.staging, name),
        }
    }
}

/// Bytes on their way to the unpacker; none at all mark the end.
struct Block {
    bytes: Vec<u8>,
    length: usize,
}

/// The unpacker's end of the channel.
struct Blocks {
    incoming: Receiver<Block>,
    used: Sender<Block>,
    block: Option<Block>,
    at: usize,
    ended: bool,
}

impl BufRead for Blocks {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.ended && self.block.as_ref().is_none_or(|block| self.at == block.length) {
            if let Some(block) = self.block.take() {
                // Nobody wants it back any more once the last block is sent.
                let _ = self.used.send(block);
            }
            // The other side gave up, and tells why itself.
            let block = self.incoming.recv().map_err(|_| io::Error::from(io::ErrorKind::ConnectionAborted))?;
            self.ended = block.length == 0;
            self.block = Some(block);
            self.at = 0;
        }
        Ok(self.block.as_ref().map_or(&[], |block| &block.bytes[self.at..block.length]))
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

impl Read for Blocks {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

/// A file on this machine.
struct Local<'a> {
    file: File,
    path: &'a Path,
}

impl Source for Local<'_> {
    fn read_block(&mut self, block: &mut [u8]) -> Result<usize, Trouble> {
        read_full(&mut self.file, block).trying(|| format!("read `{}`", self.path.display())).map_err(Trouble::Local)
    }
}

/// Fills a block, or what the file still has of it.
pub(super) fn read_full(file: &mut File, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match file.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
