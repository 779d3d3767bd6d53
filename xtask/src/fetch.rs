//! Download, hash, cache and unpack in one pass over the bytes.
//!
//! Two threads share the work for each archive. The caller's reads (net, cache or a local file), hashes, and writes
//! the cache's copy; the other gunzips and writes the files. Between them wait at most 16 blocks, which go round.

use crate::archive::{ArchiveError, BLOCK, Unpacked, place_program, unpack_tar_gz_blocks};
use crate::error::{Context as _, Error, Result};
use crate::http::{Download, Http, HttpError, HttpErrorKind, Resume, shown};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

/// How many blocks may wait for the unpacker: 4 MiB, enough to even out a busy disk.
const WAITING_BLOCKS: usize = 16;

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
        Origin::Url(url) => match job.try_cache(cache) {
            Ok(None) => job.download(http, url, cache),
            Ok(Some(fetched)) => Ok(fetched),
            Err(error) => Err(error),
        },
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

/// What one pass over the bytes has found.
struct Passed {
    sha256: String,
    size: u64,
    unpacked: std::result::Result<Unpacked, ArchiveError>,
    /// Whether all bytes were seen. The rest isn't read when unpacking it has failed for good.
    complete: bool,
}

/// Why a pass was given up.
enum Trouble {
    /// What is to come belongs to another file than what came: begin again.
    StartOver,
    /// The network failed; what is here is good for a later run.
    Network(HttpError),
    /// This machine failed.
    Local(Error),
}

/// Where the bytes of a pass come from.
trait Source {
    /// Reads a block, which is short only at the end and empty only behind it.
    fn read_block(&mut self, block: &mut [u8]) -> std::result::Result<usize, Trouble>;
}

impl Job<'_> {
    fn note(&self, text: impl Into<String>) {
        (self.progress)(Progress::Note(text.into()));
    }

    fn read_file(&self, path: &Path) -> Result<Passed> {
        let what = || format!("read `{}`", path.display());
        let file = File::open(path).trying(what)?;
        (self.progress)(Progress::Start { total: Some(file.metadata().trying(what)?.len()) });
        self.pass(&mut Local { file, path }).map_err(|trouble| match trouble {
            Trouble::Local(error) => error,
            Trouble::Network(error) => error.into(),
            Trouble::StartOver => Error::ground(format!("failed to {}: it changed meanwhile", what())),
        })
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
        let partial = cache.partial(url, self.asset)?;
        if partial.is_none() {
            self.note(format!("another process is downloading `{}` too; this copy isn't kept", self.asset.file_name));
        }
        let mut net = Net::new(http, url, self, partial);
        loop {
            let error = match self.pass(&mut net) {
                Ok(passed) => {
                    let (sha256, broken) =
                        (passed.sha256.clone(), !matches!(passed.unpacked, Err(ArchiveError::Local(_))));
                    match self.checked(passed, false) {
                        Ok(fetched) => {
                            if let Some(partial) = net.partial.take() {
                                partial.complete(&cache.entry(&sha256).join(&self.asset.file_name))?;
                            }
                            return Ok(fetched);
                        }
                        // The beginning is from an earlier run, and a power cut may have left anything in it.
                        Err(_) if net.resumed && broken => {
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

    /// One pass over all bytes, from the source into `staging`.
    fn pass(&self, source: &mut dyn Source) -> std::result::Result<Passed, Trouble> {
        std::thread::scope(|scope| {
            let (blocks, incoming) = sync_channel::<Block>(WAITING_BLOCKS);
            let (used, recycled) = channel::<Block>();
            let thread = scope.spawn(move || self.unpack(Blocks { incoming, used, block: None, at: 0, ended: false }));
            let mut unpacker = Some((blocks, thread));
            let mut failed = None;
            let (mut hasher, mut size) = (Sha256::new(), 0);
            loop {
                // A used block keeps its full length: filling it up with zeros again would cost more than hashing it.
                let mut bytes = recycled.try_recv().map_or_else(|_| vec![0; BLOCK], |block| block.bytes);
                let length = source.read_block(&mut bytes)?;
                hasher.update(&bytes[..length]);
                size += length as u64;
                (self.progress)(Progress::At(size));
                if let Some((blocks, thread)) = unpacker.take() {
                    if blocks.send(Block { bytes, length }).is_ok() {
                        unpacker = Some((blocks, thread));
                    } else {
                        // A wrong download is likelier than a wrong release. So if there is a digest, what remains is
                        // read for it alone, and a mismatch is told instead of what it did to the unpacker. A full
                        // disk, or having no digest, leaves nothing to find out.
                        let result = joined(thread);
                        if matches!(result, Err(ArchiveError::Local(_))) || self.asset.sha256.is_none() {
                            return Ok(Passed { sha256: String::new(), size, unpacked: result, complete: false });
                        }
                        failed = Some(result);
                    }
                }
                if length == 0 {
                    break;
                }
            }
            let unpacked = match (unpacker, failed) {
                (Some((blocks, thread)), _) => {
                    drop(blocks);
                    joined(thread)
                }
                (None, Some(result)) => result,
                (None, None) => Err(crashed()),
            };
            Ok(Passed { sha256: hex(&hasher.finalize()), size, unpacked, complete: true })
        })
    }

    fn unpack(&self, from: Blocks) -> std::result::Result<Unpacked, ArchiveError> {
        match &self.asset.form {
            Form::TarGz => unpack_tar_gz_blocks(from, self.staging),
            Form::Program { name } => place_program(from, self.staging, name),
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

fn joined(
    thread: std::thread::ScopedJoinHandle<'_, std::result::Result<Unpacked, ArchiveError>>,
) -> std::result::Result<Unpacked, ArchiveError> {
    thread.join().unwrap_or_else(|_| Err(crashed()))
}

fn crashed() -> ArchiveError {
    ArchiveError::Local(Error::ground("the unpacking thread crashed"))
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
    fn read_block(&mut self, block: &mut [u8]) -> std::result::Result<usize, Trouble> {
        read_full(&mut self.file, block).trying(|| format!("read `{}`", self.path.display())).map_err(Trouble::Local)
    }
}

fn read_full(file: &mut File, block: &mut [u8]) -> io::Result<usize> {
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

/// A download, with what an earlier run has left of it in front.
struct Net<'a> {
    http: &'a Http,
    url: &'a str,
    expected_size: Option<u64>,
    has_digest: bool,
    progress: Tell<'a>,
    partial: Option<Partial>,
    /// How much of the partial file is still to be read.
    replay: u64,
    /// Whether an earlier run's bytes are among those that this pass has read.
    resumed: bool,
    download: Option<Download>,
    total: Option<u64>,
    validator: Option<String>,
    at: u64,
    /// The failures since the last byte that hadn't been there before.
    failures: u32,
    furthest: u64,
    /// What is to be told once the block before it was taken.
    error: Option<HttpError>,
}

impl<'a> Net<'a> {
    fn new(http: &'a Http, url: &'a str, job: &Job<'a>, partial: Option<Partial>) -> Self {
        let replay = partial.as_ref().map_or(0, |partial| partial.length);
        let validator = partial.as_ref().and_then(|partial| partial.validator.clone());
        (job.progress)(Progress::Start { total: job.asset.size });
        Self {
            http,
            url,
            expected_size: job.asset.size,
            has_digest: job.asset.sha256.is_some(),
            progress: job.progress,
            partial,
            replay,
            resumed: replay > 0,
            download: None,
            total: None,
            validator,
            at: 0,
            failures: 0,
            furthest: replay,
            error: None,
        }
    }

    /// Forgets all that is here, so that the next pass begins at the beginning.
    fn forget(&mut self) {
        (self.at, self.replay, self.resumed) = (0, 0, false);
        (self.download, self.validator, self.total) = (None, None, None);
    }

    /// Connects at the given place, which may turn out to be the beginning.
    fn connect(&mut self, at: u64) -> std::result::Result<(), Trouble> {
        // Without a digest to find it out later, nothing but a validator shows that it is still the same file.
        let resumable = at > 0 && (self.validator.is_some() || self.has_digest);
        let resume = resumable.then(|| Resume { offset: at, validator: self.validator.clone() });
        let download = self.http.open(self.url, resume.as_ref()).map_err(Trouble::Network)?;
        let other = self.total.is_some() && download.total() != self.total;
        self.total = download.total();
        if download.offset() == at && !(at > 0 && other) {
            if at == 0 {
                self.begin(&download)?;
            }
            (self.progress)(Progress::Start { total: self.total.or(self.expected_size) });
            self.download = Some(download);
            return Ok(());
        }
        self.forget();
        if download.offset() == 0 {
            self.begin(&download)?;
            self.total = download.total();
            self.download = Some(download);
            (self.progress)(Progress::Start { total: self.total.or(self.expected_size) });
        }
        Err(Trouble::StartOver)
    }

    fn begin(&mut self, download: &Download) -> std::result::Result<(), Trouble> {
        self.validator = download.validator().map(str::to_owned);
        match &mut self.partial {
            Some(partial) => partial.begin(self.validator.clone()).map_err(Trouble::Local),
            None => Ok(()),
        }
    }

    /// Takes note of a failure: waits if it is worth another try.
    fn failed(&mut self, at: u64, error: HttpError) -> std::result::Result<(), HttpError> {
        if at > self.furthest {
            (self.furthest, self.failures) = (at, 0);
        }
        self.failures += 1;
        self.download = None;
        if self.failures >= self.http.retry().attempts {
            return Err(error);
        }
        std::thread::sleep(self.http.retry().pause(self.failures));
        Ok(())
    }

    /// Reads what comes next, over as many connections as it takes.
    fn read_on(&mut self, block: &mut [u8]) -> std::result::Result<usize, Trouble> {
        let mut filled = 0;
        while filled < block.len() {
            let at = self.at + filled as u64;
            let Some(download) = &mut self.download else {
                // A run that was killed before it could rename the file has left nothing to ask for.
                let whole = self.total.or(self.expected_size.filter(|_| self.has_digest));
                if at > 0 && whole == Some(at) {
                    break;
                }
                match self.connect(at) {
                    Ok(()) => continue,
                    // The server was there a moment ago: that is worth more patience than a first call.
                    Err(Trouble::Network(error))
                        if self.failures > 0 && matches!(error.kind, HttpErrorKind::Unreachable(_)) =>
                    {
                        if let Err(error) = self.failed(at, error) {
                            self.error = Some(error);
                            break;
                        }
                        continue;
                    }
                    Err(Trouble::Network(error)) => {
                        self.error = Some(error);
                        break;
                    }
                    Err(trouble) => return Err(trouble),
                }
            };
            let error = match download.read(&mut block[filled..]) {
                Ok(0) => match self.expected_size {
                    // Only where the server gave no length; else `read` knows.
                    Some(size) if self.total.is_none() && at < size => {
                        let why = format!("the connection ended at byte {at} of {size}");
                        HttpError { url: shown(self.url), kind: HttpErrorKind::Interrupted(why) }
                    }
                    _ => break,
                },
                Ok(read) => {
                    filled += read;
                    continue;
                }
                Err(error) => error,
            };
            if let Err(error) = self.failed(at, error) {
                self.error = Some(error);
                break;
            }
        }
        Ok(filled)
    }
}

impl Source for Net<'_> {
    fn read_block(&mut self, block: &mut [u8]) -> std::result::Result<usize, Trouble> {
        if let Some(partial) = self.partial.as_mut().filter(|_| self.replay > 0) {
            let most = usize::try_from(self.replay).unwrap_or(usize::MAX).min(block.len());
            let read = partial.read(&mut block[..most]).map_err(Trouble::Local)?;
            self.replay = if read < most { 0 } else { self.replay - read as u64 };
            self.at += read as u64;
            if read > 0 {
                return Ok(read);
            }
        }
        let read = if self.error.is_some() { 0 } else { self.read_on(block)? };
        // What has come is saved first.
        if let (0, Some(error)) = (read, self.error.take_if(|_| read == 0)) {
            return Err(Trouble::Network(error));
        }
        if let Some(partial) = &mut self.partial {
            partial.write(&block[..read]).map_err(Trouble::Local)?;
        }
        self.at += read as u64;
        Ok(read)
    }
}

/// The folder of downloads: complete ones by their digest, and those that were interrupted.
///
/// `sha256/HEX/FILE` are the complete ones, `partial/SHA256-OF-URL.part` and `.json` the others.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

/// What is known about a partial file, beside it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PartialFacts {
    url: String,
    validator: Option<String>,
    sha256: Option<String>,
}

/// A download that isn't complete yet.
struct Partial {
    file: File,
    path: PathBuf,
    url: String,
    sha256: Option<String>,
    validator: Option<String>,
    length: u64,
}

impl Cache {
    /// The cache in a folder, which is created when something comes in.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The complete file with a digest.
    pub fn find(&self, sha256: &str) -> Option<PathBuf> {
        let sha256 = sha256.to_ascii_lowercase();
        if !is_sha256(&sha256) {
            return None;
        }
        let files = std::fs::read_dir(self.entry(&sha256)).ok()?;
        files.flatten().map(|file| file.path()).find(|path| path.is_file())
    }

    /// Every complete file: its digest, name and size.
    pub fn entries(&self) -> Vec<(String, String, u64)> {
        let mut entries = Vec::new();
        for digest in std::fs::read_dir(self.folder.join("sha256")).into_iter().flatten().flatten() {
            for file in std::fs::read_dir(digest.path()).into_iter().flatten().flatten() {
                let names = (digest.file_name().into_string(), file.file_name().into_string());
                if let ((Ok(sha256), Ok(name)), Ok(metadata)) = (names, file.metadata())
                    && is_sha256(&sha256)
                    && metadata.is_file()
                {
                    entries.push((sha256, name, metadata.len()));
                }
            }
        }
        entries.sort_by(|one, other| (&one.1, &one.0).cmp(&(&other.1, &other.0)));
        entries
    }

    /// How many bytes all files take, interrupted ones included.
    pub fn size(&self) -> u64 {
        let partial = std::fs::read_dir(self.folder.join("partial")).into_iter().flatten().flatten();
        let partial: u64 = partial.filter_map(|file| Some(file.metadata().ok()?.len())).sum();
        partial + self.entries().iter().map(|(_, _, size)| size).sum::<u64>()
    }

    fn entry(&self, sha256: &str) -> PathBuf {
        self.folder.join("sha256").join(sha256)
    }

    /// What is there of a download, which may be nothing. `None` if another process is at it.
    fn partial(&self, url: &str, asset: &Asset) -> Result<Option<Partial>> {
        let folder = self.folder.join("partial");
        std::fs::create_dir_all(&folder).trying(|| format!("create `{}`", folder.display()))?;
        let path = folder.join(format!("{}.part", hex(&Sha256::digest(url))));
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
        Ok(Some(Partial { file, path, url: shown(url), sha256: asset.sha256.clone(), validator, length }))
    }
}

impl Partial {
    fn facts_path(&self) -> PathBuf {
        self.path.with_extension("json")
    }

    /// Empties the file, and notes what will come into it.
    fn begin(&mut self, validator: Option<String>) -> Result<()> {
        let what = || format!("write `{}`", self.path.display());
        self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0))).trying(what)?;
        let facts = PartialFacts { url: self.url.clone(), validator, sha256: self.sha256.clone() };
        let text = serde_json::to_vec(&facts).trying(what)?;
        let (path, tmp) = (self.facts_path(), self.path.with_extension("json.tmp"));
        std::fs::write(&tmp, text)
            .and_then(|()| std::fs::rename(&tmp, &path))
            .trying(|| format!("write `{}`", path.display()))
    }

    fn read(&mut self, block: &mut [u8]) -> Result<usize> {
        read_full(&mut self.file, block).trying(|| format!("read `{}`", self.path.display()))
    }

    fn write(&mut self, block: &[u8]) -> Result<()> {
        self.file.write_all(block).trying(|| format!("write `{}`", self.path.display()))
    }

    /// Moves the file to its place among the complete ones.
    fn complete(self, place: &Path) -> Result<()> {
        let facts_path = self.facts_path();
        let Self { file, path, .. } = self;
        drop(file);
        let parent = place.parent().unwrap_or(place);
        std::fs::create_dir_all(parent).trying(|| format!("create `{}`", parent.display()))?;
        std::fs::rename(&path, place).trying(|| format!("move `{}` to `{}`", path.display(), place.display()))?;
        // What is left behind here is overwritten or swept up later.
        let _ = std::fs::remove_file(facts_path);
        Ok(())
    }

    /// Gives up what is there.
    fn discard(self) {
        let facts_path = self.facts_path();
        let Self { file, path, .. } = self;
        // Emptied first: that frees the disk even where an open file can't be removed.
        let _ = file.set_len(0);
        drop(file);
        let _ = std::fs::remove_file(path);
        let _ = std::fs::remove_file(facts_path);
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Empties a folder.
fn wipe(folder: &Path) -> Result<()> {
    let wiped = || -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            } else {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    };
    wiped().trying(|| format!("empty `{}`", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::{Play, answer, at_once, impatient, serve, text};
    use flate2::{Compression, write::GzEncoder};
    use std::sync::Mutex;

    /// A program that compresses badly enough to fill several blocks.
    fn program() -> Vec<u8> {
        let mut seed = 1u32;
        let step = |_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        (0..3 * BLOCK / 2).map(step).collect()
    }

    fn archive() -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let (program, mut header) = (program(), tar::Header::new_ustar());
        header.set_size(program.len() as u64);
        header.set_mode(0o755);
        builder.append_data(&mut header, "bin/ctr", program.as_slice()).unwrap();
        builder.into_inner().unwrap().finish().unwrap()
    }

    /// A cache and a staging folder, and what was told meanwhile.
    struct Bench {
        folder: tempfile::TempDir,
        cache: Cache,
        notes: Mutex<Vec<String>>,
        http: Http,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let cache = Cache::new(folder.path().join("cache"));
            std::fs::create_dir(folder.path().join("staging")).unwrap();
            Self { folder, cache, notes: Mutex::default(), http: Http::new(false, at_once()) }
        }

        fn staging(&self) -> PathBuf {
            self.folder.path().join("staging")
        }

        fn fetch(&self, asset: &Asset) -> Result<Fetched> {
            wipe(&self.staging()).unwrap();
            fetch(&self.http, asset, &self.cache, &self.staging(), &|progress| {
                if let Progress::Note(note) = progress {
                    self.notes.lock().unwrap().push(note);
                }
            })
        }

        fn unpacked(&self) -> bool {
            std::fs::read(self.staging().join("bin/ctr")).is_ok_and(|bytes| bytes == program())
        }

        fn is_clean(&self) -> bool {
            let count = |folder: PathBuf| std::fs::read_dir(folder).map_or(0, Iterator::count);
            count(self.staging()) == 0 && count(self.cache.folder().join("partial")) == 0
        }
    }

    fn asset(url: &str, bytes: &[u8]) -> Asset {
        Asset {
            file_name: "ctr.tar.gz".into(),
            origin: Origin::Url(format!("{url}/ctr.tar.gz")),
            form: Form::TarGz,
            size: Some(bytes.len() as u64),
            sha256: Some(hex(&Sha256::digest(bytes))),
        }
    }

    /// The answer to a request that continues at `offset`.
    fn rest(archive: &[u8], offset: usize, sent: usize) -> Play {
        let range = format!("ETag: \"v\"\r\nContent-Range: bytes {offset}-{}/{}\r\n", archive.len() - 1, archive.len());
        Play::Send(answer("206 Partial Content", &range, &archive[offset..], sent))
    }

    fn whole(archive: &[u8], sent: usize) -> Play {
        Play::Send(answer("200 OK", "ETag: \"v\"\r\n", archive, sent))
    }

    #[test]
    fn an_archive_is_unpacked_and_then_comes_from_the_cache() {
        let (bench, archive) = (Bench::new(), archive());
        let (url, _heads) = serve(vec![whole(&archive, archive.len())]);
        let asset = asset(&url, &archive);
        let fetched = bench.fetch(&asset).unwrap();
        assert!(fetched.verified && !fetched.from_cache && bench.unpacked());
        assert_eq!(bench.cache.entries(), [(fetched.sha256, "ctr.tar.gz".into(), fetched.size)]);
        assert_eq!(bench.cache.size(), fetched.size);
        assert!(bench.fetch(&asset).unwrap().from_cache && bench.unpacked());
        assert_eq!(bench.http.calls(), 1);
    }

    #[test]
    fn a_broken_connection_is_continued_in_the_same_run() {
        let (mut bench, archive) = (Bench::new(), archive());
        bench.http = Http::new(false, impatient());
        let (url, heads) = serve(vec![
            whole(&archive, 1000),
            text("503 Service Unavailable", "", ""),
            rest(&archive, 1000, 300_000 - 1000),
            Play::Stall(answer(
                "206 Partial Content",
                &format!("Content-Range: bytes 300000-{}/{}\r\n", archive.len() - 1, archive.len()),
                &archive[300_000..],
                7,
            )),
            rest(&archive, 300_007, archive.len() - 300_007),
        ]);
        assert!(bench.fetch(&asset(&url, &archive)).unwrap().verified && bench.unpacked());
        let heads: Vec<String> = heads.try_iter().collect();
        assert!(
            heads[2].contains("range: bytes=1000-\r\n") && heads[2].contains("if-range: \"v\"\r\n"),
            "{}",
            heads[2]
        );
        assert!(bench.notes.lock().unwrap().is_empty());
    }

    #[test]
    fn the_next_run_continues_an_interrupted_download() {
        let (bench, archive) = (Bench::new(), archive());
        let cut = BLOCK + 10;
        let mut script = vec![whole(&archive, cut)];
        script.extend((0..2).map(|_| rest(&archive, cut, 0)));
        script.push(rest(&archive, cut, archive.len() - cut));
        let (url, heads) = serve(script);
        let asset = asset(&url, &archive);
        let error = bench.fetch(&asset).unwrap_err();
        assert!(error.to_string().starts_with("failed to download `ctr.tar.gz`: the connection to "), "{error}");
        assert_eq!(bench.cache.size() / 1000, cut as u64 / 1000);
        assert!(bench.fetch(&asset).unwrap().verified && bench.unpacked());
        assert!(heads.try_iter().last().unwrap().contains(&format!("range: bytes={cut}-\r\n")));
    }

    #[test]
    fn a_file_that_changed_meanwhile_starts_over() {
        let (bench, archive) = (Bench::new(), archive());
        let (url, _heads) = serve(vec![whole(&vec![7; archive.len()], 5000), whole(&archive, archive.len())]);
        let mut asset = asset(&url, &archive);
        assert!(bench.fetch(&asset).unwrap().verified && bench.unpacked());
        assert_eq!(bench.notes.lock().unwrap().len(), 1);

        // And with nothing to verify it by, and no validator: there is no asking for the rest.
        asset.sha256 = None;
        let bare = |sent| Play::Send(answer("200 OK", "", &archive, sent));
        let (url, heads) = serve(vec![bare(5000), bare(archive.len())]);
        asset.origin = Origin::Url(url);
        let fetched = bench.fetch(&asset).unwrap();
        assert!(!fetched.verified && bench.unpacked() && bench.cache.find(&fetched.sha256).is_some());
        assert!(heads.try_iter().all(|head| !head.contains("range")));
    }

    #[test]
    fn a_server_that_always_breaks_off_is_given_up() {
        let (bench, archive) = (Bench::new(), archive());
        let (url, _heads) = serve((0..9).map(|_| whole(&archive, 5000)).collect());
        assert!(bench.fetch(&asset(&url, &archive)).is_err());
        assert!(bench.http.calls() <= 5);
    }

    #[test]
    fn a_wrong_digest_names_file_expected_and_found_and_leaves_nothing() {
        let good = archive();
        // A wrong one that unpacks, and one that doesn't: the digest is what is told either way.
        for wrong in [b"<html>no</html>".repeat(30_000), { good.iter().copied().chain([0]).collect() }] {
            let bench = Bench::new();
            let (url, _heads) = serve(vec![whole(&wrong, wrong.len())]);
            let error = bench.fetch(&asset(&url, &good)).unwrap_err();
            let (expected, found) = (hex(&Sha256::digest(&good)), hex(&Sha256::digest(&wrong)));
            let lengths = format!("({} bytes instead of {})", wrong.len(), good.len());
            let ends = format!("has the wrong SHA-256: expected {expected}, found {found} {lengths}");
            assert!(
                error.to_string().starts_with("`ctr.tar.gz` from ") && error.to_string().ends_with(&ends),
                "{error}"
            );
            assert!(error.hint_text().is_some() && bench.is_clean() && bench.cache.entries().is_empty());
        }
    }

    #[test]
    fn a_broken_archive_with_the_right_digest_is_the_archives_fault() {
        let (bench, archive) = (Bench::new(), archive());
        let short = &archive[..archive.len() / 2];
        let (url, _heads) = serve(vec![whole(short, short.len())]);
        let error = bench.fetch(&asset(&url, short)).unwrap_err();
        assert_eq!(error.to_string(), "failed to unpack `ctr.tar.gz`: the archive is cut short");
        assert!(bench.is_clean() && bench.cache.entries().is_empty());
    }

    #[test]
    fn a_wrong_length_is_told_where_there_is_no_digest() {
        let (bench, archive) = (Bench::new(), archive());
        let (url, _heads) = serve(vec![whole(&archive, archive.len())]);
        let asset = Asset { size: Some(12), sha256: None, ..asset(&url, &archive) };
        let error = bench.fetch(&asset).unwrap_err().to_string();
        assert!(error.ends_with(&format!("has the wrong length: {} bytes instead of 12", archive.len())), "{error}");
        assert!(bench.is_clean());
    }

    #[test]
    fn damage_in_the_cache_heals() {
        let (bench, archive) = (Bench::new(), archive());
        let (url, _heads) = serve(vec![whole(&archive, archive.len()), whole(&archive, archive.len())]);
        let asset = asset(&url, &archive);
        let fetched = bench.fetch(&asset).unwrap();
        std::fs::write(bench.cache.find(&fetched.sha256).unwrap(), &archive[..9000]).unwrap();
        assert!(!bench.fetch(&asset).unwrap().from_cache && bench.unpacked());
        assert!(bench.notes.lock().unwrap()[0].contains("was damaged"));
        assert!(bench.fetch(&asset).unwrap().from_cache);
    }

    #[test]
    fn damage_in_a_begun_download_heals() {
        let (bench, archive) = (Bench::new(), archive());
        let (url, _heads) = serve(vec![rest(&archive, 9000, archive.len() - 9000), whole(&archive, archive.len())]);
        let asset = asset(&url, &archive);
        let Origin::Url(url) = &asset.origin else { unreachable!() };
        let mut partial = bench.cache.partial(url, &asset).unwrap().unwrap();
        partial.begin(Some("\"v\"".into())).unwrap();
        partial.write(&[0; 9000]).unwrap();
        drop(partial);
        assert!(bench.fetch(&asset).unwrap().verified && bench.unpacked());
        assert!(bench.notes.lock().unwrap()[0].contains("was damaged"));
    }

    #[test]
    fn a_run_killed_before_the_rename_left_nothing_to_download() {
        let (bench, archive) = (Bench::new(), archive());
        let asset = asset("http://127.0.0.1:9", &archive);
        let Origin::Url(url) = &asset.origin else { unreachable!() };
        let mut partial = bench.cache.partial(url, &asset).unwrap().unwrap();
        partial.begin(None).unwrap();
        partial.write(&archive).unwrap();
        drop(partial);
        assert!(bench.fetch(&asset).unwrap().verified && bench.unpacked());
        assert_eq!(bench.http.calls(), 0);
    }

    #[test]
    fn a_local_archive_is_read_in_place_and_still_checked() {
        let (bench, archive) = (Bench::new(), archive());
        let path = bench.folder.path().join("mirror.tar.gz");
        std::fs::write(&path, &archive).unwrap();
        let mut asset = Asset { origin: Origin::File(path.clone()), ..asset("", &archive) };
        assert!(bench.fetch(&asset).unwrap().verified && bench.unpacked());
        assert!(bench.cache.entries().is_empty() && path.exists());
        asset.sha256 = Some("0".repeat(64));
        assert!(bench.fetch(&asset).is_err() && bench.is_clean());
        asset.origin = Origin::File(bench.folder.path().join("missing"));
        assert!(bench.fetch(&asset).unwrap_err().to_string().starts_with("failed to read `"));
    }

    #[test]
    fn a_bare_program_is_placed() {
        let bench = Bench::new();
        let (url, _heads) = serve(vec![whole(b"elf", 3)]);
        let form = Form::Program { name: "runc".into() };
        assert!(bench.fetch(&Asset { form, ..asset(&url, b"elf") }).unwrap().verified);
        assert_eq!(std::fs::read(bench.staging().join("bin/runc")).unwrap(), b"elf");
    }

    #[test]
    fn two_downloads_of_one_file_at_once_both_work() {
        let (bench, archive) = (Bench::new(), archive());
        let (url, _heads) = serve(vec![whole(&archive, archive.len())]);
        let asset = asset(&url, &archive);
        let Origin::Url(url) = &asset.origin else { unreachable!() };
        let other = bench.cache.partial(url, &asset).unwrap();
        assert!(bench.fetch(&asset).unwrap().verified && bench.unpacked());
        assert!(bench.notes.lock().unwrap()[0].contains("another process"));
        drop(other);
    }

    #[test]
    fn a_name_that_is_a_path_is_refused() {
        let bench = Bench::new();
        for name in ["../x", "a/b", "a\\b", "", ".."] {
            assert!(bench.fetch(&Asset { file_name: name.into(), ..asset("http://127.0.0.1:9", b"") }).is_err());
        }
        assert_eq!(bench.http.calls(), 0);
    }
}
