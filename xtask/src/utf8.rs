//! Bytes as text: those that come in pieces, and those that a shell has written. Pure.

use std::borrow::Cow;
use std::char::REPLACEMENT_CHARACTER;
use std::str::Utf8Error;

/// The text of a file, whatever shell wrote it: PowerShell puts a mark before it, and Windows' own one writes UTF-16.
///
/// # Errors
/// When it has no such mark, and is no UTF-8.
pub fn text(bytes: &[u8]) -> Result<Cow<'_, str>, Utf8Error> {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Ok(decoded(bytes)),
        _ => std::str::from_utf8(bytes).map(|text| text.trim_start_matches('\u{feff}').into()),
    }
}

/// The same of any bytes: what is no text is replaced.
pub fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let units = |read: fn([u8; 2]) -> u16| bytes[2..].chunks_exact(2).map(move |two| read([two[0], two[1]]));
    match bytes {
        [0xff, 0xfe, ..] => String::from_utf16_lossy(&units(u16::from_le_bytes).collect::<Vec<_>>()).into(),
        [0xfe, 0xff, ..] => String::from_utf16_lossy(&units(u16::from_be_bytes).collect::<Vec<_>>()).into(),
        _ => String::from_utf8_lossy(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)),
    }
}

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
    fn a_shells_mark_and_its_encoding_are_no_part_of_the_text() {
        let marked = "\u{feff}{\"a\":\"\u{fc}\"}";
        let units: Vec<u16> = marked.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for bytes in [marked.as_bytes(), &marked.as_bytes()[3..], &little, &big] {
            assert_eq!(text(bytes).unwrap(), "{\"a\":\"\u{fc}\"}");
            assert_eq!(decoded(bytes), "{\"a\":\"\u{fc}\"}");
        }
        assert!(text(b"M\xfcnchen").is_err() && decoded(b"M\xfcnchen") == "M\u{fffd}nchen");
    }

    #[test]
    fn what_is_no_utf8_is_replaced() {
        let mut utf8 = Utf8::default();
        assert_eq!(utf8.next(b"M\xfcnchen \xff\r\n"), "M\u{fffd}nchen \u{fffd}\r\n");
        assert_eq!(utf8.next(b"ends \xc3"), "ends ");
        assert_eq!((utf8.rest(), utf8.rest()), ("\u{fffd}".to_owned(), String::new()));
    }
}
