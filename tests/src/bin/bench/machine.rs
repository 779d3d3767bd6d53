//! What everything is measured on: the harness as built, a temporary machine for each measure, and runs that are timed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::{ReleaseServer, TestContext};
use xtask::component::Component;
use xtask::error::{Context as _, Error, Result};
use xtask::install;
use xtask::interrupt::Interrupt;
use xtask::platform::Platform;
use xtask::process;
use xtask::ui::Ui;
use xtask::workspace::Workspace;

/// Variables that would change what is measured: the harness' own, other daemons', and what cargo tells its children.
const REMOVED: [&str; 13] = [
    "BUILDKIT",
    "BUILDX_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PRIMARY_",
    "CI",
    "CONTAINERD_",
    "DOCKER_",
    "GH_",
    "GITHUB_",
    "RUST_BACKTRACE",
];

/// How often a running process is asked for its memory.
const SAMPLING: Duration = Duration::from_millis(2);

/// What all measures share.
pub struct Bench<'a> {
    pub ui: &'a Ui,
    pub runs: usize,
    /// The workspace whose programs are used.
    pub real: Workspace,
    /// The repository that this benchmark belongs to.
    pub repository: PathBuf,
    program: PathBuf,
    target: PathBuf,
    interrupt: Interrupt,
}

impl<'a> Bench<'a> {
    pub fn new(ui: &'a Ui, base: PathBuf, runs: usize) -> Result<Self> {
        let own = std::env::current_exe().trying(|| "find this program".into())?;
        let folder = own.parent().unwrap_or(Path::new("/"));
        let platform = Platform::host()?;
        Ok(Self {
            ui,
            runs,
            real: Workspace::new(base, platform),
            repository: Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/")).to_owned(),
            program: folder.join(platform.exe("xtask")),
            target: folder.parent().unwrap_or(folder).to_owned(),
            // From here on Ctrl-C ends this program like any failure, so that nothing is left behind.
            interrupt: Interrupt::listen()?,
        })
    }

    /// The version and folder of the real programs of a component.
    pub fn installed(&self, component: Component) -> Result<(String, PathBuf)> {
        let base = self.real.base().display();
        let record = install::installed(&self.real, component).ok_or_else(|| {
            Error::ground(format!("the benchmark needs real programs, and `{base}` holds no {component}"))
                .hint("run `cargo xtask up` once")
        })?;
        Ok((record.resolution.version, self.real.bin(component)))
    }

    /// Says which run of how many begins, unless there was a Ctrl-C meanwhile.
    pub fn begin(&self, what: &str, run: usize) -> Result<()> {
        if self.interrupt.is_heard() {
            return Err(Error::ground("interrupted"));
        }
        self.ui.step("Measuring", &format!("{what} ({} of {})", run + 1, self.runs));
        Ok(())
    }

    /// A call of cargo in the repository, with the build folder that this program is in.
    pub fn cargo<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = clean(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments).current_dir(&self.repository).env("CARGO_TARGET_DIR", &self.target);
        command
    }
}

/// A temporary machine with a workspace to be; what runs in it is stopped and all is deleted when it is dropped.
pub struct Machine<'a> {
    pub context: TestContext,
    pub workspace: Workspace,
    bench: &'a Bench<'a>,
    api: String,
}

impl<'a> Machine<'a> {
    pub fn new(bench: &'a Bench<'a>, server: &ReleaseServer) -> Self {
        let context = TestContext::new(&bench.program).server(server);
        let workspace = Workspace::new(context.base_dir().to_owned(), bench.real.platform());
        Self { context, workspace, bench, api: server.api_url() }
    }

    /// A run of the harness itself.
    pub fn xtask(&self, arguments: &[&str]) -> Command {
        let mut command = clean(&self.bench.program);
        command.args(arguments).current_dir(self.context.root());
        self.at_home(command)
    }

    /// A run of the harness as it is typed.
    pub fn cargo_xtask(&self, arguments: &[&str]) -> Command {
        self.at_home(self.bench.cargo(std::iter::once("xtask").chain(arguments.iter().copied())))
    }

    /// What is typed by hand.
    pub fn bash(&self, script: &str) -> Command {
        let mut command = bash(script);
        command.current_dir(self.context.root());
        self.at_home(command)
    }

    fn at_home(&self, mut command: Command) -> Command {
        command.env("TMPDIR", self.context.temp());
        command.env("BUILDKIT_WINDOWS_BASE_DIR", self.context.base_dir()).env("GITHUB_API_URL", &self.api);
        command
    }
}

/// A shell that stops at the first failure, of a pipe's beginning too.
pub fn bash(script: &str) -> Command {
    let mut command = clean("bash");
    command.args(["-c", &format!("set -euo pipefail\n{script}")]);
    command
}

fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if REMOVED.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    // The shell tells times with a point.
    command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    command
}

/// Runs that are timed from before their start until they have ended.
pub trait Commands {
    /// How long it took, and what it printed.
    fn timed(self, what: &str) -> Result<(Duration, String)>;
    /// How long it took, and the most memory that it held, in MiB.
    fn timed_with_memory(self, what: &str) -> Result<(Duration, f64)>;
}

impl Commands for Command {
    fn timed(mut self, what: &str) -> Result<(Duration, String)> {
        let started = Instant::now();
        let output = self.output().trying(|| format!("{what} with `{}`", self.get_program().display()))?;
        let elapsed = started.elapsed();
        if output.status.success() {
            return Ok((elapsed, String::from_utf8_lossy(&output.stdout).into_owned()));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Error::failed(format!("failed to {what} ({}): {}", process::exit(output.status), said.trim())))
    }

    fn timed_with_memory(mut self, what: &str) -> Result<(Duration, f64)> {
        let doing = || format!("{what} with `{}`", self.get_program().display());
        let printed = tempfile::tempfile().trying(doing)?;
        let said = printed.try_clone().trying(doing)?;
        let program = doing();
        let started = Instant::now();
        let mut child = self.stdout(printed).stderr(said).spawn().trying(|| program.clone())?;
        let pid = child.id();
        let ended = AtomicBool::new(false);
        let (status, elapsed, memory) = std::thread::scope(|scope| {
            let sampler = scope.spawn(|| {
                let mut most = 0.0_f64;
                while !ended.load(Ordering::Relaxed) {
                    most = most.max(peak_memory(pid).unwrap_or(0.0));
                    std::thread::sleep(SAMPLING);
                }
                most
            });
            let status = child.wait();
            let elapsed = started.elapsed();
            ended.store(true, Ordering::Relaxed);
            (status, elapsed, sampler.join().unwrap_or(0.0))
        });
        let status = status.trying(|| program)?;
        if status.success() {
            return Ok((elapsed, memory));
        }
        Err(Error::failed(format!("failed to {what} ({})", process::exit(status))))
    }
}

/// The most memory that a process has held so far, in MiB.
fn peak_memory(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / 1024.0)
}

/// What else this machine is doing, for the reader to judge the figures by.
pub fn ground() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores, load {load} at the start")
}
