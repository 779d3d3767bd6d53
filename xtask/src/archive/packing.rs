//! Making small archives out of texts: what `bundle` hands on.

use crate::error::{Error, Result};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use rawzip::path::EntryPath;
use rawzip::time::UtcDateTime;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};
use tar::{Builder, EntryType, Header};

/// The kinds of archive that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// What Windows opens.
    Zip,
    /// What Linux opens.
    TarGz,
}

impl Packing {
    /// What a file's name asks for.
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        if name.ends_with(".zip") {
            Some(Packing::Zip)
        } else if name.ends_with(".tar.gz") {
            Some(Packing::TarGz)
        } else {
            None
        }
    }

    /// Packs files, each with its path inside and the same time, in memory: they are to be small.
    ///
    /// # Errors
    /// When a name doesn't fit.
    pub fn pack(self, files: &[(String, impl AsRef<[u8]>)], time: SystemTime) -> Result<Vec<u8>> {
        // Before 1970 no clock is right.
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        match self {
            Packing::Zip => zip(files, seconds).map_err(|error| failed(error.to_string())),
            Packing::TarGz => tar_gz(files, seconds).map_err(|error| failed(error.to_string())),
        }
    }
}

fn failed(why: String) -> Error {
    Error::ground("failed to make the archive").because(why)
}

fn zip(files: &[(String, impl AsRef<[u8]>)], seconds: u64) -> std::result::Result<Vec<u8>, rawzip::Error> {
    let time = UtcDateTime::from_unix(seconds.cast_signed());
    let mut archive = ZipArchiveWriter::new(Vec::new());
    for (name, content) in files {
        let file =
            archive.new_file(EntryPath::verbatim(name.as_bytes())).unix_permissions(0o100_644).last_modified(time);
        let (mut entry, config) = file.compression_method(CompressionMethod::DEFLATE).start()?;
        let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
        writer.write_all(content.as_ref())?;
        let (encoder, descriptor) = writer.finish()?;
        encoder.finish()?;
        entry.finish(descriptor)?;
    }
    archive.finish()
}

fn tar_gz(files: &[(String, impl AsRef<[u8]>)], seconds: u64) -> io::Result<Vec<u8>> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, content) in files {
        let content = content.as_ref();
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_mtime(seconds);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, name, content)?;
    }
    archive.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_kind() {
        assert_eq!(Packing::of_name("x/Y.ZIP"), Some(Packing::Zip));
        assert_eq!(Packing::of_name("x.tar.gz"), Some(Packing::TarGz));
        for other in ["x", "zip", "x.tar", "x.gz", "x.zip.txt"] {
            assert_eq!(Packing::of_name(other), None, "{other}");
        }
    }
}
