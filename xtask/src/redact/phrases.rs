//! Finds the secrets that stand at a fixed place of a command, a prompt or a document, with no sign before them.

use super::ends::{Ends, told};
use super::names::is_secretive;
use super::text::{Place, Quote, back_while, ends_before_word, is_of_name, line_start, until};

/// What sets something by its name and, behind a blank, its value; and whether that is a variable, whose name is in capital
/// letters. Sentences have these words, too.
const SETTERS: [(&str, bool); 3] = [("export ", true), ("setx ", true), ("config set ", false)];

/// A drive, a share, what is left empty between them, and a password.
const LONGEST_COMMAND: usize = 6;

/// All of them.
pub(super) fn places(text: &str) -> Vec<Place> {
    let mut ends = Ends::new(text);
    let of_words = [set(text, &mut ends), secured(text, &mut ends)].concat();
    let found = [of_words, lines(text), elements(text), piped(text), prompted(text, &ends), shares(text)];
    found.concat().into_iter().filter_map(|place| told(text, place)).collect()
}

fn is_variable(name: &str) -> bool {
    !name.contains(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
}

/// A word, or what is in quotes.
fn argument(text: &str, start: usize, ends: &mut Ends) -> Place {
    match Quote::at(text, start) {
        Some(quote) => quote.start..quote.end(text),
        None => start..ends.of_word(start, false),
    }
}

/// What is only named, as `$TOKEN` and `--option`, tells nothing.
fn is_named(text: &str, place: &Place) -> bool {
    text[place.clone()].starts_with(['$', '-'])
}

/// `export NAME value`, `npm config set //registry/:_authToken value`.
fn set(text: &str, ends: &mut Ends) -> Vec<Place> {
    let mut places = Vec::new();
    for (setter, is_of_variables) in SETTERS {
        for (at, _) in text.match_indices(setter) {
            let start = at + setter.len();
            let end = until(text, start, char::is_whitespace);
            let name = &text[back_while(text, end, is_of_name).max(start)..end];
            let is_meant = is_secretive(name) && (!is_of_variables || is_variable(name));
            if is_meant && ends_before_word(&text[..at]) && text[end..].starts_with(' ') {
                places.push(argument(text, end + 1, ends));
            }
        }
    }
    places
}

/// A line that is only a variable and its value: `APIKEY value`.
fn lines(text: &str) -> Vec<Place> {
    let mut begin = 0;
    let value = |line: &str| {
        let start = begin;
        begin += line.len();
        let line = line.trim_end();
        let (name, value) = line.split_once(' ')?;
        let is_value = !value.is_empty() && !value.contains(char::is_whitespace);
        (is_value && is_variable(name) && is_secretive(name)).then(|| start + name.len() + 1..start + line.len())
    };
    text.split_inclusive('\n').filter_map(value).collect()
}

/// `<password>value</password>`.
fn elements(text: &str) -> Vec<Place> {
    let value = |(at, mark): (usize, &str)| {
        let name = at + mark.len();
        let name = &text[name..until(text, name, |c| !is_of_name(c))];
        if !is_secretive(name) {
            return None;
        }
        let (before, value) = text[line_start(text, at)..at].rsplit_once('>')?;
        before.rsplit('<').next()?.starts_with(name).then(|| at - value.len()..at)
    };
    text.match_indices("</").filter_map(value).collect()
}

/// PowerShell's `ConvertTo-SecureString "value"`.
fn secured(text: &str, ends: &mut Ends) -> Vec<Place> {
    let value = |(at, command): (usize, &str)| {
        let rest = &text[at + command.len()..];
        let place = argument(text, text.len() - rest.strip_prefix("-String ").unwrap_or(rest).len(), ends);
        (!is_named(text, &place)).then_some(place)
    };
    text.match_indices("ConvertTo-SecureString ").filter_map(value).collect()
}

/// `echo value | docker login --password-stdin`.
fn piped(text: &str) -> Vec<Place> {
    let value = |(at, _): (usize, &str)| {
        let begin = line_start(text, at);
        let said = &text[begin..begin + text[begin..at].rfind('|')?];
        let words = ["echo ", "printf "].iter().find_map(|echo| Some(said.rfind(echo)? + echo.len()))?;
        let said = &said[words..];
        let start = begin + words + said.len() - said.strip_prefix("-n ").unwrap_or(said).len();
        let place = match Quote::at(text, start) {
            Some(quote) => quote.start..quote.end(text),
            None => start..begin + words + said.trim_end().len(),
        };
        (place.start < place.end && !is_named(text, &place)).then_some(place)
    };
    text.match_indices("--password-stdin").filter_map(value).collect()
}

/// Git's `Password for 'https://me@host': value`.
fn prompted(text: &str, ends: &Ends) -> Vec<Place> {
    let value = |(at, prompt): (usize, &str)| {
        let asked = at + prompt.len();
        let end = until(text, asked, |c| c == '\'' || c.is_whitespace());
        let start = end + "': ".len();
        text[end..].starts_with("': ").then(|| start..ends.of_line(start))
    };
    text.match_indices("assword for '").filter_map(value).collect()
}

/// Windows' `net use X: \\server\share value`.
fn shares(text: &str) -> Vec<Place> {
    let value = |(at, command): (usize, &str)| {
        let mut at = at + command.len();
        let mut is_behind_share = false;
        for word in text[at..].split([' ', '\n', '\r']).take(LONGEST_COMMAND) {
            if is_behind_share && !word.is_empty() {
                return (!word.starts_with(['/', '*'])).then_some(at..at + word.len());
            }
            is_behind_share |= word.starts_with(r"\\");
            at += word.len() + 1;
        }
        None
    };
    text.match_indices("net use ").filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::hidden;
    use super::*;

    #[test]
    fn what_is_set_behind_a_blank_is_hidden() {
        hidden(places, "+ export A_TOKEN a b", "+ export A_TOKEN % b");
        hidden(places, "setx A_TOKEN \"a b\"", "setx A_TOKEN \"%\"");
        hidden(places, "npm config set //h/:_authToken a; x", "npm config set //h/:_authToken %; x");
        hidden(places, "x\nAPIKEY a\nTOKEN is bad\nB c", "x\nAPIKEY %\nTOKEN is bad\nB c");
        for kept in ["failed to export token x", "export PATH a", "git config set user.name a", "API a"] {
            hidden(places, kept, kept);
        }
    }

    #[test]
    fn an_elements_text_is_hidden() {
        hidden(
            places,
            "<a><password x=\"1\">a b</password><b>c</b></a>",
            "<a><password x=\"1\">%</password><b>c</b></a>",
        );
        hidden(places, "<other>a</password> </token>", "<other>a</password> </token>");
    }

    #[test]
    fn what_a_command_is_given_without_a_name_is_hidden() {
        hidden(places, "ConvertTo-SecureString \"a b\" -AsPlainText", "ConvertTo-SecureString \"%\" -AsPlainText");
        hidden(places, "ConvertTo-SecureString -String 'a' -Force", "ConvertTo-SecureString -String '%' -Force");
        hidden(places, "x; echo -n a | docker login --password-stdin", "x; echo -n % | docker login --password-stdin");
        hidden(places, "echo \"a b\" | docker login --password-stdin", "echo \"%\" | docker login --password-stdin");
        hidden(places, "Password for 'https://u@h': a b\nc", "Password for 'https://u@h': %\nc");
        hidden(places, r"net use Z: \\srv\share a /user:b", r"net use Z: \\srv\share % /user:b");
        for kept in [
            "ConvertTo-SecureString $a",
            "echo $A | docker login --password-stdin",
            "cat a | docker login --password-stdin",
            r"net use \\srv\share /user:b",
        ] {
            hidden(places, kept, kept);
        }
    }
}
