//! The bytes of a download: what an earlier run has left first, then over as many connections as it takes.

use super::partial::Partial;
use super::pass::{Source, Trouble};
use super::{Job, Progress, Tell};
use crate::error::Result;
use crate::http::{Download, Http, HttpError, HttpErrorKind, Resume, shown};

/// A download, with what an earlier run has left of it in front.
pub(super) struct Net<'a> {
    http: &'a Http,
    url: &'a str,
    expected_size: Option<u64>,
    has_digest: bool,
    progress: Tell<'a>,
    pub(super) partial: Option<Partial>,
    /// How much of the partial file is still to be read.
    replay: u64,
    /// Whether an earlier run's bytes are among those that this pass has read.
    pub(super) resumed: bool,
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
    pub(super) fn new(http: &'a Http, url: &'a str, job: &Job<'a>, partial: Option<Partial>) -> Self {
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
    pub(super) fn forget(&mut self) {
        (self.at, self.replay, self.resumed) = (0, 0, false);
        (self.download, self.validator, self.total) = (None, None, None);
    }

    /// Connects at the given place, which may turn out to be the beginning.
    fn connect(&mut self, at: u64) -> Result<&mut Download, Trouble> {
        // Without a digest to find it out later, nothing but a validator shows that it is still the same file.
        let resumable = at > 0 && (self.validator.is_some() || self.has_digest);
        let resume = resumable.then(|| Resume { offset: at, validator: self.validator.clone() });
        let download = self.http.open(self.url, resume.as_ref()).map_err(Trouble::Network)?;
        let (offset, total) = (download.offset(), download.total());
        let continues = offset == at && (at == 0 || self.total.is_none() || self.total == total);
        if !continues {
            self.forget();
            if offset > 0 {
                return Err(Trouble::StartOver);
            }
        }
        if offset == 0 {
            self.begin(&download)?;
        }
        self.total = total;
        (self.progress)(Progress::Start { total: total.or(self.expected_size) });
        let download = self.download.insert(download);
        if continues { Ok(download) } else { Err(Trouble::StartOver) }
    }

    fn begin(&mut self, download: &Download) -> Result<(), Trouble> {
        self.validator = download.validator().map(str::to_owned);
        match &mut self.partial {
            Some(partial) => partial.begin(self.validator.clone()).map_err(Trouble::Local),
            None => Ok(()),
        }
    }

    /// Takes note of a failure: waits if it is worth another try, and else leaves it to be told.
    fn failed(&mut self, at: u64, error: HttpError) {
        let lost = self.download.take().is_some();
        // `Http` has tried a call more than once already. But here the server was there a moment ago: that is worth
        // more patience.
        let gone = self.failures > 0 && matches!(error.kind, HttpErrorKind::Unreachable(_));
        if !lost && !gone {
            self.error = Some(error);
            return;
        }
        if at > self.furthest {
            (self.furthest, self.failures) = (at, 0);
        }
        self.failures += 1;
        if self.failures >= self.http.retry().attempts {
            self.error = Some(error);
        } else {
            std::thread::sleep(self.http.retry().pause(self.failures));
        }
    }

    /// Fills a block, over as many connections as it takes.
    fn read_on(&mut self, block: &mut [u8]) -> Result<usize, Trouble> {
        let mut filled = 0;
        while filled < block.len() && self.error.is_none() {
            let at = self.at + filled as u64;
            match self.read_at(at, &mut block[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(Trouble::Network(error)) => self.failed(at, error),
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(filled)
    }

    /// Reads what the connection has next, which is made if there is none.
    fn read_at(&mut self, at: u64, block: &mut [u8]) -> Result<usize, Trouble> {
        let download = match &mut self.download {
            Some(download) => download,
            None => {
                // A run that was killed before it could rename the file has left nothing to ask for.
                let whole = self.total.or(self.expected_size.filter(|_| self.has_digest));
                if at > 0 && whole == Some(at) {
                    return Ok(0);
                }
                self.connect(at)?
            }
        };
        let read = download.read(block).map_err(Trouble::Network)?;
        match self.expected_size {
            // Only where the server gave no length; else `Download::read` knows.
            Some(size) if read == 0 && self.total.is_none() && at < size => {
                let kind = HttpErrorKind::Interrupted(format!("the connection ended at byte {at} of {size}"));
                Err(Trouble::Network(HttpError { url: shown(self.url), kind }))
            }
            _ => Ok(read),
        }
    }
}

impl Source for Net<'_> {
    fn read_block(&mut self, block: &mut [u8]) -> Result<usize, Trouble> {
        if let Some(partial) = self.partial.as_mut().filter(|_| self.replay > 0) {
            let most = usize::try_from(self.replay).unwrap_or(usize::MAX).min(block.len());
            let read = partial.read(&mut block[..most]).map_err(Trouble::Local)?;
            self.replay = if read < most { 0 } else { self.replay - read as u64 };
            self.at += read as u64;
            if read > 0 {
                return Ok(read);
            }
        }
        let read = self.read_on(block)?;
        // What has come is saved first.
        if read == 0
            && let Some(error) = self.error.take()
        {
            return Err(Trouble::Network(error));
        }
        if let Some(partial) = &mut self.partial {
            partial.write(&block[..read]).map_err(Trouble::Local)?;
        }
        self.at += read as u64;
        Ok(read)
    }
}
