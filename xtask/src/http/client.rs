//! How connections come about: timeouts, redirects, proxies, TLS.

use super::error::causes;
use reqwest::Url;
use reqwest::blocking::Client;
use reqwest::redirect::{Action, Attempt, Policy};
use std::sync::OnceLock;
use std::time::Duration;

/// GitHub turns away calls that don't say who makes them.
const USER_AGENT: &str = concat!("buildkit-windows-xtask/", env!("CARGO_PKG_VERSION"));

/// How long a connection may take to come about. Short, because falling back to another source matters more.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What all threads share to make calls of one kind. Built on the first one: TLS set-up is not for commands that make none.
#[derive(Debug)]
pub(super) struct Clients {
    /// Where a server leads elsewhere: whether to go there.
    follows: bool,
    outside: OnceLock<Result<Client, String>>,
    /// For this machine itself, which no proxy can reach.
    loopback: OnceLock<Result<Client, String>>,
}

impl Clients {
    pub(super) fn new(follows: bool) -> Self {
        Self { follows, outside: OnceLock::new(), loopback: OnceLock::new() }
    }

    /// The one that may call a URL.
    pub(super) fn get(&self, url: &Url, stall: Duration) -> Result<&Client, String> {
        let (cell, outside) = if is_loopback(url) { (&self.loopback, false) } else { (&self.outside, true) };
        cell.get_or_init(|| build_client(stall, outside, self.follows)).as_ref().map_err(Clone::clone)
    }
}

/// A client for the world, or one for this machine itself: that one asks no proxy, and needs no root certificates, whose
/// loading takes longer than the calls.
fn build_client(stall: Duration, outside: bool, follows: bool) -> Result<Client, String> {
    // An error means that someone has installed a provider already, which is all that's wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT.min(stall))
        // In the blocking client this is no limit for the whole call: it starts anew with every read of the body.
        .timeout(stall)
        .referer(false)
        .redirect(if follows { Policy::custom(follow) } else { Policy::none() });
    let builder = if outside { builder } else { builder.no_proxy().tls_certs_only([]) };
    builder.build().map_err(|error| causes(&error))
}

/// Follows as reqwest does by default, but never from TLS to plain text: not everything has a digest to check.
fn follow(attempt: Attempt<'_>) -> Action {
    let leaves_tls =
        attempt.url().scheme() == "http" && attempt.previous().last().is_some_and(|url| url.scheme() == "https");
    if leaves_tls {
        attempt.error("the server redirects from https to http")
    } else if attempt.previous().len() > 10 {
        attempt.error("the server redirects in circles")
    } else {
        attempt.follow()
    }
}

/// Whether a URL is of this machine, in plain text. It is never asked for through a proxy, which would ask itself; Go and
/// browsers do likewise.
fn is_loopback(url: &Url) -> bool {
    if url.scheme() != "http" {
        return false;
    }
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
