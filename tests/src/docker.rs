//! A Docker Engine of a test's own: its data, its sockets and its containerd lie in the test's folder.

use crate::TestContext;
use crate::run::forking;
use crate::started::{PATIENCE, Started};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use xtask::error::Error;
use xtask::poll::{self, Look};
use xtask::process;

/// Where control groups are.
const CONTROL_GROUPS: &str = "/sys/fs/cgroup";

/// Starts dockerd with a view of the file system in which `/run` and `/etc` are its own: its containerd's shims have their
/// sockets at a fixed place in the one, and it writes a key into the other, by which Dockers are told apart. What it mounts is
/// gone when it is.
const IN_ITS_OWN_VIEW: &str = r#"cp -a /etc etc && rm -f etc/docker/key.json && mount --bind etc /etc && mount -t tmpfs tmpfs /run && exec dockerd "$@""#;

/// Runs `docker` with a view of the file system in which no folder of the system's has plugins for it.
const WITHOUT_PLUGINS: &str = r#"for prefix in /usr /usr/local; do for folder in "$prefix"/lib*/docker/cli-plugins; do [ ! -d "$folder" ] || mount -t tmpfs tmpfs "$folder" || exit; done; done; exec "$0" "$@""#;

/// A `docker` to put on the search path, which finds no plugins but the user's own, whatever this machine has.
///
/// # Panics
/// When there is no `docker`.
pub fn without_plugins() -> String {
    let docker = process::find("docker").expect("`docker` (Debian: docker.io)");
    format!(
        "#!/bin/sh\nexec unshare --mount --propagation private sh -c '{WITHOUT_PLUGINS}' '{}' \"$@\"\n",
        docker.display()
    )
}

/// A running `dockerd`, ended when it is dropped.
pub struct Engine {
    child: Started,
    folder: PathBuf,
    control_group: String,
}

impl Engine {
    /// Starts one, and waits until it answers.
    ///
    /// # Panics
    /// When there is none (Debian: docker.io), or it doesn't come up.
    pub fn start(context: &TestContext) -> Self {
        let folder = context.root().join("engine");
        fs::create_dir(&folder).expect("a new folder");
        let log = File::create(folder.join("log")).expect("a new file");
        let name = context.root().file_name().expect("a folder has a name").to_string_lossy();
        let control_group = format!("buildkit-windows-engine-{name}");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", IN_ITS_OWN_VIEW, "dockerd"]);
        command.arg(format!("--cgroup-parent=/{control_group}"));
        command.arg("--data-root").arg(folder.join("data")).arg("--exec-root").arg(folder.join("exec"));
        command.arg("--pidfile").arg(folder.join("pid")).arg("--host").arg(host(&folder));
        // No configuration of this machine's, and no word to its network.
        command.arg("--config-file").arg(context.write("engine/daemon.json", "{}"));
        command.args(["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"]);
        command.env("HOME", &folder).env("TMPDIR", &folder).env_remove("DOCKER_HOST").current_dir(&folder);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a file")).stderr(log);
        let none_else = forking();
        let child = command.spawn().expect("`unshare`");
        drop(none_else);
        let mut engine = Self { child: Started::new(child), folder, control_group };
        let look = || {
            if engine.docker(&["version"]).status.success() {
                return Ok(Look::Ready(()));
            }
            engine.child.check()?;
            Ok(Look::NotYet("it gives no answer".into()))
        };
        if let Err(error) = poll::until(PATIENCE, look, Error::ground) {
            panic!("dockerd (Debian: docker.io) does not come up: {error}\n{}", engine.log());
        }
        engine
    }

    /// What leads a client to it: DOCKER_HOST.
    pub fn host(&self) -> String {
        host(&self.folder)
    }

    /// Runs `docker` with it.
    ///
    /// # Panics
    /// When there is no `docker`.
    pub fn docker(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new("docker");
        command.args(arguments).env("DOCKER_HOST", self.host()).env("HOME", &self.folder).env_remove("DOCKER_CONTEXT");
        command.env_remove("DOCKER_CONFIG").output().expect("`docker` (Debian: docker.io)")
    }

    /// What `docker` answers.
    ///
    /// # Panics
    /// When it fails.
    pub fn answer(&self, arguments: &[&str]) -> String {
        let output = self.docker(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {arguments:?}: {said}\n{}", self.log());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

fn host(folder: &std::path::Path) -> String {
    format!("unix://{}", folder.join("docker.sock").display())
}

impl Drop for Engine {
    /// Asks it to end: it then stops its containerd, and takes its mounts away. What is left, the context finds.
    fn drop(&mut self) {
        self.child.end();
        // Docker leaves those behind: one in each hierarchy, or the only one.
        let hierarchies = fs::read_dir(CONTROL_GROUPS).into_iter().flatten().flatten().map(|entry| entry.path());
        for hierarchy in hierarchies.chain([PathBuf::from(CONTROL_GROUPS)]) {
            // Not every hierarchy has it.
            let _ = fs::remove_dir(hierarchy.join(&self.control_group));
        }
    }
}
