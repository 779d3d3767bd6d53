//! `in-docker.json`: what a workspace has put into Docker, as it notes that down. Pure.
//!
//! Each image by which Docker has it, and its name or id. The name is noted before a build gives it to an image, and the id of
//! the image that loses it to the next one as well: whoever is killed meanwhile leaves no image in Docker that is not noted.
//! Until that build has ended, the name is noted as loading. Containers are not noted: Docker itself knows them by their label.

use serde::{Deserialize, Serialize};

/// The newest form of the file that this program reads and writes.
pub const SCHEMA: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Record {
    schema: u32,
    images: Vec<Entry>,
}

/// An image in one of the Dockers that the user's client may be led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which Docker.
    pub engine: String,
    /// The image's name or id.
    pub image: String,
    /// Whether it may still be on its way: a build that was killed has handed it over, and Docker works on.
    pub is_loading: bool,
}

impl Entry {
    /// Whether an image is named by its id.
    pub fn is_id(&self) -> bool {
        self.image.starts_with("sha256:")
    }
}

/// Reads a record.
///
/// # Errors
/// When it is none.
pub fn read(text: &str) -> serde_json::Result<Vec<Entry>> {
    serde_json::from_str::<Record>(text).map(|record| record.images)
}

/// Writes one.
///
/// # Errors
/// serde's own.
pub fn text(entries: &[Entry]) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(&Record { schema: SCHEMA, images: entries.to_vec() })?;
    Ok(text + "\n")
}

/// Notes an image down, once.
pub fn note(entries: &mut Vec<Entry>, engine: &str, image: &str, is_loading: bool) {
    entries.retain(|entry| entry.engine != engine || entry.image != image);
    entries.push(Entry { engine: engine.into(), image: image.into(), is_loading });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut entries = Vec::new();
        for (engine, image, is_loading) in
            [("A", "i:1", false), ("A", "sha256:1", false), ("B", "i:1", false), ("A", "i:1", true)]
        {
            note(&mut entries, engine, image, is_loading);
        }
        let of = |entry: &Entry| format!("{} {} {}", entry.engine, entry.image, entry.is_loading);
        assert_eq!(entries.iter().map(of).collect::<Vec<_>>(), ["A sha256:1 false", "B i:1 false", "A i:1 true"]);
        assert!(entries[0].is_id() && !entries[1].is_id());
        let text = text(&entries).unwrap();
        assert!(text.contains("\"schema\": 1"), "{text}");
        assert_eq!(read(&text).unwrap(), entries);
        assert!(read("ENGINE i:1").is_err());
    }
}
