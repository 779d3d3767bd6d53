//! Runs of the binary under test: started, watched, timed out, and turned into text that can be compared.

use crate::os;
use insta::Settings;
use std::ffi::OsStr;
use std::fmt;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use xtask::poll::{self, Look};

/// How long a run may take before it counts as hanging.
const TIMEOUT: Duration = Duration::from_secs(300);

/// How long an output may stay open after its process has ended.
const LINGER: Duration = Duration::from_secs(5);

/// Held while a process is started or a program written.
///
/// A process started by one test takes along what another is just writing, for a moment: and a program that someone
/// has open for writing can't be run.
static FORKING: Mutex<()> = Mutex::new(());

pub(crate) fn forking() -> MutexGuard<'static, ()> {
    FORKING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The filters that make an output the same on every run: a pattern and what takes its place.
pub type Filters = Vec<(String, &'static str)>;

/// A run of the binary that is still to be started. Made by [`TestContext::xtask`](crate::TestContext::xtask).
pub struct Xtask {
    pub(crate) command: Command,
    pub(crate) filters: Filters,
    pub(crate) timeout: Duration,
    stdin: Stdio,
}

impl Xtask {
    pub(crate) fn new(command: Command, filters: Filters) -> Self {
        Self { command, filters, timeout: TIMEOUT, stdin: Stdio::null() }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Removes a variable from the environment.
    #[must_use]
    pub fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs it in another folder than the context's.
    #[must_use]
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Gives it a text to read; without one there is nothing.
    ///
    /// # Panics
    /// When there is no room for it.
    #[must_use]
    pub fn stdin(mut self, text: &str) -> Self {
        // A file, so that nobody has to write while it runs.
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(text.as_bytes()).and_then(|()| file.rewind()).expect("room for a text");
        self.stdin = file.into();
        self
    }

    /// Allows it another time than five minutes.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it can't be started, takes too long, or leaves its output open in another process.
    pub fn run(self) -> Outcome {
        self.spawn().wait()
    }

    /// Starts it and lets it run.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn spawn(self) -> Running {
        self.try_spawn().unwrap_or_else(|message| panic!("{message}"))
    }

    pub(crate) fn try_spawn(mut self) -> Result<Running, String> {
        self.command.stdin(self.stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        os::lead_group(&mut self.command);
        let name = format!("{:?}", self.command);
        let none_else = forking();
        let mut child = spawned(&mut self.command).map_err(|error| format!("failed to run {name}: {error}"))?;
        drop(none_else);
        let group = os::Group::of(&child).map_err(|error| format!("failed to keep {name} in a group: {error}"))?;
        let printed = Arc::new(Printed::default());
        let stdout = child.stdout.take().expect("it was piped");
        let stderr = child.stderr.take().expect("it was piped");
        printed.follow(stdout, |output| &mut output.stdout);
        printed.follow(stderr, |output| &mut output.stderr);
        let deadline = Instant::now() + self.timeout;
        Ok(Running { child, group, name, printed, deadline, filters: self.filters, ended: false })
    }
}

/// Starts a command. A program that was just written may be open for a moment in another thread's child, which doesn't run it yet,
/// and then can't be run.
fn spawned(command: &mut Command) -> std::io::Result<Child> {
    let mut last = None;
    let look = || match command.spawn() {
        Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => Ok(Look::NotYet(error.to_string())),
        tried => {
            last = Some(tried);
            Ok(Look::Ready(()))
        }
    };
    let waited = poll::until(Duration::from_secs(5), look, xtask::error::Error::ground);
    last.unwrap_or_else(|| Err(std::io::Error::other(waited.err().map_or_else(String::new, |error| error.to_string()))))
}

/// What a process has printed so far.
#[derive(Default)]
struct Output {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    closed: usize,
}

#[derive(Default)]
struct Printed {
    output: Mutex<Output>,
    changed: Condvar,
}

impl Printed {
    fn lock(&self) -> MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Collects a stream on a thread of its own, which ends with the stream.
    fn follow(self: &Arc<Self>, mut stream: impl Read + Send + 'static, part: fn(&mut Output) -> &mut Vec<u8>) {
        let printed = Arc::clone(self);
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                part(&mut printed.lock()).extend_from_slice(&buffer[..length]);
                printed.changed.notify_all();
            }
            printed.lock().closed += 1;
            printed.changed.notify_all();
        });
    }

    /// Waits a moment for news.
    fn wait<'a>(&self, output: MutexGuard<'a, Output>, moment: Duration) -> MutexGuard<'a, Output> {
        self.changed.wait_timeout(output, moment).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A run of the binary that is under way; killed, with its children in its group, when dropped.
pub struct Running {
    child: Child,
    group: os::Group,
    name: String,
    printed: Arc<Printed>,
    deadline: Instant,
    filters: Filters,
    ended: bool,
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends what Ctrl-C in a terminal sends: an interrupt to it and its children.
    pub fn interrupt(&self) {
        self.group.interrupt();
    }

    /// Kills it without warning, as a power cut would, and tells what it had printed.
    pub fn kill(self) -> Outcome {
        self.group.kill();
        self.wait()
    }

    /// Kills it alone: its children go on.
    ///
    /// # Panics
    /// When it can't be killed.
    pub fn kill_alone(&mut self) {
        self.child.kill().expect("it runs");
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it has printed a text, on either stream.
    ///
    /// # Panics
    /// When it ends or runs out of time without having done so.
    pub fn wait_for_output(&mut self, text: &str) {
        let has = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        let printed = Arc::clone(&self.printed);
        let mut output = printed.lock();
        while !has(&output.stdout) && !has(&output.stderr) {
            let is_over = output.closed == 2 || Instant::now() >= self.deadline;
            assert!(!is_over, "{} never printed `{text}`\n{}", self.name, render(None, &output));
            output = printed.wait(output, Duration::from_millis(20));
        }
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it takes too long, or leaves its output open in another process.
    pub fn wait(self) -> Outcome {
        self.try_wait().unwrap_or_else(|message| panic!("{message}"))
    }

    pub(crate) fn try_wait(mut self) -> Result<Outcome, String> {
        let printed = Arc::clone(&self.printed);
        let mut ended: Option<(ExitStatus, Instant)> = None;
        let mut output = printed.lock();
        loop {
            if ended.is_none() {
                let status =
                    self.child.try_wait().map_err(|error| format!("failed to wait for {}: {error}", self.name))?;
                ended = status.map(|status| (status, Instant::now()));
                self.ended = status.is_some();
            }
            match ended {
                Some((status, _)) if output.closed == 2 => {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
                    let filters = std::mem::take(&mut self.filters);
                    return Ok(Outcome { code: os::exit_code(status), stdout, stderr, filters });
                }
                Some((_, since)) if since.elapsed() > LINGER => {
                    let why = "has ended, but a process that it started holds its output open";
                    return Err(format!("{} {why}\n{}", self.name, render(None, &output)));
                }
                None if Instant::now() >= self.deadline => {
                    return Err(format!("{} took too long and was killed\n{}", self.name, render(None, &output)));
                }
                _ => {}
            }
            // With both streams closed only the exit is still to come, which nothing announces.
            let moment = if output.closed == 2 { 1 } else { 20 };
            output = printed.wait(output, Duration::from_millis(moment));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.group.kill();
            let _ = self.child.wait();
        }
    }
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The exit code; 128 and the signal where one ended it.
    pub code: i32,
    /// What it printed on stdout.
    pub stdout: String,
    /// What it printed on stderr.
    pub stderr: String,
    filters: Filters,
}

impl Outcome {
    /// The outcome as snapshots have it, without filters.
    pub fn render(&self) -> String {
        self.to_string()
    }

    /// Whether it was killed, and had not ended by itself before.
    pub fn was_killed(&self) -> bool {
        self.code == os::KILLED
    }

    /// Checks the exit code.
    ///
    /// # Panics
    /// When it is another, with all that was printed.
    #[track_caller]
    pub fn exited(self, code: i32) -> Self {
        assert_eq!(self.code, code, "it printed\n{self}");
        self
    }

    /// Checks that all went well.
    ///
    /// # Panics
    /// When it did not, with all that was printed.
    #[track_caller]
    pub fn success(self) -> Self {
        self.exited(0)
    }

    /// Reads stdout as JSON.
    ///
    /// # Panics
    /// When it is none, with all that was printed.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("stdout is no JSON: {error}\n{self}"))
    }

    /// The settings that [`assert_outcome!`](crate::assert_outcome) compares with.
    pub fn settings(&self) -> Settings {
        crate::filters::settings(&self.filters)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_outcome(f, Some(self.code), &self.stdout, &self.stderr)
    }
}

fn render(code: Option<i32>, output: &Output) -> String {
    let mut text = String::new();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let _ = write_outcome(&mut text, code, &stdout, &stderr);
    text
}

fn write_outcome(f: &mut impl fmt::Write, code: Option<i32>, stdout: &str, stderr: &str) -> fmt::Result {
    match code {
        Some(code) => writeln!(f, "exit code: {code}")?,
        None => writeln!(f, "exit code: none")?,
    }
    for (name, text) in [("stdout", stdout), ("stderr", stderr)] {
        writeln!(f, "----- {name} -----")?;
        f.write_str(text)?;
        if !text.is_empty() && !text.ends_with('\n') {
            writeln!(f)?;
        }
    }
    Ok(())
}

/// Compares an [`Outcome`] with its snapshot, in a file of its own or inline, with the filters applied.
///
/// `assert_outcome!(outcome)`, `assert_outcome!("name", outcome)` or `assert_outcome!(outcome, @"inline")`.
#[macro_export]
macro_rules! assert_outcome {
    ($name:literal, $outcome:expr $(,)?) => {{
        let outcome: &$crate::Outcome = &$outcome;
        outcome.settings().bind(|| $crate::insta::assert_snapshot!($name, outcome.render()));
    }};
    ($outcome:expr, @$inline:literal $(,)?) => {{
        let outcome: &$crate::Outcome = &$outcome;
        outcome.settings().bind(|| $crate::insta::assert_snapshot!(outcome.render(), @$inline));
    }};
    ($outcome:expr $(,)?) => {{
        let outcome: &$crate::Outcome = &$outcome;
        outcome.settings().bind(|| $crate::insta::assert_snapshot!(outcome.render()));
    }};
}
