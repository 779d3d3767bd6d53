//! Finds the values of secretive names, in whatever way programs write a name with its value.

use super::SECRET;
use super::names::{is_header, is_plain, is_secretive, is_secretive_in_query};
use super::text::{Place, Quote, back_while, is_of_name, is_quote, line_end, line_start, until};

/// What stands between a name and its value. The last are how an address within an address has it.
const SEPARATORS: [&str; 4] = ["=", ":", "%3D", "%3d"];

/// What a `&` is in JSON that Go writes, and in an address within an address.
const AMPERSANDS: [&str; 4] = ["&", r"\u0026", "%26", "&amp;"];

/// `name=value`, `name: value`, `"name":"value"`, with escaped quotes too.
pub(super) fn assigned(text: &str) -> Vec<Place> {
    SEPARATORS.into_iter().flat_map(|separator| separated_by(text, separator)).collect()
}

fn separated_by(text: &str, separator: &str) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for (at, _) in text.match_indices(separator) {
        // Where the rest of a line has gone, there is nothing left to find.
        let is_gone = |place: &Place| at < place.end && text[place.end..].chars().next().is_none_or(|c| c == '\n');
        if !places.last().is_some_and(is_gone) {
            places.extend(Assignment::at(text, at, separator).and_then(|found| found.value()));
        }
    }
    places
}

/// A name and what it is followed by.
struct Assignment<'a> {
    text: &'a str,
    name: &'a str,
    name_start: usize,
    is_quoted: bool,
    is_in_query: bool,
    /// Whether a colon and a blank follow, as they do in sentences.
    is_colon: bool,
    has_blank_before: bool,
    has_blank_after: bool,
    start: usize,
}

impl<'a> Assignment<'a> {
    /// The one with a separator at a place, if its name is secretive.
    fn at(text: &'a str, at: usize, separator: &str) -> Option<Self> {
        let closed = back_while(text, at, |c| c == ' ' || c == '\t');
        let end = back_while(text, closed, |c| is_quote(c) || c == '\\' || c == ']');
        let (name, name_start) = named(text, end);
        let before = &text[..name_start];
        let is_encoded = separator.starts_with('%');
        let is_in_query = is_encoded || before.ends_with('?') || AMPERSANDS.iter().any(|and| before.ends_with(and));
        if !(is_secretive(name) || is_in_query && is_secretive_in_query(name)) {
            return None;
        }
        // `:=`, `==` and `=>`.
        let separated = text[at + separator.len()..].trim_start_matches(['=', '>']);
        let value = separated.trim_start_matches([' ', '\t']);
        let has_blank_after = value.len() < separated.len();
        if before.ends_with('/') && separator == ":" && has_blank_after {
            // `Get "https://host/token": EOF`
            return None;
        }
        Some(Self {
            text,
            name,
            name_start,
            is_quoted: end < closed,
            is_in_query,
            is_colon: separator == ":",
            has_blank_before: closed < at,
            has_blank_after,
            start: text.len() - value.len(),
        })
    }

    fn value(&self) -> Option<Place> {
        let rest = &self.text[self.start..];
        if let Some(quote) = Quote::at(self.text, self.start).or_else(|| self.quote_around()) {
            return told(self.text, self.start.max(quote.start)..quote.end(self.text));
        }
        if let Some(texts) = rest.strip_prefix("[]string").unwrap_or(rest).strip_prefix('{') {
            // What has names of its own tells them itself; Go's lists have none.
            let start = self.text.len() - texts.len();
            let quote =
                Quote::at(self.text, start).filter(|quote| self.text[quote.after(self.text)..].starts_with([',', '}']));
            if quote.is_some() {
                return told(self.text, list(self.text, start));
            } else if self.is_colon {
                return None;
            }
        }
        if rest.starts_with('[') && !rest.starts_with(SECRET) {
            return told(self.text, list(self.text, self.start + 1));
        }
        if let Some(block) = block(self.text, self.name_start, self.start) {
            return Some(block);
        }
        let word = self.start..word_end(self.text, self.start, self.is_in_query);
        told(self.text, self.start..self.end_of_unquoted(&self.text[word.clone()], word.end)?)
    }

    /// The quotes around all of it, as in `["TOKEN=a b"]`. Sentences are in quotes too, and not in capital letters.
    fn quote_around(&self) -> Option<Quote> {
        let is_variable = !self.is_colon && !self.name.contains(|c: char| c.is_ascii_lowercase());
        let opening = back_while(self.text, self.name_start, |c| is_quote(c) || c == '\\');
        Quote::at(self.text, opening).filter(|quote| is_variable && quote.start == self.name_start)
    }

    /// Where a value without quotes ends, of which only the first word is sure; none if the name is but a part of a sentence.
    fn end_of_unquoted(&self, word: &str, word_end: usize) -> Option<usize> {
        let line = &self.text[line_start(self.text, self.name_start)..self.name_start];
        let is_first = line.chars().all(|c| c.is_whitespace() || "-#\"'".contains(c));
        let is_sentence =
            self.is_colon && self.has_blank_after && self.name.chars().all(|c| c.is_ascii_lowercase() || c == ' ');
        let is_scheme =
            ["basic", "bearer", "digest", "negotiate", "token"].iter().any(|it| word.eq_ignore_ascii_case(it));
        if self.is_quoted || self.is_in_query {
            return Some(word_end);
        }
        // `a= b=1` in a log: the first has no value.
        if !self.is_colon && self.has_blank_after && !self.has_blank_before && word.trim_end_matches('=').contains('=')
        {
            return None;
        }
        let rest = &self.text[word_end..];
        let is_whole_line = is_first && self.has_blank_after || is_scheme;
        if is_sentence && !is_whole_line && !is_likely_secret(word, rest) {
            return None;
        }
        let is_to_the_end = is_whole_line || self.is_colon && is_header(self.name);
        Some(if is_to_the_end { line_end(self.text, self.start) } else { word_end })
    }
}

/// The name that ends at a place, and where it begins.
fn named(text: &str, end: usize) -> (&str, usize) {
    let start = back_while(text, end, is_of_name);
    let (name, before) = (&text[start..end], &text[..start]);
    if before.ends_with('\\') && name.starts_with(['n', 'r', 't', 'u']) {
        // The first letters are an escape's, not the name's.
        let start = start + if name.starts_with("u0026") { 5 } else { 1 };
        return (&text[start..end], start);
    }
    if name.eq_ignore_ascii_case("key") && before.ends_with(' ') {
        // `api key: …`
        let start = back_while(text, start - 1, is_of_name);
        return (&text[start..end], start);
    }
    if name.eq_ignore_ascii_case("value") {
        // `{"name":"TOKEN","value":"…"}`, `key:"TOKEN" value:"…"`
        let other = back_while(text, start, |c| is_quote(c) || "\\, ".contains(c));
        return (&text[back_while(text, other, is_of_name)..other], start);
    }
    (name, start)
}

/// A place, unless nothing is told there that anyone would hide.
pub(super) fn told(text: &str, place: Place) -> Option<Place> {
    let value = &text[place.clone()];
    (!is_plain(value.trim()) && value != SECRET).then_some(place)
}

/// After `…token: ` in a sentence: an error's text has words, and ends in common ones.
fn is_likely_secret(word: &str, rest: &str) -> bool {
    let word = word.trim_end_matches(['.', ',', ';', '!']);
    let is_word = word.chars().all(|c| c.is_alphabetic() || c == '-' || c == '\'');
    let is_last = rest.is_empty() || rest.starts_with(['\n', '\r', '\\']) || rest.starts_with(is_quote);
    !word.ends_with(':') && (!is_word || is_last)
}

/// Where a value without quotes or blanks ends. What may be part of a password ends it only where something follows that is
/// none: another name, or the end of what it is in.
pub(super) fn word_end(text: &str, from: usize, is_in_query: bool) -> usize {
    // What has gone already has a bracket at its end.
    let from = from + text[from..].strip_prefix(SECRET).map_or(0, |_| SECRET.len());
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

/// What is in brackets: texts in quotes, or anything to the closing bracket.
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
fn block(text: &str, name_start: usize, start: usize) -> Option<Place> {
    let sign = &text[start..until(text, start, |c| c == '\n')];
    if !sign.starts_with(['|', '>']) || sign.trim_end().len() > 3 {
        return None;
    }
    let depth = |line: &str| line.len() - line.trim_start().len();
    let outer = depth(&text[line_start(text, name_start)..]);
    let body = (start + sign.len() + 1).min(text.len());
    let lines = text[body..].split_inclusive('\n');
    let inner = lines.take_while(|line| line.trim().is_empty() || depth(line) > outer);
    let end = body + inner.map(str::len).sum::<usize>();
    let shown = body + depth(&text[body..]);
    Some(shown.min(end)..end - usize::from(text[..end].ends_with('\n') && end > shown))
}

#[cfg(test)]
mod tests {
    use super::super::text::cut;
    use super::*;

    #[track_caller]
    fn hidden(text: &str, expected: &str) {
        assert_eq!(cut(text, assigned(text), "%"), expected);
    }

    #[test]
    fn a_value_ends_with_its_quotes() {
        hidden(r#"{"password": "a, b", "x": 1}"#, r#"{"password": "%", "x": 1}"#);
        hidden(r#"msg="password: \"a \\\" b\" c""#, r#"msg="password: \"%\" c""#);
        hidden("password = 'x y' # z", "password = '%' # z");
        hidden(r#"{"a":"{\"auth\":\"x\",\"b\":1}"}"#, r#"{"a":"{\"auth\":\"%\",\"b\":1}"}"#);
        hidden("token = \"\"\"\na\nb\n\"\"\"\nc", "token = \"\"\"%\"\"\"\nc");
        hidden(r#"["A_TOKEN=a b","B=c"] msg="token=a b""#, r#"["A_TOKEN=%","B=c"] msg="token=% b""#);
        hidden(
            r#"{"name":"TOKEN","value":"a"} {key:\"A_KEY\" value:\"b\"}"#,
            r#"{"name":"TOKEN","value":"%"} {key:\"A_KEY\" value:\"%\"}"#,
        );
        hidden("auth = '' token=\"\" secret: null", "auth = '' token=\"\" secret: null");
    }

    #[test]
    fn a_value_without_quotes_ends_where_something_else_begins() {
        hidden("A_TOKEN=a,b&c PATH=x", "A_TOKEN=% PATH=x");
        hidden("pwd=a;b=c&sig=d,e=f", "pwd=%;b=c&sig=%,e=f");
        hidden("map[Auth:a Pass:b]", "map[Auth:% Pass:%]");
        hidden(r#"msg="a\ntoken=b\nc" d"#, r#"msg="a\ntoken=%\nc" d"#);
        hidden(r#"msg="token=a\"b" d"#, r#"msg="token=%" d"#);
        hidden("token= user_id=1 auth=true", "token= user_id=1 auth=true");
        hidden("password: a b\nc: d", "password: %\nc: d");
        hidden("k:\n  secret: |\n    a\n\n    b\n  c: d", "k:\n  secret: |\n    %\n  c: d");
    }

    #[test]
    fn a_sentence_about_a_secret_stays() {
        for kept in [
            "failed to fetch oauth token: unexpected status 401",
            "no token: Get \"https://x\": EOF",
            "bad password: https://x: denied",
            "a secret: not found",
            "no token: EOF",
            "may require authorization: server message: insufficient_scope: authorization failed",
            "Get \"https://host/token\": EOF of a4",
            "a value: 4a",
        ] {
            hidden(kept, kept);
        }
        hidden("msg=\"the password: hunter\"", "msg=\"the password: %\"");
        hidden("the api key: h4nter is bad", "the api key: % is bad");
    }

    #[test]
    fn a_header_loses_its_whole_value() {
        hidden("Authorization: Digest a=\"b\", c=\"d\"\ne", "Authorization: %\ne");
        hidden(r#"{"Authorization":["Bearer a"],"b":1}"#, r#"{"Authorization":["%"],"b":1}"#);
        hidden(r#"{"Set-Cookie": ["a; b", "c"], "d": ["e"]}"#, r#"{"Set-Cookie": ["%"], "d": ["e"]}"#);
        hidden(r#"{"Authorization":[]string{"Bearer a"}, "B":{"c"}}"#, r#"{"Authorization":[]string{"%"}, "B":{"c"}}"#);
        hidden(
            r#"{"Authorization":{"a b"}, "auth":{"c":"d"} pwd={a}"#,
            r#"{"Authorization":{"%"}, "auth":{"c":"d"} pwd=%}"#,
        );
        hidden(r"x\r\nX-Auth-Token: a b\r\nc", r"x\r\nX-Auth-Token: %\r\nc");
        hidden("map[Cookie:[a; b=[c]] D:[e]]", "map[Cookie:[%] D:[e]]");
        hidden("curl -H 'X-Api-Key: a b' c", "curl -H 'X-Api-Key: %' c");
        hidden("sent authorization: Basic abc d", "sent authorization: %");
        hidden("auth=Basic abc", "auth=%");
    }

    #[test]
    fn an_address_keeps_its_other_parameters() {
        hidden("https://h/x?sig=a%2Fb&v=1", "https://h/x?sig=%&v=1");
        hidden(r"https://h/x?v=1\u0026key=a\u0026w=2", r"https://h/x?v=1\u0026key=%\u0026w=2");
        hidden("?u=https%3A%2F%2Fh%3Ftoken%3Da%26n%3D1", "?u=https%3A%2F%2Fh%3Ftoken%3D%%26n%3D1");
        hidden("key=a code=b", "key=a code=b");
    }
}
