//! People whom nobody has told, known by how systems write of them.

use super::NOBODYS;
use super::text::{Place, back_while, ends_before_word, until};

/// All of them: the names of their folders, their addresses, their ids.
pub(super) fn places(text: &str) -> Vec<Place> {
    [folders(text), addresses(text), ids(text)].concat()
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
    fn an_accounts_id_is_hidden() {
        hidden(places, "(A;;GA;;;S-1-5-21-1-2-3-1001) S-1-5-18", "(A;;GA;;;%) S-1-5-18");
    }
}
