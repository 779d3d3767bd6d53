//! What makes no sense, or can't work here: one clear sentence, a hint, the right exit code, and nothing changed.
//!
//! What is wrong with releases and archives is in `resolve` and `fetch`.

mod host;
mod newer;
mod paths;
mod places;
mod usage;

use tests::{Outcome, TestContext};
use xtask::platform::Platform;

/// What came of a run, with this host's platform under a name that fits them all.
fn on_any_host(outcome: &Outcome) -> String {
    outcome.render().replace(&format!("this {} host", Platform::host().unwrap()), "this [HOST] host")
}

/// What was typed and what came of it, a paragraph each.
struct Transcript(String);

impl Transcript {
    fn new() -> Self {
        Self(String::new())
    }

    fn add(&mut self, typed: &[&str], outcome: &Outcome) {
        self.0 += &format!("$ cargo xtask {}\n{}\n", typed.join(" "), on_any_host(outcome));
    }

    /// Runs each line, all of which must end with the same code and leave the workspace as it was.
    fn of(context: &TestContext, code: i32, lines: &[&[&str]]) -> Self {
        let before = unlocked(context);
        let mut transcript = Self::new();
        for line in lines {
            let outcome = context.xtask(*line).run().exited(code);
            transcript.add(line, &outcome);
            assert_eq!(unlocked(context), before, "{line:?}");
        }
        transcript
    }
}

/// The workspace but for what marks it as one, and its lock, which every command takes that might change something.
fn unlocked(context: &TestContext) -> Vec<String> {
    context.tree().into_iter().filter(|line| !line.starts_with("lock") && !line.starts_with("CACHEDIR.TAG ")).collect()
}

/// Whether the daemons could be started here, as far as rights go.
fn has_rights() -> bool {
    xtask::os::check_rights().is_ok()
}
