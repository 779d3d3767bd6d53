//! The table of what is secretive: which names have secrets for values, be they of variables, keys, flags, headers or
//! parameters of an address; and which values tell nothing all the same.

/// Secretive wherever they stand in a name, however it is written: `PGPASSWORD`, `X-Auth-Token`, `SecretAccessKey`.
const ANYWHERE: [&str; 18] = [
    "accesskey",
    "accountkey",
    "apikey",
    "authkey",
    "authorization",
    "authtoken",
    "connectionstring",
    "cookie",
    "credential",
    "encryptionkey",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "sharedkey",
    "token",
    "xregistryconfig",
];

/// Secretive as the last word of a name: `DB_PASS`, `dbAuth`. Some also when it is written as one: `MYSQLPWD`.
const LAST: [&str; 14] = [
    "auth",
    "bearer",
    "cred",
    "creds",
    "email",
    "jwt",
    "pass",
    "pat",
    "pw",
    "pwd",
    "sas",
    "sig",
    "signature",
    "username",
];

/// The ends of names that are written as one word, and the words that only end so.
const ENDINGS: [&str; 3] = ["auth", "pass", "pwd"];
const ONLY_END_SO: [&str; 3] = ["bypass", "compass", "oldpwd"];

/// A key is a secret unless it is one of these, or nothing is said of it.
const OPEN_KEYS: [&str; 14] = [
    "cache",
    "content",
    "foreign",
    "graph",
    "host",
    "label",
    "lease",
    "lookup",
    "partition",
    "primary",
    "public",
    "registry",
    "snapshot",
    "sort",
];

/// As its last word they say that a name only tells something of the secret, such as where it lies.
const ABOUT: [&str; 26] = [
    "count", "dir", "endpoint", "env", "expires", "expiry", "file", "folder", "helper", "helpers", "issuer", "kind",
    "length", "mode", "path", "plugin", "provider", "realm", "scope", "server", "service", "sock", "stdin", "store",
    "type", "url",
];

/// Secretive in the query of an address only: elsewhere they are words like others.
const OF_QUERIES: [&str; 3] = ["code", "key", "verify"];

/// Headers whose values have blanks and quotes in them.
const HEADERS: [&str; 4] = ["authorization", "cookie", "registryauth", "registryconfig"];

/// Values that are no secrets, and would be found in every other line.
const PLAIN: [&str; 29] = [
    "always",
    "auto",
    "basic",
    "bearer",
    "canceled",
    "default",
    "denied",
    "digest",
    "disabled",
    "empty",
    "enabled",
    "eof",
    "expired",
    "failed",
    "false",
    "forbidden",
    "invalid",
    "missing",
    "never",
    "nil",
    "no",
    "none",
    "null",
    "off",
    "on",
    "required",
    "true",
    "unauthorized",
    "yes",
];

/// What is longer is no path.
const LONGEST_PATH: usize = 4 << 10;

/// Whether what has this name is a secret.
pub(super) fn is_secretive(name: &str) -> bool {
    let words = words(name);
    let Some((last, before)) = words.split_last() else { return false };
    let joined = words.concat();
    if ABOUT.contains(&last.as_str()) || ONLY_END_SO.contains(&joined.as_str()) {
        return false;
    }
    ANYWHERE.iter().any(|part| joined.contains(part))
        || LAST.contains(&last.as_str())
        || ENDINGS.iter().any(|end| last.ends_with(end) && !ONLY_END_SO.contains(&last.as_str()))
        || last == "key" && before.last().is_some_and(|whose| !OPEN_KEYS.contains(&whose.as_str()))
}

/// The same, for a parameter of an address.
pub(super) fn is_secretive_in_query(name: &str) -> bool {
    is_secretive(name) || OF_QUERIES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether it is a header whose value goes on to the end of the line.
pub(super) fn is_header(name: &str) -> bool {
    let joined = words(name).concat();
    HEADERS.iter().any(|end| joined.ends_with(end)) || name.len() > 2 && name[..2].eq_ignore_ascii_case("x-")
}

/// Whether a value is none that anyone would hide: a flag, a small number, a digest.
pub(super) fn is_plain(value: &str) -> bool {
    let is_number = value.len() < 4 && value.bytes().all(|byte| byte.is_ascii_digit());
    is_number
        || PLAIN.iter().any(|plain| value.eq_ignore_ascii_case(plain))
        || is_digest(value)
        || is_file_of_key(value)
}

/// Whether a value is told in public: the above, a version, or a word of the table itself.
pub(super) fn is_told_anyway(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    is_plain(value)
        || semver::Version::parse(value.trim_start_matches('v')).is_ok()
        || ANYWHERE.contains(&lower.as_str())
        || LAST.contains(&lower.as_str())
}

/// Where a key lies is no secret. A line that ends so may hold one all the same.
fn is_file_of_key(value: &str) -> bool {
    [".crt", ".key", ".pem"].iter().any(|end| value.ends_with(end))
        && value.len() <= LONGEST_PATH
        && value.contains(['/', '\\'])
        && !value.contains(char::is_whitespace)
}

fn is_digest(value: &str) -> bool {
    let hex = ["sha256:", "sha384:", "sha512:"].iter().find_map(|kind| value.strip_prefix(kind));
    hex.is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The words of a name in lower case, whatever stands between them: `X-Api-Key`, `API_KEY`, `apiKey`, `APIKey`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    let mut letters = name.chars().peekable();
    while let Some(c) = letters.next() {
        let goes_lower = letters.peek().is_some_and(char::is_ascii_lowercase);
        let is_hump =
            c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_uppercase() && goes_lower);
        if is_hump || !c.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_ascii_alphanumeric()) {
            word.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_whether_it_hides_something() {
        for name in [
            "PASSWORD",
            "pgpassword",
            "DB_PASS",
            "dbpass",
            "MYSQL_PWD",
            "pwd",
            "GITLAB_PAT",
            "GPG_PASSPHRASE",
            "token",
            "GH_TOKEN",
            "identitytoken",
            "registry.token",
            "X-Auth-Token",
            "PRIVATE-TOKEN",
            "x-vault-token",
            "tokens",
            "SecretAccessKey",
            "AWS_ACCESS_KEY_ID",
            "AccountKey",
            "STRIPE_API_KEY",
            "apiKey",
            "APIKey",
            "api key",
            "SIGNING_KEY",
            "client-key",
            "Set-Cookie",
            "Proxy-Authorization",
            "auth",
            "NPM_AUTH",
            "X-Registry-Auth",
            "X-Amz-Credential",
            "X-Amz-Signature",
            "sig",
            "AWS_CREDENTIALS",
            "--password",
            "username",
        ] {
            assert!(is_secretive(name), "{name}");
        }
    }

    #[test]
    fn other_names_hide_nothing() {
        for name in [
            "",
            "key",
            "cache_key",
            "cacheKey",
            "public-key",
            "author",
            "path",
            "compat",
            "bypass",
            "signal",
            "design",
            "SSH_AUTH_SOCK",
            "token_type",
            "TOKEN_FILE",
            "tokenFile",
            "password-stdin",
            "credsStore",
            "credHelpers",
            "session",
            "OLDPWD",
            "keyboard",
            "monkey",
            "digest",
            "compass",
            "auth_url",
        ] {
            assert!(!is_secretive(name), "{name}");
        }
        assert!(is_secretive_in_query("Key") && is_secretive_in_query("verify") && !is_secretive_in_query("scope"));
    }

    #[test]
    fn what_everybody_knows_is_plain() {
        for plain in ["true", "OFF", "1", "42", "", "sha256:0a1b", "Bearer", "/etc/x.key", r"C:\x.pem"] {
            assert!(is_plain(plain), "{plain}");
        }
        for secret in ["hunter", "1234", "s3c", "sha256", "md5:0a", "hunter /etc/x.key"] {
            assert!(!is_plain(secret), "{secret}");
        }
        for told in ["2.3.4-rc.1", "v0.34.2", "password", "Token"] {
            assert!(is_told_anyway(told) && !is_plain(told), "{told}");
        }
    }
}
