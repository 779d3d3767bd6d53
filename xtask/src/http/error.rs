//! What can go wrong with a call, and how it reads.

use crate::error::Error;
use reqwest::{StatusCode, Url};
use std::fmt;
use std::io;
use std::time::{Duration, SystemTime};

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
    /// What was to be written is to be written elsewhere, if that is said.
    Moved(Option<String>),
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

impl HttpError {
    pub(super) fn new(url: &str, kind: HttpErrorKind) -> Self {
        Self { url: shown(url), kind }
    }

    /// A call that got no answer.
    pub(super) fn of_sending(error: &reqwest::Error, url: &str, stall: Duration) -> Self {
        let why = causes(error);
        let kind = if error.is_connect() {
            HttpErrorKind::Unreachable(why)
        } else if error.is_timeout() {
            HttpErrorKind::Stalled(stall)
        } else if error.is_builder() || error.is_redirect() {
            HttpErrorKind::Invalid(why)
        } else {
            HttpErrorKind::Interrupted(why)
        };
        Self::new(url, kind)
    }

    /// An answer that broke off.
    pub(super) fn of_reading(error: &io::Error, url: &str, stall: Duration) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
        let kind = match inner {
            Some(inner) if inner.is_timeout() => HttpErrorKind::Stalled(stall),
            Some(inner) => HttpErrorKind::Interrupted(causes(inner)),
            None => HttpErrorKind::Interrupted(error.to_string()),
        };
        Self::new(url, kind)
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
    pub(super) fn is_passing(&self) -> bool {
        use HttpErrorKind::{Interrupted, Stalled, Status, Unreachable};
        matches!(self.kind, Unreachable(_) | Stalled(_) | Interrupted(_) | Status(408 | 500..))
    }

    fn hint(&self) -> Option<String> {
        Some(match &self.kind {
            HttpErrorKind::Offline => "run the command once without `--offline`".to_owned(),
            HttpErrorKind::Unreachable(why) if why.contains("No CA certificates") => {
                "install the system's root certificates (Debian: apt-get install ca-certificates)".to_owned()
            }
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
            HttpErrorKind::Moved(_) | HttpErrorKind::Status(_) | HttpErrorKind::Invalid(_) => return None,
        })
    }
}

fn status_text(code: u16) -> String {
    let reason = StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason());
    reason.map_or_else(|| code.to_string(), |reason| format!("{code} {reason}"))
}

/// What lies beneath an error of reqwest, whose own text only repeats the URL.
pub(super) fn causes(error: &reqwest::Error) -> String {
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
            HttpErrorKind::Moved(None) => write!(f, "{url} has moved, and nothing was written"),
            HttpErrorKind::Moved(Some(there)) => write!(f, "{url} has moved to {there}, and nothing was written"),
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
