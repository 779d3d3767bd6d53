//! Where a value ends.
//!
//! A log may be one line of megabytes with a name at every turn, so that nothing is looked through once more for each of them.

use super::SECRET;
use super::names::is_plain;
use super::text::{Lines, Place, Quote, is_of_name, is_quote, line_start, until};

/// What a `&` is in JSON that Go writes, and in an address within an address.
pub(super) const AMPERSANDS: [&str; 4] = ["&", r"\u0026", "%26", "&amp;"];

/// The ends in one text, some of which are known already.
pub(super) struct Ends<'a> {
    text: &'a str,
    lines: Lines<'a>,
    /// The last word, as it ends elsewhere and in a query.
    words: [Place; 2],
    /// Where the last list ended.
    list: usize,
}

impl<'a> Ends<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, lines: Lines::of(text), words: [0..0, 0..0], list: 0 }
    }

    /// Where a value without quotes or blanks ends. One that begins within another ends with it.
    pub(super) fn of_word(&mut self, from: usize, is_in_query: bool) -> usize {
        // What has gone already has a bracket at its end.
        let from = from + self.text[from..].strip_prefix(SECRET).map_or(0, |_| SECRET.len());
        let known = &mut self.words[usize::from(is_in_query)];
        if !known.contains(&from) {
            *known = from..word_end(self.text, from, is_in_query);
        }
        known.end
    }

    /// Where the rest of a line ends.
    pub(super) fn of_line(&self, from: usize) -> usize {
        self.lines.end(from)
    }

    /// What is in brackets, if there is something to hide: texts in quotes, or anything to the closing bracket. A list within
    /// another goes with it.
    pub(super) fn of_list(&mut self, from: usize) -> Option<Place> {
        let place = (from >= self.list).then(|| list(self.text, from)).and_then(|place| told(self.text, place))?;
        self.list = place.end;
        Some(place)
    }
}

/// A place, unless nothing is told there that anyone would hide.
pub(super) fn told(text: &str, place: Place) -> Option<Place> {
    let value = &text[place.clone()];
    (!is_plain(value.trim()) && value != SECRET).then_some(place)
}

/// After `…token: ` in a sentence: an error's text has words, and ends in common ones.
pub(super) fn is_likely_secret(word: &str, rest: &str) -> bool {
    let word = word.trim_end_matches(['.', ',', ';', '!']);
    let is_word = word.chars().all(|c| c.is_alphabetic() || c == '-' || c == '\'');
    let is_last = rest.is_empty() || rest.starts_with(['\n', '\r', '\\']) || rest.starts_with(is_quote);
    !word.ends_with(':') && (!is_word || is_last)
}

/// Where a value without quotes or blanks ends. What may be part of a password ends it only where something follows that is
/// none: another name, or the end of what it is in.
fn word_end(text: &str, from: usize, is_in_query: bool) -> usize {
    let mut escapes = 0;
    for (at, c) in text[from..].char_indices() {
        let (at, rest) = (from + at, &text[from + at..]);
        let after = &rest[c.len_utf8()..];
        let ampersand = AMPERSANDS.iter().find(|and| rest.starts_with(**and));
        let is_end = match c {
            c if c.is_whitespace() || c.is_control() => true,
            '\\' if escapes % 2 == 0 && after.starts_with(['n', 'r', 't']) => true,
            c if is_quote(c) => is_end_of_all(after),
            ',' | ';' => is_end_of_all(after) || after.starts_with(is_quote) || is_name_next(after),
            ')' | ']' | '}' | '>' => is_end_of_all(after) || after.starts_with(is_quote),
            _ => ampersand.is_some_and(|and| is_in_query || is_name_next(&rest[and.len()..])),
        };
        if is_end {
            // The backslashes before a quote are the quote's.
            return if is_quote(c) { at - escapes } else { at };
        }
        escapes = if c == '\\' { escapes + 1 } else { 0 };
    }
    text.len()
}

fn is_end_of_all(after: &str) -> bool {
    after.is_empty() || after.starts_with(|c: char| c.is_whitespace() || ",;:)]}>\\".contains(c))
}

/// Whether another name with its value follows.
fn is_name_next(text: &str) -> bool {
    let end = until(text, 0, |c| !is_of_name(c));
    end > 0 && text[end..].starts_with(['=', ':'])
}

/// What is in brackets that opened before a place.
fn list(text: &str, from: usize) -> Place {
    let blank =
        |from: usize| text.len() - text[from..].trim_start_matches(|c: char| c.is_whitespace() || c == ',').len();
    let start = blank(from);
    let Some(first) = Quote::at(text, start) else {
        let mut depth = 1;
        let is_end = |c: char| {
            depth += i32::from(c == '[') - i32::from(c == ']');
            depth == 0 || c == '\n'
        };
        return from..text[from..].find(is_end).map_or(text.len(), |length| from + length);
    };
    let mut last = first;
    while let Some(next) = Quote::at(text, blank(last.after(text))) {
        last = next;
    }
    first.start..last.end(text)
}

/// YAML's text of several lines: `name: |`, then all that is further in.
pub(super) fn block(text: &str, name_start: usize, start: usize) -> Option<Place> {
    let rest = &text[start..];
    if !rest.starts_with(['|', '>']) {
        return None;
    }
    // The sign, and up to two that tell how deep the text is and how it ends.
    let sign: usize = rest.chars().take(3).take_while(|c| !c.is_whitespace()).map(char::len_utf8).sum();
    let after = rest[sign..].trim_start_matches(|c: char| c.is_whitespace() && c != '\n');
    if !after.is_empty() && !after.starts_with('\n') {
        return None;
    }
    let depth = |line: &str| line.len() - line.trim_start().len();
    let outer = depth(&text[line_start(text, name_start)..]);
    let body = (text.len() - after.len() + 1).min(text.len());
    let lines = text[body..].split_inclusive('\n');
    let inner = lines.take_while(|line| line.trim().is_empty() || depth(line) > outer);
    let end = body + inner.map(str::len).sum::<usize>();
    let shown = body + depth(&text[body..]);
    Some(shown.min(end)..end - usize::from(text[..end].ends_with('\n') && end > shown))
}

#[cfg(test)]
mod tests {
    use super::super::testing::hidden;
    use super::super::values::assigned;

    #[test]
    fn what_begins_within_a_value_goes_with_it() {
        hidden(assigned, "token=a/token=b/c d", "token=% d");
        hidden(assigned, "token=[a token=[b] c] d", "token=[%] d");
        hidden(assigned, r#"token=a/pwd="b c" d"#, r#"token=%" d"#);
    }

    #[test]
    fn a_text_of_several_lines_is_told_from_a_sign_within_a_line() {
        hidden(assigned, "pwd: |2-  \n    a\nb", "pwd: |2-  \n    %\nb");
        hidden(assigned, "  pwd: > a\n    b", "  pwd: %\n    b");
        hidden(assigned, "pwd=|a b", "pwd=% b");
    }
}
