//! Download, hash, cache and unpack in one pass over the bytes.
//!
//! Two threads share the work for each archive. The caller's reads (net, cache or a local file), hashes, and writes
//! the cache's copy; the other gunzips and writes the files. Between them wait at most 16 blocks, which go round.

mod cache;
mod net;
mod partial;
mod pass;
#[cfg(test)]
mod tests;

pub use cache::Cache;

use crate::archive::ArchiveError;
use crate::error::{Context as _, Error, Result};
use crate::files;
use crate::http::{Http, shown};
use net::Net;
use partial::Partial;
use pass::{Passed, Trouble};
use std::path::{Path, PathBuf};

/// Where an asset comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A download, which is kept in the cache.
    Url(String),
    /// A file of a mirror folder, or a local archive. It is read where it is.
    File(PathBuf),
}

/// What an asset is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A gzip'd tar archive.
    TarGz,
    /// A zip archive, of which one program is placed as `bin/NAME`.
    Zip {
        /// The program's file name, with `.exe` where it needs one.
        name: String,
    },
    /// A bare program, which is placed as `bin/NAME`.
    Program {
        /// The program's file name, with `.exe` where it needs one.
        name: String,
    },
}

/// A file to fetch and unpack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Its name, in messages and in the cache.
    pub file_name: String,
    /// Where it is.
    pub origin: Origin,
    /// What it is.
    pub form: Form,
    /// How long it should be, where that's known.
    pub size: Option<u64>,
    /// The SHA-256 that it must have, in hexadecimal, where that's known.
    pub sha256: Option<String>,
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The SHA-256 found, in lower-case hexadecimal.
    pub sha256: String,
    /// The length found.
    pub size: u64,
    /// Whether nothing had to be downloaded, because the cache had it.
    pub from_cache: bool,
    /// Whether there was an expected SHA-256 to compare with.
    pub verified: bool,
}

/// What happens while an asset is being fetched. It may start more than once, when a download has to start over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The bytes begin to come.
    Start {
        /// How many there will be, if that's known.
        total: Option<u64>,
    },
    /// So many bytes are through.
    At(u64),
    /// Something that the user should know.
    Note(String),
}

/// Is told what happens, on the thread that fetches.
type Tell<'a> = &'a (dyn Fn(Progress) + Sync);

/// Fetches an asset, and fills `staging`, an existing empty folder, with what is in it.
///
/// On an error `staging` is empty again. On success the caller renames it to where it belongs.
pub fn fetch(http: &Http, asset: &Asset, cache: &Cache, staging: &Path, progress: Tell<'_>) -> Result<Fetched> {
    if matches!(asset.origin, Origin::Url(_)) && !is_file_name(&asset.file_name) {
        return Err(Error::ground(format!(
            "refused to fetch `{}`: that is no file name",
            asset.file_name.escape_debug()
        )));
    }
    let mut asset = asset.clone();
    asset.sha256 = asset.sha256.map(|sha256| sha256.to_ascii_lowercase());
    let job = Job { asset: &asset, staging, progress };
    let fetched = match &asset.origin {
        Origin::File(path) => job.read_file(path).and_then(|passed| job.checked(passed, false)),
        Origin::Url(url) => {
            job.try_cache(cache).and_then(|fetched| fetched.map_or_else(|| job.download(http, url, cache), Ok))
        }
    };
    fetched.inspect_err(|_| {
        let _ = wipe(staging);
    })
}

/// Whether a name is good for the cache. It comes from a server.
fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', ':'])
}

/// One asset on its way.
struct Job<'a> {
    asset: &'a Asset,
    staging: &'a Path,
    progress: Tell<'a>,
}

impl Job<'_> {
    fn note(&self, text: impl Into<String>) {
        (self.progress)(Progress::Note(text.into()));
    }

    /// Takes the asset from the cache, if it is there and still what it was.
    fn try_cache(&self, cache: &Cache) -> Result<Option<Fetched>> {
        let Some(expected) = &self.asset.sha256 else {
            return Ok(None);
        };
        let Some(path) = cache.find(expected) else {
            return Ok(None);
        };
        let passed = self.read_file(&path)?;
        if passed.complete && passed.sha256 == *expected {
            return self.checked(passed, true).map(Some);
        }
        if let Err(ArchiveError::Local(error)) = passed.unpacked {
            return Err(error).trying(|| self.unpacking());
        }
        self.note(format!("the cached `{}` was damaged; it is downloaded again", self.asset.file_name));
        std::fs::remove_file(&path).trying(|| format!("remove `{}`", path.display()))?;
        wipe(self.staging)?;
        Ok(None)
    }

    fn download(&self, http: &Http, url: &str, cache: &Cache) -> Result<Fetched> {
        let partial = Partial::open(cache, url, self.asset)?;
        if partial.is_none() {
            self.note(format!("another process is downloading `{}` too; this copy isn't kept", self.asset.file_name));
        }
        let mut net = Net::new(http, url, self, partial);
        loop {
            let error = match self.pass(&mut net) {
                Ok(passed) => {
                    let is_local = matches!(passed.unpacked, Err(ArchiveError::Local(_)));
                    match self.checked(passed, false) {
                        Ok(fetched) => {
                            if let Some(partial) = net.partial.take() {
                                partial.complete(&cache.entry(&fetched.sha256).join(&self.asset.file_name))?;
                            }
                            return Ok(fetched);
                        }
                        // The beginning is from an earlier run, and a power cut may have left anything in it.
                        Err(_) if net.resumed && !is_local => {
                            self.note(format!(
                                "the begun `{}` was damaged; it is downloaded anew",
                                self.asset.file_name
                            ));
                            wipe(self.staging)?;
                            net.forget();
                            continue;
                        }
                        Err(error) => error,
                    }
                }
                Err(Trouble::StartOver) => {
                    self.note(format!("the server can't continue `{}`; it starts over", self.asset.file_name));
                    wipe(self.staging)?;
                    continue;
                }
                // The partial file stays, for the next run to go on with.
                Err(Trouble::Network(error)) => {
                    return Err(Error::from(error)).trying(|| format!("download `{}`", self.asset.file_name));
                }
                Err(Trouble::Local(error)) => error,
            };
            if let Some(partial) = net.partial.take() {
                partial.discard();
            }
            return Err(error);
        }
    }

    fn unpacking(&self) -> String {
        format!("unpack `{}`", self.asset.file_name)
    }

    /// Compares what was found with what was expected; only then does it matter how the unpacking went.
    fn checked(&self, passed: Passed, from_cache: bool) -> Result<Fetched> {
        let Asset { file_name, origin, size, sha256, .. } = self.asset;
        let from = match origin {
            Origin::Url(url) => shown(url),
            Origin::File(path) => path.display().to_string(),
        };
        let lengths = match size {
            Some(size) if passed.complete && *size != passed.size => {
                Some(format!("{} bytes instead of {size}", passed.size))
            }
            _ => None,
        };
        let wrong = match sha256 {
            Some(expected) if passed.complete && *expected != passed.sha256 => {
                let lengths = lengths.map(|text| format!(" ({text})")).unwrap_or_default();
                Some(format!("SHA-256: expected {expected}, found {}{lengths}", passed.sha256))
            }
            Some(_) => None,
            None => lengths.map(|text| format!("length: {text}")),
        };
        if let Some(wrong) = wrong {
            let hint = "try again; if it stays so, the file is not the one that was released: don't use it";
            return Err(Error::ground(format!("`{file_name}` from {from} has the wrong {wrong}")).hint(hint));
        }
        passed.unpacked.map_err(Error::from).trying(|| self.unpacking())?;
        Ok(Fetched { sha256: passed.sha256, size: passed.size, from_cache, verified: sha256.is_some() })
    }
}

/// Empties a folder.
fn wipe(folder: &Path) -> Result<()> {
    let what = || format!("empty `{}`", folder.display());
    for entry in std::fs::read_dir(folder).trying(what)? {
        files::delete(&entry.trying(what)?.path()).trying(what)?;
    }
    Ok(())
}
