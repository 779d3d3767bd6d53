//! Secrets and user names that nobody has told, known by how they look.

/// How tokens begin whose makers mark them so: GitHub, GitLab, Docker, npm, Slack, Amazon, and signed ones in JSON (JWT).
const BEGINNINGS: [&str; 15] = [
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "dckr_pat_",
    "dckr_oat_",
    "npm_",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "ASIA",
    "eyJ",
];

/// What follows has at least so many characters.
const SHORTEST_REST: usize = 16;

/// Keys whose values are secrets, in `KEY=value`, `?key=value` and `"key":"value"`.
const KEYS: [&str; 12] = [
    "token",
    "access_token",
    "refresh_token",
    "identitytoken",
    "registrytoken",
    "password",
    "passwd",
    "secret",
    "client_secret",
    "signature",
    "sig",
    "auth",
];

/// Takes secrets out.
pub(super) fn without_secrets(text: &str, with: &str) -> String {
    let mut places = userinfo(text);
    places.extend(headers(text));
    places.extend(values_of_keys(text));
    places.extend(tokens(text));
    cut(text, places, with)
}

/// Takes the users' names out of the paths of their folders.
pub(super) fn without_user_folders(text: &str, with: &str) -> String {
    cut(text, user_folders(text), with)
}

type Place = std::ops::Range<usize>;

/// Replaces places, which may overlap.
fn cut(text: &str, mut places: Vec<Place>, with: &str) -> String {
    places.sort_by_key(|place| (place.start, place.end));
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for place in places {
        if place.start >= done {
            result.push_str(&text[done..place.start]);
            result.push_str(with);
        }
        done = done.max(place.end);
    }
    result + &text[done..]
}

/// Every place where a word stands, in any case of letters.
fn find_all<'a>(lower: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    lower.match_indices(word).map(|(at, _)| at)
}

/// How far a text goes until something ends it.
fn until(text: &str, from: usize, is_end: impl Fn(char) -> bool) -> usize {
    text[from..].find(is_end).map_or(text.len(), |length| from + length)
}

/// The `user:password` of `scheme://user:password@host`.
fn userinfo(text: &str) -> Vec<Place> {
    let is_end = |c: char| c.is_whitespace() || c.is_control() || "/?#\"'`<>\\".contains(c);
    let whose = |at: usize| {
        let start = at + "://".len();
        let host = &text[start..until(text, start, is_end)];
        host.rfind('@').map(|end| start..start + end)
    };
    find_all(text, "://").filter_map(whose).collect()
}

/// What follows `Authorization:`, `Bearer` and the like.
fn headers(text: &str) -> Vec<Place> {
    let lower = text.to_ascii_lowercase();
    let is_end = |c: char| c.is_control() || "\"'`\\]}".contains(c);
    let mut places = Vec::new();
    for name in ["authorization", "x-registry-auth", "x-registry-config", "set-cookie", "cookie"] {
        for at in find_all(&lower, name) {
            if let Some(start) = value_after(text, at + name.len()) {
                places.push(start..until(text, start, is_end));
            }
        }
    }
    for scheme in ["bearer ", "basic "] {
        for at in find_all(&lower, scheme) {
            let start = at + scheme.len();
            let end = until(text, start, |c| !is_of_token(c));
            // Not the next word of a sentence.
            if end - start >= 8 && text[start..end].contains(|c: char| c.is_ascii_digit() || c == '=') {
                places.push(start..end);
            }
        }
    }
    places
}

fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~+/=".contains(c)
}

/// Where a value begins after its key, whatever the quotes: after `:` or `=`.
fn value_after(text: &str, key_end: usize) -> Option<usize> {
    let is_quote = |c: char| "\"'`\\".contains(c);
    let rest = text[key_end..].trim_start_matches(is_quote).trim_start_matches(' ');
    let rest = rest.strip_prefix([':', '='])?;
    let value = rest.trim_start_matches(|c: char| c == ' ' || c == '[' || is_quote(c));
    Some(text.len() - value.len())
}

/// The values of keys that tell of secrets.
fn values_of_keys(text: &str) -> Vec<Place> {
    let lower = text.to_ascii_lowercase();
    let is_of_key = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_end = |c: char| c.is_whitespace() || c.is_control() || "\"'`\\&,;)}]".contains(c);
    let mut places = Vec::new();
    for key in KEYS {
        for at in find_all(&lower, key) {
            let end = at + key.len();
            let begins = !lower[..at].ends_with(is_of_key) || lower[..at].ends_with(['_', '-']);
            // A sentence has a colon too: `failed to fetch oauth token: unexpected status`.
            let is_key = lower[end..].trim_start_matches(' ').starts_with(['=', '"', '\'', '\\']);
            if let Some(start) = value_after(text, end).filter(|_| begins && is_key) {
                let quote = text[..start].chars().next_back().filter(|c| "\"'`".contains(*c));
                places.push(match quote {
                    Some(quote) => start..until(text, start, |c| c == quote || c == '\\' || c.is_control()),
                    None => start..until(text, start, is_end),
                });
            }
        }
    }
    places.retain(|place| !place.is_empty());
    places
}

/// Words that begin as tokens do.
fn tokens(text: &str) -> Vec<Place> {
    let mut places = Vec::new();
    for beginning in BEGINNINGS {
        for at in find_all(text, beginning) {
            let start = at + beginning.len();
            let end = until(text, start, |c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)));
            if end - start >= SHORTEST_REST {
                places.push(at..end);
            }
        }
    }
    places
}

/// The names in `C:\Users\NAME`, `/home/NAME` and `/Users/NAME`, with one backslash or, as JSON has it, two.
fn user_folders(text: &str) -> Vec<Place> {
    let lower = text.to_ascii_lowercase();
    let mut places = Vec::new();
    for folder in ["\\users\\", "/users/", "/home/"] {
        for at in find_all(&lower, folder) {
            let start = at + folder.len();
            let start = start + usize::from(folder.ends_with('\\') && text[start..].starts_with('\\'));
            let end = until(text, start, |c| c.is_control() || "/\\\"'`<>|:*?,;)]".contains(c));
            // Windows' names may have blanks in them, but then a path goes on.
            let goes_on = text[end..].starts_with(['/', '\\']);
            let end = if goes_on { end } else { until(text, start, char::is_whitespace).min(end) };
            let name = &text[start..end];
            if !name.is_empty() && !super::NOBODYS.contains(&name.to_ascii_lowercase().as_str()) {
                places.push(start..end);
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn hidden(text: &str, expected: &str) {
        assert_eq!(without_secrets(text, "%"), expected);
    }

    #[test]
    fn an_address_keeps_its_host() {
        hidden("get https://me:pw@host/x and http://t@h", "get https://%@host/x and http://%@h");
        hidden("proxy=\"http://a:b@c@host:1\"", "proxy=\"http://%@host:1\"");
        hidden("https://host/a@b npipe:////./pipe/x", "https://host/a@b npipe:////./pipe/x");
    }

    #[test]
    fn a_header_loses_its_value() {
        hidden("Authorization: Basic bWU6cHc=\nnext", "Authorization: %\nnext");
        hidden(r#"{"Authorization":["Bearer abc"],"a":1}"#, r#"{"Authorization":["%"],"a":1}"#);
        hidden(r#"msg="sent Proxy-Authorization: Basic x" b=1"#, r#"msg="sent Proxy-Authorization: %" b=1"#);
        hidden("X-Registry-Auth=eyx", "X-Registry-Auth=%");
        hidden("it said bearer abcdefgh1 then", "it said bearer % then");
        for kept in ["authorization failed", "Basic authentication", "bearer of news"] {
            hidden(kept, kept);
        }
    }

    #[test]
    fn a_key_loses_its_value() {
        hidden("https://h/x?sig=a%2Fb&v=1", "https://h/x?sig=%&v=1");
        hidden(r#"{"identitytoken": "abc", "auth":"Zm9v"}"#, r#"{"identitytoken": "%", "auth":"%"}"#);
        hidden("MY_TOKEN=abc password = 'x y'", "MY_TOKEN=% password = '%'");
        for kept in ["signal=9", "failed to fetch oauth token: unexpected status", "author=me", "token=", "design=x"] {
            hidden(kept, kept);
        }
    }

    #[test]
    fn a_token_is_known_by_its_beginning() {
        let rest = "0123456789abcdefABCD";
        for beginning in BEGINNINGS {
            hidden(&format!("x={beginning}{rest}, \\n{beginning}{rest}."), "x=%, \\n%");
        }
        for kept in ["ghp_short", "sha256:0123456789abcdef0123456789abcdef", "keyJ"] {
            hidden(kept, kept);
        }
    }

    #[test]
    fn a_users_folder_is_nobodys() {
        for (text, expected) in [
            (r"C:\Users\Jo Doe\x y", r"C:\Users\%\x y"),
            (r#""C:\\Users\\jo\\x""#, r#""C:\\Users\\%\\x""#),
            ("C:/Users/RUNNER~1/x", "C:/Users/%/x"),
            ("/home/jo: no such folder", "/home/%: no such folder"),
            ("in /home/jo and elsewhere", "in /home/% and elsewhere"),
            (r"C:\Users\Public\x", r"C:\Users\Public\x"),
        ] {
            assert_eq!(without_user_folders(text, "%"), expected);
        }
    }
}
