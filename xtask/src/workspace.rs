//! The workspace: `target/buildkit-windows-test` and every path in it. No other module builds one.

use crate::component::Component;
use crate::platform::{Os, Platform};
use crate::windows_path;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The longest path that a unix socket can be bound to: `sun_path` is 108 bytes with its final NUL.
const LONGEST_SOCKET_PATH: usize = 107;

/// Where the daemons' private `/run` shows the workspace's `run` folder, for workspaces too deep for a socket path.
const SHORT_RUN: &str = "/run/buildkit-windows";

/// Where a daemon listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A unix socket.
    Unix {
        /// The socket file, as everyone outside sees it.
        path: PathBuf,
        /// The same file under a name that fits a socket address, as the daemons see it.
        seen_by_daemons: PathBuf,
    },
    /// A named pipe, `\\.\pipe\NAME`.
    Pipe(String),
}

impl Endpoint {
    /// The address in containerd's configuration.
    pub fn containerd_address(&self) -> String {
        match self {
            Endpoint::Unix { seen_by_daemons, .. } => seen_by_daemons.display().to_string(),
            Endpoint::Pipe(name) => format!(r"\\.\pipe\{name}"),
        }
    }

    /// The address that buildkitd is told to listen on.
    pub fn buildkit_address(&self) -> String {
        match self {
            Endpoint::Unix { seen_by_daemons, .. } => format!("unix://{}", seen_by_daemons.display()),
            Endpoint::Pipe(name) => format!("npipe:////./pipe/{name}"),
        }
    }

    /// The address for `ctr`, run in the folder [`Workspace::run`].
    pub fn ctr_address(&self) -> String {
        match self {
            Endpoint::Unix { path, .. } if !self.is_reached_from_anywhere() => {
                // Absolute, as ctr wants it, and short: the kernel resolves it from the client's own folder.
                let file = path.file_name().unwrap_or_default();
                Path::new("/proc/self/cwd").join(file).display().to_string()
            }
            _ => self.containerd_address(),
        }
    }

    /// The address for `buildctl`, run in the folder [`Workspace::run`].
    pub fn buildctl_address(&self) -> String {
        match self {
            Endpoint::Unix { .. } => format!("unix://{}", self.ctr_address()),
            Endpoint::Pipe(_) => self.buildkit_address(),
        }
    }

    /// Whether a client may be run in any folder to reach it.
    pub fn is_reached_from_anywhere(&self) -> bool {
        !matches!(self, Endpoint::Unix { path, seen_by_daemons } if path != seen_by_daemons)
    }

    /// What to show to people.
    pub fn shown(&self) -> String {
        match self {
            Endpoint::Unix { path, .. } => path.display().to_string(),
            Endpoint::Pipe(name) => format!(r"\\.\pipe\{name}"),
        }
    }
}

/// How the names of the folders of a night's cells begin.
const NIGHT_CELL: &str = "cell-";

/// Every path of a workspace.
#[derive(Debug, Clone)]
pub struct Workspace {
    base: PathBuf,
    platform: Platform,
    shared_cache: Option<PathBuf>,
}

impl Workspace {
    /// A workspace in an absolute folder, for daemons of a platform.
    pub fn new(base: PathBuf, platform: Platform) -> Self {
        Self { base, platform, shared_cache: None }
    }

    /// The same with a cache elsewhere, that others use too.
    #[must_use]
    pub fn with_shared_cache(self, cache: Option<PathBuf>) -> Self {
        Self { shared_cache: cache, ..self }
    }

    /// The folder that holds everything.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// The platform that the workspace's programs are made for.
    pub fn platform(&self) -> Platform {
        self.platform
    }

    /// Tells that the folder is a workspace.
    pub fn tag(&self) -> PathBuf {
        self.base.join("CACHEDIR.TAG")
    }

    /// Held by whoever changes the workspace.
    pub fn lock_file(&self) -> PathBuf {
        self.base.join("lock")
    }

    /// Who holds the lock, for those who wait.
    pub fn lock_holder(&self) -> PathBuf {
        self.base.join("lock-holder")
    }

    /// What runs: see [`crate::daemon::state`].
    pub fn state_file(&self) -> PathBuf {
        self.base.join("state.json")
    }

    /// What was resolved, for `--locked`.
    pub fn versions_lock(&self) -> PathBuf {
        self.base.join("versions.lock.json")
    }

    /// Downloads and builds: the only thing that `up --fresh` and `clean` keep.
    pub fn cache(&self) -> PathBuf {
        self.shared_cache.clone().unwrap_or_else(|| self.own_cache())
    }

    /// Where they are if the workspace shares no cache with others.
    pub fn own_cache(&self) -> PathBuf {
        self.base.join("cache")
    }

    /// Held while something is fetched or built into a cache that others use too.
    pub fn shared_cache_lock(&self) -> Option<PathBuf> {
        self.shared_cache.as_ref().map(|cache| cache.join("lock"))
    }

    /// Where a bisection keeps what it knows, and tries versions.
    pub fn bisection(&self) -> PathBuf {
        self.base.join("bisect")
    }

    /// What is asked and known in a bisection.
    pub fn bisection_state(&self) -> PathBuf {
        self.bisection().join("state.json")
    }

    /// Where a clone's commits are checked out, one after another.
    pub fn bisection_source(&self) -> PathBuf {
        self.bisection().join("source")
    }

    /// Where a night runs its cells, a folder each.
    pub fn night(&self) -> PathBuf {
        self.base.join("night")
    }

    /// A cell's folder, by its number. Its name is short, because daemons' paths have to be.
    pub fn night_cell(&self, number: usize) -> PathBuf {
        self.night().join(format!("{NIGHT_CELL}{number}"))
    }

    /// Whether something that lies where a night runs its cells is one's folder.
    pub fn is_night_cell(path: &Path) -> bool {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(NIGHT_CELL))
    }

    /// What became of the last night's cells, where nobody wants it elsewhere.
    pub fn night_results(&self) -> PathBuf {
        self.night().join("results")
    }

    /// The same of the night before.
    pub fn previous_night_results(&self) -> PathBuf {
        self.night().join("previous")
    }

    /// Downloaded archives, by digest.
    pub fn archive_cache(&self) -> PathBuf {
        self.cache().join("archives")
    }

    /// Every resolution whose material the cache holds, for use without the network.
    pub fn cache_index(&self) -> PathBuf {
        self.cache().join("index.json")
    }

    /// Lists of releases, each with the ETag to ask again with.
    pub fn release_cache(&self) -> PathBuf {
        self.cache().join("releases")
    }

    /// Programs built by the Go source, and what they are built with.
    pub fn go_cache(&self) -> PathBuf {
        self.cache().join("go")
    }

    /// What is unpacked or built but not yet in its place.
    pub fn staging(&self) -> PathBuf {
        self.base.join("staging")
    }

    /// Where buildx keeps its builders: here, and not among the user's.
    pub fn buildx_config(&self) -> PathBuf {
        self.component(Component::Buildx).join("config")
    }

    /// What Docker was given: it outlives everything else that `clean` deletes, until Docker has given it back.
    pub fn in_docker(&self) -> PathBuf {
        self.base.join("in-docker.json")
    }

    /// A component's folder.
    pub fn component(&self, component: Component) -> PathBuf {
        self.base.join(component.name())
    }

    /// A component's programs: swapped as a whole when the version changes.
    pub fn installed(&self, component: Component) -> PathBuf {
        self.component(component).join("installed")
    }

    /// What the installed programs are.
    pub fn install_record(&self, component: Component) -> PathBuf {
        self.installed(component).join("install.json")
    }

    /// The folder of a component's programs.
    pub fn bin(&self, component: Component) -> PathBuf {
        self.installed(component).join("bin")
    }

    /// A program of a component.
    pub fn program(&self, component: Component, program: &str) -> PathBuf {
        self.bin(component).join(self.platform.exe(program))
    }

    /// containerd's patched configuration.
    pub fn containerd_config(&self) -> PathBuf {
        self.component(Component::Containerd).join("config.toml")
    }

    /// buildkitd's configuration.
    pub fn buildkitd_config(&self) -> PathBuf {
        self.component(Component::Buildkit).join("buildkitd.toml")
    }

    /// What the CNI plugin is told of the network.
    pub fn cni_config(&self) -> PathBuf {
        self.component(Component::Buildkit).join("cni.json")
    }

    /// A daemon's data. The two roots refer to each other: keep both or delete both.
    pub fn root(&self, component: Component) -> PathBuf {
        self.component(component).join("root")
    }

    /// Where containerd keeps layers, a folder each (Windows).
    pub fn windows_layers(&self) -> PathBuf {
        self.root(Component::Containerd).join("io.containerd.snapshotter.v1.windows").join("snapshots")
    }

    /// What a daemon keeps only while it runs.
    pub fn state(&self, component: Component) -> PathBuf {
        self.component(component).join("state")
    }

    /// What containerd and buildkitd print.
    pub fn log(&self, component: Component) -> PathBuf {
        self.component(component).join(format!("{}.log", component.main_program()))
    }

    /// What `go build` printed.
    pub fn build_log(&self, component: Component) -> PathBuf {
        self.component(component).join("go-build.log")
    }

    /// Sockets, and the FIFOs of containers.
    pub fn run(&self) -> PathBuf {
        self.base.join("run")
    }

    /// What the daemons write to their private `/run` lands here (Linux).
    pub fn private_run(&self) -> PathBuf {
        self.base.join("private-run")
    }

    /// Temporary files of the daemons and of the harness.
    pub fn tmp(&self) -> PathBuf {
        self.base.join("tmp")
    }

    /// The build context of the sample at work.
    pub fn sample(&self) -> PathBuf {
        self.base.join("sample-dockerfile")
    }

    /// The build context of one of several samples.
    pub fn staged(&self, sample: &str) -> PathBuf {
        self.base.join("samples").join(sample)
    }

    /// The base image made from the host's own shell, as an OCI layout.
    pub fn base_image(&self) -> PathBuf {
        self.base.join("base-image")
    }

    /// Where a daemon listens. Private to this workspace.
    pub fn endpoint(&self, component: Component) -> Endpoint {
        self.endpoint_named(component.main_program(), "")
    }

    /// Where containerd's shims report to.
    pub fn ttrpc_endpoint(&self) -> Endpoint {
        self.endpoint_named(Component::Containerd.main_program(), ".ttrpc")
    }

    /// Where buildkitd collects traces.
    pub fn otel_endpoint(&self) -> Endpoint {
        self.endpoint_named("otel", "")
    }

    fn endpoint_named(&self, name: &str, suffix: &str) -> Endpoint {
        match self.platform.os {
            Os::Windows => Endpoint::Pipe(format!("buildkit-windows-{}-{name}{suffix}", self.id())),
            Os::Linux => {
                let file = format!("{name}.sock{suffix}");
                let path = self.run().join(&file);
                let seen_by_daemons =
                    if self.is_too_deep_for_sockets() { Path::new(SHORT_RUN).join(file) } else { path.clone() };
                Endpoint::Unix { path, seen_by_daemons }
            }
        }
    }

    /// Whether socket paths in this workspace would not fit a socket address, and the daemons need a shorter name.
    pub fn is_too_deep_for_sockets(&self) -> bool {
        let longest = self.run().join("containerd.sock.ttrpc");
        self.platform.os == Os::Linux && longest.as_os_str().len() > LONGEST_SOCKET_PATH
    }

    /// The shorter name of [`Workspace::run`], as the daemons see it.
    pub fn short_run() -> &'static Path {
        Path::new(SHORT_RUN)
    }

    /// Tells workspaces apart where names are global: pipes and control groups. Twelve hex digits of the base path, on
    /// Windows in the form that is the same however it is typed. (By a link it is another one: then `up` starts the daemons
    /// again, and they are the only ones there.)
    pub fn id(&self) -> String {
        let digest = match self.platform.os {
            Os::Windows => Sha256::digest(windows_path::comparable(&self.base.to_string_lossy())),
            Os::Linux => Sha256::digest(self.base.as_os_str().as_encoded_bytes()),
        };
        digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The parent of every control group that this workspace's containers get (Linux).
    pub fn cgroup_parent(&self) -> String {
        format!("buildkit-windows-{}", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(base: &str, platform: &str) -> Workspace {
        Workspace::new(base.into(), platform.parse().unwrap())
    }

    #[test]
    fn two_workspaces_share_no_pipe() {
        let one = workspace("C:/a", "windows-amd64").endpoint(Component::Buildkit);
        let two = workspace("C:/b", "windows-amd64").endpoint(Component::Buildkit);
        assert_ne!(one, two);
        assert!(one.buildkit_address().starts_with("npipe:////./pipe/buildkit-windows-"));
        assert!(one.containerd_address().starts_with(r"\\.\pipe\buildkit-windows-"));
    }

    #[test]
    fn a_pipes_name_is_the_same_however_the_folder_is_typed() {
        let id = |base: &str, platform| workspace(base, platform).id();
        for typed in ["c:/Work/x", r"C:\WORK\X\", r"\\?\C:\work\x"] {
            assert_eq!(id(typed, "windows-amd64"), id(r"C:\work\x", "windows-amd64"), "{typed}");
        }
        assert_ne!(id("/w", "linux-amd64"), id("/W", "linux-amd64"));
    }

    #[cfg(unix)]
    #[test]
    fn a_deep_workspace_gets_a_short_socket_name() {
        let shallow = workspace("/w", "linux-amd64").endpoint(Component::Containerd);
        assert_eq!(shallow.containerd_address(), "/w/run/containerd.sock");
        let deep = workspace(&format!("/{}", "d".repeat(150)), "linux-amd64").endpoint(Component::Containerd);
        assert_eq!(deep.containerd_address(), "/run/buildkit-windows/containerd.sock");
        assert_eq!(deep.ctr_address(), "/proc/self/cwd/containerd.sock");
        assert!(deep.shown().ends_with("d/run/containerd.sock"));
    }
}
