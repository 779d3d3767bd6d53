//! Finds the secrets on command lines: there a blank is all that stands between a name and its value.

use super::ends::{Ends, told};
use super::names::is_secretive;
use super::text::{Place, Quote, ends_before_word, is_of_name, is_quote, line_start, until};

/// Programs that a password is given to by a letter, the options that do it, and whether a user's name stands before it.
const LETTERS: [(&str, &str, bool); 6] = [
    ("login", "p", false),
    ("sshpass", "p", false),
    ("mysql", "p", false),
    ("mariadb", "p", false),
    ("curl", "u", true),
    ("curl", "user", true),
];

/// No name goes on longer: some texts are letters and dashes without end.
const LONGEST_NAME: usize = 128;

/// What follows its name after a blank: `--token x`, `["--token","x"]`, `login -p x`, Dockerfiles' `ENV NAME value`, and
/// .netrc's `login me password x`.
pub(super) fn places(text: &str) -> Vec<Place> {
    let mut ends = Ends::new(text);
    let mut places: Vec<Place> = text.match_indices('-').filter_map(|(at, _)| option(text, at, &mut ends)).collect();
    places.extend(netrc(text, &mut ends));
    places.extend(variables(text, &ends));
    places.into_iter().filter_map(|place| told(text, place)).collect()
}

/// A variable of a Dockerfile's takes the rest of its line, whatever that holds.
fn variables(text: &str, ends: &Ends) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for (at, env) in text.match_indices("ENV ") {
        let name = at + env.len();
        let end = until(text, name, |c| !is_of_name(c));
        let is_gone = places.last().is_some_and(|place| at < place.end);
        if !is_gone && is_secretive(&text[name..end]) && text[end..].starts_with(' ') {
            places.push(end + 1..ends.of_line(end + 1));
        }
    }
    places
}

fn netrc(text: &str, ends: &mut Ends) -> Vec<Place> {
    let value = |(at, password): (usize, &str)| {
        let mut words = text[line_start(text, at)..at].rsplit(' ');
        let start = at + password.len();
        (words.nth(1) == Some("login")).then(|| start..ends.of_word(start, false))
    };
    text.match_indices(" password ").filter_map(value).collect()
}

/// The value of an option of the command line that begins at a place.
fn option(text: &str, at: usize, ends: &mut Ends) -> Option<Place> {
    if !ends_before_word(&text[..at]) || text[..at].ends_with('-') {
        return None;
    }
    let name_start = text.len() - text[at..].trim_start_matches('-').len();
    // Only ASCII is of a name.
    let end = name_start + text[name_start..].chars().take(LONGEST_NAME).take_while(|c| is_of_name(*c)).count();
    let name = &text[name_start..end];
    if is_secretive(name) {
        return argument(text, end, ends);
    }
    let is_of = |program: &str| {
        let line = text[line_start(text, at)..at].rsplit([';', '|', '&']).next();
        line.is_some_and(|line| line.contains(program))
    };
    if let Some((_, _, is_after_user)) = LETTERS.iter().find(|(program, option, _)| *option == name && is_of(program)) {
        return argument(text, end, ends).filter(|value| !is_after_user || has_user(&text[value.clone()]));
    }
    let is_glued = |(program, option, _): &&(&str, &str, bool)| {
        name_start == at + 1 && option.len() == 1 && name.starts_with(option) && is_of(program)
    };
    let (_, _, is_after_user) = LETTERS.iter().find(is_glued)?;
    let value = name_start + 1..ends.of_word(name_start + 1, false);
    (!is_after_user || has_user(&text[value.clone()])).then_some(value)
}

/// Whether a user's name stands at the beginning.
fn has_user(value: &str) -> bool {
    value.chars().take(LONGEST_NAME).any(|c| c == ':')
}

/// The argument behind an option, unless that is another option or tells where a secret is.
fn argument(text: &str, end: usize, ends: &mut Ends) -> Option<Place> {
    let closed = text[end..].trim_start_matches(|c| is_quote(c) || c == '\\');
    let value = closed.trim_start_matches([' ', ',', '\t', '=']);
    if value.len() == closed.len() {
        return None;
    }
    let start = text.len() - value.len();
    let place = match Quote::at(text, start) {
        Some(quote) => quote.start..quote.end(text),
        None => start..ends.of_word(start, false),
    };
    let tells_where = ["-", "id=", "type=", "src=", "env="].iter().any(|it| text[place.clone()].starts_with(it));
    (!tells_where).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::super::testing::hidden;
    use super::super::values::assigned;
    use super::*;

    fn all(text: &str) -> Vec<Place> {
        [assigned(text), places(text)].concat()
    }

    #[test]
    fn an_option_loses_its_argument() {
        hidden(all, "x --password a --token=b -q", "x --password % --token=% -q");
        hidden(all, r#"["--token","a b","c"]"#, r#"["--token","%","c"]"#);
        hidden(all, r#""[\"--token\",\"a\"]""#, r#""[\"--token\",\"%\"]""#);
        hidden(all, "docker login -u me -p a h; docker run -p 80:80", "docker login -u me -p % h; docker run -p 80:80");
        hidden(all, "docker login -pa h", "docker login -p% h");
        hidden(all, "mysqldump -uroot -pa -P 3306 db", "mysqldump -uroot -p% -P 3306 db");
        hidden(all, "curl -u me:a h; curl -ume:a h; curl -user", "curl -u % h; curl -u% h; curl -user");
        hidden(all, "ENV A_TOKEN a b\nENV B c", "ENV A_TOKEN %\nENV B c");
        hidden(all, "machine h login me password a", "machine h login me password %");
        for kept in
            ["--secret id=a,src=b", "--password-stdin a", "docker run -u 1:2 -p 80:80", "--token --x", "a-token b"]
        {
            hidden(all, kept, kept);
        }
    }
}
