//! What the catalogue knows of a failure in a result. Pure.

use crate::failure;
use crate::result::Why;

/// A row of the catalogue, as a report tells it.
#[derive(Debug, PartialEq, Eq)]
pub struct Explained {
    /// Its id.
    pub id: &'static str,
    /// What kind of failure it is.
    pub class: &'static str,
    /// Why it happens.
    pub cause: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// Where upstream speaks of it.
    pub link: &'static str,
}

impl Explained {
    /// What is known of a failure.
    pub fn of(why: &Why) -> Option<Self> {
        why.id.as_deref().and_then(Self::find)
    }

    /// The row of an id, which may be of a newer harness.
    pub fn find(id: &str) -> Option<Self> {
        let row = failure::find(id)?;
        Some(Self { id: row.id, class: row.class.name(), cause: row.cause, remedy: row.remedy, link: row.link })
    }
}
