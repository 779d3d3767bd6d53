//! Finds the secrets on command lines: there a blank is all that stands between a name and its value.

use super::names::is_secretive;
use super::text::{Place, Quote, ends_before_word, is_of_name, is_quote, line_end, line_start, until};
use super::values::{told, word_end};

/// Programs that a password is given to by a letter, the options that do it, and whether a user's name stands before it.
const LETTERS: [(&str, &str, bool); 4] =
    [("login", "p", false), ("sshpass", "p", false), ("curl", "u", true), ("curl", "user", true)];

/// What follows its name after a blank: `--token x`, `["--token","x"]`, `login -p x`, Dockerfiles' `ENV NAME value`, and
/// .netrc's `login me password x`.
pub(super) fn places(text: &str) -> Vec<Place> {
    let options = text.match_indices('-').filter_map(|(at, _)| option(text, at));
    let variables = text.match_indices("ENV ").filter_map(|(at, env)| {
        let name = at + env.len();
        let end = until(text, name, |c| !is_of_name(c));
        let is_secret = is_secretive(&text[name..end]) && text[end..].starts_with(' ');
        is_secret.then(|| end + 1..line_end(text, end + 1))
    });
    let netrc = text.match_indices(" password ").filter_map(|(at, password)| {
        let mut words = text[line_start(text, at)..at].rsplit(' ');
        let start = at + password.len();
        (words.nth(1) == Some("login")).then(|| start..word_end(text, start, false))
    });
    options.chain(variables).chain(netrc).filter_map(|place| told(text, place)).collect()
}

/// The value of an option of the command line that begins at a place.
fn option(text: &str, at: usize) -> Option<Place> {
    let dashes = text[at..].len() - text[at..].trim_start_matches('-').len();
    let name_start = at + dashes;
    let end = until(text, name_start, |c| !is_of_name(c));
    let name = &text[name_start..end];
    if name.is_empty() || !ends_before_word(&text[..at]) || text[..at].ends_with('-') {
        return None;
    }
    let line = text[line_start(text, at)..at].rsplit([';', '|', '&']).next().unwrap_or_default();
    let letter = LETTERS.iter().find(|(program, option, _)| *option == name && line.contains(program));
    if is_secretive(name) || letter.is_some() {
        let value = argument(text, end)?;
        let is_secret = letter.is_none_or(|(_, _, is_after_user)| !is_after_user || text[value.clone()].contains(':'));
        return is_secret.then_some(value);
    }
    let value = name_start + 1..word_end(text, name_start + 1, false);
    let is_glued = |(program, option, is_after_user): &(&str, &str, bool)| {
        let is_secret = !is_after_user || text[value.clone()].contains(':');
        option.len() == 1 && name.starts_with(option) && line.contains(program) && is_secret
    };
    (dashes == 1 && LETTERS.iter().any(is_glued)).then_some(value)
}

/// The argument behind an option, unless that is another option or tells where a secret is.
fn argument(text: &str, end: usize) -> Option<Place> {
    let closed = text[end..].trim_start_matches(|c| is_quote(c) || c == '\\');
    let value = closed.trim_start_matches([' ', ',', '\t', '=']);
    let start = text.len() - value.len();
    let place = match Quote::at(text, start) {
        Some(quote) => quote.start..quote.end(text),
        None => start..word_end(text, start, false),
    };
    let tells_where = ["-", "id=", "type=", "src=", "env="].iter().any(|it| text[place.clone()].starts_with(it));
    (value.len() < closed.len() && !tells_where).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::super::text::cut;
    use super::super::values::assigned;
    use super::*;

    #[track_caller]
    fn hidden(text: &str, expected: &str) {
        assert_eq!(cut(text, [assigned(text), places(text)].concat(), "%"), expected);
    }

    #[test]
    fn an_option_loses_its_argument() {
        hidden("x --password a --token=b -q", "x --password % --token=% -q");
        hidden(r#"["--token","a b","c"]"#, r#"["--token","%","c"]"#);
        hidden(r#""[\"--token\",\"a\"]""#, r#""[\"--token\",\"%\"]""#);
        hidden("docker login -u me -p a h; docker run -p 80:80", "docker login -u me -p % h; docker run -p 80:80");
        hidden("docker login -pa h", "docker login -p% h");
        hidden("curl -u me:a h; curl -ume:a h; curl -user", "curl -u % h; curl -u% h; curl -user");
        hidden("ENV A_TOKEN a b\nENV B c", "ENV A_TOKEN %\nENV B c");
        hidden("machine h login me password a", "machine h login me password %");
        for kept in
            ["--secret id=a,src=b", "--password-stdin a", "docker run -u 1:2 -p 80:80", "--token --x", "a-token b"]
        {
            hidden(kept, kept);
        }
    }
}
