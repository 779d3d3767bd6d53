//! By which proxies calls go.

use super::{Check, quoted_for_powershell};

/// The variables that send calls through a proxy.
pub const PROXIES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/// Judges them, each with its name as it is spelt and its value; both daemons are given the same. `of_windows` is the proxy
/// that is set in Windows itself: this harness takes that where no variable is set, and the daemons, which are written in Go,
/// never do.
/// Source: <https://pkg.go.dev/net/http#ProxyFromEnvironment>
pub fn proxies(set: &[(String, String)], of_windows: Option<&str>) -> Check {
    const CHECK: &str = "proxies";
    let has_any = set.iter().any(|(name, _)| !name.eq_ignore_ascii_case("NO_PROXY"));
    if let (false, Some(proxy)) = (has_any, of_windows.map(for_tls)) {
        let shown = without_password(proxy);
        return Check::warning(CHECK, format!("Windows' settings have `{shown}`, which buildkitd takes no notice of"))
            .advise("if base images can't be pulled without it")
            .command(format!("$Env:HTTPS_PROXY = {}", quoted_for_powershell(&with_scheme(&shown))));
    }
    if set.is_empty() {
        return Check::ok(CHECK, "none");
    }
    let is_no_proxy = |name: &str| name.eq_ignore_ascii_case("NO_PROXY");
    let shown: Vec<String> = set.iter().map(|(name, value)| format!("{name}={}", without_password(value))).collect();
    let shown = shown.join(", ");
    let odd = set.iter().find(|(name, value)| !is_no_proxy(name) && !is_proxy(value));
    if let Some((name, _)) = odd {
        return Check::warning(CHECK, format!("{shown}: {name} is no address of a proxy"))
            .advise("write it as `http://HOST:PORT`");
    }
    let differs = set.iter().find(|(name, value)| {
        set.iter().any(|(other, theirs)| other.eq_ignore_ascii_case(name) && other != name && theirs != value)
    });
    if let Some((name, _)) = differs {
        return Check::warning(CHECK, format!("{shown}: {name} differs by how it is spelt"))
            .advise("give both spellings the same value: programs differ in which they read");
    }
    Check::ok(CHECK, shown)
}

/// Whether a value says where a proxy is: with a scheme that is known, or with none, and a host.
fn is_proxy(value: &str) -> bool {
    let rest = match value.split_once("://") {
        Some(("http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h", rest)) => rest,
        Some(_) => return false,
        None => value,
    };
    let host = rest.rsplit('@').next().unwrap_or_default().trim_end_matches('/');
    !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '/')
}

/// The proxy for TLS, where there is one for each protocol: `http=a:1;https=b:2`.
fn for_tls(setting: &str) -> &str {
    let of = |name: &str| setting.split(';').find_map(|one| one.trim().strip_prefix(name));
    of("https=").or_else(|| of("http=")).unwrap_or(setting)
}

fn with_scheme(proxy: &str) -> String {
    if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") }
}

/// An address without whose it is.
pub(super) fn without_password(value: &str) -> String {
    match value.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before.split_once("://").map_or_else(String::new, |(scheme, _)| format!("{scheme}://"));
            format!("{scheme}…@{host}")
        }
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict::{Ok as Fine, Warning};

    #[test]
    fn proxies_are_shown_without_their_passwords() {
        let judged = |set: &[(&str, &str)]| {
            let set: Vec<_> = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let check = proxies(&set, None);
            (check.verdict, check.found)
        };
        assert_eq!(judged(&[]), (Fine, "none".into()));
        let (verdict, found) = judged(&[("HTTPS_PROXY", "http://me:pass@proxy:3128"), ("NO_PROXY", "a, b/8")]);
        assert_eq!((verdict, found.as_str()), (Fine, "HTTPS_PROXY=http://…@proxy:3128, NO_PROXY=a, b/8"));
        assert_eq!(judged(&[("http_proxy", "proxy:3128"), ("HTTP_PROXY", "proxy:3129")]).0, Warning);
        for odd in ["ftp://x", "http://", "no proxy"] {
            assert_eq!(judged(&[("ALL_PROXY", odd)]).0, Warning, "{odd}");
        }
    }

    #[test]
    fn what_only_windows_itself_knows_is_missed_by_the_daemons() {
        for setting in ["proxy:3128", "ftp=x:1;https=proxy:3128", "http=proxy:3128;ftp=x:1"] {
            let check = proxies(&[], Some(setting));
            assert_eq!(check.verdict, Warning, "{setting}");
            assert_eq!(check.command.as_deref(), Some("$Env:HTTPS_PROXY = 'http://proxy:3128'"), "{setting}");
        }
        let set = [("HTTPS_PROXY".to_owned(), "proxy:3128".to_owned())];
        assert_eq!(proxies(&set, Some("proxy:3128")).verdict, Fine);
        let only_exceptions = [("NO_PROXY".to_owned(), "x".to_owned())];
        assert_eq!(proxies(&only_exceptions, Some("proxy:3128")).verdict, Warning);
    }
}
