//! The builder `buildkit-exp`: what buildx knows a buildkitd by. Made where it is missing, and anew where it leads elsewhere.

use super::BUILDER;
use super::buildx::Buildx;
use super::remote::Remote;
use super::version;
use crate::error::{Context, Error, Result};
use crate::files;
use crate::process;
use crate::ui::Ui;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// buildx gives up within 20 seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// The driver for a buildkitd that runs already.
pub(super) const DRIVER: &str = "remote";

/// What `buildx inspect` tells.
#[derive(Debug, Default, PartialEq, Eq)]
struct Builder<'a> {
    driver: &'a str,
    endpoint: &'a str,
    options: &'a str,
    status: &'a str,
    version: &'a str,
}

/// The driver's options for a remote buildkitd.
pub(super) fn options(remote: &Remote) -> Vec<(&'static str, String)> {
    let Some(tls) = &remote.tls else { return Vec::new() };
    let path = |path: &Path| path.display().to_string();
    vec![("cacert", path(&tls.ca)), ("cert", path(&tls.cert)), ("key", path(&tls.key))]
}

/// Reads what `buildx inspect` says of a builder with one node.
fn read(said: &str) -> Builder<'_> {
    let field = |name: &str| {
        let value = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.unwrap_or_default().trim()
    };
    Builder {
        driver: field("Driver"),
        endpoint: field("Endpoint"),
        options: field("Driver Options"),
        status: field("Status"),
        version: field("BuildKit version"),
    }
}

impl Builder<'_> {
    fn leads_to(&self, remote: &Remote) -> bool {
        // In whatever order it tells them, each as Go quotes it.
        let wanted: Vec<String> = options(remote).iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        self.endpoint == remote.address
            && self.options.is_empty() == wanted.is_empty()
            && wanted.iter().all(|option| self.options.contains(option))
    }
}

/// Sees to it that the builder is there, leads to the client's buildkitd, and gets an answer from it. Tells that one's version.
///
/// # Errors
/// When the name is taken by a builder of another kind, and when the buildkitd doesn't answer.
pub(super) fn ensure(buildx: &Buildx, ui: &Ui) -> Result<Option<String>> {
    if let Some(said) = inspect(buildx)? {
        let builder = read(&said);
        if builder.driver != DRIVER {
            return Err(taken(buildx, builder.driver));
        }
        if builder.leads_to(buildx.remote()) {
            return look(&said, buildx, ui);
        }
        ui.note(&format!(
            "the builder `{BUILDER}` led to `{}`, or with other files for TLS: it is made anew",
            builder.endpoint
        ));
        process::succeed_within(&buildx.remove(), PATIENCE)?;
    }
    let create = buildx.create();
    ui.detail(&create.shown());
    process::succeed_within(&create, PATIENCE).trying(|| format!("make the builder `{BUILDER}`"))?;
    let said = inspect(buildx)?.unwrap_or_default();
    look(&said, buildx, ui)
}

/// What buildx says of the builder; nothing when there is none.
fn inspect(buildx: &Buildx) -> Result<Option<String>> {
    let argv = buildx.inspect();
    match process::capture_within(&argv, PATIENCE)? {
        Some(output) if output.status.success() => Ok(Some(output.stdout)),
        Some(output) if output.stderr.contains("no builder") => Ok(None),
        Some(output) => Err(Error::ground(format!("`{}` failed: {}", argv.shown(), output.last_words())).hint(
            format!("delete `{}`: nothing but the builder is there, which is made anew", buildx.config().display()),
        )),
        None => Err(Error::ground(format!("`{}` gave no answer", argv.shown())).hint("see what `docker version` says")),
    }
}

fn look(said: &str, buildx: &Buildx, ui: &Ui) -> Result<Option<String>> {
    for line in said.lines() {
        ui.detail(line);
    }
    // buildx keeps to itself why it got no answer; where there is a buildctl, that one tells.
    let builder = read(said);
    match builder.status {
        "running" => Ok(version(builder.version)),
        status => {
            let remote = buildx.remote();
            let error = Error::ground(format!(
                "the builder `{BUILDER}` gets no answer from a buildkitd at `{}`: it is {status}",
                remote.address
            ))
            .hint(remote.hint());
            Err(match buildx.ask_buildctl(ui) {
                Some(told) => told.failure().into_iter().fold(error, Error::known).because(told),
                None => error,
            })
        }
    }
}

fn taken(buildx: &Buildx, driver: &str) -> Error {
    // Every context of Docker's is a builder of that name too; of one that can't be reached buildx tells no driver.
    let (driver, is_context) = if driver.is_empty() { ("docker", true) } else { (driver, driver == "docker") };
    let what =
        format!("the name `{BUILDER}` belongs to a builder with the driver `{driver}`, and `{DRIVER}` is needed");
    Error::ground(what).hint(if is_context {
        format!("give the Docker context `{BUILDER}` another name, or build with `--client buildctl`")
    } else {
        format!("`{}` removes it", buildx.remove().shown())
    })
}

/// Deletes the builders of a workspace. Those of the remote driver are but entries in a folder.
///
/// # Errors
/// When the folder can't be deleted.
pub fn forget(config: &Path) -> Result<bool> {
    let is_there = fs::symlink_metadata(config).is_ok();
    files::delete(config)?;
    Ok(is_there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::remote::Tls;

    /// As buildx 0.38 says it.
    const SAID: &str = "Name:          buildkit-exp\nDriver:        remote\nLast Activity: 2026-11-23 11:25:11 +0000 UTC\n\nNodes:\nName:           buildkit-exp0\nEndpoint:       tcp://127.0.0.1:40125\nDriver Options: key=\"/tls/key.pem\" cacert=\"/tls/ca.pem\" cert=\"/tls/cert.pem\"\nStatus:         inactive\n";

    #[test]
    fn a_builder_is_known_by_where_it_leads_and_with_what() {
        let builder = read(SAID);
        assert_eq!((builder.driver, builder.status), ("remote", "inactive"));
        let tls = Tls { ca: "/tls/ca.pem".into(), cert: "/tls/cert.pem".into(), key: "/tls/key.pem".into() };
        let other = Tls { ca: "/other/ca.pem".into(), ..tls.clone() };
        let remote = |address: &str, tls: Option<&Tls>| Remote { address: address.into(), tls: tls.cloned() };
        assert!(builder.leads_to(&remote("tcp://127.0.0.1:40125", Some(&tls))));
        assert!(!builder.leads_to(&remote("tcp://127.0.0.1:40125", Some(&other))));
        assert!(!builder.leads_to(&remote("tcp://127.0.0.1:40125", None)));
        assert!(!builder.leads_to(&remote("tcp://127.0.0.1:1", Some(&tls))));
    }

    #[test]
    fn whatever_is_in_the_builders_place_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        assert!(!forget(&config).unwrap());
        fs::write(&config, "a file").unwrap();
        assert!(forget(&config).unwrap() && !config.exists());
        fs::create_dir_all(config.join("instances")).unwrap();
        fs::write(config.join("instances").join("buildkit-exp"), "{}").unwrap();
        assert!(forget(&config).unwrap() && !config.exists());
    }

    #[test]
    fn a_context_of_dockers_is_a_builder_of_another_driver() {
        assert_eq!(
            read("Name:   buildkit-exp\nDriver: docker\n\nNodes:\nName:  buildkit-exp\nStatus:  running\n").driver,
            "docker"
        );
    }
}
