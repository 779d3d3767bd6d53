//! Secrets that are known by how they look, whatever they are called.

use super::names::is_plain;
use super::text::{Place, back_while, ends_before_word, until};

/// How tokens begin whose makers mark them so, and how long the rest is at least.
const BEGINNINGS: [(&str, usize); 52] = [
    // GitHub
    ("ghp_", 16),
    ("gho_", 16),
    ("ghu_", 16),
    ("ghs_", 16),
    ("ghr_", 16),
    ("github_pat_", 16),
    // GitLab
    ("glpat-", 16),
    ("gldt-", 16),
    ("glrt-", 16),
    ("glcbt-", 16),
    ("glptt-", 16),
    ("glft-", 16),
    ("gloas-", 16),
    ("glsoat-", 16),
    ("glagent-", 16),
    // Registries of images, packages and crates
    ("dckr_pat_", 16),
    ("dckr_oat_", 16),
    ("npm_", 20),
    ("pypi-", 16),
    ("rubygems_", 16),
    ("AKCp", 32),
    // Slack
    ("xoxa-", 10),
    ("xoxb-", 10),
    ("xoxe-", 10),
    ("xoxo-", 10),
    ("xoxp-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("xapp-", 10),
    ("hooks.slack.com/services/", 10),
    // Discord
    ("discord.com/api/webhooks/", 10),
    ("discordapp.com/api/webhooks/", 10),
    // Clouds
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("ya29.", 16),
    ("GOCSPX-", 16),
    ("dop_v1_", 16),
    ("dapi", 32),
    // Others
    ("hvs.", 16),
    ("hvb.", 16),
    ("hf_", 20),
    ("lin_api_", 16),
    ("atlasv1.", 16),
    ("sk-", 20),
    ("sk_live_", 16),
    ("rk_live_", 16),
    ("SG.", 20),
    ("shpat_", 16),
    ("AGE-SECRET-KEY-1", 16),
    // Signed ones in JSON (JWT), and keys in PEM's form in base64
    ("eyJ", 16),
    ("LS0tLS1CRUdJT", 16),
];

/// How credentials are announced in headers.
const SCHEMES: [&str; 4] = ["bearer ", "basic ", "negotiate ", "ntlm "];

/// All of them.
pub(super) fn places(text: &str) -> Vec<Place> {
    [userinfo(text), bare_userinfo(text), credentials(text), tokens(text), private_keys(text)].concat()
}

/// The `user:password` of `scheme://user:password@host`.
fn userinfo(text: &str) -> Vec<Place> {
    let is_outside = |c: char| c.is_whitespace() || c.is_control() || "\"'`<>\\".contains(c);
    // The last address, within which others may begin, and its last `@`.
    let mut address = 0..0;
    let mut last = None;
    let whose = |(at, mark): (usize, &str)| {
        let start = at + mark.len();
        if !address.contains(&start) {
            address = start..until(text, start, is_outside);
            last = text[address.clone()].rfind('@').map(|at| start + at);
        }
        let host = &text[start..until(&text[..address.end], start, |c| "/?#".contains(c))];
        // Some write a password as it is, with a slash in it: what follows a host's colon is a number.
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        let is_torn = !host.contains(['@', '[']) && host.split_once(':').is_some_and(|(_, port)| !is_port(port));
        let end = if is_torn { last.filter(|at| *at >= start) } else { host.rfind('@').map(|at| start + at) };
        end.map(|end| start..end)
    };
    text.match_indices("://").filter_map(whose).collect()
}

/// The same without a scheme, as proxies are written: no image has a colon before its `@` but with a digest behind it.
fn bare_userinfo(text: &str) -> Vec<Place> {
    let whose = |(at, mark): (usize, &str)| {
        let start = back_while(text, at, |c| c.is_ascii_graphic() && !"\"'`/\\,;=<>()[]{}@".contains(c));
        let (user, password) = text[start..at].split_once(':')?;
        let is_host = text[at + mark.len()..].starts_with(|c: char| c.is_ascii_alphanumeric());
        let is_digest = text[at + mark.len()..].starts_with("sha");
        let is_in_path = text[..start].ends_with('/');
        (is_host && !is_digest && !is_in_path && !user.is_empty() && !password.is_empty()).then_some(start..at)
    };
    text.match_indices('@').filter_map(whose).collect()
}

/// What follows `Bearer` and the like.
fn credentials(text: &str) -> Vec<Place> {
    let lower = text.to_ascii_lowercase();
    let mut places = Vec::new();
    for scheme in SCHEMES {
        for (at, _) in lower.match_indices(scheme) {
            let start = at + scheme.len();
            let end = until(text, start, |c| !(c.is_ascii_alphanumeric() || "-._~+/=".contains(c)));
            // Not the next word of a sentence, nor the next name with its value.
            let word = &text[start..end];
            let is_padded = word.ends_with('=') || word.contains(|c: char| c.is_ascii_digit());
            if word.len() >= 8 && is_padded && !word.trim_end_matches('=').contains('=') {
                places.push(start..end);
            }
        }
    }
    places
}

/// Words that begin as tokens do. No sentence has digits in its words.
fn tokens(text: &str) -> Vec<Place> {
    let mut places = Vec::new();
    for (beginning, shortest) in BEGINNINGS {
        let mut done = 0;
        for (at, _) in text.match_indices(beginning) {
            // What begins once more within a word goes, or stays, with it.
            if at < done || !ends_before_word(&text[..at]) {
                continue;
            }
            let start = at + beginning.len();
            let end = until(text, start, |c| !(c.is_ascii_alphanumeric() || "_-.+/=".contains(c)));
            done = end;
            let end = back_while(text, end, |c| c == '.');
            let has_digit = text[start..end.max(start)].contains(|c: char| c.is_ascii_digit());
            if end >= start + shortest && has_digit && !is_plain(&text[at..end]) {
                places.push(at..end);
            }
        }
    }
    places
}

/// The longest mark between its dashes.
const LONGEST_MARK: usize = 64;

/// What is between the marks of private keys, be the ends of lines real or escaped; one mark may be missing.
fn private_keys(text: &str) -> Vec<Place> {
    let ends: Vec<usize> = text.match_indices("-----END ").map(|(at, _)| at).collect();
    let mut places: Vec<Place> = Vec::new();
    for (at, _) in text.match_indices("PRIVATE KEY") {
        // The mark's own dashes may be those of the end that was found.
        let is_gone = places.last().is_some_and(|place| at + LONGEST_MARK < place.end);
        if !is_gone {
            places.extend(private_key(text, at, &ends));
        }
    }
    places
}

/// The one that a mark tells of. `ends` are where marks of ends begin.
fn private_key(text: &str, at: usize, ends: &[usize]) -> Option<Place> {
    let far = at.saturating_sub(LONGEST_MARK);
    let opening = &text[..at][(far..=at).find(|place| text.is_char_boundary(*place))?..];
    let (_, kind) = opening.rsplit_once("-----")?;
    let is_kind = kind.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ');
    let closing = ["PRIVATE KEY-----", "PRIVATE KEY BLOCK-----"].iter().find(|mark| text[at..].starts_with(**mark))?;
    let (marked, behind) = (at - kind.len() - "-----".len(), at + closing.len());
    match kind.split(' ').next()? {
        "BEGIN" if is_kind => Some(behind..end_of_key(text, behind, ends)),
        "END" if is_kind => Some(start_of_key(text, marked)..marked),
        _ => None,
    }
}

/// Up to the mark, if there is one.
fn end_of_key(text: &str, start: usize, ends: &[usize]) -> usize {
    let is_body = |c: char| is_of_key(c) || c.is_whitespace() || ":,-".contains(c);
    let next = ends.get(ends.partition_point(|end| *end < start));
    next.copied().unwrap_or_else(|| until(text, start, |c| !is_body(c)))
}

/// A log's end may begin within a key: long lines of it, of which the last may be short.
fn start_of_key(text: &str, end: usize) -> usize {
    let mut start = back_while(text, end, is_of_key);
    let mut shortest = 1;
    while let Some(before) = text[..start].strip_suffix('\n') {
        let line = back_while(before, before.len(), is_of_key);
        let is_whole = line == 0 || text[..line].ends_with('\n');
        if !is_whole || before.len() - line < shortest {
            break;
        }
        (start, shortest) = (line, 16);
    }
    start
}

fn is_of_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=\\\r".contains(c)
}

#[cfg(test)]
mod tests {
    use super::super::testing::hidden;
    use super::*;

    #[test]
    fn an_address_keeps_its_host() {
        hidden(places, "get https://me:pw@host/x and http://t@h", "get https://%@host/x and http://%@h");
        hidden(places, "proxy=\"http://a:b@c@host:1\"", "proxy=\"http://%@host:1\"");
        hidden(places, "http://a:b/c#d@host/x", "http://%@host/x");
        hidden(places, "via me:pw@proxy:3128", "via %@proxy:3128");
        for kept in
            ["https://host/a@b", "https://host:1/a@b", "npipe:////./pipe/x", "http://[::1]:1/a@b", "x:1@sha256:0a"]
        {
            hidden(places, kept, kept);
        }
    }

    #[test]
    fn a_credential_is_known_by_what_announces_it() {
        hidden(places, "it said bearer abcdefgh1 then", "it said bearer % then");
        for kept in ["Basic authentication", "bearer of news", "type=bearer name1=value2"] {
            hidden(places, kept, kept);
        }
    }

    #[test]
    fn a_token_is_known_by_its_beginning() {
        for (beginning, shortest) in BEGINNINGS {
            let rest = "0123456789abcdefABCD".repeat(2);
            let rest = &rest[..shortest];
            hidden(places, &format!("x={beginning}{rest}, \\n{beginning}{rest}."), "x=%, \\n%.");
            let kept = format!("{beginning}{} x{beginning}{rest}", "x".repeat(40));
            hidden(places, &kept, &kept);
        }
        hidden(places, "eyJabcdefgh.eyJabc0.x-_y z", "% z");
        for kept in ["ghp_sh0rt", "sha256:0123456789abcdef0123456789abcdef", "keyJ", "task-0123456789abcdef01234567"] {
            hidden(places, kept, kept);
        }
    }

    #[test]
    fn a_private_key_keeps_its_marks() {
        hidden(
            places,
            "a\n-----BEGIN EC PRIVATE KEY-----\nab+/\nc=\n-----END EC PRIVATE KEY-----\nb",
            "a\n-----BEGIN EC PRIVATE KEY-----%-----END EC PRIVATE KEY-----\nb",
        );
        hidden(
            places,
            r#""-----BEGIN PRIVATE KEY-----\nab\n-----END PRIVATE KEY-----\n" b"#,
            r#""-----BEGIN PRIVATE KEY-----%-----END PRIVATE KEY-----\n" b"#,
        );
        hidden(places, "\"-----BEGIN PRIVATE KEY-----\\nabc\" b", "\"-----BEGIN PRIVATE KEY-----%\" b");
        hidden(
            places,
            "-----BEGIN PRIVATE KEY-----a -----BEGIN PRIVATE KEY-----END b",
            "-----BEGIN PRIVATE KEY-----%-----%",
        );
        let tail = "a line\nMIIEabcdefghijklmnop\nMIIEabcdefghijklmnop\nab==\n-----END PRIVATE KEY-----\n";
        hidden(places, tail, "a line\n%-----END PRIVATE KEY-----\n");
        for kept in ["the PRIVATE KEY", "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----"] {
            hidden(places, kept, kept);
        }
    }
}
