//! Why an archive is not unpacked, and whose fault it is.

use crate::error::{Context as _, Error};
use std::convert::Infallible;
use std::path::Path;
use std::{fmt, io};

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
    pub(super) fn refused(entry: &str, why: impl Into<String>) -> Self {
        ArchiveError::Refused { entry: entry.to_owned(), why: why.into() }
    }

    /// An error of reading the archive.
    pub(super) fn of_reading(error: io::Error) -> Self {
        // The crates beneath have no kinds to tell these apart by; tar says it in words only.
        match error.kind() {
            io::ErrorKind::UnexpectedEof => ArchiveError::CutShort,
            _ if error.to_string().contains("unexpected EOF") => ArchiveError::CutShort,
            _ => ArchiveError::Damaged(error.to_string()),
        }
    }

    /// An error of this machine's files: `failed to {verb} {path}: …`.
    pub(super) fn of_files(error: io::Error, verb: &str, path: &Path) -> Self {
        let Err(error) = Err::<Infallible, _>(error).trying(|| format!("{verb} `{}`", path.display()));
        ArchiveError::Local(error)
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
