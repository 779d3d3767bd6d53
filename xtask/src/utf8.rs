//! Bytes that come in pieces, as text. Pure.

use std::char::REPLACEMENT_CHARACTER;

/// Makes text of pieces, whose ends may lie within a character.
#[derive(Debug, Default)]
pub struct Utf8 {
    begun: Vec<u8>,
}

impl Utf8 {
    /// The text of the next piece. What is no UTF-8 is replaced; a character that has only begun waits for the rest of it.
    pub fn next(&mut self, piece: &[u8]) -> String {
        let mut bytes = std::mem::take(&mut self.begun);
        bytes.extend_from_slice(piece);
        let mut text = String::new();
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let is_last = chunks.peek().is_none();
            if is_last && std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none()) {
                self.begun = chunk.invalid().to_vec();
            } else if !chunk.invalid().is_empty() {
                text.push(REPLACEMENT_CHARACTER);
            }
        }
        text
    }

    /// What has begun and never came to its end.
    pub fn rest(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.begun)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_may_come_in_pieces() {
        let whole = "a\u{fc}\u{1f40b}z";
        for size in 1..=whole.len() {
            let mut utf8 = Utf8::default();
            let text: String = whole.as_bytes().chunks(size).map(|piece| utf8.next(piece)).collect();
            assert_eq!((text.as_str(), utf8.rest().as_str()), (whole, ""), "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_no_utf8_is_replaced() {
        let mut utf8 = Utf8::default();
        assert_eq!(utf8.next(b"M\xfcnchen \xff\r\n"), "M\u{fffd}nchen \u{fffd}\r\n");
        assert_eq!(utf8.next(b"ends \xc3"), "ends ");
        assert_eq!((utf8.rest(), utf8.rest()), ("\u{fffd}".to_owned(), String::new()));
    }
}
