//! What an answer says besides its body: whether it is a failure, what it is a part of, where to go on.

use super::retry::Fault;
use super::{HttpError, HttpErrorKind};
use reqwest::blocking::Response;
use reqwest::header::{self, HeaderMap, HeaderName};
use reqwest::{StatusCode, Url};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The longest wait that a server may ask for with `Retry-After`; nobody sits out more in front of a terminal.
const LONGEST_ASKED_PAUSE: Duration = Duration::from_secs(60);

/// Turns every status that isn't a success into its error.
pub(super) fn checked(response: Response, url: &str) -> Result<Response, Fault> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
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

pub(super) fn header_text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(|text| text.trim().to_owned())
}

/// `Retry-After`: seconds, or a date such as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn parse_retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(parse_date(text)?.duration_since(now).unwrap_or_default())
}

/// A date as headers have it: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn parse_date(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = text.split_ascii_whitespace().skip(1);
    let (day, month, year, time) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    humantime::parse_rfc3339(&format!("{year}-{month:02}-{day:0>2}T{time}Z")).ok()
}

/// A weak ETag says that two files mean the same, not that their bytes are: no use to `If-Range`.
pub(super) fn validator(headers: &HeaderMap) -> Option<String> {
    let strong = header_text(headers, header::ETAG).filter(|etag| etag.starts_with('"'));
    strong.or_else(|| header_text(headers, header::LAST_MODIFIED))
}

/// The first byte of `Content-Range: bytes 100-199/200`.
pub(super) fn range_start(headers: &HeaderMap) -> Option<u64> {
    let range = header_text(headers, header::CONTENT_RANGE)?;
    range.strip_prefix("bytes")?.trim_start().split_once('-')?.0.parse().ok()
}

/// The link that has `rel="next"`, if it stays on the host that was asked.
pub(super) fn next_page(headers: &HeaderMap, asked: &Url) -> Option<String> {
    let links = header_text(headers, header::LINK)?;
    links.split('<').filter_map(|link| link.split_once('>')).find_map(|(target, parameters)| {
        let is_next = parameters.split([';', ',']).any(|one| matches!(one.trim(), "rel=\"next\"" | "rel=next"));
        let target = asked.join(target).ok().filter(|target| is_next && target.origin() == asked.origin())?;
        Some(target.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_770);
        assert_eq!(parse_retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(7)));
        assert_eq!(parse_retry_after("Sat, 05 Nov 1994 08:49:37 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("soon", now), None);
    }
}
