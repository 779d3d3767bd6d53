//! Looks at Docker and its buildx.

use super::Ground;
use crate::client::docker::docker;
use crate::component::Component;
use crate::docker::{Server, Trouble, understand};
use crate::doctor::Check;
use crate::doctor::buildx::{self, Own};
use crate::doctor::docker::{self, Found, Installed};
use crate::os;
use crate::platform::Os;
use crate::process;
use std::path::Path;

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
    let tells = |args: &[&str]| {
        let output = ground.ask(&docker().args(args)).ok().filter(|output| output.status.success());
        output.map(|output| output.stdout)
    };
    // Before the server, which may use up all the time that there is.
    let elsewhere = tells(&docker::PLACE).and_then(|answer| docker::place(&answer, os));
    let server = ask_server(ground);
    let plugin = if server.is_ok() { plugin(ground) } else { Ok(None) };
    let group = docker::socket(elsewhere.as_ref()).and_then(|socket| os::group_of(Path::new(socket)));
    Found { server, elsewhere, installed: installed(os), group, plugin }
}

fn plugin(ground: &Ground) -> Result<Option<String>, String> {
    let output = ground.ask(&docker().args(["buildx", "version"]))?;
    // As it says it: `github.com/docker/buildx v0.38.0 1b6e…`.
    let version = output.stdout.split_whitespace().nth(1).unwrap_or("of no version").to_owned();
    Ok(output.status.success().then_some(version))
}

fn ask_server(ground: &Ground) -> Result<Server, Trouble> {
    if process::find("docker").is_none() {
        return Err(Trouble::Absent);
    }
    let output = ground.ask(&docker().args(["version", "--format", "{{json .}}"])).map_err(Trouble::Stuck)?;
    understand(&output.stdout, &output.stderr, ground.os())
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
