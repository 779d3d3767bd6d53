//! The one place that makes HTTP calls.

mod client;
mod download;
mod error;
mod headers;
mod retry;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod write;

pub use download::{Download, Resume};
pub(crate) use error::shown;
pub use error::{HttpError, HttpErrorKind};
pub use retry::Retry;
pub use write::Write;

use client::Clients;
use headers::{checked, header_text, next_page, parse_date, range_start};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::{StatusCode, Url, header};
use retry::Fault;
use std::io::Read as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// What stands for itself wherever it is in a URL.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The largest text that is taken into memory: a page of 100 releases is about 5 MB.
const LARGEST_TEXT: u64 = 64 << 20;

/// The HTTP client that all threads share.
#[derive(Debug)]
pub struct Http {
    offline: bool,
    retry: Retry,
    calls: AtomicU64,
    reading: Clients,
    /// What is written goes where it was sent, or nowhere.
    writing: Clients,
}

/// What a server says to a request for a text that may be known already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The text as it is now.
    Fresh(Text),
    /// The text that the given ETag belongs to is still the newest.
    NotModified,
}

/// A small text and what the server said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub body: String,
    /// What to revalidate it with.
    pub etag: Option<String>,
    /// Where the next page is (`Link: <…>; rel="next"`): only ever on the same host, so a token may go there too.
    pub next: Option<String>,
}

/// That a server answers, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// The status, be it a failure's.
    pub status: u16,
    /// The server's time.
    pub date: Option<SystemTime>,
    /// The text, of a success.
    pub body: String,
}

/// Writes a text as one segment of a URL's path, whatever is in it.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

impl Http {
    /// A client. Nothing is set up before the first call.
    pub fn new(offline: bool, retry: Retry) -> Self {
        let (reading, writing) = (Clients::new(true), Clients::new(false));
        Self { offline, retry, calls: AtomicU64::new(0), reading, writing }
    }

    /// How failed calls are tried again.
    pub fn retry(&self) -> &Retry {
        &self.retry
    }

    /// How many requests were sent, failed ones included.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Gets a small text.
    ///
    /// The token goes to the URL's own host. When that one redirects to another host, port or scheme, reqwest leaves
    /// the `Authorization` header out.
    ///
    /// # Errors
    /// When no call may be made, or none succeeded; see [`HttpErrorKind`].
    pub fn get_text(&self, url: &str, token: Option<&str>, etag: Option<&str>) -> Result<Answer, HttpError> {
        self.with_retries(url, |client, parsed| {
            let mut request = client.get(parsed.clone());
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            if let Some(etag) = etag {
                request = request.header(header::IF_NONE_MATCH, etag);
            }
            let response = self.send(request, url)?;
            if response.status() == StatusCode::NOT_MODIFIED {
                return Ok(Answer::NotModified);
            }
            let response = checked(response, url)?;
            let etag = header_text(response.headers(), header::ETAG);
            let next = next_page(response.headers(), &parsed);
            let body = self.read_text(response, url)?;
            Ok(Answer::Fresh(Text { body, etag, next }))
        })
    }

    /// Looks whether a server answers, whatever that is. The token goes where it does in [`Http::get_text`].
    ///
    /// # Errors
    /// When no call may be made, or none got an answer.
    pub fn glance(&self, url: &str, token: Option<&str>) -> Result<Glance, HttpError> {
        self.with_retries(url, |client, parsed| {
            let request = client.get(parsed);
            let request = token.into_iter().fold(request, RequestBuilder::bearer_auth);
            let response = self.send(request, url)?;
            let date = header_text(response.headers(), header::DATE).and_then(|text| parse_date(&text));
            let status = response.status();
            let body = if status.is_success() { self.read_text(response, url)? } else { String::new() };
            Ok(Glance { status: status.as_u16(), date, body })
        })
    }

    /// Starts a download, where possible at an offset.
    ///
    /// [`Download::offset`] says where the server begins: at 0 if the file has changed or the server can't do ranges.
    ///
    /// # Errors
    /// When no call may be made, or none succeeded; see [`HttpErrorKind`].
    pub fn open(&self, url: &str, resume: Option<&Resume>) -> Result<Download, HttpError> {
        self.with_retries(url, |client, parsed| {
            let mut request = client.get(parsed.clone());
            if let Some(resume) = resume {
                request = request.header(header::RANGE, format!("bytes={}-", resume.offset));
                if let Some(validator) = &resume.validator {
                    request = request.header(header::IF_RANGE, validator);
                }
            }
            let mut response = self.send(request, url)?;
            let mut offset = 0;
            match (response.status(), resume) {
                (StatusCode::PARTIAL_CONTENT, Some(resume))
                    if range_start(response.headers()) == Some(resume.offset) =>
                {
                    offset = resume.offset;
                }
                // The file has become shorter than what is here, or the server has sent another range than asked for.
                (StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT, Some(_)) => {
                    response = self.send(client.get(parsed), url)?;
                }
                _ => {}
            }
            Ok(Download::new(checked(response, url)?, url, offset, self.retry.stall))
        })
    }

    fn send(&self, request: RequestBuilder, url: &str) -> Result<Response, Fault> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        request.send().map_err(|error| HttpError::of_sending(&error, url, self.retry.stall).into())
    }

    fn read_text(&self, response: Response, url: &str) -> Result<String, Fault> {
        let mut bytes = Vec::new();
        let read = response.take(LARGEST_TEXT + 1).read_to_end(&mut bytes);
        read.map_err(|error| HttpError::of_reading(&error, url, self.retry.stall))?;
        let invalid = |why: &str| Fault::from(HttpError::new(url, HttpErrorKind::Invalid(why.to_owned())));
        if bytes.len() as u64 > LARGEST_TEXT {
            return Err(invalid("the answer is too long"));
        }
        String::from_utf8(bytes).map_err(|_| invalid("the answer is no text"))
    }

    /// Makes a call until it succeeds, its failure is final, or the attempts are used up.
    fn with_retries<T>(&self, url: &str, call: impl Fn(&Client, Url) -> Result<T, Fault>) -> Result<T, HttpError> {
        self.call(&self.reading, url, call, |fault, failures| self.retry.pause_after(fault, failures))
    }

    /// Makes a call, and again after each failure for which there is a pause.
    fn call<T>(
        &self,
        clients: &Clients,
        url: &str,
        call: impl Fn(&Client, Url) -> Result<T, Fault>,
        pause: impl Fn(&Fault, u32) -> Option<Duration>,
    ) -> Result<T, HttpError> {
        if self.offline {
            return Err(HttpError::new(url, HttpErrorKind::Offline));
        }
        let parsed = Url::parse(url).map_err(|error| HttpError::new(url, HttpErrorKind::Invalid(error.to_string())))?;
        let client = clients.get(&parsed, self.retry.stall);
        let client = client.map_err(|why| HttpError::new(url, HttpErrorKind::Unreachable(why)))?;
        let mut failures = 0;
        loop {
            let fault = match call(client, parsed.clone()) {
                Ok(value) => return Ok(value),
                Err(fault) => fault,
            };
            failures += 1;
            let Some(pause) = pause(&fault, failures) else { return Err(fault.error) };
            std::thread::sleep(pause);
        }
    }
}
