//! The one place that runs other programs. Argument vectors are built elsewhere, as plain data.

mod streaming;

pub use streaming::{Ending, Stream, end, stream, stream_while};

use crate::error::{Context, Error, Result};
use crate::os;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use xshell::Shell;

/// Where this program is given a token for GitHub, the one that counts first.
pub const TOKENS: [&str; 2] = ["GH_TOKEN", "GITHUB_TOKEN"];

/// A program with its arguments, environment and folder: what to run, not the running of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argv {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    /// The variables that are shown.
    telling: Vec<OsString>,
    dir: Option<PathBuf>,
}

impl Argv {
    /// A program, by path or by its name on `PATH`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), args: Vec::new(), env: Vec::new(), telling: Vec::new(), dir: None }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), Some(value.into())));
        self
    }

    /// Sets an environment variable that is shown too: typed without it, the command would do its work on something else.
    #[must_use]
    pub fn telling_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let name = name.into();
        self.telling.push(name.clone());
        self.env(name, value)
    }

    /// Removes an environment variable.
    #[must_use]
    pub fn without_env(mut self, name: impl Into<OsString>) -> Self {
        self.env.push((name.into(), None));
        self
    }

    /// Keeps the token for GitHub from it, which is for this program's own calls: what is under test has no business with it.
    #[must_use]
    pub fn without_tokens(self) -> Self {
        TOKENS.into_iter().fold(self, Argv::without_env)
    }

    /// Keeps what cargo tells the programs that it runs from it, in case it is cargo again or calls that.
    ///
    /// ring's build script wants to run again when those variables change. So with them ring and all that stands on it would
    /// be built anew, here and again by the next `cargo xtask`; on Windows that one fails while another still runs, as in
    /// `logs --follow`, because nobody may overwrite a running program.
    #[must_use]
    pub fn without_cargos_own(self) -> Self {
        let is_told = |name: &OsString| {
            let name = name.to_string_lossy();
            name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_")
        };
        std::env::vars_os().map(|(name, _)| name).filter(is_told).fold(self, Argv::without_env)
    }

    /// Runs it in a folder.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// The program to run.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// As it could be typed, in the shell that this system's users have: on Windows that is PowerShell.
    pub fn shown(&self) -> String {
        let quote = |text: &OsStr| {
            let text = text.to_string_lossy();
            let plain =
                !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=,@+\\".contains(c));
            if plain { text.into_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
        };
        let words = std::iter::once(self.program.as_os_str()).chain(self.args.iter().map(OsString::as_os_str));
        let words = words.map(quote).collect::<Vec<_>>().join(" ");
        let told = self.env.iter().filter(|(name, _)| self.telling.contains(name));
        let settings =
            told.filter_map(|(name, value)| Some(os::setting(&name.to_string_lossy(), &quote(value.as_ref()?))));
        settings.collect::<String>() + &words
    }

    /// The standard library's form of it, for the modules that start daemons.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command
    }

    fn name(&self) -> String {
        self.program.file_name().unwrap_or(self.program.as_os_str()).to_string_lossy().into_owned()
    }
}

/// What a program printed, and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed as data.
    pub stdout: String,
    /// What it printed otherwise.
    pub stderr: String,
}

impl Output {
    /// The last thing it said that is not blank: programs tell why they fail at the end.
    pub fn last_words(&self) -> String {
        let said = if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr };
        said.trim_end().lines().next_back().unwrap_or("it said nothing").trim().to_owned()
    }
}

/// Runs a program to its end, keeping what it prints.
///
/// # Errors
/// When it can't be started; its failing is in the status.
pub fn capture(argv: &Argv) -> Result<Output> {
    let mut command = argv.command();
    let output = command.stdin(Stdio::null()).output().trying(|| format!("run `{}`", argv.shown()))?;
    Ok(Output {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs a program to its end, keeping what it prints; `None` when it was killed because its time was up.
///
/// # Errors
/// When it can't be started; its failing is in the status.
pub fn capture_within(argv: &Argv, patience: Duration) -> Result<Option<Output>> {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let ending = stream(argv, patience, |stream, chunk| match stream {
        Stream::Stdout => stdout.extend_from_slice(chunk),
        Stream::Stderr => stderr.extend_from_slice(chunk),
    })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(match ending {
        Ending::Exited(status) => Some(Output { status, stdout: text(&stdout), stderr: text(&stderr) }),
        Ending::TimedOut | Ending::InVain => None,
    })
}

/// Runs a program to its end, and takes its failing for an error.
///
/// # Errors
/// When it can't be started, or ends with another code than 0.
pub fn succeed(argv: &Argv) -> Result<Output> {
    successful(argv, capture(argv)?)
}

/// The same within some time.
///
/// # Errors
/// Also when it takes longer; then it is ended.
pub fn succeed_within(argv: &Argv, patience: Duration) -> Result<Output> {
    match capture_within(argv, patience)? {
        Some(output) => successful(argv, output),
        None => {
            Err(Error::ground(format!("`{}` took longer than {}", argv.shown(), humantime::format_duration(patience))))
        }
    }
}

fn successful(argv: &Argv, output: Output) -> Result<Output> {
    if output.status.success() {
        return Ok(output);
    }
    Err(Error::ground(format!("`{}` failed with {}: {}", argv.shown(), exit(output.status), output.last_words())))
}

/// Runs a program with this program's own stdin, stdout and stderr.
///
/// # Errors
/// When it can't be started; its failing is in the status.
pub fn run_in_the_open(argv: &Argv) -> Result<ExitStatus> {
    let what = || format!("run `{}`", argv.shown());
    let shell = Shell::new().trying(what)?;
    if let Some(dir) = &argv.dir {
        shell.change_dir(dir);
    }
    let command =
        argv.env.iter().fold(shell.cmd(&argv.program).args(&argv.args), |command, (name, value)| match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        });
    Command::from(command).status().trying(what)
}

/// Starts a program, what it prints going to files.
///
/// # Errors
/// When it can't be started.
pub fn start(argv: &Argv, stdout: File, stderr: File) -> Result<Child> {
    spawn(argv, stdout, stderr).trying(|| format!("run `{}`", argv.shown()))
}

/// The same for a program that the user has chosen: where the system refuses to run it, it is theirs to mend.
///
/// # Errors
/// When it can't be started.
pub fn start_users(argv: &Argv, stdout: File, stderr: File) -> Result<Child> {
    spawn(argv, stdout, stderr).map_err(|error| {
        let is_the_machines = matches!(
            error.kind(),
            ErrorKind::OutOfMemory | ErrorKind::WouldBlock | ErrorKind::ExecutableFileBusy | ErrorKind::ResourceBusy
        );
        let class = if is_the_machines { Error::ground } else { Error::usage };
        class(format!("the command `{}` can't be run", argv.shown())).because(error).hint(
            "give a program on your PATH or by its path; what a shell understands needs one, as in `-- sh -c '…'`",
        )
    })
}

fn spawn(argv: &Argv, stdout: File, stderr: File) -> std::io::Result<Child> {
    argv.command().stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn()
}

/// How a program ended, in words.
pub fn exit(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit code {code}"),
        // On unix the status tells the signal.
        None => status.to_string(),
    }
}

/// Looks a program up on `PATH`.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).map(|dir| dir.join(&file)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_command_can_be_typed() {
        let argv = Argv::new("/w s/ctr").arg("--address").arg("").arg("it's");
        assert_eq!(argv.shown(), r"'/w s/ctr' --address '' 'it'\''s'");
    }

    #[test]
    fn a_command_that_the_user_has_and_the_system_has_not_is_a_matter_of_usage() {
        let argv = Argv::new("no-such-command").arg("x");
        let file = || tempfile::tempfile().unwrap();
        let theirs = start_users(&argv, file(), file()).unwrap_err();
        assert!(theirs.to_string().starts_with("the command `no-such-command x` can't be run: "), "{theirs}");
        assert_eq!((theirs.class().exit_code(), theirs.hint_text().is_some()), (2, true));
        assert_eq!(start(&argv, file(), file()).unwrap_err().class().exit_code(), 3, "ours must be there");
    }

    #[test]
    fn a_variable_is_shown_only_where_the_command_is_another_without_it() {
        let argv = Argv::new("buildx").env("PATH", "/bin").telling_env("BUILDX_CONFIG", "/w s").arg("ls");
        assert_eq!(argv.shown(), format!("{}buildx ls", os::setting("BUILDX_CONFIG", "'/w s'")));
        let command = argv.command();
        assert_eq!(command.get_envs().filter(|(_, value)| value.is_some()).count(), 2);
    }
}
