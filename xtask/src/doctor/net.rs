//! What the net answers: GitHub or a mirror, how many calls it still takes, a registry, the time.

use super::Check;
use crate::platform::Os;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a server answered; without an answer, there is a sentence that says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, be it a failure's.
    pub status: u16,
    /// The text, of a success.
    pub body: String,
}

/// With what GitHub is asked, and what there is in its stead.
#[derive(Debug, Clone, Copy)]
pub struct Reliance {
    /// Whether there is a token.
    pub has_token: bool,
    /// Whether the cache, or building from source, can stand in, and may.
    pub has_substitute: bool,
}

/// A run of `up` and `resolve` takes one for each component.
const FEW_CALLS: u64 = 10;

/// Judges what GitHub answered to `/rate_limit`, which itself costs no call.
/// Source: <https://docs.github.com/rest/rate-limit/rate-limit>
pub fn github(answer: &Result<Answer, String>, reliance: &Reliance) -> Check {
    const CHECK: &str = "source";
    let worst = |found: &str| {
        if reliance.has_substitute {
            Check::warning(CHECK, format!("{found}; the cache or the Go module proxy has to stand in"))
        } else {
            Check::problem(CHECK, found)
        }
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(text) => {
            // As rustls words it, and the checks of Windows' own that it leaves certificates to.
            let is_certificate = text.to_lowercase().contains("certificate");
            return worst(text).advise(if is_certificate {
                "see whether this machine's clock is right, and whether it trusts the certificate of a proxy that looks into TLS"
            } else {
                "see whether a proxy is needed (`HTTPS_PROXY`), or take programs from elsewhere: with `--source go`, which takes Go, or from a mirror"
            });
        }
    };
    let with_token = if reliance.has_token { "with a token" } else { "without a token" };
    match answer.status {
        200 => {}
        401 => return worst("GitHub refuses the token").advise("mend or unset GH_TOKEN or GITHUB_TOKEN"),
        // A server of one's own may have no limit: then it says so with this.
        404 => return Check::ok(CHECK, "GitHub answers, and counts no calls"),
        407 => {
            return worst("the proxy wants to know who asks (HTTP 407)")
                .advise("put its user and password into HTTPS_PROXY");
        }
        status => {
            return worst(&format!("GitHub answers with HTTP {status}")).advise("see whether GITHUB_API_URL is right");
        }
    }
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let core = &body["resources"]["core"];
    let (Some(left), Some(limit)) = (core["remaining"].as_u64(), core["limit"].as_u64()) else {
        return Check::untold(CHECK, "what answers doesn't tell its limit as GitHub does");
    };
    let until = core["reset"].as_u64().and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    let until = until.map_or_else(String::new, |until| format!(" until {}", humantime::format_rfc3339_seconds(until)));
    let shown = format!("GitHub answers, and takes {left} of {limit} more calls{until} ({with_token})");
    let check = match left {
        0 => worst(&shown),
        1..FEW_CALLS => Check::warning(CHECK, shown),
        _ => return Check::ok(CHECK, shown),
    };
    if reliance.has_token { check } else { check.advise("set GH_TOKEN to any token of yours: that gives 5000 an hour") }
}

/// What to do about a mirror that is none.
const CHECK_SOURCE: &str = "check `--source` or BUILDKIT_WINDOWS_SOURCE: without it GitHub is asked";

/// Judges what a mirror answered.
pub fn mirror(answer: &Result<Answer, String>) -> Check {
    const CHECK: &str = "source";
    match answer {
        Ok(answer) if answer.status < 400 || answer.status == 403 => {
            Check::ok(CHECK, format!("the mirror answers with HTTP {}", answer.status))
        }
        Ok(answer) => {
            Check::problem(CHECK, format!("the mirror answers with HTTP {}", answer.status)).advise(CHECK_SOURCE)
        }
        Err(why) => Check::problem(CHECK, why.as_str()).advise(CHECK_SOURCE),
    }
}

/// Judges a mirror that is a folder.
pub fn mirror_folder(folder: &Path, is_there: bool) -> Check {
    const CHECK: &str = "source";
    let shown = format!("the mirror `{}`", folder.display());
    if is_there {
        return Check::ok(CHECK, shown);
    }
    Check::problem(CHECK, format!("{shown} is no folder")).advise(CHECK_SOURCE)
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

/// Judges what the base image's registry answered. One that wants a log-in answers too. `has_built` is whether images may have
/// been pulled into the workspace already.
pub fn registry(answer: &Result<Answer, String>, host: &str, has_built: bool) -> Check {
    const CHECK: &str = "registry";
    let worst = |found: String| if has_built { Check::warning(CHECK, found) } else { Check::problem(CHECK, found) };
    match answer {
        Ok(answer) if answer.status == 429 => {
            worst(format!("`{host}` takes no more pulls for now (HTTP 429)")).advise("log in, or wait")
        }
        // A 403 is more often a proxy's than a registry's.
        Ok(answer) if matches!(answer.status, 200..=399 | 401) => {
            Check::ok(CHECK, format!("`{host}` answers (HTTP {})", answer.status))
        }
        Ok(answer) => Check::warning(CHECK, format!("`{host}` answers with HTTP {}", answer.status)),
        Err(why) => worst(format!("{why}: a base image that isn't there yet can't be pulled")).advise(
            "see whether a proxy is needed (`HTTPS_PROXY`), or take an image from another with `--base-image REF`",
        ),
    }
}

/// A clock may be off by so much: tokens and certificates that are hours old or young stay good.
const NEGLIGIBLE: Duration = Duration::from_secs(120);

/// From here on certificates are taken for expired, or for not yet valid.
const FATAL: Duration = Duration::from_secs(24 * 3600);

/// Judges this machine's clock by a server's.
pub fn clock(here: SystemTime, there: Option<SystemTime>, os: Os) -> Check {
    const CHECK: &str = "clock";
    // Why none did is another check's.
    let Some(there) = there else { return Check::skipped(CHECK, "no server told the time") };
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
    match os {
        Os::Windows => check.advise("in an elevated PowerShell").command("w32tm /resync /force"),
        Os::Linux => check.command("sudo timedatectl set-ntp true"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict::{Ok as Fine, Problem, Skipped, Warning};

    fn answered(status: u16, body: &str) -> Result<Answer, String> {
        Ok(Answer { status, body: body.into() })
    }

    fn unreachable() -> Result<Answer, String> {
        Err("can't reach https://x: refused".into())
    }

    fn relying(has_substitute: bool) -> Reliance {
        Reliance { has_token: false, has_substitute }
    }

    fn limit(left: u64) -> Result<Answer, String> {
        answered(200, &format!(r#"{{"resources":{{"core":{{"limit":60,"remaining":{left},"reset":1767225600}}}}}}"#))
    }

    #[test]
    fn the_calls_left_are_told() {
        let auto = relying(false);
        let fine = github(&limit(59), &auto);
        assert_eq!(fine.verdict, Fine);
        let shown = "GitHub answers, and takes 59 of 60 more calls until 2026-01-01T00:00:00Z (without a token)";
        assert_eq!(fine.found, shown);
        let few = github(&limit(3), &auto);
        assert!(few.verdict == Warning && few.advice.unwrap().contains("GH_TOKEN"));
        assert_eq!(github(&limit(0), &auto).verdict, Problem);
        assert_eq!(github(&limit(0), &relying(true)).verdict, Warning);
        assert_eq!(github(&answered(200, "<html>"), &auto).verdict, Warning);
        assert_eq!(github(&answered(404, ""), &auto).verdict, Fine);
    }

    #[test]
    fn without_github_it_depends_on_what_can_stand_in() {
        assert_eq!(github(&unreachable(), &relying(true)).verdict, Warning);
        assert_eq!(github(&unreachable(), &relying(false)).verdict, Problem);
        assert_eq!(github(&answered(401, ""), &relying(false)).found, "GitHub refuses the token");
        let of_proxy = github(&answered(407, ""), &relying(false));
        assert!(of_proxy.verdict == Problem && of_proxy.found.contains("proxy"), "{of_proxy:?}");
        let old = "can't reach https://x: invalid peer certificate: certificate not valid yet";
        let old = github(&Err(old.into()), &relying(true));
        assert!(old.advice.unwrap().contains("clock"));
        assert_eq!(
            [mirror(&answered(200, "")), mirror(&answered(404, "")), mirror(&unreachable())].map(|check| check.verdict),
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
            [200, 401, 403, 429, 500].map(|status| registry(&answered(status, ""), "x", false).verdict),
            [Fine, Fine, Warning, Problem, Warning]
        );
        assert_eq!(registry(&unreachable(), "x", false).verdict, Problem);
        assert_eq!(registry(&unreachable(), "x", true).verdict, Warning, "what was pulled once is there");
    }

    #[test]
    fn a_clock_may_be_a_little_off() {
        let there = UNIX_EPOCH + Duration::from_secs(10_000_000);
        let judged = |here| clock(here, Some(there), Os::Linux);
        assert_eq!(judged(there + NEGLIGIBLE).verdict, Fine);
        assert_eq!(judged(there - Duration::from_secs(3600)).found, "1h behind the server's");
        assert_eq!(judged(there + FATAL).verdict, Problem);
        assert_eq!(clock(there, None, Os::Windows).verdict, Skipped);
    }
}
