//! The one place that makes HTTP calls: which are tried again, after how long, and how a failed one reads.

use crate::error::Error;
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{self, HeaderMap, HeaderName};
use reqwest::{StatusCode, Url};
use std::fmt;
use std::io::Read;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// GitHub turns away calls that don't say who makes them.
const USER_AGENT: &str = concat!("buildkit-windows-xtask/", env!("CARGO_PKG_VERSION"));

/// The longest wait that a server may ask for with `Retry-After`; nobody sits out more in front of a terminal.
const LONGEST_ASKED_PAUSE: Duration = Duration::from_secs(60);

/// How long a connection may take to come about. Short, because falling back to another source matters more.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest text that is taken into memory: a page of 100 releases is about 5 MB.
const LARGEST_TEXT: u64 = 64 << 20;

/// How often, how fast and how long a call is tried again.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// How many times a call is made in all, without any progress between them.
    pub attempts: u32,
    /// The pause after the first failure; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// How long a connection may stay silent.
    pub stall: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            stall: Duration::from_secs(30),
        }
    }
}

impl Retry {
    /// The pause after the nth failure in a row, counted from 1.
    pub fn pause(&self, failures: u32) -> Duration {
        let factor = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_pause.saturating_mul(factor).min(self.longest_pause)
    }
}

/// The HTTP client that all threads share.
#[derive(Debug)]
pub struct Http {
    offline: bool,
    retry: Retry,
    calls: AtomicU64,
    /// Built on the first call: TLS set-up is not for commands that make none.
    outside: OnceLock<Result<Client, String>>,
    /// For this machine itself, which no proxy can reach.
    loopback: OnceLock<Result<Client, String>>,
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

/// A call that came to nothing, and its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpError {
    /// What was called.
    pub url: String,
    /// What went wrong.
    pub kind: HttpErrorKind,
}

/// What can go wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpErrorKind {
    /// Calls are forbidden (`--offline`); none was made.
    Offline,
    /// No connection came about: DNS, refused, TLS, proxy.
    Unreachable(String),
    /// The server takes no more calls from here for a while.
    RateLimited {
        /// When it does again.
        resets: Option<SystemTime>,
    },
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// Any other answer that is none.
    Status(u16),
    /// The server asks for a longer pause than anyone wants to sit out.
    Busy {
        /// What it answered with.
        status: u16,
        /// How long it wants to be left alone.
        pause: Duration,
    },
    /// Not one byte came for this long.
    Stalled(Duration),
    /// The connection broke.
    Interrupted(String),
    /// The URL or the answer makes no sense.
    Invalid(String),
}

impl Http {
    /// A client. Nothing is set up before the first call.
    pub fn new(offline: bool, retry: Retry) -> Self {
        Self { offline, retry, calls: AtomicU64::new(0), outside: OnceLock::new(), loopback: OnceLock::new() }
    }

    /// How failed calls are tried again.
    pub fn retry(&self) -> &Retry {
        &self.retry
    }

    /// Whether calls are forbidden.
    pub fn is_offline(&self) -> bool {
        self.offline
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
            let mut response = self.send(request, url)?;
            if response.status() == StatusCode::NOT_MODIFIED {
                return Ok(Answer::NotModified);
            }
            let response = checked(&mut response, url).map(|()| response)?;
            let etag = header_text(response.headers(), header::ETAG);
            let next = next_page(response.headers(), &parsed);
            let body = self.read_text(response, url)?;
            Ok(Answer::Fresh(Text { body, etag, next }))
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
            checked(&mut response, url)?;
            let total = response.content_length().map(|length| offset + length);
            let validator = validator(response.headers());
            Ok(Download { response, url: shown(url), stall: self.retry.stall, offset, at: offset, total, validator })
        })
    }

    fn send(&self, request: RequestBuilder, url: &str) -> Result<Response, Fault> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        request.send().map_err(|error| Fault::from(self.error_of(&error, url)))
    }

    fn read_text(&self, response: Response, url: &str) -> Result<String, Fault> {
        let mut bytes = Vec::new();
        let read = response.take(LARGEST_TEXT + 1).read_to_end(&mut bytes);
        read.map_err(|error| Fault::from(read_error(&error, url, self.retry.stall)))?;
        let invalid = |why: &str| Fault::from(HttpError::new(url, HttpErrorKind::Invalid(why.to_owned())));
        if bytes.len() as u64 > LARGEST_TEXT {
            return Err(invalid("the answer is too long"));
        }
        String::from_utf8(bytes).map_err(|_| invalid("the answer is no text"))
    }

    /// Makes a call until it succeeds, its failure is final, or the attempts are used up.
    fn with_retries<T>(&self, url: &str, call: impl Fn(&Client, Url) -> Result<T, Fault>) -> Result<T, HttpError> {
        if self.offline {
            return Err(HttpError::new(url, HttpErrorKind::Offline));
        }
        let parsed = Url::parse(url).map_err(|error| HttpError::new(url, HttpErrorKind::Invalid(error.to_string())))?;
        let client = self.client_for(&parsed).map_err(|why| HttpError::new(url, HttpErrorKind::Unreachable(why)))?;
        let mut failures = 0;
        loop {
            let fault = match call(client, parsed.clone()) {
                Ok(value) => return Ok(value),
                Err(fault) => fault,
            };
            failures += 1;
            let attempts = match fault.error.kind {
                // Once more at once, in case a listener was just being restarted. Waiting for a host that isn't
                // there would only delay the fallback.
                HttpErrorKind::Unreachable(_) => 2,
                HttpErrorKind::Stalled(_) | HttpErrorKind::Interrupted(_) => self.retry.attempts,
                HttpErrorKind::Status(408 | 500..) => self.retry.attempts,
                HttpErrorKind::RateLimited { .. } if fault.retry_after.is_some() => self.retry.attempts,
                _ => 1,
            };
            if failures >= attempts.min(self.retry.attempts) {
                return Err(fault.error);
            }
            let pause = match (fault.retry_after, &fault.error.kind) {
                (Some(asked), _) => asked,
                (None, HttpErrorKind::Unreachable(_)) => self.retry.first_pause.min(Duration::from_millis(100)),
                (None, _) => self.retry.pause(failures),
            };
            std::thread::sleep(pause);
        }
    }

    fn client_for(&self, url: &Url) -> Result<&Client, String> {
        let (cell, proxies) = if is_loopback(url) { (&self.loopback, false) } else { (&self.outside, true) };
        cell.get_or_init(|| build_client(self.retry.stall, proxies)).as_ref().map_err(Clone::clone)
    }

    fn error_of(&self, error: &reqwest::Error, url: &str) -> HttpError {
        let why = causes(error);
        let kind = if error.is_connect() {
            HttpErrorKind::Unreachable(why)
        } else if error.is_timeout() {
            HttpErrorKind::Stalled(self.retry.stall)
        } else if error.is_builder() || error.is_redirect() {
            HttpErrorKind::Invalid(why)
        } else {
            HttpErrorKind::Interrupted(why)
        };
        HttpError::new(url, kind)
    }
}

fn build_client(stall: Duration, proxies: bool) -> Result<Client, String> {
    // An error means that someone has installed a provider already, which is all that's wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT.min(stall))
        // In the blocking client this is no limit for the whole call: it starts anew with every read of the body.
        .timeout(stall)
        .referer(false)
        .redirect(reqwest::redirect::Policy::custom(follow));
    let builder = if proxies { builder } else { builder.no_proxy() };
    builder.build().map_err(|error| causes(&error))
}

/// Follows as reqwest does by default, but never from TLS to plain text: not everything has a digest to check.
fn follow(attempt: reqwest::redirect::Attempt<'_>) -> reqwest::redirect::Action {
    let leaves_tls =
        attempt.url().scheme() == "http" && attempt.previous().last().is_some_and(|url| url.scheme() == "https");
    if leaves_tls {
        attempt.error("the server redirects from https to http")
    } else if attempt.previous().len() > 10 {
        attempt.error("the server redirects in circles")
    } else {
        attempt.follow()
    }
}

/// This machine is never asked for through a proxy, which would ask itself. Go and browsers do likewise.
fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl Download {
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
        let read = self.response.read(buffer).map_err(|error| read_error(&error, &self.url, self.stall))?;
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

/// A failed attempt, and the pause that the server asked for.
struct Fault {
    error: HttpError,
    retry_after: Option<Duration>,
}

impl From<HttpError> for Fault {
    fn from(error: HttpError) -> Self {
        Self { error, retry_after: None }
    }
}

/// Turns every status that isn't a success into its error.
fn checked(response: &mut Response, url: &str) -> Result<(), Fault> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let headers = response.headers();
    let now = SystemTime::now();
    let asked = header_text(headers, header::RETRY_AFTER).and_then(|text| parse_retry_after(&text, now));
    let no_calls_left = header_text(headers, HeaderName::from_static("x-ratelimit-remaining")).as_deref() == Some("0");
    let kind = match status {
        // GitHub answers 403 or 429 when the hour's calls are used up, and with Retry-After when they come too fast.
        // https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
        StatusCode::TOO_MANY_REQUESTS => HttpErrorKind::RateLimited { resets: resets(headers, asked, now) },
        StatusCode::FORBIDDEN if no_calls_left || asked.is_some() => {
            HttpErrorKind::RateLimited { resets: resets(headers, asked, now) }
        }
        StatusCode::FORBIDDEN => HttpErrorKind::Forbidden,
        StatusCode::NOT_FOUND => HttpErrorKind::NotFound,
        _ => match asked.filter(|pause| *pause > LONGEST_ASKED_PAUSE) {
            Some(pause) => HttpErrorKind::Busy { status: status.as_u16(), pause },
            None => HttpErrorKind::Status(status.as_u16()),
        },
    };
    let retry_after = asked.filter(|pause| *pause <= LONGEST_ASKED_PAUSE && status != StatusCode::FORBIDDEN);
    Err(Fault { error: HttpError::new(url, kind), retry_after })
}

fn resets(headers: &HeaderMap, asked: Option<Duration>, now: SystemTime) -> Option<SystemTime> {
    let seconds = header_text(headers, HeaderName::from_static("x-ratelimit-reset")).and_then(|text| text.parse().ok());
    let reset = seconds.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    reset.or_else(|| now.checked_add(asked?))
}

fn header_text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(|text| text.trim().to_owned())
}

/// `Retry-After`: seconds, or a date such as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn parse_retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = text.split_ascii_whitespace().skip(1);
    let (day, month, year, time) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let date = humantime::parse_rfc3339(&format!("{year}-{month:02}-{day:0>2}T{time}Z")).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// A weak ETag says that two files mean the same, not that their bytes are: no use to `If-Range`.
fn validator(headers: &HeaderMap) -> Option<String> {
    let strong = header_text(headers, header::ETAG).filter(|etag| etag.starts_with('"'));
    strong.or_else(|| header_text(headers, header::LAST_MODIFIED))
}

/// The first byte of `Content-Range: bytes 100-199/200`.
fn range_start(headers: &HeaderMap) -> Option<u64> {
    let range = header_text(headers, header::CONTENT_RANGE)?;
    range.strip_prefix("bytes")?.trim_start().split_once('-')?.0.parse().ok()
}

/// The link that has `rel="next"`, if it stays on the host that was asked.
fn next_page(headers: &HeaderMap, asked: &Url) -> Option<String> {
    let links = header_text(headers, header::LINK)?;
    links.split('<').filter_map(|link| link.split_once('>')).find_map(|(target, parameters)| {
        let is_next = parameters.split([';', ',']).any(|one| matches!(one.trim(), "rel=\"next\"" | "rel=next"));
        let target = asked.join(target).ok().filter(|target| is_next && target.origin() == asked.origin())?;
        Some(target.to_string())
    })
}

fn read_error(error: &std::io::Error, url: &str, stall: Duration) -> HttpError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    let kind = match inner {
        Some(inner) if inner.is_timeout() => HttpErrorKind::Stalled(stall),
        Some(inner) => HttpErrorKind::Interrupted(causes(inner)),
        None => HttpErrorKind::Interrupted(error.to_string()),
    };
    HttpError::new(url, kind)
}

/// What lies beneath an error of reqwest, whose own text only repeats the URL.
fn causes(error: &reqwest::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        // hyper-util's outermost words, which HttpError says better.
        let empty = matches!(text.as_str(), "client error (Connect)" | "client error (SendRequest)");
        if !empty && !said.iter().any(|one| one.contains(&text)) {
            said.push(text);
        }
        cause = error.source();
    }
    if said.is_empty() { error.to_string() } else { said.join(": ") }
}

/// A URL without the name and password that it may carry.
pub(crate) fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) if !parsed.username().is_empty() || parsed.password().is_some() => {
            let _ = parsed.set_username("");
            let _ = parsed.set_password(None);
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}

impl HttpError {
    fn new(url: &str, kind: HttpErrorKind) -> Self {
        Self { url: shown(url), kind }
    }

    /// Whether another source is worth a try: this one can't be reached, is down, or takes no more calls.
    pub fn is_unreachable_or_out_of_calls(&self) -> bool {
        use HttpErrorKind::{Busy, Interrupted, RateLimited, Stalled, Status, Unreachable};
        matches!(
            self.kind,
            Unreachable(_) | RateLimited { .. } | Stalled(_) | Interrupted(_) | Busy { .. } | Status(407 | 500..)
        )
    }

    /// Whether the same call may well succeed later, the server having been there a moment ago.
    pub fn is_passing(&self) -> bool {
        use HttpErrorKind::{Interrupted, Stalled, Status, Unreachable};
        matches!(self.kind, Unreachable(_) | Stalled(_) | Interrupted(_) | Status(408 | 500..))
    }

    fn hint(&self) -> Option<String> {
        Some(match &self.kind {
            HttpErrorKind::Offline => "run the command once without `--offline`".to_owned(),
            HttpErrorKind::Unreachable(_) => {
                "check the network, and HTTPS_PROXY and NO_PROXY if a proxy stands in between".to_owned()
            }
            HttpErrorKind::RateLimited { resets } => {
                let raise = "set GH_TOKEN to a GitHub token, which raises the limit";
                match resets {
                    Some(time) => format!("{raise}, or try again after {}", humantime::format_rfc3339_seconds(*time)),
                    None => format!("{raise}, or try again later"),
                }
            }
            HttpErrorKind::Forbidden | HttpErrorKind::Status(401) => {
                "check that GH_TOKEN or GITHUB_TOKEN, where set, is valid, and that no proxy blocks the address"
                    .to_owned()
            }
            HttpErrorKind::NotFound => "check the version and the address".to_owned(),
            HttpErrorKind::Status(407) => "put the proxy's user and password into HTTPS_PROXY".to_owned(),
            HttpErrorKind::Busy { .. } | HttpErrorKind::Status(500..) => {
                "the server is in trouble; try again later".to_owned()
            }
            HttpErrorKind::Stalled(_) | HttpErrorKind::Interrupted(_) => {
                "run the command again; a download goes on where it broke off".to_owned()
            }
            HttpErrorKind::Status(_) | HttpErrorKind::Invalid(_) => return None,
        })
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, kind } = self;
        match kind {
            HttpErrorKind::Offline => write!(f, "`--offline` forbids the call to {url}"),
            HttpErrorKind::Unreachable(why) => write!(f, "can't reach {url}: {why}"),
            HttpErrorKind::RateLimited { resets: None } => write!(f, "{url} takes no more calls for a while"),
            HttpErrorKind::RateLimited { resets: Some(time) } => {
                write!(f, "{url} takes no more calls until {}", humantime::format_rfc3339_seconds(*time))
            }
            HttpErrorKind::Forbidden => write!(f, "{url} answered 403 Forbidden"),
            HttpErrorKind::NotFound => write!(f, "{url} answered 404 Not Found"),
            HttpErrorKind::Status(code) => write!(f, "{url} answered {}", status_text(*code)),
            HttpErrorKind::Busy { status, pause } => {
                let pause = humantime::format_duration(Duration::from_secs(pause.as_secs()));
                write!(f, "{url} answered {} and asks to wait {pause}", status_text(*status))
            }
            HttpErrorKind::Stalled(stall) => {
                write!(f, "{url} sent nothing for {}", humantime::format_duration(*stall))
            }
            HttpErrorKind::Interrupted(why) => write!(f, "the connection to {url} broke: {why}"),
            HttpErrorKind::Invalid(why) => write!(f, "can't use {url}: {why}"),
        }
    }
}

fn status_text(code: u16) -> String {
    let reason = StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason());
    reason.map_or_else(|| code.to_string(), |reason| format!("{code} {reason}"))
}

impl std::error::Error for HttpError {}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        let ours = Error::ground(error.to_string());
        match error.hint() {
            Some(hint) => ours.hint(hint),
            None => ours,
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A loopback server that plays a script: one answer per connection.

    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, channel};

    /// One connection's answer.
    pub(crate) enum Play {
        /// Sends this and closes.
        Send(Vec<u8>),
        /// Sends this and then nothing more, until the client hangs up.
        Stall(Vec<u8>),
    }

    /// Starts the server; it tells each request's head as it comes in.
    pub(crate) fn serve(script: Vec<Play>) -> (String, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, heads) = channel();
        std::thread::spawn(move || {
            for play in script {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                    head.push(byte[0]);
                }
                let _ = tell.send(String::from_utf8_lossy(&head).to_lowercase());
                match play {
                    Play::Send(bytes) => drop(stream.write_all(&bytes)),
                    Play::Stall(bytes) => {
                        let _ = stream.write_all(&bytes);
                        let _ = stream.read(&mut byte);
                    }
                }
            }
        });
        (url, heads)
    }

    /// An answer with its length, of which `sent` bytes arrive.
    pub(crate) fn answer(status: &str, headers: &str, body: &[u8], sent: usize) -> Vec<u8> {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
        [head.as_bytes(), &body[..sent]].concat()
    }

    /// A short text in full.
    pub(crate) fn text(status: &str, headers: &str, body: &str) -> Play {
        Play::Send(answer(status, headers, body.as_bytes(), body.len()))
    }

    /// Retries without pauses.
    pub(crate) fn at_once() -> super::Retry {
        let none = std::time::Duration::ZERO;
        super::Retry { attempts: 3, first_pause: none, longest_pause: none, ..super::Retry::default() }
    }

    /// The same, with a stall that a test can wait for.
    pub(crate) fn impatient() -> super::Retry {
        super::Retry { stall: std::time::Duration::from_millis(300), ..at_once() }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{Play, answer, at_once, impatient, serve, text};
    use super::*;

    fn http() -> Http {
        Http::new(false, at_once())
    }

    fn body(answer: Answer) -> String {
        match answer {
            Answer::Fresh(text) => text.body,
            Answer::NotModified => panic!("not modified"),
        }
    }

    #[test]
    fn a_text_comes_with_its_etag_and_next_page_and_is_revalidated() {
        let (url, heads) = serve(vec![
            text("200 OK", "ETag: W/\"1\"\r\nLink: </p?page=1>; rel=\"prev\", </p?page=3>; rel=\"next\"\r\n", "hello"),
            text("304 Not Modified", "", ""),
            text("200 OK", "Link: <http://elsewhere.example/p>; rel=\"next\"\r\n", "alone"),
        ]);
        let http = http();
        let Answer::Fresh(first) = http.get_text(&url, Some("secret"), None).unwrap() else { panic!("not fresh") };
        assert_eq!(first.next, Some(format!("{url}/p?page=3")));
        let head = heads.recv().unwrap();
        assert!(head.contains("authorization: bearer secret") && head.contains("user-agent: buildkit"), "{head}");
        assert_eq!(http.get_text(&url, None, first.etag.as_deref()).unwrap(), Answer::NotModified);
        assert!(heads.recv().unwrap().contains("if-none-match: w/\"1\""));
        let Answer::Fresh(third) = http.get_text(&url, None, None).unwrap() else { panic!("not fresh") };
        assert_eq!(third.next, None, "a token must not follow a link to another host");
        assert_eq!(http.calls(), 3);
    }

    #[test]
    fn a_token_stays_with_its_host() {
        let (other, other_heads) = serve(vec![text("200 OK", "", "there")]);
        let (url, heads) = serve(vec![text("302 Found", &format!("Location: {other}/x\r\n"), "")]);
        assert_eq!(body(http().get_text(&url, Some("secret"), None).unwrap()), "there");
        assert!(heads.recv().unwrap().contains("secret"));
        assert!(!other_heads.recv().unwrap().contains("secret"));
    }

    #[test]
    fn passing_failures_are_tried_again() {
        let (url, _heads) = serve(vec![
            text("503 Service Unavailable", "Retry-After: 0\r\n", "busy"),
            Play::Send(Vec::new()),
            text("200 OK", "", "done"),
        ]);
        assert_eq!(body(http().get_text(&url, None, None).unwrap()), "done");
        let (url, _heads) = serve(vec![Play::Stall(Vec::new()), text("200 OK", "", "done")]);
        assert_eq!(body(Http::new(false, impatient()).get_text(&url, None, None).unwrap()), "done");
    }

    #[test]
    fn final_failures_are_not() {
        let kinds = [
            ("404 Not Found", "", HttpErrorKind::NotFound),
            ("403 Forbidden", "", HttpErrorKind::Forbidden),
            ("401 Unauthorized", "", HttpErrorKind::Status(401)),
            ("429 Too Many Requests", "", HttpErrorKind::RateLimited { resets: None }),
            (
                "503 Service Unavailable",
                "Retry-After: 3600\r\n",
                HttpErrorKind::Busy { status: 503, pause: Duration::from_secs(3600) },
            ),
        ];
        for (status, headers, kind) in kinds {
            let (url, _heads) = serve(vec![text(status, headers, "")]);
            let http = http();
            assert_eq!(http.get_text(&url, None, None).unwrap_err().kind, kind);
            assert_eq!(http.calls(), 1, "{status}");
        }
    }

    #[test]
    fn the_end_of_a_rate_limit_is_told() {
        let headers = "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1700000000\r\n";
        let (url, _heads) = serve(vec![text("403 Forbidden", headers, "")]);
        let error = http().get_text(&url, None, None).unwrap_err();
        assert!(error.is_unreachable_or_out_of_calls());
        let error = Error::from(error);
        assert_eq!(error.to_string(), format!("{url} takes no more calls until 2023-11-14T22:13:20Z"));
        assert!(error.hint_text().is_some_and(|hint| hint.contains("GH_TOKEN")));
    }

    #[test]
    fn nobody_there_is_found_out_quickly_and_offline_without_a_call() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let http = http();
        let error = http.get_text(&format!("http://user:pass@{port}/x"), None, None).unwrap_err();
        assert!(matches!(error.kind, HttpErrorKind::Unreachable(_)) && error.is_unreachable_or_out_of_calls());
        assert!(error.to_string().starts_with(&format!("can't reach http://{port}/x: ")), "{error}");
        assert_eq!(http.calls(), 2);

        let http = Http::new(true, Retry::default());
        let error = http.open("http://127.0.0.1:1/x", None).unwrap_err();
        assert_eq!((error.kind, http.calls()), (HttpErrorKind::Offline, 0));
    }

    #[test]
    fn a_download_resumes_or_says_that_it_starts_over() {
        let resume = Resume { offset: 3, validator: Some("\"v\"".into()) };
        let (url, heads) = serve(vec![
            text("206 Partial Content", "Content-Range: bytes 3-5/6\r\nETag: \"v\"\r\n", "def"),
            text("200 OK", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: W/\"w\"\r\n", "abcdef"),
            text("416 Range Not Satisfiable", "", ""),
            text("200 OK", "", "ab"),
        ]);
        let http = http();
        let download = http.open(&url, Some(&resume)).unwrap();
        assert_eq!((download.offset(), download.total(), download.validator()), (3, Some(6), Some("\"v\"")));
        let head = heads.recv().unwrap();
        assert!(head.contains("range: bytes=3-\r\n") && head.contains("if-range: \"v\"\r\n"), "{head}");
        let download = http.open(&url, Some(&resume)).unwrap();
        assert_eq!((download.offset(), download.validator()), (0, Some("Sun, 06 Nov 1994 08:49:37 GMT")));
        assert_eq!(http.open(&url, Some(&resume)).unwrap().total(), Some(2));
    }

    #[test]
    fn a_short_body_is_an_interruption() {
        let (url, _heads) = serve(vec![Play::Send(answer("200 OK", "", b"abcdef", 3))]);
        let mut download = http().open(&url, None).unwrap();
        let mut buffer = [0; 16];
        let error = loop {
            if let Err(error) = download.read(&mut buffer) {
                break error;
            }
        };
        assert!(matches!(error.kind, HttpErrorKind::Interrupted(_)), "{error}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_770);
        assert_eq!(parse_retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(7)));
        assert_eq!(parse_retry_after("Sat, 05 Nov 1994 08:49:37 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("soon", now), None);
    }

    #[test]
    fn pauses_double_up_to_a_limit() {
        let retry = Retry::default();
        let pauses: Vec<_> = [1, 2, 3, 9, 99].map(|n| retry.pause(n).as_millis()).to_vec();
        assert_eq!(pauses, [500, 1000, 2000, 30_000, 30_000]);
    }
}
