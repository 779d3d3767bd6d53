//! Running the harness apart: as a program of its own, for one pair of versions, in a base folder of its own, with downloads that
//! all share. A night's cells and a bisection's steps run so, because what becomes of one must not touch the next.

mod asked;
mod leftovers;

use crate::component::Component;
use crate::context::Context;
use crate::error::{Context as _, Error, Result};
use crate::files;
use crate::interrupt::Interrupt;
use crate::lock;
use crate::os;
use crate::poll::{self, Look};
use crate::process::{self, Argv};
use crate::source::Source;
use crate::version::Spec;
use crate::workspace::{Endpoint, Workspace};
use asked::Asked;
pub use leftovers::Left;
use leftovers::Outside;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// In the environment of all that runs apart, with the base folder as its value: by it, what was left is known on Linux. Windows
/// shows no other process' environment; there only what runs from the base folder is found, and a command's own programs that
/// outlive it are not.
const MARK: &str = "BUILDKIT_WINDOWS_APART";

/// How long cleaning up may take: daemons that were asked to stop have 10 seconds each.
const PATIENCE_TO_CLEAN: Duration = Duration::from_secs(300);

/// Whoever waits longer waits for ever; a time much further off can't even be told.
const LONGEST_PATIENCE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// When to give up on what runs.
#[derive(Clone)]
pub struct Halt {
    deadline: Instant,
    interrupt: Interrupt,
}

impl Halt {
    /// When some time is over, or on Ctrl-C.
    pub fn after(time: Duration, interrupt: Interrupt) -> Self {
        Self { deadline: Instant::now() + time.min(LONGEST_PATIENCE), interrupt }
    }

    /// For what cleans up: Ctrl-C has been heard by then, and it goes on.
    pub fn for_cleaning() -> Self {
        Self::after(PATIENCE_TO_CLEAN, Interrupt::never())
    }

    /// Whether Ctrl-C was typed.
    pub fn is_interrupted(&self) -> bool {
        self.interrupt.is_heard()
    }
}

/// How something that ran apart ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exited(i32),
    /// Something ended it: in words.
    Died(String),
    /// Its time was up.
    TimedOut,
    /// Ctrl-C was typed.
    Interrupted,
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        status.code().map_or_else(|| Ended::Died(status.to_string()), Ended::Exited)
    }
}

/// The harness for one pair of versions.
pub struct Apart {
    program: PathBuf,
    workspace: Workspace,
    asked: Asked,
    outside: Outside,
}

impl Apart {
    /// A harness in a folder of its own.
    ///
    /// # Errors
    /// When this program can't be found.
    pub fn new(context: &Context, source: &Source, folder: PathBuf, versions: &[(Component, Spec)]) -> Result<Self> {
        // In a long night cargo may build this program anew: then what lies at its path is taken.
        let program = os::process(std::process::id())
            .map(|process| process.executable)
            .ok_or_else(|| Error::ground("failed to find this program among the processes"))?;
        let cache = context.workspace.cache();
        let workspace = Workspace::new(folder, context.request.platform).with_shared_cache(Some(cache));
        let asked = Asked::new(context, source, &workspace, versions);
        Ok(Self { program, workspace, asked, outside: Outside::now() })
    }

    /// Where it works.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Runs a subcommand of the harness. What it says goes to the end of a log; what it prints is returned.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn xtask(&self, arguments: &[&str], log: &Path, halt: &Halt) -> Result<(Ended, String)> {
        let argv = self.asked.as_options(alone(Argv::new(&self.program).args(arguments)));
        let argv = argv.env(MARK, self.workspace.base());
        let said = appended(log)?;
        let printed = log.with_extension("out");
        let out = File::create(&printed).trying(|| format!("create `{}`", printed.display()))?;
        let ended = watch(process::start(&argv, out, said)?, halt)?;
        let text = fs::read(&printed).trying(|| format!("read `{}`", printed.display()))?;
        files::delete(&printed)?;
        Ok((ended, String::from_utf8_lossy(&text).into_owned()))
    }

    /// Runs a command of the user's beside the daemons, which are up: its environment says where they are, and has a harness that
    /// it calls ask for nothing else.
    ///
    /// # Errors
    /// When it can't be started, as where there is none of that name.
    pub fn command(&self, command: &[String], folder: &Path, log: &Path, halt: &Halt) -> Result<Ended> {
        let Some((program, arguments)) = command.split_first() else { return Ok(Ended::Exited(0)) };
        let containerd = self.workspace.endpoint(Component::Containerd).shown();
        let buildkit = match self.workspace.endpoint(Component::Buildkit) {
            endpoint @ Endpoint::Unix { .. } => format!("unix://{}", endpoint.shown()),
            endpoint @ Endpoint::Pipe(_) => endpoint.buildkit_address(),
        };
        let argv = alone(Argv::new(program).args(arguments)).without_cargos_own().without_tokens();
        let argv = self
            .asked
            .as_variables(argv)
            // Where all is fresh, stale state is the fault of what is tried, be it in CI or not.
            .env(asked::variable("heal"), "no")
            .dir(folder)
            .env(MARK, self.workspace.base())
            .env("PATH", self.path())
            // What buildctl and ctr look at.
            .env("BUILDKIT_HOST", buildkit)
            .env("CONTAINERD_ADDRESS", containerd)
            .env("CONTAINERD_NAMESPACE", crate::tools::NAMESPACE);
        let log = appended(log)?;
        let again = log.try_clone().trying(|| "write the log".into())?;
        watch(process::start_users(&argv, again, log)?, halt)
    }

    /// `PATH` with the programs under test before all others.
    fn path(&self) -> OsString {
        let own = Component::needed_on(self.workspace.platform().os).iter().map(|of| self.workspace.bin(*of));
        let users = std::env::var_os("PATH").unwrap_or_default();
        let all: Vec<PathBuf> = own.chain(std::env::split_paths(&users)).collect();
        std::env::join_paths(all).unwrap_or(users)
    }

    /// Stops and deletes all of it, and tells what was left all the same and had to be taken away. Goes to its end whatever
    /// fails: daemons that stay would spoil what comes next.
    pub fn clean(&self, log: &Path) -> Left {
        let cleaned = if self.workspace.base().exists() {
            match self.xtask(&["clean"], log, &Halt::for_cleaning()) {
                Ok((Ended::Exited(0), _)) => None,
                Ok((other, _)) => Some(format!("`clean` did not clean up: it {}", told(&other))),
                Err(error) => Some(format!("`clean` could not be run: {error}")),
            }
        } else {
            None
        };
        let mut left = leftovers::take_away(&self.workspace, MARK);
        left.told.splice(0..0, cleaned);
        left.told.extend(self.outside.added_since());
        left
    }
}

/// Stops and deletes what a command that was killed has left in the folders that it ran things apart in. All of it is tried
/// before the first thing that stays is told. The workspace's lock must be held.
///
/// # Errors
/// When something stays.
pub fn clear_away(context: &Context, folder: &Path, whose: &str, is_theirs: impl Fn(&Path) -> bool) -> Result<()> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut survived = None;
    let log = folder.join("earlier.log");
    for left in entries.filter(|path| path.is_dir() && is_theirs(path)) {
        context.ui.note(&format!("clearing `{}` away, which an earlier {whose} has left", left.display()));
        let apart = Apart::new(context, &context.request.source, left, &[])?;
        // A step of it that has outlived the command would be waited for.
        let held = lock::end_holder(apart.workspace()).err();
        survived = survived.or(held).or(apart.clean(&log).survived);
    }
    match survived {
        Some(error) => Err(error.hint(format!("what was tried is in `{}`", log.display()))),
        None => files::delete(&log),
    }
}

/// Without what a user has set for the command that they typed.
fn alone(argv: Argv) -> Argv {
    asked::without_variables(argv, std::env::vars_os().map(|(name, _)| name))
}

/// How something ended, for people: reads on after "it".
pub fn told(ended: &Ended) -> String {
    match ended {
        Ended::Exited(code) => format!("ended with exit code {code}"),
        Ended::Died(how) => format!("was ended by something else ({how})"),
        Ended::TimedOut => "took too long, and was ended".into(),
        Ended::Interrupted => "was interrupted".into(),
    }
}

fn appended(log: &Path) -> Result<File> {
    File::options().create(true).append(true).open(log).trying(|| format!("write `{}`", log.display()))
}

/// Waits for a program's end, or ends it with all that it has started.
fn watch(mut child: Child, halt: &Halt) -> Result<Ended> {
    let look = || {
        if let Some(status) = child.try_wait().trying(|| "wait for a program".into())? {
            return Ok(Look::Ready(Ended::from(status)));
        }
        Ok(match () {
            () if halt.is_interrupted() => Look::Ready(Ended::Interrupted),
            () if Instant::now() >= halt.deadline => Look::Ready(Ended::TimedOut),
            () => Look::NotYet(String::new()),
        })
    };
    let patience = halt.deadline.saturating_duration_since(Instant::now()) + Duration::from_secs(60);
    let ended = poll::until(patience, look, |_| Error::ground("the time was up"))?;
    if matches!(ended, Ended::TimedOut | Ended::Interrupted) {
        process::end(child);
    }
    Ok(if was_interrupted(&ended, halt) { Ended::Interrupted } else { ended })
}

/// Whether Ctrl-C was typed, which may have ended it.
fn was_interrupted(ended: &Ended, halt: &Halt) -> bool {
    let is_sudden = match ended {
        Ended::Exited(code) => !(0..256).contains(code),
        Ended::Died(_) => true,
        Ended::TimedOut | Ended::Interrupted => false,
    };
    if is_sudden { halt.interrupt.is_heard_soon() } else { halt.is_interrupted() }
}
