//! A temporary machine for one test: its own workspace, home and environment, and nothing left of it afterwards.

use crate::environment::{self, RefusingPort};
use crate::filters::filters;
use crate::run::{Running, Xtask, forking};
use crate::server::ReleaseServer;
use crate::{os, tree};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A user who owns nothing.
const NOBODY: u32 = 65534;

/// A test's own machine: a temporary folder that holds a base folder (not made yet) and a home.
///
/// When dropped it runs `down` if a workspace is up, and then panics if a process, a mount or a file that can't be
/// removed is left; what is left it ends.
pub struct TestContext {
    dir: Option<TempDir>,
    root: PathBuf,
    base: PathBuf,
    program: PathBuf,
    api_url: Option<String>,
    keeps_proxies: bool,
    path: Option<OsString>,
    refusing: RefusingPort,
}

/// A [`TestContext`] for the binary under test; its path is known in test targets only.
#[macro_export]
macro_rules! context {
    () => {
        $crate::TestContext::new(env!("CARGO_BIN_EXE_xtask-under-test"))
    };
}

impl TestContext {
    /// A machine on which `program` is run. Tests use [`context!`](crate::context!).
    pub fn new(program: impl Into<PathBuf>) -> Self {
        // Short, because the workspace has sockets in it and their paths must fit into 108 bytes.
        let dir = tempfile::Builder::new().prefix("bw").tempdir().expect("a temporary folder");
        // What /proc tells is free of links. On Windows the result would be a verbatim path, which no user types.
        let root = if cfg!(unix) { dir.path().canonicalize().expect("it is there") } else { dir.path().to_owned() };
        for folder in ["home", "tmp"] {
            fs::create_dir(root.join(folder)).expect("a folder in a new folder");
        }
        let base = root.join("base");
        let refusing = RefusingPort::new();
        Self {
            dir: Some(dir),
            root,
            base,
            program: program.into(),
            api_url: None,
            keeps_proxies: false,
            path: None,
            refusing,
        }
    }

    /// Takes the releases from a server. Without one, every call to GitHub's API is refused.
    #[must_use]
    pub fn server(mut self, server: &ReleaseServer) -> Self {
        self.api_url = Some(server.api_url());
        self
    }

    /// Gives the base folder another name than `base`: with blanks, not in ASCII, deep.
    #[must_use]
    pub fn base_name(mut self, name: &str) -> Self {
        self.base = self.root.join(name);
        self
    }

    /// Keeps the proxies that this machine has, for what really goes out to the net: the Go source.
    #[must_use]
    pub fn keep_proxies(mut self) -> Self {
        self.keeps_proxies = true;
        self
    }

    /// Hides a program, such as `go`, from the search path; the others in its folder stay.
    #[must_use]
    pub fn without(mut self, program: &str) -> Self {
        let path = self.search_path();
        let folders = std::env::split_paths(&path).enumerate().map(|(index, folder)| {
            let shadow = self.root.join(format!("path-without-{program}-{index}"));
            environment::shadow_without(&folder, program, &shadow).unwrap_or(folder)
        });
        self.path = Some(std::env::join_paths(folders).expect("they came from a search path"));
        self
    }

    /// Puts a program in front of all others on the search path.
    #[must_use]
    pub fn with_program(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let bin = self.root.join("bin");
        self.write_program(bin.join(name), bytes);
        let old = self.search_path();
        let others = std::env::split_paths(&old).filter(|folder| *folder != bin);
        self.path = Some(std::env::join_paths(std::iter::once(bin.clone()).chain(others)).expect("a plain path"));
        self
    }

    /// The temporary folder that everything of the test is in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The workspace's folder, which is made by the first run that needs it.
    pub fn base_dir(&self) -> &Path {
        &self.base
    }

    /// The home folder.
    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// The folder for temporary files.
    pub fn temp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// The binary under test.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Writes a file, with the folders that lead to it: below the root, or wherever an absolute path says.
    pub fn write(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root.join(path);
        let parent = path.parent().expect("a file is in a folder");
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, bytes))
            .unwrap_or_else(|error| panic!("failed to write {}: {error}", path.display()));
        path
    }

    /// Writes a file that can be run.
    pub fn write_program(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let _none = forking();
        let path = self.write(path, bytes);
        os::make_executable(&path).expect("it was just written");
        path
    }

    /// Everything in the workspace, sorted: path, kind, size and what the content hashes to. Empty without a workspace.
    pub fn tree(&self) -> Vec<String> {
        tree::listing(&self.base)
    }

    /// Everything in the home and in the folder for temporary files, where nothing should be.
    pub fn strays(&self) -> Vec<String> {
        [tree::listing(&self.home()), tree::listing(&self.temp())].concat()
    }

    /// A run of the binary in this machine's environment.
    pub fn xtask<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Xtask {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.root);
        self.set_environment(&mut command);
        Xtask::new(command, filters(self))
    }

    /// A run of what a step of a workflow types, by bash as GitHub's runners call it.
    pub fn bash(&self, typed: &str) -> Xtask {
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", typed]).current_dir(&self.root);
        self.set_environment(&mut command);
        Xtask::new(command, filters(self))
    }

    /// A run as a user without rights, who owns the root, the home and the temporary folder.
    ///
    /// # Panics
    /// When the binary can't be copied to where that user may run it.
    pub fn unprivileged_xtask<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Xtask {
        // The build folder may lie in a home that nobody else may enter.
        let copy = self.root.join(self.program.file_name().expect("a program has a name"));
        let none = forking();
        fs::copy(&self.program, &copy).expect("a copy of the binary");
        drop(none);
        let mut command = Command::new(&copy);
        command.args(arguments).current_dir(&self.root);
        self.set_environment(&mut command);
        os::run_as(&mut command, NOBODY, &[&self.root, &self.home(), &self.temp()]).expect("folders of their own");
        Xtask::new(command, filters(self))
    }

    fn set_environment(&self, command: &mut Command) {
        environment::clean(command, self.keeps_proxies);
        for name in ["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"] {
            command.env(name, self.home());
        }
        for name in ["TMPDIR", "TEMP", "TMP"] {
            command.env(name, self.temp());
        }
        command.env("PATH", self.search_path());
        // Whatever Docker this machine has, there is none for a test that doesn't bring its own.
        let nowhere = if cfg!(windows) {
            "npipe:////./pipe/no-docker".into()
        } else {
            format!("unix://{}/no-docker", self.root.display())
        };
        command.env("DOCKER_HOST", nowhere);
        command.env("BUILDKIT_WINDOWS_BASE_DIR", &self.base);
        command.env("GITHUB_API_URL", self.api_url.clone().unwrap_or_else(|| self.refusing.url()));
    }

    fn search_path(&self) -> OsString {
        self.path.clone().or_else(|| std::env::var_os("PATH")).unwrap_or_default()
    }

    /// Stops what is up, and tells what went wrong with that.
    fn bring_down(&self) -> Option<String> {
        if !self.base.join("state.json").exists() {
            return None;
        }
        match self.xtask(["down"]).try_spawn().and_then(Running::try_wait) {
            Ok(outcome) if outcome.code == 0 => None,
            Ok(outcome) => Some(format!("`down` failed:\n{outcome}")),
            Err(message) => Some(message),
        }
    }

    /// Ends what is left, and names it.
    fn end_leaks(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for leak in os::processes_under(&self.root) {
            problems.push(format!("process {} is left: {}", leak.pid, leak.what));
            os::end(&leak, &self.root);
        }
        // The last one mounted goes first: it may lie on another.
        for mount in os::mounts_under(&self.root).into_iter().rev() {
            problems.push(format!("a mount is left: {}", mount.display()));
            os::unmount(&mount);
        }
        problems
    }
}

impl Drop for TestContext {
    fn drop(&mut self) {
        let is_panicking = std::thread::panicking();
        if is_panicking {
            eprint!("{}", tree::last_lines_of_logs(&self.base));
        }
        let mut problems: Vec<String> = self.bring_down().into_iter().collect();
        problems.extend(self.end_leaks());
        // On Windows a folder can't be removed until the last process that stood in it is wholly gone, which takes a moment.
        if let Some(Err(error)) = self.dir.take().map(|dir| xtask::files::delete(&dir.keep())) {
            problems.push(error.to_string());
        }
        if problems.is_empty() {
            return;
        }
        let message = format!("the test has left something behind\n{}", problems.join("\n"));
        // A second panic would abort the whole run and hide the first.
        if is_panicking {
            eprintln!("{message}");
        } else {
            panic!("{message}");
        }
    }
}
