//! Finding one's way in a text: lines, quotes and their escapes, and what is cut out of it.

/// A part of a text.
pub(super) type Place = std::ops::Range<usize>;

/// Replaces places, which may overlap.
pub(super) fn cut(text: &str, mut places: Vec<Place>, with: &str) -> String {
    places.sort_by_key(|place| (place.start, place.end));
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for place in places.into_iter().filter(|place| !place.is_empty()) {
        if place.start >= done {
            result.push_str(&text[done..place.start]);
            result.push_str(with);
        }
        done = done.max(place.end);
    }
    result + &text[done..]
}

/// How far a text goes until something ends it.
pub(super) fn until(text: &str, from: usize, is_end: impl Fn(char) -> bool) -> usize {
    text[from..].find(is_end).map_or(text.len(), |length| from + length)
}

/// Where that which a condition holds for begins, looking back.
pub(super) fn back_while(text: &str, end: usize, holds: impl Fn(char) -> bool) -> usize {
    text[..end].trim_end_matches(holds).len()
}

pub(super) fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-.".contains(c)
}

pub(super) fn is_quote(c: char) -> bool {
    "\"'`".contains(c)
}

/// Whether a word can begin behind this: a letter there may be an escape's, as in `\n`.
pub(super) fn ends_before_word(before: &str) -> bool {
    let mut letters = before.chars().rev();
    match letters.next() {
        Some('n' | 'r' | 't') => letters.next() == Some('\\'),
        Some(c) => !c.is_alphanumeric() && c != '_',
        None => true,
    }
}

/// How far back a line is looked at: some logs are one line.
const LONGEST_LINE: usize = 4 << 10;

/// Where a line begins, be its end before that a real one or an escaped one.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let far = at.saturating_sub(LONGEST_LINE);
    let far = (far..=at).find(|place| text.is_char_boundary(*place)).unwrap_or(at);
    let line = text[far..at].rfind('\n').map_or(far, |end| far + end + 1);
    text[line..at].rfind(r"\n").map_or(line, |end| line + end + 2)
}

/// The lines of a text, of which much is asked.
pub(super) struct Lines<'a> {
    text: &'a str,
    /// Where they end.
    ends: Vec<usize>,
    /// The `"` that no backslash stands before.
    quotes: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let escapes = |at: usize| at - text[..at].trim_end_matches('\\').len();
        let quotes = text.match_indices('"').map(|(at, _)| at).filter(|at| escapes(*at) % 2 == 0);
        Self { text, ends: text.match_indices('\n').map(|(at, _)| at).collect(), quotes: quotes.collect() }
    }

    /// Where the rest of a line ends: at its own end, an escaped one, or that of the quotes that it is in.
    pub(super) fn end(&self, from: usize) -> usize {
        let before = |places: &[usize], at: usize| places.partition_point(|place| *place < at);
        let start = before(&self.ends, from).checked_sub(1).map_or(0, |last| self.ends[last] + 1);
        let is_in_quotes = (before(&self.quotes, from) - before(&self.quotes, start)) % 2 == 1;
        // `-H 'name: value'`: an apostrophe counts only where it opens the very name.
        let line = &self.text[start..from];
        let line = &line[..back_while(line, line.len(), |c| is_of_name(c) || ": ".contains(c))];
        let closing =
            line.chars().next_back().filter(|c| "'`".contains(*c) && ends_before_word(&line[..line.len() - 1]));
        let mut escapes = 0;
        for (at, c) in self.text[from..].char_indices() {
            let is_escaped = escapes % 2 == 1;
            let is_end = match c {
                '\n' | '\r' => true,
                '"' => is_in_quotes && !is_escaped,
                'n' | 'r' if is_escaped => return from + at - 1,
                c => Some(c) == closing,
            };
            if is_end {
                return from + at;
            }
            escapes = if c == '\\' { escapes + 1 } else { 0 };
        }
        self.text.len()
    }
}

/// An opening quote: JSON in JSON has backslashes before it, and TOML's texts of several lines three signs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quote {
    sign: char,
    escapes: usize,
    is_triple: bool,
    /// Where what is quoted begins.
    pub(super) start: usize,
}

impl Quote {
    /// The one that stands at a place.
    pub(super) fn at(text: &str, at: usize) -> Option<Self> {
        let bare = text[at..].trim_start_matches('\\');
        let escapes = text.len() - at - bare.len();
        let sign = bare.chars().next().filter(|c| is_quote(*c))?;
        let rest = bare.trim_start_matches(sign);
        let is_triple = escapes == 0 && bare.len() - rest.len() == 3;
        Some(Self { sign, escapes, is_triple, start: at + escapes + if is_triple { 3 } else { 1 } })
    }

    /// Where what is quoted ends. Between quotes with n backslashes (0, 1, 3 …) each level of escaping doubles those of a
    /// quote inside, so that the rest of a division tells the closing one, or that of the quotes around.
    pub(super) fn end(self, text: &str) -> usize {
        let rest = &text[self.start..];
        if self.is_triple {
            return rest.find(&self.sign.to_string().repeat(3)).map_or(text.len(), |end| self.start + end);
        }
        let unit = 2 * (self.escapes + 1);
        let mut escapes = 0;
        let mut letters = rest.char_indices().peekable();
        while let Some((at, c)) = letters.next() {
            // An apostrophe may be no quote at all: better half a line too much than half a log.
            if c == '\n' && self.sign != '"' {
                return self.start + at;
            }
            if c == self.sign && escapes % unit <= self.escapes {
                let is_doubled = c == '\'' && at > 0 && letters.next_if(|(_, next)| *next == c).is_some();
                if !is_doubled {
                    return self.start + at - escapes % unit;
                }
            }
            escapes = if c == '\\' { escapes + 1 } else { 0 };
        }
        text.len()
    }

    /// Where the text goes on behind the closing quote.
    pub(super) fn after(self, text: &str) -> usize {
        let closing = text[self.end(text)..].trim_start_matches('\\').trim_start_matches(self.sign);
        text.len() - closing.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_may_overlap() {
        assert_eq!(cut("0123456789", vec![4..6, 1..3, 5..8, 9..9], "%"), "0%3%89");
    }

    #[test]
    fn a_quote_ends_where_it_began_however_deep() {
        for (text, expected) in [
            (r#""a" b"#, "a"),
            (r#""a\"b" c"#, r#"a\"b"#),
            (r#""a\\" c""#, r"a\\"),
            (r#"\"a\" b""#, "a"),
            (r#"\"a\\\"b\" c""#, r#"a\\\"b"#),
            (r#"\"a\\\\\" c""#, r"a\\\\"),
            (r#"\"a" c\""#, "a"),
            (r#"\\\"a\\\\\\\"b\\\" c"#, r#"a\\\\\\\"b"#),
            ("'it''s' x'", "it''s"),
            ("'' x", ""),
            ("\"two\nlines\" x", "two\nlines"),
            ("'open\nx'", "open"),
            ("\"\"\"\na\"b\n\"\"\" x", "\na\"b\n"),
        ] {
            let quote = Quote::at(text, 0).unwrap();
            assert_eq!(&text[quote.start..quote.end(text)], expected, "{text}");
        }
        assert!(Quote::at("x\"", 0).is_none() && Quote::at(r"\n", 0).is_none());
    }

    #[test]
    fn a_line_ends_with_the_quotes_around_it() {
        for (text, expected) in [
            ("h: a\"b\" c\nd", "a\"b\" c"),
            (r#"msg="h: a \"b\" c" d"#, r#"a \"b\" c"#),
            (r"msg h: a\r\nb", "a"),
            ("-H 'h: a b' c", "a b"),
            ("can't h: a'b", "a'b"),
        ] {
            let from = text.find("h: ").unwrap() + 3;
            assert_eq!(&text[from..Lines::of(text).end(from)], expected, "{text}");
        }
    }
}
