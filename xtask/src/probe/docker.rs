//! Looks at Docker and its buildx.

use super::Ground;
use crate::client::docker as client;
use crate::component::Component;
use crate::docker::Trouble;
use crate::doctor::Check;
use crate::doctor::buildx::{self, Own};
use crate::doctor::docker::{self, Found, Installed};
use crate::os;
use crate::platform::Os;
use std::path::Path;
use std::time::Duration;

/// Both checks: what buildx is judged by is asked of Docker.
pub(super) fn look(ground: &Ground) -> Vec<Check> {
    let (found, os) = (find(ground), ground.os());
    let own = Own {
        asked: ground.buildx.as_ref().map(ToString::to_string),
        is_there: ground.workspace.install_record(Component::Buildx).is_file(),
        offline: ground.offline,
    };
    vec![docker::judge(&found, ground.docker, os), buildx::judge(&found, &own, ground.docker)]
}

fn find(ground: &Ground) -> Found {
    let os = ground.os();
    // Before the server, which may use up all the time that there is.
    let answer = left(ground).and_then(client::place);
    let elsewhere = answer.ok().and_then(|answer| docker::place(&answer, os));
    let server = left(ground).and_then(|left| client::ask(os, left));
    let plugin = if server.is_ok() { left(ground).and_then(client::buildx_version) } else { Ok(None) };
    let plugin = plugin.map_err(|trouble| trouble.to_string());
    let group = docker::socket(elsewhere.as_ref()).and_then(|socket| os::group_of(Path::new(socket)));
    Found { server, elsewhere, installed: installed(os), group, plugin }
}

fn left(ground: &Ground) -> Result<Duration, Trouble> {
    ground.left_for_programs().map_err(Trouble::Other)
}

/// Docker Desktop has a service of its own, which doesn't start Docker.
fn installed(os: Os) -> Installed {
    let has = |name| os::has_service(name).unwrap_or(false);
    if has("docker") {
        Installed::Service
    } else if os == Os::Windows && has("com.docker.service") {
        Installed::Desktop
    } else {
        Installed::Otherwise
    }
}
