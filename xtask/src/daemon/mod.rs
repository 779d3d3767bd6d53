//! The daemons: what each is started with, starting them, and knowing when they answer.

pub mod log;
pub mod network;
pub mod roots;
pub mod state;
pub mod stop;

use crate::component::Component;
use crate::error::{Class, Context, Error, Result};
use crate::failure::{self, Speaker};
use crate::files;
use crate::os::{self, Process, Seclusion};
use crate::platform::Os;
use crate::poll::{self, Look};
use crate::process::{self, Argv};
use crate::tools::{buildctl, ctr};
use crate::workspace::{Endpoint, Workspace};
use std::fs::{self, File};
use std::path::Path;
use std::process::Child;
use std::time::Duration;

/// Both boot within half a second on a quiet machine; a busy one may take a hundred times as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer comes within milliseconds, or the daemon hangs.
const PATIENCE_WITH_A_PROBE: Duration = Duration::from_secs(5);

/// The same for the first question to a daemon that starts. It may go unheard: Wine lets a client connect to a pipe that
/// nobody listens at yet, and leaves it there. Every further one gets twice the time.
const PATIENCE_WITH_THE_FIRST_PROBE: Duration = Duration::from_millis(250);

/// The same for the first question to a daemon that is up, before another is asked.
const PATIENCE_BEFORE_ASKING_AGAIN: Duration = Duration::from_secs(1);

/// How many of a log's last lines an error shows.
const LAST_LINES: usize = 10;

/// The command of a daemon. A group may use buildkitd, besides administrators.
pub fn argv(workspace: &Workspace, component: Component, group: Option<&str>) -> Argv {
    let program = workspace.program(component, component.main_program());
    let argv = match component {
        Component::Containerd => Argv::new(program).arg("--config").arg(workspace.containerd_config()),
        Component::Buildkit => {
            let argv = Argv::new(program)
                .arg("--config")
                .arg(workspace.buildkitd_config())
                .arg("--root")
                .arg(workspace.root(component))
                .args(["--addr", &workspace.endpoint(component).buildkit_address()])
                // Without this a buildkitd that finds no containerd starts with no worker, and fails every build.
                .arg("--containerd-worker=true")
                .args(["--containerd-worker-addr", &workspace.endpoint(Component::Containerd).containerd_address()]);
            // containerd has nothing like it: its pipe admits administrators and SYSTEM, and ends there.
            let argv = group.into_iter().fold(argv, |argv, group| argv.args(["--group", group]));
            if workspace.platform().os == Os::Linux { argv.arg("--oci-worker=false") } else { argv }
        }
        Component::Runc | Component::Cni | Component::Buildx => Argv::new(program),
    };
    let tmp = workspace.tmp();
    // What the environment says of other daemons is not meant for these.
    let argv = [
        "NOTIFY_SOCKET",
        "LISTEN_FDS",
        "BUILDKITD_CONFIG",
        "BUILDKITD_FLAGS",
        "XDG_RUNTIME_DIR",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ]
    .into_iter()
    .fold(argv.without_tokens(), Argv::without_env);
    let argv = match workspace.platform().os {
        // What no configuration moves follows this: containerd before 2.3 creates `%ProgramData%\containerd\state` though its
        // state lies elsewhere (`CreateTopLevelDirectories` in its services/server/server.go).
        Os::Windows => argv.env("ProgramData", workspace.base()),
        Os::Linux => argv,
    };
    argv.env("PATH", search_path(workspace))
        .env("TMPDIR", &tmp)
        .env("TEMP", &tmp)
        .env("TMP", &tmp)
        .dir(workspace.base())
}

/// What a containerd prints as its default configuration.
///
/// # Errors
/// When it can't be run.
pub fn default_config(program: &Path) -> Result<String> {
    Ok(process::succeed(&Argv::new(program).args(["config", "default"]).without_tokens())?.stdout)
}

/// containerd looks for its shim, and the shim for runc, on `PATH`.
fn search_path(workspace: &Workspace) -> std::ffi::OsString {
    let ours = Component::needed_on(workspace.platform().os).iter().map(|component| workspace.bin(*component));
    let theirs = std::env::var_os("PATH").unwrap_or_default();
    let all: Vec<_> = ours.chain(std::env::split_paths(&theirs)).collect();
    std::env::join_paths(all).unwrap_or(theirs)
}

/// Starts a daemon, detached, with its log; the answer is not yet ready to be used.
///
/// # Errors
/// When someone else listens at its endpoint, or it can't be started.
pub fn start(
    workspace: &Workspace,
    component: Component,
    group: Option<&str>,
    beside: Option<&Process>,
) -> Result<(Child, Process)> {
    let endpoint = workspace.endpoint(component);
    refuse_foreign_listener(component, &endpoint)?;
    for folder in [workspace.root(component), workspace.state(component), workspace.tmp()] {
        fs::create_dir_all(&folder).trying(|| format!("create `{}`", folder.display()))?;
    }
    os::create_private_folder(&workspace.run())?;
    let log_path = workspace.log(component);
    // A new file, not the old one emptied: whoever follows it sees the difference.
    files::delete(&log_path)?;
    let log = File::create(&log_path).trying(|| format!("create the log `{}`", log_path.display()))?;
    let seclusion = Seclusion {
        private_run: workspace.private_run(),
        alias: workspace.is_too_deep_for_sockets().then(|| (workspace.run(), Workspace::short_run())),
        shared_with: beside.map(|process| process.pid),
    };
    let argv = argv(workspace, component, group);
    let child = os::start_detached(&argv, log, &seclusion)
        .trying(|| format!("start `{}`", argv.shown()))
        .map_err(|error| error.hint(os::WHY_NOT_STARTED))?;
    // It may be gone already; `wait_until_ready` says then what it left in its log.
    let process = os::process(child.id()).unwrap_or(Process {
        pid: child.id(),
        started: 0,
        executable: argv.program().to_owned(),
    });
    Ok((child, process))
}

/// Makes sure that the daemons, once they are stopped, can have their endpoints.
///
/// # Errors
/// When someone else listens at one.
pub fn check_endpoints(workspace: &Workspace) -> Result<()> {
    [Component::Containerd, Component::Buildkit]
        .into_iter()
        .try_for_each(|component| refuse_foreign_listener(component, &workspace.endpoint(component)))
}

fn refuse_foreign_listener(component: Component, endpoint: &Endpoint) -> Result<()> {
    let Some(other) = os::listener(endpoint) else { return Ok(()) };
    Err(Error::ground(format!(
        "failed to start {}: another process listens at `{}` (pid {}, `{}`)",
        component.main_program(),
        endpoint.shown(),
        other.pid,
        other.executable.display()
    ))
    .known(match endpoint {
        Endpoint::Unix { .. } => failure::SOCKET_IN_USE,
        Endpoint::Pipe(_) => failure::PIPE_IN_USE,
    })
    .hint("stop it, or use another workspace with `--base-dir DIR`"))
}

/// Waits until a started daemon answers; its exit ends the wait at once.
///
/// # Errors
/// With the last lines of its log, and their meaning where that is known.
pub fn wait_until_ready(workspace: &Workspace, component: Component, child: &mut Child) -> Result<()> {
    let name = component.main_program();
    let mut patience = PATIENCE_WITH_THE_FIRST_PROBE;
    poll::until(
        PATIENCE,
        || {
            if let Some(status) = child.try_wait().trying(|| format!("look after {name}"))? {
                return Err(with_log(
                    workspace,
                    component,
                    format!("{name} ended with {} before it was ready", process::exit(status)),
                ));
            }
            let answer = ask(workspace, component, patience).unwrap_or_else(|| Err(unanswered(patience)));
            patience = (2 * patience).min(PATIENCE_WITH_A_PROBE);
            Ok(answer.map_or_else(Look::NotYet, Look::Ready))
        },
        |reason| {
            with_log(
                workspace,
                component,
                format!("{name} gave no answer within {} ({reason})", humantime::format_duration(PATIENCE)),
            )
        },
    )
}

/// Whether a daemon answers its client; if not, what the client said.
pub fn answers(workspace: &Workspace, component: Component) -> Result<(), String> {
    ask(workspace, component, PATIENCE_BEFORE_ASKING_AGAIN)
        .or_else(|| ask(workspace, component, PATIENCE_WITH_A_PROBE))
        .unwrap_or_else(|| Err(unanswered(PATIENCE_WITH_A_PROBE)))
}

fn unanswered(patience: Duration) -> String {
    format!("no answer within {}", humantime::format_duration(patience))
}

/// The answer of a daemon, if it comes in time.
fn ask(workspace: &Workspace, component: Component, patience: Duration) -> Option<Result<(), String>> {
    if let Endpoint::Unix { path, .. } = workspace.endpoint(component)
        && !path.exists()
    {
        // Spares the start of a client while there is nothing to talk to.
        return Some(Err(format!("there is no `{}` yet", path.display())));
    }
    match process::capture_within(&probe(workspace, component), patience) {
        Ok(Some(output)) if output.status.success() => Some(Ok(())),
        Ok(Some(output)) => Some(Err(output.last_words())),
        Ok(None) => None,
        Err(error) => Some(Err(error.to_string())),
    }
}

/// The question whose answer means ready.
fn probe(workspace: &Workspace, component: Component) -> Argv {
    match component {
        Component::Buildkit => buildctl(workspace).args(["--timeout", "5", "debug", "workers"]),
        _ => ctr(workspace).args(["--timeout", "5s", "version"]),
    }
}

/// An error with what the daemon's log says at its end.
pub fn with_log(workspace: &Workspace, component: Component, message: String) -> Error {
    let path = workspace.log(component);
    let text = fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines = without_stack(&text);
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    if last.is_empty() {
        return Error::ground(message).hint(format!("its log `{}` is empty", path.display()));
    }
    let error = Error::ground(format!("{message}; its log ends:\n  {}", last.join("\n  ")));
    let found = failure::explain(&last.join("\n"), Some(Speaker::Daemon), Some(workspace.platform().os));
    // What a daemon only warns of by the way, such as that RUN has no network, is not why it failed.
    match found.filter(|found| found.failure.class.fault() == Class::Ground) {
        Some(found) => error.known(found.failure).hint(found.failure.hint()),
        None => error.hint(format!("the whole log is in `{}`", path.display())),
    }
}

/// A log's lines that tell something. Where a Go program tells its stack too, its last words would only be frames: each is
/// the name of a function and, on a line that begins with a tab, its place.
fn without_stack(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let is_place = |at: usize| lines.get(at).is_some_and(|line| line.starts_with('\t'));
    (0..lines.len()).filter(|at| !is_place(*at) && !is_place(at + 1)).map(|at| lines[at]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_log_with_a_stack_the_message_is_left() {
        let log = "time=\"…\" msg=booting\n\nbuildkitd: lookup account nosuch: not found\nfailed to lookup sid for group nosuch\n\
            main.groupToSecurityDescriptor\n\tgithub.com/moby/buildkit@v0.34.2/cmd/buildkitd/main_windows.go:51\n\
            runtime.goexit\n\truntime/asm_amd64.s:1771\n";
        assert_eq!(
            without_stack(log),
            [
                "time=\"…\" msg=booting",
                "buildkitd: lookup account nosuch: not found",
                "failed to lookup sid for group nosuch"
            ]
        );
    }

    #[test]
    fn a_log_is_explained_by_the_rows_of_its_system() {
        for (platform, id) in [("windows-amd64", Some("pipe-in-use")), ("linux-amd64", None)] {
            let folder = tempfile::tempdir().unwrap();
            let workspace = Workspace::new(folder.path().to_owned(), platform.parse().unwrap());
            let log = workspace.log(Component::Buildkit);
            fs::create_dir_all(log.parent().unwrap()).unwrap();
            fs::write(&log, r"buildkitd: open \\.\pipe\x: Access is denied.").unwrap();
            let error = with_log(&workspace, Component::Buildkit, "it ended".into());
            assert_eq!(error.failure().map(|known| known.id), id, "{platform}");
        }
    }

    #[test]
    fn a_group_may_use_buildkitd_and_nothing_else() {
        let workspace = Workspace::new("/w".into(), "windows-amd64".parse().unwrap());
        let shown = |component, group| argv(&workspace, component, group).shown();
        assert!(shown(Component::Buildkit, Some("Users")).contains(" --group Users"));
        assert!(!shown(Component::Buildkit, None).contains("--group"));
        assert!(!shown(Component::Containerd, Some("Users")).contains("--group"));
    }
}
