//! What the net answers: GitHub or a mirror, how many calls it still takes, a registry, the time; and by which proxies.

use super::Check;
use crate::http::{Glance, HttpError};
use crate::platform::Os;
use crate::source::Source;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where releases are looked for, and what there is in its stead.
#[derive(Debug, Clone)]
pub struct Reliance {
    /// Where to look.
    pub source: Source,
    /// Whether there is a token.
    pub has_token: bool,
    /// Whether the cache, or building from source, can stand in.
    pub has_substitute: bool,
}

/// A run of `up` and `resolve` takes one for each component.
const FEW_CALLS: u64 = 10;

/// Judges what GitHub answered to `/rate_limit`, which itself costs no call.
/// Source: <https://docs.github.com/rest/rate-limit/rate-limit>
pub fn github(answer: &Result<Glance, HttpError>, reliance: &Reliance) -> Check {
    const CHECK: &str = "source";
    let worst = |found: String| match reliance.source {
        Source::Auto if reliance.has_substitute => {
            Check::warning(CHECK, format!("{found}; the cache or the Go module proxy has to stand in"))
        }
        _ => Check::problem(CHECK, found),
    };
    let glance = match answer {
        Ok(glance) => glance,
        Err(error) => {
            return worst(error.to_string()).advise(
                "see whether a proxy is needed (`HTTPS_PROXY`), or take programs from elsewhere with `--source go` or a mirror",
            );
        }
    };
    let with_token = if reliance.has_token { "with a token" } else { "without a token" };
    match glance.status {
        200 => {}
        401 => return worst("GitHub refuses the token".into()).advise("mend or unset GH_TOKEN or GITHUB_TOKEN"),
        // A server of one's own may have no limit: then it says so with this.
        404 => return Check::ok(CHECK, "GitHub answers, and counts no calls"),
        status => return worst(format!("GitHub answers with HTTP {status}")),
    }
    let body: Value = serde_json::from_str(&glance.body).unwrap_or_default();
    let core = &body["resources"]["core"];
    let (Some(left), Some(limit)) = (core["remaining"].as_u64(), core["limit"].as_u64()) else {
        return Check::untold(CHECK, "what answers doesn't tell its limit as GitHub does");
    };
    let until = core["reset"].as_u64().and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    let until = until.map_or_else(String::new, |until| format!(" until {}", humantime::format_rfc3339_seconds(until)));
    let shown = format!("GitHub answers, and takes {left} of {limit} more calls{until} ({with_token})");
    let check = match left {
        0 => worst(shown),
        1..FEW_CALLS => Check::warning(CHECK, shown),
        _ => return Check::ok(CHECK, shown),
    };
    if reliance.has_token { check } else { check.advise("set GH_TOKEN to any token of yours: that gives 5000 an hour") }
}

/// Judges what a mirror answered.
pub fn mirror(answer: &Result<Glance, HttpError>) -> Check {
    const CHECK: &str = "source";
    match answer {
        Ok(glance) if glance.status < 400 || glance.status == 403 => {
            Check::ok(CHECK, format!("the mirror answers with HTTP {}", glance.status))
        }
        Ok(glance) => Check::problem(CHECK, format!("the mirror answers with HTTP {}", glance.status)),
        Err(error) => Check::problem(CHECK, error.to_string()),
    }
}

/// Judges a mirror that is a folder.
pub fn mirror_folder(folder: &Path, is_there: bool) -> Check {
    const CHECK: &str = "source";
    let shown = format!("the mirror `{}`", folder.display());
    if is_there { Check::ok(CHECK, shown) } else { Check::problem(CHECK, format!("{shown} is no folder")) }
}

/// The address at which the registry of an image is asked, as the registries' protocol has it, and its name.
/// Source: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#determining-support>
pub fn registry_of(reference: &str) -> (String, String) {
    let first = reference.split('/').next().unwrap_or_default();
    // As Docker tells a host from a name: by a dot, a port, or by being this machine.
    let is_host = reference.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    let host = if is_host && first != "docker.io" { first } else { "registry-1.docker.io" };
    let name = host.split(':').next().unwrap_or_default();
    let scheme = if matches!(name, "localhost" | "127.0.0.1") { "http" } else { "https" };
    (format!("{scheme}://{host}/v2/"), host.to_owned())
}

/// Judges what the base image's registry answered. One that wants a log-in answers too.
pub fn registry(answer: &Result<Glance, HttpError>, host: &str) -> Check {
    const CHECK: &str = "registry";
    match answer {
        Ok(glance) if glance.status == 429 => {
            Check::problem(CHECK, format!("`{host}` takes no more pulls for now (HTTP 429)")).advise("log in, or wait")
        }
        Ok(glance) if matches!(glance.status, 200..=399 | 401 | 403) => {
            Check::ok(CHECK, format!("`{host}` answers (HTTP {})", glance.status))
        }
        Ok(glance) => Check::warning(CHECK, format!("`{host}` answers with HTTP {}", glance.status)),
        Err(error) => Check::problem(CHECK, format!("{error}: a base image that isn't there yet can't be pulled")),
    }
}

/// A clock may be off by so much: tokens and certificates that are hours old or young stay good.
const NEGLIGIBLE: Duration = Duration::from_secs(120);

/// From here on certificates are taken for expired, or for not yet valid.
const FATAL: Duration = Duration::from_secs(24 * 3600);

/// Judges this machine's clock by a server's.
pub fn clock(here: SystemTime, there: Option<SystemTime>, os: Os) -> Check {
    const CHECK: &str = "clock";
    let Some(there) = there else { return Check::untold(CHECK, "no server told the time") };
    let (off, way) = match here.duration_since(there) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    // Of days, the seconds matter no more.
    let unit = if off < FATAL { 1 } else { FATAL.as_secs() };
    let shown = humantime::format_duration(Duration::from_secs(off.as_secs() / unit * unit));
    let check = match off {
        off if off <= NEGLIGIBLE => {
            return Check::ok(CHECK, format!("within {} of the server's", humantime::format_duration(NEGLIGIBLE)));
        }
        off if off < FATAL => Check::warning(CHECK, format!("{shown} {way} the server's")),
        _ => Check::problem(CHECK, format!("{shown} {way} the server's: certificates will be refused")),
    };
    check.command(match os {
        Os::Windows => "w32tm /resync",
        Os::Linux => "sudo timedatectl set-ntp true",
    })
}

/// The variables that send calls through a proxy.
pub const PROXIES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/// Judges them, each with its name as it is spelt and its value. Both daemons are given the same.
pub fn proxies(set: &[(String, String)]) -> Check {
    const CHECK: &str = "proxies";
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

/// An address without whose it is.
fn without_password(value: &str) -> String {
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
    use crate::doctor::Verdict::{Ok as Fine, Problem, Warning};
    use crate::http::HttpErrorKind;

    fn glance(status: u16, body: &str) -> Result<Glance, HttpError> {
        Ok(Glance { status, date: None, body: body.into() })
    }

    fn unreachable() -> Result<Glance, HttpError> {
        Err(HttpError { url: "https://x".into(), kind: HttpErrorKind::Unreachable("refused".into()) })
    }

    fn relying(source: Source, has_substitute: bool) -> Reliance {
        Reliance { source, has_token: false, has_substitute }
    }

    fn limit(left: u64) -> Result<Glance, HttpError> {
        glance(200, &format!(r#"{{"resources":{{"core":{{"limit":60,"remaining":{left},"reset":1767225600}}}}}}"#))
    }

    #[test]
    fn the_calls_left_are_told() {
        let auto = relying(Source::Auto, false);
        let fine = github(&limit(59), &auto);
        assert_eq!(fine.verdict, Fine);
        let shown = "GitHub answers, and takes 59 of 60 more calls until 2026-01-01T00:00:00Z (without a token)";
        assert_eq!(fine.found, shown);
        let few = github(&limit(3), &auto);
        assert!(few.verdict == Warning && few.advice.unwrap().contains("GH_TOKEN"));
        assert_eq!(github(&limit(0), &auto).verdict, Problem);
        assert_eq!(github(&limit(0), &relying(Source::Auto, true)).verdict, Warning);
        assert_eq!(github(&glance(200, "<html>"), &auto).verdict, Warning);
        assert_eq!(github(&glance(404, ""), &auto).verdict, Fine);
    }

    #[test]
    fn without_github_it_depends_on_what_can_stand_in() {
        assert_eq!(github(&unreachable(), &relying(Source::Auto, true)).verdict, Warning);
        assert_eq!(github(&unreachable(), &relying(Source::Auto, false)).verdict, Problem);
        assert_eq!(github(&unreachable(), &relying(Source::Github, true)).verdict, Problem);
        assert_eq!(github(&glance(401, ""), &relying(Source::Github, true)).found, "GitHub refuses the token");
        assert_eq!(
            [mirror(&glance(200, "")), mirror(&glance(404, "")), mirror(&unreachable())].map(|check| check.verdict),
            [Fine, Problem, Problem]
        );
    }

    #[test]
    fn an_image_tells_its_registry() {
        let address = |reference| registry_of(reference).0;
        assert_eq!(address("mcr.microsoft.com/windows/nanoserver:ltsc2022"), "https://mcr.microsoft.com/v2/");
        assert_eq!(address("127.0.0.1:5000/x"), "http://127.0.0.1:5000/v2/");
        for docker in ["alpine", "alpine:3.20", "library/alpine", "docker.io/library/alpine"] {
            assert_eq!(address(docker), "https://registry-1.docker.io/v2/", "{docker}");
        }
        assert_eq!(
            [200, 401, 429, 500].map(|status| registry(&glance(status, ""), "x").verdict),
            [Fine, Fine, Problem, Warning]
        );
        assert_eq!(registry(&unreachable(), "x").verdict, Problem);
    }

    #[test]
    fn a_clock_may_be_a_little_off() {
        let there = UNIX_EPOCH + Duration::from_secs(10_000_000);
        let judged = |here| clock(here, Some(there), Os::Linux);
        assert_eq!(judged(there + NEGLIGIBLE).verdict, Fine);
        assert_eq!(judged(there - Duration::from_secs(3600)).found, "1h behind the server's");
        assert_eq!(judged(there + FATAL).verdict, Problem);
        assert_eq!(clock(there, None, Os::Windows).verdict, Warning);
    }

    #[test]
    fn proxies_are_shown_without_their_passwords() {
        let judged = |set: &[(&str, &str)]| {
            let set: Vec<_> = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let check = proxies(&set);
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
}
