//! What the messages of BuildKit, containerd, runc and Docker mean: a catalogue as data, and its look-up.

mod copied;
mod lines;
mod rows;
mod steps;
#[cfg(test)]
mod tests;

pub use copied::explain_copied;
pub use lines::{Found, after_time, bare, explain};
pub use steps::explain_step;

use crate::exit;
use crate::platform::Os;

/// A message that is known, and what to make of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// A short stable name.
    pub id: &'static str,
    /// What kind of failure it is.
    pub class: Class,
    /// Where it happens.
    pub platforms: &'static [Os],
    /// Whose message it is: the same words mean something else from another.
    pub said_by: &'static [Speaker],
    /// The ways it is put: each is texts that must all be in one line, in this order.
    pub matchers: &'static [&'static [&'static str]],
    /// Why it happens.
    pub cause: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// Where upstream speaks of it.
    pub link: &'static str,
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// BuildKit's and containerd's data no longer agree: a reset heals it.
    StaleState,
    /// Network, disk, rights, a daemon, or what Windows has to be told first.
    Ground,
    /// The image is not for this machine.
    HostMismatch,
    /// The build asks for what can't be done there.
    UnsupportedFeature,
    /// These programs are at fault, and others are not.
    ReleaseBug,
}

impl Class {
    /// Whose fault it is when a build ends with it. A machine that can't run an image says nothing about a release, so that is
    /// the ground's too.
    pub fn fault(self) -> exit::Class {
        match self {
            Class::Ground | Class::HostMismatch => exit::Class::Ground,
            Class::StaleState | Class::UnsupportedFeature | Class::ReleaseBug => exit::Class::Failed,
        }
    }

    /// Its name, as people and scripts read it.
    pub fn name(self) -> &'static str {
        match self {
            Class::StaleState => "stale state",
            Class::Ground => "ground",
            Class::HostMismatch => "host mismatch",
            Class::UnsupportedFeature => "unsupported feature",
            Class::ReleaseBug => "release bug",
        }
    }
}

/// Who said a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// What drives a build or runs a container: buildctl, ctr, docker.
    Client,
    /// containerd or buildkitd, in their logs.
    Daemon,
    /// What a RUN started. It may say anything, so this is never a verdict on the ground.
    Run,
}

impl Speaker {
    /// Its name, as people and scripts read it.
    pub fn name(self) -> &'static str {
        match self {
            Speaker::Client => "client",
            Speaker::Daemon => "daemon",
            Speaker::Run => "RUN",
        }
    }
}

impl Failure {
    /// Cause, remedy and link, as a hint.
    pub fn hint(&self) -> String {
        self.hint_with(self.remedy)
    }

    /// The same, with a remedy that is made for just this machine.
    pub fn hint_with(&self, remedy: &str) -> String {
        format!("{}; {remedy} ({})", self.cause, self.link)
    }

    /// The ways it is put, with dots for what differs.
    pub fn messages(&self) -> Vec<String> {
        self.matchers.iter().map(|parts| parts.join(" … ")).collect()
    }
}

/// The id of what also [`crate::os::check_container_runtime`] finds, which knows the command for just this Windows.
pub const NO_CONTAINER_RUNTIME: &str = "no-container-runtime";

/// The id of what is so only where RUN is given no network.
pub const NO_NETWORK: &str = "no-network";

/// What the harness finds out itself, without any message, and by what a system tells in numbers.
pub const DISK_FULL: &Failure = row("disk-full");

/// The same, where a daemon that was at work is gone.
pub const DAEMON_ENDED: &Failure = row("daemon-ended");

/// The same, where somebody has not the rights for it on Windows.
pub const NOT_ELEVATED: &Failure = row("not-elevated");

/// The same on Linux.
pub const NOT_ROOT: &Failure = row("not-root");

/// What the daemons find out, too, but only once they are started: a taken endpoint.
pub const PIPE_IN_USE: &Failure = row("pipe-in-use");

/// The same on Linux, where a daemon takes the socket from whoever listens there.
pub const SOCKET_IN_USE: &Failure = row("socket-in-use");

/// What a client finds out, too, but only after a while: that nobody listens at an address.
pub const BUILDER_UNREACHABLE: &Failure = row("builder-unreachable");

/// The row of an id that is written in this program: where there is none, it does not compile.
const fn row(id: &str) -> &'static Failure {
    let mut class = 0;
    while class < rows::ALL.len() {
        let rows = rows::ALL[class];
        let mut at = 0;
        while at < rows.len() {
            if is_same(rows[at].id.as_bytes(), id.as_bytes()) {
                return &rows[at];
            }
            at += 1;
        }
        class += 1;
    }
    panic!("there is no row of that id")
}

/// What `==` can't tell while a program is compiled.
const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// Every known message, by class.
pub fn all() -> impl Iterator<Item = &'static Failure> {
    rows::ALL.iter().copied().flatten()
}

/// The one of that id, however it is written: `Disk_Full` is `disk-full`.
pub fn find(id: &str) -> Option<&'static Failure> {
    let id = as_id(id);
    all().find(|known| known.id == id)
}

/// The ids that may have been meant by one that there is not, the likeliest first.
pub fn nearest(id: &str) -> Vec<&'static str> {
    let id = as_id(id);
    // Less than a word is a part of too many.
    let is_part = |known: &str| id.len() >= 3 && known.contains(&id);
    let likeness = |known: &str| {
        // What is all there comes before what is only like it, and the more it is of the whole, the sooner.
        if is_part(known) { 1.0 + id.len() as f64 / known.len() as f64 } else { strsim::jaro_winkler(known, &id) }
    };
    let mut likely: Vec<_> =
        all().map(|known| (likeness(known.id), known.id)).filter(|(near, _)| *near > 0.75).collect();
    likely.sort_by(|(one, _), (two, _)| two.total_cmp(one));
    likely.into_iter().map(|(_, id)| id).take(3).collect()
}

fn as_id(typed: &str) -> String {
    let words = typed.to_lowercase().replace(['_', '-'], " ");
    words.split_whitespace().collect::<Vec<_>>().join("-")
}
