//! Other programs' daemons that a test has started itself.

use rustix::process::{Pid, Signal, kill_process};
use std::process::{Child, ExitStatus};
use std::time::Duration;
use xtask::error::{Error, Result};
use xtask::poll::{self, Look};

/// How long a daemon may take to answer, or to end.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A program that a test has started, ended when it is dropped.
pub struct Started(Child);

impl Started {
    /// Looks after a program from now on.
    pub fn new(child: Child) -> Self {
        Self(child)
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    /// When nobody can tell.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("our child")
    }

    /// Sees whether it still runs.
    ///
    /// # Errors
    /// When it has ended.
    pub fn check(&mut self) -> Result<()> {
        self.ended().map_or(Ok(()), |status| Err(Error::ground(format!("it has ended: {status}"))))
    }

    /// Asks it to end, and ends it if it takes too long.
    pub fn end(&mut self) {
        if let Some(pid) = Pid::from_raw(self.0.id().cast_signed()).filter(|_| self.ended().is_none()) {
            // It may be ending by itself.
            let _ = kill_process(pid, Signal::TERM);
        }
        let look = || Ok(if self.ended().is_some() { Look::Ready(()) } else { Look::NotYet(String::new()) });
        let _ = poll::until(PATIENCE, look, Error::ground);
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.end();
    }
}
