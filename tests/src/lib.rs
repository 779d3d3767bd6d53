//! What the tests stand on: a release server on loopback, archives good and bad, and a temporary machine to run in.
//!
//! A test starts with [`context!`] and, where it needs releases, a [`ReleaseServer`]; it runs the binary with
//! [`TestContext::xtask`] and compares what it printed with [`assert_outcome!`].

pub mod archives;
pub mod context;
#[cfg(unix)]
pub mod docker;
mod environment;
pub mod filters;
mod git;
mod go;
pub mod night;
mod os;
pub mod real;
pub mod run;
pub mod server;
mod stand_in;
#[cfg(unix)]
pub mod started;
mod tree;

pub use archives::{Hostile, sha256_hex, tar_gz, unzip, zip};
pub use context::TestContext;
pub use git::git;
pub use os::run_restricted;
pub use run::{Outcome, Running, Xtask};
pub use server::{By, Fault, Host, Issue, Release, ReleaseServer, Request, Times};
pub use stand_in::{StandIn, Then};

// For the macros: they expand in the test's own crate.
#[doc(hidden)]
pub use insta;
