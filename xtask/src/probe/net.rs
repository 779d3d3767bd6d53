//! Looks at what the net answers.

use super::{Ground, Probe, machine};
use crate::base_image;
use crate::component::Component;
use crate::doctor::Check;
use crate::doctor::net::{self, Answer, Reliance};
use crate::doctor::proxies;
use crate::os;
use crate::source::Source;
use std::time::SystemTime;

pub(super) const PROBES: &[Probe<Ground>] = &[
    Probe { checks: &["proxies"], look: |_| vec![proxies::proxies(&set_proxies(), os::system_proxy().as_deref())] },
    Probe { checks: &["source", "clock"], look: source },
    Probe { checks: &["registry"], look: |ground| vec![registry(ground)] },
];

const OFFLINE: &str = "offline: nobody was asked";

fn set_proxies() -> Vec<(String, String)> {
    let is_meant = |name: &str| proxies::PROXIES.iter().any(|known| known.eq_ignore_ascii_case(name));
    let mut set: Vec<(String, String)> = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .filter(|(name, value)| is_meant(name) && !value.is_empty())
        .collect();
    set.sort();
    set
}

/// What a server answers, and the time that it tells.
fn ask(ground: &Ground, url: &str, token: Option<&str>) -> (Result<Answer, String>, Option<SystemTime>) {
    match ground.http().glance(url, token) {
        Ok(glance) => (Ok(Answer { status: glance.status, body: glance.body }), glance.date),
        Err(error) => (Err(error.to_string()), None),
    }
}

/// Where programs are looked for, and the time that is told there.
fn source(ground: &Ground) -> Vec<Check> {
    let clock = |date| net::clock(SystemTime::now(), date, ground.os());
    let unasked = || Check::skipped("clock", "no server was asked");
    match &ground.request.source {
        Source::MirrorFolder(folder) => vec![net::mirror_folder(folder, folder.is_dir()), unasked()],
        Source::Go => vec![Check::skipped("source", "`go` asks its proxy itself"), unasked()],
        _ if ground.offline => vec![Check::skipped("source", OFFLINE), Check::skipped("clock", OFFLINE)],
        Source::MirrorUrl(url) => {
            let (answer, date) = ask(ground, &format!("{url}/"), None);
            vec![net::mirror(&answer), clock(date)]
        }
        source @ (Source::Auto | Source::Github) => {
            let (answer, date) =
                ask(ground, &format!("{}/rate_limit", ground.github.api), ground.github.token.as_deref());
            vec![net::github(&answer, &reliance(ground, source)), clock(date)]
        }
    }
}

/// Nothing stands in for GitHub where it was asked for by name.
fn reliance(ground: &Ground, source: &Source) -> Reliance {
    let has_substitute = || ground.workspace.cache_index().is_file() || machine::tools(ground).suffice(ground.os());
    Reliance { has_token: ground.github.token.is_some(), has_substitute: *source == Source::Auto && has_substitute() }
}

fn registry(ground: &Ground) -> Check {
    let reference = match (&ground.base_image, os::windows()) {
        (Some(reference), _) => reference.clone(),
        (None, Some(windows)) => base_image::for_host(windows).reference.to_owned(),
        (None, None) => {
            return Check::ok("registry", "none is needed: the base image is made of this host's own shell");
        }
    };
    if ground.offline {
        return Check::skipped("registry", OFFLINE);
    }
    let (url, host) = net::registry_of(&reference);
    let has_built = ground.workspace.root(Component::Containerd).is_dir();
    net::registry(&ask(ground, &url, None).0, &host, has_built)
}
