//! People whom nobody has told, known by how systems write of them.

use super::NOBODYS;
use super::text::{Lines, Place, back_while, ends_before_word, until};

/// All of them: the names of their folders, their addresses, their ids, what these are called, and whose keys they are.
pub(super) fn places(text: &str) -> Vec<Place> {
    [folders(text), addresses(text), ids(text), accounts(text), comments(text)].concat()
}

/// The names in `C:\Users\NAME`, `/home/NAME` and `/Users/NAME`, with one backslash or, as JSON has it, two or more.
fn folders(text: &str) -> Vec<Place> {
    let lower = text.to_ascii_lowercase();
    let mut places = Vec::new();
    for folder in ["\\users\\", "/users/", "/home/", "\\home\\"] {
        for (at, _) in lower.match_indices(folder) {
            let start = at + folder.len();
            let start = text.len() - text[start..].trim_start_matches(['\\', '/']).len();
            let end = until(text, start, |c| c.is_control() || "/\\\"'`<>|:*?,;)]".contains(c));
            // Windows' names may have blanks in them, but then a path goes on.
            let goes_on = text[end..].starts_with(['/', '\\']) && !text[..end].ends_with(' ');
            let end = if goes_on { end } else { until(&text[..end], start, char::is_whitespace) };
            if !NOBODYS.contains(&text[start..end].to_ascii_lowercase().as_str()) {
                places.push(start..end);
            }
        }
    }
    places
}

/// E-mail addresses. `git@host` is everybody's, and a module's version is no host.
fn addresses(text: &str) -> Vec<Place> {
    let address = |(at, _): (usize, &str)| {
        let start = back_while(text, at, |c| c.is_alphanumeric() || "._%+-".contains(c));
        // A letter there may be an escape's.
        let start = if text[..start].ends_with('\\') && text[start..at].starts_with(['n', 'r', 't']) {
            start + 1
        } else {
            start
        };
        let host_end = until(text, at + 1, |c| !(c.is_ascii_alphanumeric() || ".-".contains(c)));
        let host = text[at + 1..host_end].trim_end_matches(['.', '-']);
        let (_, top) = host.rsplit_once('.')?;
        let is_version = host.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let is_address = top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic()) && !is_version;
        let is_someones = start < at && &text[start..at] != "git";
        (is_address && is_someones).then(|| start..at + 1 + host.len())
    };
    text.match_indices('@').filter_map(address).collect()
}

/// Windows' ids of accounts: those of domains and machines, not those that every Windows has.
fn ids(text: &str) -> Vec<Place> {
    let id = |(at, _): (usize, &str)| {
        let end = until(text, at + 1, |c| !(c.is_ascii_digit() || c == '-'));
        ends_before_word(&text[..at]).then_some(at..end)
    };
    text.match_indices("S-1-5-21-").filter_map(id).collect()
}

/// The names in `uid=1000(NAME) gid=1000(NAME) groups=1000(NAME),27(sudo)`, as `id` prints them.
fn accounts(text: &str) -> Vec<Place> {
    let mut places = Vec::new();
    for begin in ["uid=", "gid=", "groups="] {
        for (at, _) in text.match_indices(begin) {
            let mut next = at + begin.len();
            loop {
                let open = until(text, next, |c| !c.is_ascii_digit());
                if open == next || !text[open..].starts_with('(') {
                    break;
                }
                let end = until(text, open + 1, |c| "()".contains(c) || c.is_whitespace());
                if !NOBODYS.contains(&&text[open + 1..end]) {
                    places.push(open + 1..end);
                }
                next = end + ")".len();
                if !text[end..].starts_with("),") {
                    break;
                }
                next += ",".len();
            }
        }
    }
    places
}

/// How public keys of SSH begin.
const PUBLIC_KEYS: [&str; 4] = ["ssh-rsa AAAA", "ssh-ed25519 AAAA", "ssh-dss AAAA", "ecdsa-sha2-nistp256 AAAA"];

/// What follows a public key of SSH: mostly who has made it, and where.
fn comments(text: &str) -> Vec<Place> {
    let lines = Lines::of(text);
    let comment = |(at, begin): (usize, &str)| {
        let end = until(text, at + begin.len(), |c| !(c.is_ascii_alphanumeric() || "+/=".contains(c)));
        text[end..].starts_with(' ').then(|| end + 1..lines.end(end + 1))
    };
    PUBLIC_KEYS.iter().flat_map(|begin| text.match_indices(begin).filter_map(comment)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::hidden;
    use super::*;

    #[test]
    fn a_users_folder_is_nobodys() {
        hidden(places, r"C:\Users\Jo Doe\x y", r"C:\Users\%\x y");
        hidden(places, r#""C:\\Users\\jo\\x""#, r#""C:\\Users\\%\\x""#);
        hidden(places, "C:/USERS/RUNNER~1/x /mnt/c/users/jo", "C:/USERS/%/x /mnt/c/users/%");
        hidden(places, "/home/jo: no such folder", "/home/%: no such folder");
        hidden(places, "/home/jo /home/ji/x", "/home/% /home/%/x");
        hidden(places, "in /home/jo and elsewhere", "in /home/% and elsewhere");
        hidden(places, r"C:\Users\Public\x", r"C:\Users\Public\x");
    }

    #[test]
    fn an_address_is_hidden_and_what_looks_like_one_is_not() {
        hidden(places, r"<jo.d+x@corp.example>, \njo@x.example.", r"<%>, \n%.");
        for kept in [
            "git@github.com:x/y",
            "x@sha256:0123",
            "github.com/x/y@v1.2.3",
            "github.com/x/y@v0.0.0-20240102030405-abcdefabcdef",
            "a @ b.example",
            "x@localhost",
        ] {
            hidden(places, kept, kept);
        }
    }

    #[test]
    fn what_an_account_is_called_is_hidden() {
        hidden(
            places,
            "uid=1000(jo) gid=0(root) groups=1000(jo),27(sudo) x",
            "uid=1000(%) gid=0(root) groups=1000(%),27(%) x",
        );
        hidden(places, "uid=1000 gid=(x) groups=1(", "uid=1000 gid=(x) groups=1(");
        hidden(places, "ssh-rsa AAAAB3/+= jo@box of jo\nx", "ssh-rsa AAAAB3/+= %\nx");
        hidden(places, "ssh-ed25519 AAAAC3", "ssh-ed25519 AAAAC3");
    }

    #[test]
    fn an_accounts_id_is_hidden() {
        hidden(places, "(A;;GA;;;S-1-5-21-1-2-3-1001) S-1-5-18", "(A;;GA;;;%) S-1-5-18");
    }
}
