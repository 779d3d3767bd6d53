//! Downloads that were interrupted, kept for a later run to go on with.

use super::pass::read_full;
use super::{Asset, Cache};
use crate::error::{Context as _, Result};
use crate::files;
use crate::http::shown;
use crate::os;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// What is known about a partial file, beside it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PartialFacts {
    url: String,
    validator: Option<String>,
    sha256: Option<String>,
}

/// A download that isn't complete yet.
pub(super) struct Partial {
    file: File,
    path: PathBuf,
    url: String,
    sha256: Option<String>,
    /// What the server told the file by.
    pub(super) validator: Option<String>,
    /// How much of it is here.
    pub(super) length: u64,
}

impl Partial {
    /// What is there of a download, which may be nothing. `None` if another process is at it.
    pub(super) fn open(cache: &Cache, url: &str, asset: &Asset) -> Result<Option<Self>> {
        let folder = cache.partial_folder();
        std::fs::create_dir_all(&folder).trying(|| format!("create `{}`", folder.display()))?;
        let path = folder.join(format!("{}.part", files::sha256_of(url.as_bytes())));
        let what = || format!("open `{}`", path.display());
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).trying(what)?;
        // Where there are no locks, the digest alone has to find out what two writers have made.
        // And whoever held the lock until now may just have moved the file into place.
        if matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)) || !path.exists() {
            return Ok(None);
        }
        let facts: Option<PartialFacts> =
            std::fs::read(path.with_extension("json")).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let facts = facts.filter(|facts| {
            facts.url == shown(url)
                && facts.sha256 == asset.sha256
                && (facts.validator.is_some() || facts.sha256.is_some())
        });
        let length = file.metadata().trying(what)?.len();
        let length = if facts.is_none() || asset.size.is_some_and(|size| size < length) { 0 } else { length };
        let validator = facts.and_then(|facts| facts.validator);
        Ok(Some(Self { file, path, url: shown(url), sha256: asset.sha256.clone(), validator, length }))
    }

    fn facts_path(&self) -> PathBuf {
        self.path.with_extension("json")
    }

    /// Empties the file, and notes what will come into it.
    pub(super) fn begin(&mut self, validator: Option<String>) -> Result<()> {
        let what = || format!("write `{}`", self.path.display());
        self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0))).trying(what)?;
        let facts = PartialFacts { url: self.url.clone(), validator, sha256: self.sha256.clone() };
        let text = serde_json::to_vec(&facts).trying(what)?;
        files::write_whole(&self.facts_path(), &text)
    }

    /// Reads on from where it stands: short only at the end.
    pub(super) fn read(&mut self, block: &mut [u8]) -> Result<usize> {
        read_full(&mut self.file, block).trying(|| format!("read `{}`", self.path.display()))
    }

    /// Adds to it.
    pub(super) fn write(&mut self, block: &[u8]) -> Result<()> {
        self.file.write_all(block).trying(|| format!("write `{}`", self.path.display()))
    }

    /// Moves the file to its place among the complete ones.
    pub(super) fn complete(self, place: &Path) -> Result<()> {
        let facts_path = self.facts_path();
        let Self { file, path, .. } = self;
        let parent = place.parent().unwrap_or(place);
        std::fs::create_dir_all(parent).trying(|| format!("create `{}`", parent.display()))?;
        os::rename(&path, place).trying(|| format!("move `{}` to `{}`", path.display(), place.display()))?;
        // Locked until it is in its place: another process must not begin to write what is moved.
        drop(file);
        // What is left behind here is overwritten or swept up later.
        let _ = std::fs::remove_file(facts_path);
        Ok(())
    }

    /// Gives up what is there.
    pub(super) fn discard(self) {
        let facts_path = self.facts_path();
        let Self { file, path, .. } = self;
        // Emptied first: that frees the disk even where an open file can't be removed.
        let _ = file.set_len(0);
        drop(file);
        let _ = std::fs::remove_file(path);
        let _ = std::fs::remove_file(facts_path);
    }
}
