//! What a workspace has put into Docker, as it notes that down. Pure.
//!
//! A line each: which Docker, and an image's name or id. The name is noted before a build gives it to an image, and the id of
//! the image that loses it to the next one as well: whoever is killed meanwhile leaves nothing in Docker that no line leads to.
//! Until that build has ended, the name is noted as loading. Containers have no line: Docker itself knows them by their label.

/// An image in one of the Dockers that the user's client may be led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which Docker.
    pub engine: String,
    /// The image's name or id.
    pub image: String,
    /// Whether it may still be on its way: a build that was killed has handed it over, and Docker works on.
    pub is_loading: bool,
}

/// How a line ends that tells so.
const LOADING: &str = "loading";

impl Line {
    /// Whether an image is named by its id.
    pub fn is_id(&self) -> bool {
        self.image.starts_with("sha256:")
    }
}

/// Reads a record.
pub fn read(text: &str) -> Vec<Line> {
    let line = |line: &str| {
        let mut words = line.split(' ');
        let (engine, image) = (words.next()?.to_owned(), words.next()?.to_owned());
        Some(Line { engine, image, is_loading: words.next() == Some(LOADING) })
    };
    text.lines().filter_map(line).collect()
}

/// Writes one.
pub fn text(lines: &[Line]) -> String {
    let text = |line: &Line| {
        let end = if line.is_loading { format!(" {LOADING}") } else { String::new() };
        format!("{} {}{end}\n", line.engine, line.image)
    };
    lines.iter().map(text).collect()
}

/// Notes an image down, once.
pub fn note(lines: &mut Vec<Line>, engine: &str, image: &str, is_loading: bool) {
    lines.retain(|line| line.engine != engine || line.image != image);
    lines.push(Line { engine: engine.into(), image: image.into(), is_loading });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut lines = Vec::new();
        for (engine, image, is_loading) in
            [("A", "i:1", false), ("A", "sha256:1", false), ("B", "i:1", false), ("A", "i:1", true)]
        {
            note(&mut lines, engine, image, is_loading);
        }
        assert_eq!(text(&lines), "A sha256:1\nB i:1\nA i:1 loading\n");
        assert_eq!(read(&text(&lines)), lines);
        assert!(lines[0].is_id() && !lines[1].is_id());
        assert_eq!(read("\nhalf\n"), []);
    }
}
