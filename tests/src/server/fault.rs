//! Faults on demand: what goes wrong, for which requests, and how often.

use super::Request;
use super::connection::{End, Reply};

/// What goes wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Answers with this status instead.
    Status(u16),
    /// Answers with this status and asks to come back after so many seconds.
    StatusRetryAfter(u16, u64),
    /// Resets the connection after so many bytes of the body. Fewer may arrive: a reset overtakes what is under way.
    ResetAfter(usize),
    /// Closes the connection in good order after so many bytes of the body, all of which arrive.
    HangUpAfter(usize),
    /// Sends so many bytes of the body and then nothing, until the stall is released or the server is dropped.
    StallAfter(usize),
    /// Serves the file cut to so many bytes, as though it were all of it.
    Truncate(usize),
    /// Serves the file with the byte at this place flipped.
    Corrupt(usize),
    /// Answers a request for a range with 200 and the whole file.
    IgnoreRange,
    /// Serves the file under an ETag that it has not had before.
    ChangeEtag,
}

/// How often a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// For so many requests; then all is well.
    Times(usize),
    /// For every request.
    Always,
}

/// The faults that are still to come.
#[derive(Default)]
pub(super) struct Faults(Vec<(String, Fault, Times)>);

impl Faults {
    pub(super) fn plan(&mut self, path: &str, fault: Fault, times: Times) {
        self.0.push((path.to_owned(), fault, times));
    }

    /// Uses up the first fault for a path that `wanted` makes something of.
    pub(super) fn take<T>(&mut self, path: &str, wanted: impl Fn(Fault) -> Option<T>) -> Option<T> {
        self.0.iter_mut().find_map(|(part, fault, times)| {
            if !path.contains(part.as_str()) || *times == Times::Times(0) {
                return None;
            }
            let taken = wanted(*fault)?;
            if let Times::Times(left) = times {
                *left -= 1;
            }
            Some(taken)
        })
    }

    /// The answer that takes the place of the real one.
    pub(super) fn status(&mut self, path: &str) -> Option<Reply> {
        self.take(path, |fault| match fault {
            Fault::Status(status) => Some(Reply::message(status, "on demand")),
            Fault::StatusRetryAfter(status, seconds) => {
                Some(Reply::message(status, "on demand").header("Retry-After", seconds.to_string()))
            }
            _ => None,
        })
    }

    /// Cuts an answer short. Only one that brings something can be cut: a redirect does not use the fault up.
    pub(super) fn end(&mut self, request: &Request, mut reply: Reply) -> Reply {
        let brings_something = reply.status < 300 && !reply.body.is_empty() && request.method == "GET";
        let end = brings_something.then(|| self.take(&request.path, End::of)).flatten();
        reply.end = end.unwrap_or(reply.end);
        reply
    }
}
