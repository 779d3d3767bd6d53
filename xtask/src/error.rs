//! The one error type: what was tried, on what, why it failed, what to do next, and whose fault it was.

pub use crate::exit::Class;
use crate::failure::{self, Failure};
use std::fmt;

/// A result whose error a person can act on.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error as a person reads it: one sentence, its causes, and a hint.
#[derive(Debug)]
pub struct Error {
    class: Class,
    message: String,
    hint: Option<String>,
    known: Option<&'static Failure>,
    blames_state: bool,
    is_open: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    fn new(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            hint: None,
            known: None,
            blames_state: false,
            is_open: false,
            source: None,
        }
    }

    /// What is put to the test did not pass it (exit code 1).
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Class::Failed, message)
    }

    /// The command line makes no sense (exit code 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Class::Usage, message)
    }

    /// It could not be tried here and now (exit code 3).
    pub fn ground(message: impl Into<String>) -> Self {
        Self::new(Class::Ground, message)
    }

    /// Adds what the reader should do next; the first hint given, the one nearest the cause, stays.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// The same failure with another hint, for who knows better than whoever it came from.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure in other words: whose fault it was, the hint, what it is known to be and what caused it stay.
    #[must_use]
    pub fn reworded(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Keeps what caused this error.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Keeps the row of the catalogue that it was found to be.
    #[must_use]
    pub fn known(mut self, failure: &'static Failure) -> Self {
        self.known = Some(failure);
        self
    }

    /// The row of the catalogue that it was found to be, whatever step it came from.
    pub fn failure(&self) -> Option<&'static Failure> {
        self.known
    }

    /// Notes that stale state is to blame, by the word of what builds: a reset may heal it. Being known as such a failure is
    /// not enough, because a RUN can print any words, and those must cost nobody a cache.
    #[must_use]
    pub fn blaming_state(mut self) -> Self {
        self.blames_state = true;
        self
    }

    /// Takes that back: a reset was tried.
    #[must_use]
    pub fn not_blaming_state(mut self) -> Self {
        self.blames_state = false;
        self
    }

    /// Whether a reset may heal it.
    pub fn blames_state(&self) -> bool {
        self.blames_state
    }

    /// Notes that the daemons may have logged why, and that it could not be told from what they logged for others.
    #[must_use]
    pub fn left_open(mut self) -> Self {
        self.is_open = true;
        self
    }

    /// Whether another try, with the daemons to itself, may tell more.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whose fault it was.
    pub fn class(&self) -> Class {
        self.class
    }

    /// What to do next, where something is known.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    /// The sentence with its causes, joined by colons: `failed to read X: permission denied`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let mut said = self.message.clone();
        let mut cause = self.source.as_deref().map(|source| source as &dyn std::error::Error);
        while let Some(error) = cause {
            let text = error.to_string().trim().to_owned();
            // Many libraries repeat their source in their own text: say each thing once.
            if !said.contains(&text) {
                write!(f, ": {text}")?;
                said.push_str(&text);
            }
            cause = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// Says what was being tried when an error came up.
pub trait Context<T> {
    /// `failed to {what}: {error}`. One of our own errors keeps its class and hint; any other is failed ground.
    fn trying(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E> Context<T> for std::result::Result<T, E>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn trying(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| {
            let message = format!("failed to {}", what());
            match error.into().downcast::<Error>() {
                Ok(ours) => Error {
                    class: ours.class,
                    message,
                    hint: ours.hint.clone(),
                    known: ours.known,
                    blames_state: ours.blames_state,
                    is_open: ours.is_open,
                    source: Some(ours),
                },
                Err(foreign) => Error::ground(message).because(foreign).hint_from_cause(),
            }
        })
    }
}

impl Error {
    /// A full disk and missing rights have the same cure wherever they turn up.
    fn hint_from_cause(self) -> Self {
        let kind =
            self.source.as_deref().and_then(|source| source.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
        match kind {
            Some(std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) => self
                .known(failure::DISK_FULL)
                .hint("free some space, or put the workspace on another disk with `--base-dir DIR`"),
            Some(std::io::ErrorKind::PermissionDenied) => {
                self.hint("check who owns it, or put the workspace elsewhere with `--base-dir DIR`")
            }
            Some(std::io::ErrorKind::ReadOnlyFilesystem) => {
                self.hint("put the workspace on a writable disk with `--base-dir DIR`")
            }
            Some(std::io::ErrorKind::NotADirectory | std::io::ErrorKind::AlreadyExists) => self.hint(
                "a file is where a folder should be: move it, or put the workspace elsewhere with `--base-dir DIR`",
            ),
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_one_sentence_and_says_nothing_twice() {
        let inner = std::io::Error::other("the disk is on fire");
        let error = Error::ground("failed to write `x`").because(inner).hint("call for help").hint("too late");
        assert_eq!(error.to_string(), "failed to write `x`: the disk is on fire");
        assert_eq!(error.hint_text(), Some("call for help"));
        let outer = Err::<(), _>(error).trying(|| "set the table".into()).unwrap_err();
        assert_eq!(outer.to_string(), "failed to set the table: failed to write `x`: the disk is on fire");
        assert_eq!(outer.hint_text(), Some("call for help"));
    }

    #[test]
    fn other_words_change_nothing_else() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = Err::<(), _>(full).trying(|| "write `x`".into()).unwrap_err();
        let said = error.to_string();
        let reworded = error.reworded(format!("there is no buildx: {said}")).with_hint("get one");
        assert_eq!(reworded.to_string(), format!("there is no buildx: {said}"), "its cause is said once");
        assert_eq!((reworded.class(), reworded.failure()), (Class::Ground, Some(failure::DISK_FULL)));
        assert_eq!(reworded.hint_text(), Some("get one"));
        assert!(reworded.source.is_some(), "{reworded:?}");
        let stale = Error::failed("it failed").hint("reset").blaming_state().reworded("it failed twice");
        assert_eq!((stale.class(), stale.hint_text()), (Class::Failed, Some("reset")));
        assert!(stale.blames_state() && !stale.not_blaming_state().blames_state());
    }

    #[test]
    fn what_an_error_is_known_to_be_travels_with_it() {
        let full = failure::DISK_FULL;
        let outer = Err::<(), _>(Error::ground("no space").known(full)).trying(|| "start".into()).unwrap_err();
        assert_eq!((outer.failure(), outer.blames_state()), (Some(full), false));
        let stale = failure::find("stale-snapshot").unwrap();
        let inner = Error::failed("no snapshot").known(stale).blaming_state();
        let outer = Err::<(), _>(inner).trying(|| "build".into()).unwrap_err();
        assert_eq!((outer.failure(), outer.blames_state()), (Some(stale), true));
        let io = Err::<(), _>(std::io::Error::from(std::io::ErrorKind::StorageFull)).trying(|| "write".into());
        assert_eq!(io.unwrap_err().failure(), Some(full));
    }
}
