//! A download under way, and where it goes on once it was interrupted.

use super::headers::validator;
use super::{HttpError, HttpErrorKind, shown};
use reqwest::blocking::Response;
use std::io::Read as _;
use std::time::Duration;

/// Where an interrupted download goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// How many bytes are here already.
    pub offset: u64,
    /// What tells whether they are of the same file (see [`Download::validator`]).
    pub validator: Option<String>,
}

/// A download under way.
#[derive(Debug)]
pub struct Download {
    response: Response,
    url: String,
    stall: Duration,
    offset: u64,
    at: u64,
    total: Option<u64>,
    validator: Option<String>,
}

impl Download {
    /// What a server has answered whose body begins at `offset` in the file.
    pub(super) fn new(response: Response, url: &str, offset: u64, stall: Duration) -> Self {
        let total = response.content_length().map(|length| offset + length);
        let validator = validator(response.headers());
        Self { response, url: shown(url), stall, offset, at: offset, total, validator }
    }

    /// Where the bytes that follow begin in the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The length of the whole file, if the server told it.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// What a later `If-Range` can name the same file by: a strong ETag, or the date of the last change.
    pub fn validator(&self) -> Option<&str> {
        self.validator.as_deref()
    }

    /// Reads on. 0 is the end of the file; an end before the announced length is an error.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, HttpError> {
        let read = self.response.read(buffer).map_err(|error| HttpError::of_reading(&error, &self.url, self.stall))?;
        self.at += read as u64;
        match self.total {
            Some(total) if read == 0 && self.at < total && !buffer.is_empty() => {
                let why = format!("the connection ended at byte {} of {total}", self.at);
                Err(HttpError { url: self.url.clone(), kind: HttpErrorKind::Interrupted(why) })
            }
            _ => Ok(read),
        }
    }
}
