//! Finds the values of secretive names, in whatever way programs write a name with its value.

use super::SECRET;
use super::ends::{AMPERSANDS, Ends, block, is_likely_secret, told};
use super::names::{is_header, is_secretive, is_secretive_in_query};
use super::text::{Place, Quote, back_while, is_of_name, is_quote, line_start};

/// What stands between a name and its value. The last are how an address within an address has it.
const SEPARATORS: [&str; 4] = ["=", ":", "%3D", "%3d"];

/// `name=value`, `name: value`, `"name":"value"`, with escaped quotes too.
pub(super) fn assigned(text: &str) -> Vec<Place> {
    SEPARATORS.into_iter().flat_map(|separator| separated_by(text, separator)).collect()
}

fn separated_by(text: &str, separator: &str) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let mut ends = Ends::new(text);
    for (at, _) in text.match_indices(separator) {
        // Where the rest of a line has gone, there is nothing left to find.
        let is_gone = |place: &Place| at < place.end && text[place.end..].chars().next().is_none_or(|c| c == '\n');
        if !places.last().is_some_and(is_gone) {
            places.extend(Assignment::at(text, at, separator).and_then(|found| found.value(&mut ends)));
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

    fn value(&self, ends: &mut Ends) -> Option<Place> {
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
                return ends.of_list(start);
            } else if self.is_colon {
                return None;
            }
        }
        if rest.starts_with('[') && !rest.starts_with(SECRET) {
            return ends.of_list(self.start + 1);
        }
        if let Some(block) = block(self.text, self.name_start, self.start) {
            return Some(block);
        }
        let word_end = ends.of_word(self.start, self.is_in_query);
        told(self.text, self.start..self.end_of_unquoted(word_end, ends)?)
    }

    /// The quotes around all of it, as in `["TOKEN=a b"]`. Sentences are in quotes too, and not in capital letters.
    fn quote_around(&self) -> Option<Quote> {
        let is_variable = !self.is_colon && !self.name.contains(|c: char| c.is_ascii_lowercase());
        let opening = back_while(self.text, self.name_start, |c| is_quote(c) || c == '\\');
        Quote::at(self.text, opening).filter(|quote| is_variable && quote.start == self.name_start)
    }

    /// Where a value without quotes ends, of which only the first word is sure; none if the name is but a part of a sentence.
    fn end_of_unquoted(&self, word_end: usize, ends: &Ends) -> Option<usize> {
        let (word, rest) = (&self.text[self.start..word_end], &self.text[word_end..]);
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
        let is_whole_line = self.has_blank_after && self.is_first() || is_scheme;
        if is_sentence && !is_whole_line && !is_likely_secret(word, rest) {
            return None;
        }
        let is_to_the_end = is_whole_line || self.is_colon && is_header(self.name);
        Some(if is_to_the_end { ends.of_line(self.start) } else { word_end })
    }

    /// Whether its line begins with it.
    fn is_first(&self) -> bool {
        let line = &self.text[line_start(self.text, self.name_start)..self.name_start];
        line.chars().all(|c| c.is_whitespace() || "-#\"'".contains(c))
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

#[cfg(test)]
mod tests {
    use super::super::testing::hidden;
    use super::*;

    #[test]
    fn a_value_ends_with_its_quotes() {
        hidden(assigned, r#"{"password": "a, b", "x": 1}"#, r#"{"password": "%", "x": 1}"#);
        hidden(assigned, r#"msg="password: \"a \\\" b\" c""#, r#"msg="password: \"%\" c""#);
        hidden(assigned, "password = 'x y' # z", "password = '%' # z");
        hidden(assigned, r#"{"a":"{\"auth\":\"x\",\"b\":1}"}"#, r#"{"a":"{\"auth\":\"%\",\"b\":1}"}"#);
        hidden(assigned, "token = \"\"\"\na\nb\n\"\"\"\nc", "token = \"\"\"%\"\"\"\nc");
        hidden(assigned, r#"["A_TOKEN=a b","B=c"] msg="token=a b""#, r#"["A_TOKEN=%","B=c"] msg="token=% b""#);
        hidden(
            assigned,
            r#"{"name":"TOKEN","value":"a"} {key:\"A_KEY\" value:\"b\"}"#,
            r#"{"name":"TOKEN","value":"%"} {key:\"A_KEY\" value:\"%\"}"#,
        );
        hidden(assigned, "auth = '' token=\"\" secret: null", "auth = '' token=\"\" secret: null");
    }

    #[test]
    fn a_value_without_quotes_ends_where_something_else_begins() {
        hidden(assigned, "A_TOKEN=a,b&c PATH=x", "A_TOKEN=% PATH=x");
        hidden(assigned, "pwd=a;b=c&sig=d,e=f", "pwd=%;b=c&sig=%,e=f");
        hidden(assigned, "map[Auth:a Pass:b]", "map[Auth:% Pass:%]");
        hidden(assigned, r#"msg="a\ntoken=b\nc" d"#, r#"msg="a\ntoken=%\nc" d"#);
        hidden(assigned, r#"msg="token=a\"b" d"#, r#"msg="token=%" d"#);
        hidden(assigned, "token= user_id=1 auth=true", "token= user_id=1 auth=true");
        hidden(assigned, "password: a b\nc: d", "password: %\nc: d");
        hidden(assigned, "k:\n  secret: |\n    a\n\n    b\n  c: d", "k:\n  secret: |\n    %\n  c: d");
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
            hidden(assigned, kept, kept);
        }
        hidden(assigned, "msg=\"the password: hunter\"", "msg=\"the password: %\"");
        hidden(assigned, "the api key: h4nter is bad", "the api key: % is bad");
    }

    #[test]
    fn a_header_loses_its_whole_value() {
        hidden(assigned, "Authorization: Digest a=\"b\", c=\"d\"\ne", "Authorization: %\ne");
        hidden(assigned, r#"{"Authorization":["Bearer a"],"b":1}"#, r#"{"Authorization":["%"],"b":1}"#);
        hidden(assigned, r#"{"Set-Cookie": ["a; b", "c"], "d": ["e"]}"#, r#"{"Set-Cookie": ["%"], "d": ["e"]}"#);
        hidden(
            assigned,
            r#"{"Authorization":[]string{"Bearer a"}, "B":{"c"}}"#,
            r#"{"Authorization":[]string{"%"}, "B":{"c"}}"#,
        );
        hidden(
            assigned,
            r#"{"Authorization":{"a b"}, "auth":{"c":"d"} pwd={a}"#,
            r#"{"Authorization":{"%"}, "auth":{"c":"d"} pwd=%}"#,
        );
        hidden(assigned, r"x\r\nX-Auth-Token: a b\r\nc", r"x\r\nX-Auth-Token: %\r\nc");
        hidden(assigned, "map[Cookie:[a; b=[c]] D:[e]]", "map[Cookie:[%] D:[e]]");
        hidden(assigned, "curl -H 'X-Api-Key: a b' c", "curl -H 'X-Api-Key: %' c");
        hidden(assigned, "sent authorization: Basic abc d", "sent authorization: %");
        hidden(assigned, "auth=Basic abc", "auth=%");
    }

    #[test]
    fn an_address_keeps_its_other_parameters() {
        hidden(assigned, "https://h/x?sig=a%2Fb&v=1", "https://h/x?sig=%&v=1");
        hidden(assigned, r"https://h/x?v=1\u0026key=a\u0026w=2", r"https://h/x?v=1\u0026key=%\u0026w=2");
        hidden(assigned, "?u=https%3A%2F%2Fh%3Ftoken%3Da%26n%3D1", "?u=https%3A%2F%2Fh%3Ftoken%3D%%26n%3D1");
        hidden(assigned, "key=a code=b", "key=a code=b");
    }
}
