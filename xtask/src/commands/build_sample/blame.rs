//! Whose fault it was that a client failed.

use super::showing::last_word;
use crate::component::Component;
use crate::context::Context;
use crate::daemon::{self, state};
use crate::error::{Class, Error};
use crate::failure::{self, Failure};
use crate::network::Network;
use crate::os;
use crate::platform::Os;

/// Whose fault a client's failing is: the ground's, if a daemon no longer answers.
pub fn blame(context: &Context, what: String, said: &str) -> Error {
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim();
    for component in [Component::Containerd, Component::Buildkit] {
        if let Err(reason) = daemon::answers(&context.workspace, component) {
            // This error has its own reason; the client's is shown as what else it said was.
            if [false, true].iter().any(|is_data| last.starts_with(last_word(*is_data))) {
                context.ui.passed_on(last);
            }
            let message = format!("{what}, and {} no longer answers ({reason})", component.main_program());
            return daemon::with_log(&context.workspace, component, message);
        }
    }
    let message = format!("{what}: {}", last.trim_start_matches(last_word(false)).trim_start_matches(last_word(true)));
    // Only the client's own last word tells whose fault it was: what a RUN says, or is, may hold any words.
    let verdict = last.rsplit("did not complete successfully: ").next().unwrap_or(last);
    let error = match failure::explain(verdict) {
        Some(known) if known.class.fault() == Class::Ground => Error::ground(message),
        _ => Error::failed(message),
    };
    match failure::explain(verdict).or_else(|| no_network(context, said)).or_else(|| failure::explain(said)) {
        Some(known) if known.id == failure::NO_CONTAINER_RUNTIME => match os::check_container_runtime() {
            Err(missing) => error.hint(known.hint_with(missing.hint_text().unwrap_or(known.remedy))),
            Ok(()) => error.hint(known.hint()),
        },
        Some(known) => error.hint(known.hint()),
        None => error.hint("see `cargo xtask logs`; `cargo xtask reset` if the state of an earlier run is to blame"),
    }
}

/// Whether a build failed for want of a network, when what is up gives it none. On Linux, RUN has the host's.
fn no_network(context: &Context, said: &str) -> Option<&'static Failure> {
    let state = state::read(&context.workspace).ok().flatten()?;
    let has_none = context.workspace.platform().os == Os::Windows && state.request.network == Network::None;
    has_none.then(|| failure::no_network(said)).flatten()
}
