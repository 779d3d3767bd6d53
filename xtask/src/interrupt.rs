//! Ctrl-C, for commands that end in good order instead of at once.

use crate::error::{Context as _, Error, Result};
use crate::poll::{self, Look};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long after something's end Ctrl-C may be heard that caused it: in a terminal it reaches all that runs there, and what it
/// ends may have ended before this program has heard of it.
const PATIENCE_TO_HEAR: Duration = Duration::from_millis(500);

/// Whether Ctrl-C was typed.
#[derive(Debug, Clone)]
pub struct Interrupt(Option<Arc<AtomicBool>>);

impl Interrupt {
    /// Listens for it from now on: it no longer ends this program. Only once in a run.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        let set = Arc::clone(&flag);
        ctrlc::set_handler(move || set.store(true, Ordering::Relaxed)).trying(|| "listen for Ctrl-C".into())?;
        Ok(Self(Some(flag)))
    }

    /// Never heard: for what it ends at once, with this program, and for what goes on in spite of it.
    pub const fn never() -> Self {
        Self(None)
    }

    /// Whether it was heard by now.
    pub fn is_heard(&self) -> bool {
        self.0.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// Whether it was heard, or is so in the moment after something's end that it may have caused.
    pub fn is_heard_soon(&self) -> bool {
        let look = || Ok(if self.is_heard() { Look::Ready(()) } else { Look::NotYet(String::new()) });
        self.0.is_some() && poll::until(PATIENCE_TO_HEAR, look, Error::ground).is_ok()
    }
}

#[cfg(test)]
pub mod testing {
    //! For tests of what listens.

    use super::*;

    /// One that is heard when its flag is set.
    pub fn by_flag() -> (Interrupt, Arc<AtomicBool>) {
        let flag = Arc::new(AtomicBool::new(false));
        (Interrupt(Some(Arc::clone(&flag))), flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_may_have_heard_it_first() {
        let (interrupt, flag) = testing::by_flag();
        assert!(!interrupt.is_heard());
        let late = std::thread::spawn(move || flag.store(true, Ordering::Relaxed));
        assert!(interrupt.is_heard_soon() && interrupt.is_heard());
        late.join().unwrap();
        assert!(!Interrupt::never().is_heard_soon());
    }
}
