//! Looks at this machine for `doctor`: side by side, each for a limited time, and writing nothing. What is found is judged
//! in [`crate::doctor`].

mod docker;
mod linux;
mod machine;
mod net;
mod windows;

use crate::daemon::state::Request;
use crate::doctor::docker::Need;
use crate::doctor::{self, Check};
use crate::error::Error;
use crate::http::{Http, Retry};
use crate::os;
use crate::platform::Os;
use crate::process::{self, Argv, Output};
use crate::source::Github;
use crate::version::Spec;
use crate::workspace::Workspace;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long all of it may take: the looks begin together. PowerShell alone takes seconds to tell of Defender.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the programs that a look runs may take in all. It ends earlier, so that what hangs is ended, and can be named.
const PATIENCE_WITH_PROGRAMS: Duration = Duration::from_secs(17);

/// How long a server may be silent, before it answers and once more while it does.
const PATIENCE_WITH_A_SERVER: Duration = Duration::from_secs(8);

const _: () = assert!(PATIENCE_WITH_PROGRAMS.as_secs() < PATIENCE.as_secs());
const _: () = assert!(2 * PATIENCE_WITH_A_SERVER.as_secs() < PATIENCE_WITH_PROGRAMS.as_secs());

/// What the looks are told.
pub struct Ground {
    /// Where everything lies, or is to.
    pub workspace: Workspace,
    /// Why no workspace can lie there.
    pub objection: Option<Error>,
    /// What was asked for.
    pub request: Request,
    /// GitHub's API.
    pub github: Github,
    /// The base image that builds are to take.
    pub base_image: Option<String>,
    /// What Docker is to builds.
    pub docker: Need,
    /// The buildx asked for.
    pub buildx: Option<Spec>,
    /// How this `doctor` is typed again.
    pub again: String,
    /// How it is typed that this workspace is to be deleted with its downloads.
    pub clean: String,
    /// Touch no network.
    pub offline: bool,
    /// When it was asked how things are.
    pub since: Instant,
}

impl Ground {
    fn os(&self) -> Os {
        self.workspace.platform().os
    }

    /// One that gives up soon: who asks how things are does not want to wait until they are better.
    ///
    /// It is never dropped: that would wait for a name that nobody resolves, for as long as the system does.
    fn http(&self) -> &'static Http {
        let retry = Retry { attempts: 1, stall: PATIENCE_WITH_A_SERVER, ..Retry::default() };
        Box::leak(Box::new(Http::new(self.offline, retry)))
    }

    /// What is left for programs; a sentence where nothing is.
    fn left_for_programs(&self) -> Result<Duration, String> {
        left(PATIENCE_WITH_PROGRAMS, self.since.elapsed())
    }

    /// Runs a program that only tells something; a sentence where it can't be run or hangs.
    fn ask(&self, argv: &Argv) -> Result<Output, String> {
        let patience = self.left_for_programs()?;
        match process::capture_within(argv, patience) {
            Ok(Some(output)) => Ok(output),
            Ok(None) => {
                let limit = humantime::format_duration(patience);
                Err(format!("`{}` took longer than {limit}", argv.program().display()))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// The deepest folder on the way to the workspace that is there.
    fn nearest_folder(&self) -> &Path {
        let base = self.workspace.base();
        base.ancestors().find(|folder| folder.is_dir()).unwrap_or(base)
    }
}

/// What is left of some time, in whole seconds: a program that is started for less is started to be ended.
fn left(of: Duration, spent: Duration) -> Result<Duration, String> {
    match of.saturating_sub(spent).as_secs_f32().round() as u64 {
        0 => Err("no time was left to ask".into()),
        seconds => Ok(Duration::from_secs(seconds)),
    }
}

/// A look, and the checks that it makes.
struct Probe<G> {
    checks: &'static [&'static str],
    look: fn(&G) -> Vec<Check>,
}

/// Every look at a host of a system, in the order in which they are told.
fn probes(os: Os) -> Vec<Probe<Ground>> {
    let of_system = match os {
        Os::Linux => linux::PROBES,
        Os::Windows => windows::PROBES,
    };
    of_system
        .iter()
        .chain(machine::PROBES)
        .chain(net::PROBES)
        .map(|Probe { checks, look }| Probe { checks, look: *look })
        .collect()
}

/// Looks at everything.
pub fn all(ground: Ground) -> Vec<Check> {
    let probes = probes(ground.os());
    let checks = side_by_side(&Arc::new(ground), &probes, PATIENCE);
    if os::check_rights().is_ok() { doctor::for_root(checks) } else { checks }
}

/// Looks side by side. One that hangs is left behind, and its checks can't be told.
fn side_by_side<G: Send + Sync + 'static>(ground: &Arc<G>, probes: &[Probe<G>], patience: Duration) -> Vec<Check> {
    let deadline = Instant::now() + patience;
    let under_way: Vec<_> = probes
        .iter()
        .map(|probe| {
            let (sender, receiver) = channel();
            let (ground, look) = (Arc::clone(ground), probe.look);
            let thread = std::thread::spawn(move || drop(sender.send(look(&ground))));
            (probe.checks, thread, receiver)
        })
        .collect();
    let told = |(checks, thread, receiver): (&[&'static str], JoinHandle<()>, Receiver<Vec<Check>>)| {
        let why = match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(told) => {
                // It has nothing left to do. Under Wine 10, a program that ends while one of its threads does may lose its
                // exit code.
                drop(thread.join());
                return told;
            }
            // Nobody waits for a thread that is too late: it ends with this program.
            Err(RecvTimeoutError::Timeout) => {
                format!("the look at it took longer than {}", humantime::format_duration(patience))
            }
            Err(RecvTimeoutError::Disconnected) => "the look at it broke off".to_owned(),
        };
        checks.iter().map(|check| Check::untold(check, &why)).collect()
    };
    under_way.into_iter().flat_map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use std::sync::{Condvar, Mutex};

    /// Held until the test ends.
    #[derive(Default)]
    struct Gate(Mutex<bool>, Condvar);

    fn hang(gate: &Gate) -> Vec<Check> {
        let open = gate.0.lock().unwrap();
        drop(gate.1.wait_while(open, |open| !*open));
        Vec::new()
    }

    #[test]
    fn a_look_that_hangs_or_breaks_off_holds_up_no_other() {
        let gate = Arc::new(Gate::default());
        let quick: fn(&Gate) -> Vec<Check> = |_| vec![Check::ok("quick", "fine")];
        let broken: fn(&Gate) -> Vec<Check> = |_| std::panic::resume_unwind(Box::new(()));
        let probes = [
            Probe { checks: &["one", "other"], look: hang },
            Probe { checks: &["broken"], look: broken },
            Probe { checks: &["quick"], look: quick },
        ];
        let checks = side_by_side(&gate, &probes, Duration::from_millis(500));
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
        let told: Vec<_> = checks.iter().map(|check| (check.check, check.verdict, check.found.as_str())).collect();
        let late = "can't be told: the look at it took longer than 500ms";
        assert_eq!(
            told,
            [
                ("one", Verdict::Warning, late),
                ("other", Verdict::Warning, late),
                ("broken", Verdict::Warning, "can't be told: the look at it broke off"),
                ("quick", Verdict::Ok, "fine"),
            ]
        );
    }

    #[test]
    fn nothing_is_started_for_no_time() {
        let seconds = Duration::from_secs;
        assert_eq!(left(seconds(17), seconds(2)), Ok(seconds(15)));
        assert_eq!(left(seconds(17), Duration::from_millis(16_300)), Ok(seconds(1)));
        assert_eq!(left(seconds(17), Duration::from_millis(16_700)), Err("no time was left to ask".into()));
        assert!(left(seconds(17), seconds(18)).is_err());
    }

    #[test]
    fn no_check_is_made_twice() {
        for os in [Os::Linux, Os::Windows] {
            let mut names: Vec<&str> = probes(os).iter().flat_map(|probe| probe.checks).copied().collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{names:?}");
        }
    }
}
