//! Whose fault it was that a client failed, and what it failed of.

use super::showing::last_word;
use crate::component::Component;
use crate::context::Context;
use crate::daemon::log::Marks;
use crate::daemon::{self, state};
use crate::error::{Class, Error};
use crate::failure::{self, Failure, Speaker};
use crate::network::Network;
use crate::os;
use crate::platform::Os;

/// How many of a log's last lines an error shows.
const LAST_LINES: usize = 5;

/// How a client says that a step ended by itself: what that step printed tells why, and no log does.
const STEP_ENDED: &str = "did not complete successfully: exit code";

/// Whose fault a client's failing is: the ground's, if a daemon no longer answers.
///
/// What it failed of is looked for in what it said itself, then in what the daemons logged since it was started.
pub fn blame(context: &Context, what: String, said: &str, before: &Marks) -> Error {
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim();
    let prefix = [false, true].map(last_word).into_iter().find(|prefix| last.starts_with(prefix));
    for component in [Component::Containerd, Component::Buildkit] {
        if let Err(reason) = daemon::answers(&context.workspace, component) {
            // This error has its own reason; the client's is shown as what else it said was.
            if prefix.is_some() {
                context.ui.passed_on(last);
            }
            let message = format!("{what}, and {} no longer answers ({reason})", component.main_program());
            return daemon::with_log(&context.workspace, component, message);
        }
    }
    let word = last.strip_prefix(prefix.unwrap_or_default()).unwrap_or(last);
    let message = format!("{what}: {word}");
    // Only the client's own last word is a verdict: what a RUN or a container says, or is, may hold any words.
    if prefix.is_some()
        && let Some(found) = failure::explain(last, Some(Speaker::Client))
    {
        return explained(message, found.failure, found.failure.class.fault());
    }
    // ctr's words are mixed with the container's.
    let is_builders = prefix == Some(last_word(false));
    let aside = || failure::explain(said, Some(Speaker::Client)).map(|found| found.failure).filter(|_| is_builders);
    if prefix.is_none() || word.contains(STEP_ENDED) {
        let of_step = failure::explain_step(said).map(|found| found.failure).filter(|known| is_so(context, known));
        let known = of_step.or_else(aside);
        return known.map_or_else(
            || {
                Error::failed(message.clone())
                    .hint("see `cargo xtask logs`; `cargo xtask reset` if the state of an earlier run is to blame")
            },
            |known| explained(message.clone(), known, Class::Failed),
        );
    }
    if let Some(known) = aside() {
        return explained(message, known, Class::Failed);
    }
    let daemons = match is_builders {
        true => [Component::Buildkit, Component::Containerd],
        false => [Component::Containerd, Component::Buildkit],
    };
    let logged = daemons.map(|daemon| (daemon, before.complaints(&context.workspace, daemon)));
    let meaning = |lines: &[String]| failure::explain(&lines.join("\n"), Some(Speaker::Daemon));
    match logged.iter().find_map(|(_, lines)| meaning(lines)) {
        Some(found) => explained(message, found.failure, found.failure.class.fault()),
        None => unexplained(context, message, word, &logged),
    }
}

fn explained(message: String, known: &'static Failure, fault: Class) -> Error {
    let error = match fault {
        Class::Ground => Error::ground(message),
        _ => Error::failed(message),
    };
    let error = error.known(known);
    if known.id != failure::NO_CONTAINER_RUNTIME {
        return error.hint(known.hint());
    }
    match os::check_container_runtime() {
        Err(missing) => error.hint(known.hint_with(missing.hint_text().unwrap_or(known.remedy))),
        Ok(()) => error.hint(known.hint()),
    }
}

/// Nobody knows: what the daemon with something to tell told last, and where the whole of it is.
fn unexplained(context: &Context, message: String, word: &str, logged: &[(Component, Vec<String>); 2]) -> Error {
    let news = |lines: &[String]| -> Vec<String> {
        // A daemon logs what it tells its client: that has been said.
        lines
            .iter()
            .filter(|line| !failure::bare(line).contains(word.trim_start_matches("failed to solve: ")))
            .cloned()
            .collect()
    };
    let told = logged.iter().map(|(daemon, lines)| (*daemon, news(lines))).find(|(_, lines)| !lines.is_empty());
    let (daemon, lines) = told.unwrap_or((logged[0].0, Vec::new()));
    let name = daemon.main_program();
    let message = match &lines[lines.len().saturating_sub(LAST_LINES)..] {
        [] => message,
        last => format!("{message}; meanwhile {name} logged:\n  {}", last.join("\n  ")),
    };
    Error::failed(message).hint(format!(
        "{name}'s whole log is in `{}`; `cargo xtask reset` if the state of an earlier run is to blame",
        context.workspace.log(daemon).display()
    ))
}

/// Whether it can be what a step failed of: for want of a network only if what is up gives it none. On Linux, RUN has the host's.
fn is_so(context: &Context, known: &Failure) -> bool {
    let on_windows = context.workspace.platform().os == Os::Windows;
    let has_none = || {
        let state = state::read(&context.workspace).ok().flatten();
        state.is_some_and(|state| state.request.network == Network::None)
    };
    known.platforms.contains(&context.workspace.platform().os)
        && (known.id != failure::NO_NETWORK || on_windows && has_none())
}
