//! Takes out of a text what is nobody's business: tokens, passwords, user names, homes. Pure.
//!
//! What is known of this machine is looked for as it is, in whatever way programs write it; what isn't, by its shape.

mod shapes;

/// What stands for a secret.
const SECRET: &str = "[REDACTED]";
/// What stands for a home.
const HOME: &str = "[HOME]";
/// What stands for a user's name.
const USER: &str = "[USER]";
/// What stands for this machine's name.
const HOST: &str = "[HOST]";

/// Names that tell nothing of anyone, and words of the logs themselves.
const NOBODYS: [&str; 17] = [
    "admin",
    "administrator",
    "build",
    "buildkit",
    "containerd",
    "default",
    "docker",
    "linux",
    "localhost",
    "nobody",
    "public",
    "root",
    "runner",
    "runneradmin",
    "system",
    "user",
    "windows",
];

/// Parts of variables' names whose values are secrets.
const SECRETIVE: [&str; 9] =
    ["token", "password", "passwd", "secret", "credential", "api_key", "apikey", "access_key", "_auth"];

/// Shorter ones are flags, numbers and words, which would be found everywhere.
const SHORTEST_SECRET: usize = 6;

/// What to look for, and what to put in its place.
#[derive(Debug, Default)]
pub struct Redactor {
    secrets: Vec<String>,
    homes: Vec<String>,
    users: Vec<String>,
    hosts: Vec<String>,
}

impl Redactor {
    /// Learns from an environment what there is to hide.
    pub fn new(environment: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut found = Self::default();
        for (name, value) in environment {
            let name = name.to_ascii_lowercase();
            match name.as_str() {
                "home" | "userprofile" => found.home(&value),
                "user" | "username" | "logname" | "sudo_user" => found.user(&value),
                "computername" | "hostname" | "userdomain" => found.host(&value),
                _ if name.ends_with("_proxy") || name == "goproxy" => found.addresses(&value),
                _ if SECRETIVE.iter().any(|part| name.contains(part)) => found.secret(&value),
                _ => {}
            }
        }
        found
    }

    /// Adds this machine's name.
    pub fn host(&mut self, name: &str) {
        add(&mut self.hosts, name, 3);
    }

    fn user(&mut self, name: &str) {
        add(&mut self.users, name, 2);
    }

    /// Its last part is a user's name, too.
    fn home(&mut self, path: &str) {
        let path = path.trim_end_matches(['/', '\\']);
        if let Some(name) = path.rsplit(['/', '\\']).next() {
            self.user(name);
        }
        // In JSON and in Go's quotes a backslash is two; a URL has slashes.
        for spelt in [path.to_owned(), path.replace('\\', r"\\"), path.replace('\\', "/"), path.replace('/', "\\")] {
            add(&mut self.homes, &spelt, 3);
        }
    }

    /// A secret may have more than one line, and a log shows one at a time.
    fn secret(&mut self, value: &str) {
        for spelt in value.lines().chain([value]).map(str::trim) {
            add(&mut self.secrets, spelt, SHORTEST_SECRET);
            add(&mut self.secrets, &spelt.replace('\\', r"\\").replace('"', "\\\""), SHORTEST_SECRET);
        }
    }

    /// Addresses with commas between may tell whose they are.
    fn addresses(&mut self, value: &str) {
        for address in value.split([',', '|']) {
            let Some((before, _)) = address.rsplit_once('@') else { continue };
            let whose = before.split_once("://").map_or(before, |(_, whose)| whose);
            match whose.split_once(':') {
                Some((name, password)) => {
                    add(&mut self.secrets, password, 3);
                    self.user(name);
                }
                None => add(&mut self.secrets, whose, 3),
            }
        }
    }

    /// The text without all that.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in longest_first(&self.secrets) {
            text = replaced(&text, secret, SECRET, Bounds::Any);
        }
        text = shapes::without_secrets(&text, SECRET);
        for home in longest_first(&self.homes) {
            text = replaced(&text, home, HOME, Bounds::Whole);
        }
        text = shapes::without_user_folders(&text, USER);
        for (names, with) in [(&self.users, USER), (&self.hosts, HOST)] {
            for name in longest_first(names) {
                text = replaced(&text, name, with, Bounds::Whole);
            }
        }
        text
    }
}

fn add(to: &mut Vec<String>, value: &str, shortest: usize) {
    let is_told_anyway = NOBODYS.contains(&value.to_ascii_lowercase().as_str());
    if value.chars().count() >= shortest && !is_told_anyway && !to.iter().any(|known| known == value) {
        to.push(value.to_owned());
    }
}

/// One that is part of another must not tear it.
fn longest_first(values: &[String]) -> Vec<&str> {
    let mut values: Vec<&str> = values.iter().map(String::as_str).collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values
}

/// Where something counts as found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bounds {
    /// Anywhere.
    Any,
    /// Where no word goes on before it or after it.
    Whole,
}

/// Replaces a text everywhere, in any case of letters.
fn replaced(text: &str, what: &str, with: &str, bounds: Bounds) -> String {
    // ASCII keeps its length, so that places are the same in both.
    let (lower, wanted) = (text.to_ascii_lowercase(), what.to_ascii_lowercase());
    let is_within = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    let mut at = 0;
    while let Some(found) = lower[at..].find(&wanted).map(|place| at + place) {
        let end = found + wanted.len();
        // The letter of an escaped line's end is no part of a word: `\n`, then a name.
        let before = lower[..found].trim_end_matches(r"\n").trim_end_matches(r"\r").trim_end_matches(r"\t");
        let goes_on = is_within(before.chars().next_back().filter(|_| before.len() == found))
            || is_within(lower[end..].chars().next());
        if bounds == Bounds::Any || !goes_on {
            result.push_str(&text[done..found]);
            result.push_str(with);
            done = end;
        }
        at = end;
    }
    result.push_str(&text[done..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(environment: &[(&str, &str)]) -> Redactor {
        Redactor::new(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn what_the_environment_calls_a_secret_is_one() {
        let redactor = redactor(&[
            ("GITHUB_TOKEN", "s3cr3t\"one"),
            ("Deploy_Password", "first line\nsecond line"),
            ("MY_SECRET_MODE", "on"),
            ("PATH", "/usr/bin"),
        ]);
        assert_eq!(redactor.redact("a s3cr3t\"one b"), "a [REDACTED] b");
        assert_eq!(redactor.redact(r#"{"x":"s3cr3t\"one"}"#), r#"{"x":"[REDACTED]"}"#);
        assert_eq!(redactor.redact("xSECOND LINEx on /usr/bin"), "x[REDACTED]x on /usr/bin");
    }

    #[test]
    fn a_proxys_password_is_hidden_wherever_it_stands() {
        let redactor = redactor(&[("HTTPS_PROXY", "http://carol:h:p@proxy.example:3128"), ("no_proxy", "x,y")]);
        assert_eq!(redactor.redact("proxy.example says h:p to carol"), "proxy.example says [REDACTED] to [USER]");
    }

    #[test]
    fn a_home_is_hidden_in_every_spelling() {
        let redactor = redactor(&[("USERPROFILE", r"C:\Profiles\Jörg"), ("USERNAME", "Jörg")]);
        for (text, expected) in [
            (r"C:\Profiles\Jörg\x", r"[HOME]\x"),
            (r"c:\profiles\Jörg", "[HOME]"),
            (r#""C:\\Profiles\\Jörg\\x""#, r#""[HOME]\\x""#),
            ("file:///C:/Profiles/Jörg/x", "file:///[HOME]/x"),
            (r"C:\Profiles\Jörgen", r"C:\Profiles\Jörgen"),
            ("by Jörg, for Jörgs", "by [USER], for Jörgs"),
            (r"it said\nJörg did", r"it said\n[USER] did"),
        ] {
            assert_eq!(redactor.redact(text), expected);
        }
    }

    #[test]
    fn roots_home_takes_no_other_root_along() {
        let redactor = redactor(&[("HOME", "/root"), ("USER", "root"), ("HOSTNAME", "box-7")]);
        let text = "/root/x /w/containerd/root root=1 on box-7, not box-77";
        assert_eq!(redactor.redact(text), "[HOME]/x /w/containerd/root root=1 on [HOST], not box-77");
    }

    #[test]
    fn nothing_known_changes_nothing() {
        let text = "time=\"2026-01-02T03:04:05Z\" level=info msg=\"starting\" é \\n\n";
        assert_eq!(redactor(&[("HOME", "/"), ("USER", "")]).redact(text), text);
    }
}
