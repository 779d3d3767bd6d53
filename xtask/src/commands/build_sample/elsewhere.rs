//! What is different when a buildkitd builds that the harness did not start: what can't be asked for, and what can't be healed.

use crate::client::Client;
use crate::client::remote::Remote;
use crate::component::Component;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::failure;
use crate::network::Network;

/// Makes sure that nothing is asked for that only the workspace's own daemons could do.
///
/// # Errors
/// When something is.
pub fn check(context: &Context, heal: Option<bool>) -> Result<()> {
    if heal == Some(true) {
        return Err(Error::usage("`--heal` resets the workspace's own state, and with `--addr` another builds")
            .hint("leave it out, or unset BUILDKIT_WINDOWS_HEAL; what heals that one's is `buildctl --addr ADDRESS prune --all`"));
    }
    let request = &context.request;
    let is_of_clients = |component: &Component| matches!(component, Component::Buildkit | Component::Buildx);
    let versions = context.named.iter().filter(|component| !is_of_clients(component));
    let option = versions
        .map(|component| format!("--{component}"))
        .chain((request.network != Network::None).then(|| "--network".into()))
        .chain(request.group.is_some().then(|| "--group".into()))
        .next();
    let Some(option) = option else { return Ok(()) };
    let variable = option.trim_start_matches("--").to_uppercase();
    Err(Error::usage(format!("`{option}` is for the workspace's own daemons, and with `--addr` none is started"))
        .hint(format!("leave it out, or unset BUILDKIT_WINDOWS_{variable}")))
}

/// Says what was asked for and changes nothing with this client.
pub fn tell_what_is_idle(context: &Context, client: &dyn Client, keep: bool) {
    if client.loads() && context.named.contains(&Component::Buildkit) {
        context
            .ui
            .note("`--buildkit` changes nothing here: with `--addr` it says which buildctl builds, and buildx does");
    }
    if keep && !client.loads() {
        context.ui.note("`--keep` changes nothing here: buildctl leaves the image over there, and no container is run");
    }
}

/// Says what to do about stale state over there: a `reset`, as the catalogue has it, is for the workspace's own.
pub fn advise(remote: Option<&Remote>, error: Error) -> Error {
    let is_stale = |known: &&failure::Failure| known.class == failure::Class::StaleState;
    let (Some(remote), Some(known)) = (remote, error.failure().filter(is_stale)) else { return error };
    let remedy = format!("run `{}`, or ask whoever runs that buildkitd to do so", remote.prune_all());
    error.with_hint(known.hint_with(&remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_state_elsewhere_is_no_affair_of_reset() {
        let remote = Remote { address: "tcp://h:1".into(), tls: None };
        let known = failure::find("stale-content").unwrap();
        let failed = Error::failed("it failed").because("for want of it").hint(known.hint()).known(known);
        let advised = advise(Some(&remote), failed.blaming_state());
        let hint = advised.hint_text().unwrap();
        assert!(hint.contains("`buildctl --addr tcp://h:1 prune --all`") && !hint.contains("cargo xtask"), "{hint}");
        assert_eq!((advised.to_string().as_str(), advised.failure()), ("it failed: for want of it", Some(known)));
        assert!(advised.blames_state(), "{advised:?}");
        let other = advise(Some(&remote), Error::ground("full").hint("free some"));
        assert_eq!((other.to_string().as_str(), other.hint_text()), ("full", Some("free some")));
        let own = advise(None, Error::failed("it failed").hint("reset").known(known));
        assert_eq!(own.hint_text(), Some("reset"));
    }
}
