//! Files with `Range`, `If-Range` and `ETag`, as the download hosts serve them.

use super::connection::{Body, Reply};
use super::{Fault, Request, State};
use crate::archives::sha256_hex;
use std::ops::Range;
use std::sync::Arc;

/// Answers a request for a file.
pub(super) fn answer(state: &mut State, request: &Request, bytes: &Arc<[u8]>) -> Reply {
    let mut is_planned = |wanted: Fault| state.faults.take(&request.path, |fault| (fault == wanted).then_some(()));
    if is_planned(Fault::ChangeEtag).is_some() {
        state.etag_changes += 1;
    }
    let etag = format!("\"{}-{}\"", &sha256_hex(bytes)[..16], state.etag_changes);
    let bytes = changed(state, &request.path, bytes);
    let reply = |status| {
        Reply::new(status)
            .header("ETag", etag.clone())
            .header("Accept-Ranges", "bytes")
            .header("Content-Type", "application/octet-stream")
    };
    let whole = || reply(200).body(Body::whole(Arc::clone(&bytes)));
    let same_file = request.header("if-range").is_none_or(|wanted| wanted == etag);
    let Some(range) = request.header("range").filter(|_| same_file) else { return whole() };
    if state.faults.take(&request.path, |fault| (fault == Fault::IgnoreRange).then_some(())).is_some() {
        return whole();
    }
    match parse_range(range, bytes.len()) {
        None => whole(),
        Some(range) if range.is_empty() => reply(416).header("Content-Range", format!("bytes */{}", bytes.len())),
        Some(range) => {
            let told = format!("bytes {}-{}/{}", range.start, range.end - 1, bytes.len());
            reply(206).header("Content-Range", told).body(Body::part(bytes, range))
        }
    }
}

/// The file as it is served now, with the changes that are planned for it.
fn changed(state: &mut State, path: &str, bytes: &Arc<[u8]>) -> Arc<[u8]> {
    let change = state.faults.take(path, |fault| match fault {
        Fault::Truncate(length) => Some(bytes[..length.min(bytes.len())].into()),
        Fault::Corrupt(place) => {
            let mut bytes = bytes.to_vec();
            *bytes.get_mut(place)? ^= 0xff;
            Some(bytes.into())
        }
        _ => None,
    });
    change.unwrap_or_else(|| Arc::clone(bytes))
}

/// `bytes=a-b`, `bytes=a-` and `bytes=-n`; empty where nothing of the file is meant, `None` where it is no such range.
fn parse_range(header: &str, length: usize) -> Option<Range<usize>> {
    let (start, end) = header.strip_prefix("bytes=")?.split_once('-')?;
    Some(match (start, end) {
        ("", last) => length.saturating_sub(last.parse().ok()?)..length,
        (start, "") => start.parse::<usize>().ok()?.min(length)..length,
        (start, end) => {
            let end = end.parse::<usize>().ok()?.saturating_add(1).min(length);
            start.parse::<usize>().ok()?.min(end)..end
        }
    })
}
