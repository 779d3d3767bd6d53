//! Waiting for something to become ready, which tells *not yet* from *failed for good*.

use crate::error::Result;
use std::time::{Duration, Instant};

/// How long to wait between two looks. Most are cheap (is there a socket yet?), and those that aren't take their own time.
const INTERVAL: Duration = Duration::from_millis(2);

/// What a look told.
pub enum Look<T> {
    /// It is there.
    Ready(T),
    /// Not yet, and why.
    NotYet(String),
}

/// Looks until ready; an error from a look ends the wait at once.
///
/// # Errors
/// The look's own, or `too_late` with the reason that the last look gave, once `patience` is used up.
pub fn until<T>(
    patience: Duration,
    mut look: impl FnMut() -> Result<Look<T>>,
    too_late: impl FnOnce(String) -> crate::error::Error,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        match look()? {
            Look::Ready(value) => return Ok(value),
            Look::NotYet(reason) if Instant::now() >= deadline => return Err(too_late(reason)),
            Look::NotYet(_) => std::thread::sleep(INTERVAL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_failure_for_good_ends_the_wait_at_once() {
        let mut looks = 0;
        let result = until::<()>(
            Duration::from_secs(60),
            || {
                looks += 1;
                if looks < 3 { Ok(Look::NotYet("not yet".into())) } else { Err(Error::ground("it died")) }
            },
            |_| Error::ground("too late"),
        );
        assert_eq!(result.unwrap_err().to_string(), "it died");
        assert_eq!(looks, 3);
    }

    #[test]
    fn patience_ends_with_the_last_reason() {
        let result = until::<()>(
            Duration::ZERO,
            || Ok(Look::NotYet("no answer".into())),
            |reason| Error::ground(format!("gave up: {reason}")),
        );
        assert_eq!(result.unwrap_err().to_string(), "gave up: no answer");
    }
}
