//! Takes out of a text what is nobody's business: tokens, passwords, user names, homes. Pure.
//!
//! What is known of this machine is looked for as it is, in whatever way programs write it; what isn't, by the name before it
//! ([`names`] has the table) or by its shape. In doubt a value goes: a bundle is for strangers. Digests, versions, references to
//! images and sentences stay: a bundle is for reading, too.

mod ends;
#[cfg(test)]
mod growth;
mod names;
mod options;
mod people;
mod phrases;
mod shapes;
mod spellings;
mod text;
mod values;

use spellings::{Bounds, of_name, of_path, of_value, replaced, short_name};

/// What stands for a secret.
const SECRET: &str = "[REDACTED]";
/// What stands for a home.
const HOME: &str = "[HOME]";
/// What stands for a user's name.
const USER: &str = "[USER]";
/// What stands for this machine's name.
const HOST: &str = "[HOST]";

/// Names that tell nothing of anyone, and words of the logs themselves.
const NOBODYS: [&str; 52] = [
    "admin",
    "administrator",
    "amd64",
    "app",
    "arm64",
    "build",
    "buildkit",
    "buildkitd",
    "ci",
    "client",
    "containerd",
    "data",
    "debian",
    "debug",
    "default",
    "dev",
    "docker",
    "error",
    "git",
    "github",
    "gitlab",
    "go",
    "guest",
    "home",
    "host",
    "image",
    "info",
    "jenkins",
    "level",
    "linux",
    "local",
    "localhost",
    "main",
    "msg",
    "nobody",
    "overlayfs",
    "public",
    "redacted",
    "root",
    "runc",
    "runner",
    "runneradmin",
    "server",
    "system",
    "test",
    "time",
    "ubuntu",
    "user",
    "vagrant",
    "warning",
    "windows",
    "workgroup",
];

/// Shorter ones are flags, numbers and words, which would be found everywhere.
const SHORTEST_SECRET: usize = 6;

/// One of letters and other signs is no word.
const SHORTEST_MIXED_SECRET: usize = 4;

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
            match name.to_ascii_lowercase().as_str() {
                "home" | "userprofile" | "onedrive" | "onedrivecommercial" => found.home(&value),
                "user" | "username" | "logname" | "sudo_user" | "doas_user" | "github_actor" | "gitlab_user_login"
                | "git_author_name" | "git_committer_name" | "gitlab_user_name" => found.user(&value),
                "computername" | "hostname" | "host" | "userdomain" | "userdnsdomain" | "clientname" => {
                    found.host(&value)
                }
                "logonserver" => found.host(value.trim_start_matches('\\')),
                // The shell's folders.
                "pwd" | "oldpwd" => {}
                name if name.ends_with("_proxy") || name == "goproxy" => found.addresses(&value),
                name if names::is_secretive(name) => found.secret(&value),
                _ => {}
            }
        }
        found
    }

    /// Adds this machine's name, with its domain or without.
    pub fn host(&mut self, name: &str) {
        add(&mut self.hosts, name, 2);
        if let Some((short, _)) = name.split_once('.') {
            add(&mut self.hosts, short, 2);
        }
    }

    fn user(&mut self, name: &str) {
        for spelt in of_name(name).into_iter().chain(short_name(name)) {
            add(&mut self.users, &spelt, 2);
        }
    }

    /// In a folder of homes, the last part is a user's name, too.
    fn home(&mut self, path: &str) {
        let path = path.trim_end_matches(['/', '\\']);
        let mut parts = path.rsplit(['/', '\\']);
        if let (Some(name), Some("home" | "Users")) = (parts.next(), parts.next()) {
            self.user(name);
        }
        for spelt in of_path(path) {
            add(&mut self.homes, &spelt, 3);
        }
    }

    /// A secret may have more than one line, and a log shows one at a time.
    fn secret(&mut self, value: &str) {
        for line in value.lines().chain([value]).map(str::trim).filter(|line| !names::is_told_anyway(line)) {
            let is_mixed = !line.chars().all(char::is_alphabetic) && !line.chars().all(|c| c.is_ascii_digit());
            let shortest = if is_mixed { SHORTEST_MIXED_SECRET } else { SHORTEST_SECRET };
            for spelt in of_value(line) {
                add(&mut self.secrets, &spelt, shortest);
            }
        }
    }

    /// Addresses with commas between may tell whose they are.
    fn addresses(&mut self, value: &str) {
        for address in value.split([',', '|']) {
            let Some((before, _)) = address.rsplit_once('@') else { continue };
            let whose = before.split_once("://").map_or(before, |(_, whose)| whose);
            let (user, password) = whose.split_once(':').unwrap_or(("", whose));
            self.user(user);
            for spelt in of_value(password) {
                add(&mut self.secrets, &spelt, 3);
            }
        }
    }

    /// The text without all that.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in longest_first(&self.secrets) {
            text = replaced(&text, secret, SECRET, Bounds::Any);
        }
        let places =
            [values::assigned(&text), options::places(&text), phrases::places(&text), shapes::places(&text)].concat();
        text = text::cut(&text, places, SECRET);
        for home in longest_first(&self.homes) {
            text = replaced(&text, home, HOME, Bounds::Whole);
        }
        text = text::cut(&text, people::places(&text), USER);
        for (names, with, bounds) in [(&self.users, USER, Bounds::Whole), (&self.hosts, HOST, Bounds::Host)] {
            for name in longest_first(names) {
                text = replaced(&text, name, with, bounds);
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

/// What the tests of the rooms have in common.
#[cfg(test)]
mod testing {
    use super::text::{Place, cut};

    /// A text without the places that were found in it.
    #[track_caller]
    pub(super) fn hidden(places: impl Fn(&str) -> Vec<Place>, text: &str, expected: &str) {
        assert_eq!(cut(text, places(text), "%"), expected);
    }
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

    #[test]
    fn what_was_taken_out_once_stays_so() {
        let redactor = redactor(&[("A_TOKEN", "s3cr3t-one"), ("HOME", "/home/jo")]);
        let text = "token=s3cr3t-one auth: [\"a\"] https://s3cr3t-one@h /home/jo/x Authorization: [s3cr3t-one]";
        let once = redactor.redact(text);
        assert_eq!(
            once,
            "token=[REDACTED] auth: [\"[REDACTED]\"] https://[REDACTED]@h [HOME]/x Authorization: [[REDACTED]]"
        );
        assert_eq!(redactor.redact(&once), once);
    }
}
