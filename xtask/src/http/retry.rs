//! Which failed calls are made again, how often, and after how long.

use super::{HttpError, HttpErrorKind};
use std::time::Duration;

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

    /// The pause before a call is made again whose nth attempt has failed, if it is to be made again.
    pub(super) fn pause_after(&self, fault: &Fault, failures: u32) -> Option<Duration> {
        let attempts = match fault.error.kind {
            // Once more at once, in case a listener was just being restarted. Waiting for a host that isn't
            // there would only delay the fallback.
            HttpErrorKind::Unreachable(_) => 2,
            HttpErrorKind::RateLimited { .. } if fault.retry_after.is_some() => self.attempts,
            _ if fault.error.is_passing() => self.attempts,
            _ => 1,
        };
        if failures >= attempts.min(self.attempts) {
            return None;
        }
        Some(match (fault.retry_after, &fault.error.kind) {
            (Some(asked), _) => asked,
            (None, HttpErrorKind::Unreachable(_)) => self.first_pause.min(Duration::from_millis(100)),
            (None, _) => self.pause(failures),
        })
    }
}

/// A failed attempt, and the pause that the server asked for.
pub(super) struct Fault {
    pub(super) error: HttpError,
    pub(super) retry_after: Option<Duration>,
}

impl From<HttpError> for Fault {
    fn from(error: HttpError) -> Self {
        Self { error, retry_after: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let retry = Retry::default();
        let pauses: Vec<_> = [1, 2, 3, 9, 99].map(|n| retry.pause(n).as_millis()).to_vec();
        assert_eq!(pauses, [500, 1000, 2000, 30_000, 30_000]);
    }
}
