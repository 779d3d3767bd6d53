//! buildx, Docker's plugin for BuildKit, or the workspace's own.

use super::Check;
use super::docker::{Found, Need};

/// What is known of a buildx besides Docker's own.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// What `--buildx` asks for.
    pub asked: Option<String>,
    /// Whether the workspace has one.
    pub is_there: bool,
    /// Whether none can be fetched.
    pub offline: bool,
}

/// Judges buildx, without which Docker can't build by the workspace's buildkitd. One that is missing is fetched.
pub fn judge(found: &Found, own: &Own, need: Need) -> Check {
    const CHECK: &str = "buildx";
    if need == Need::Unwanted {
        return Check::skipped(CHECK, "`--client buildctl` needs none");
    }
    if found.server.is_err() {
        return Check::skipped(CHECK, "there is no Docker that it could build for");
    }
    match (&own.asked, &found.plugin) {
        (Some(asked), _) => return Check::ok(CHECK, format!("the workspace's own is taken: `--buildx {asked}`")),
        (None, Ok(Some(version))) => return Check::ok(CHECK, format!("Docker's plugin: {version}")),
        (None, Err(why)) => {
            return Check::untold(CHECK, why)
                .advise("mend or remove Docker's plugin, or name another buildx with `--buildx SPEC`");
        }
        (None, Ok(None)) => {}
    }
    let missing = "Docker has no plugin `buildx`";
    if own.is_there {
        return Check::ok(CHECK, format!("{missing}; the workspace has one"));
    }
    let check = match (own.offline, need) {
        (false, _) => Check::ok(CHECK, format!("{missing}; `build-sample` fetches one into the workspace")),
        (true, Need::Required) => Check::problem(CHECK, format!("{missing}, and offline only the cache may have one")),
        (true, _) => Check::warning(CHECK, format!("{missing}, and offline only the cache may have one")),
    };
    check.advise(
        "Docker's own packages bring the plugin, Debian's is docker-buildx; `--buildx SPEC` says which to fetch",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::{Server, Trouble};
    use crate::doctor::Verdict::{self, Ok as Fine, Problem, Warning};
    use crate::doctor::docker::Installed;

    #[test]
    fn a_missing_buildx_is_told_with_how_it_is_had() {
        let server = Ok(Server { version: "29.1.5".into(), desktop: None });
        let docker = Found { server, elsewhere: None, installed: Installed::Service, group: None, plugin: Ok(None) };
        let stopped = Found { server: Err(Trouble::Stopped("x".into())), ..docker.clone() };
        let judged = |found: &Found, own: &Own, need| {
            let check = judge(found, own, need);
            (check.verdict, check.found)
        };
        let own = Own::default();
        let (verdict, said) = judged(&docker, &own, Need::Welcome);
        assert_eq!(verdict, Fine);
        assert_eq!(said, "Docker has no plugin `buildx`; `build-sample` fetches one into the workspace");
        assert!(judge(&docker, &own, Need::Welcome).advice.unwrap().contains("--buildx SPEC"));
        let offline = Own { offline: true, ..Own::default() };
        assert_eq!(judged(&docker, &offline, Need::Welcome).0, Warning);
        assert_eq!(judged(&docker, &offline, Need::Required).0, Problem);
        assert_eq!(judged(&docker, &Own { is_there: true, ..offline.clone() }, Need::Required).0, Fine);
        let plugin = Found { plugin: Ok(Some("v0.38.0".into())), ..docker.clone() };
        assert_eq!(judged(&plugin, &offline, Need::Welcome), (Fine, "Docker's plugin: v0.38.0".into()));
        let hanging = Found { plugin: Err("`docker` took longer than 9s".into()), ..docker };
        assert_eq!(
            judged(&hanging, &own, Need::Welcome),
            (Warning, "can't be told: `docker` took longer than 9s".into())
        );
        let asked = Own { asked: Some("0.37".into()), ..Own::default() };
        assert_eq!(judged(&plugin, &asked, Need::Welcome).1, "the workspace's own is taken: `--buildx 0.37`");
        assert_eq!(judged(&stopped, &own, Need::Welcome).0, Verdict::Skipped);
        assert_eq!(judged(&plugin, &own, Need::Unwanted).0, Verdict::Skipped);
    }
}
