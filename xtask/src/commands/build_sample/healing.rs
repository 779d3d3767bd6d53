//! Trying a sample again after a reset, when stale state has made it fail.
//!
//! Whether BuildKit's and containerd's state agree shows only in a build: neither has a question to ask for it, and which level
//! of `reset` is enough differs with what is missing. Here there is a build to try, so each level is followed by another
//! attempt, and the first that passes tells the lowest level that heals: no more is thrown away than must be.

use crate::commands::reset::Level;
use crate::error::{Error, Result};

/// Whether to heal: as asked for, else where nobody watches who could type `reset`. `ci` is the variable `CI`, which GitHub
/// Actions and others set to `true`.
pub fn is_wanted(asked: Option<bool>, ci: Option<&str>) -> bool {
    asked.unwrap_or_else(|| !matches!(ci.unwrap_or_default(), "" | "0" | "false"))
}

/// What a sample is tried with.
pub trait Ground {
    /// What an attempt that passes yields.
    type Passed;

    /// Builds and runs it.
    fn attempt(&mut self) -> Result<Self::Passed>;

    /// Does a level of `reset`.
    fn reset(&mut self, level: Level) -> Result<()>;

    /// Says what people must not miss.
    fn warn(&mut self, text: &str);

    /// Says how it goes on.
    fn note(&mut self, text: &str);
}

/// Tries a sample until it passes or fails of something else than stale state, each time after the next level of `reset`.
/// Tells which level healed it, if one had to.
pub fn until_healed<G: Ground>(ground: &mut G) -> Result<(G::Passed, Option<Level>)> {
    let mut failed = match ground.attempt() {
        Err(error) if error.blames_state() => error,
        other => return other.map(|passed| (passed, None)),
    };
    ground.warn(&format!("{failed}; this is stale state, so it is reset, and tried again after each level"));
    let mut refuses = false;
    for level in Level::ALL {
        if refuses && level != Level::Hard {
            continue;
        }
        match ground.reset(level) {
            Ok(()) => {}
            Err(error) if level == Level::Hard => return Err(error),
            Err(error) => {
                ground.warn(&error.to_string());
                refuses = true;
                continue;
            }
        }
        match ground.attempt() {
            Ok(passed) => return Ok((passed, Some(level))),
            Err(error) if error.blames_state() => failed = error,
            Err(other) => return Err(other),
        }
        if level != Level::Hard {
            ground.note(&format!("`{}` did not heal it", level.name()));
        }
    }
    Err(beyond_healing(failed))
}

/// Everything is new, and yet something is missing: then it was no earlier run's state, and another reset is no remedy.
fn beyond_healing(failed: Error) -> Error {
    let link = failed.failure().map(|known| format!(" ({})", known.link)).unwrap_or_default();
    let message = format!("{failed}, also after both roots were deleted");
    failed.reworded(message).with_hint(format!("no reset heals this; see `cargo xtask logs`{link}")).not_blaming_state()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure;

    /// What each attempt comes to, in turn, and which level is refused.
    struct Script {
        attempts: Vec<Result<()>>,
        refused: Option<Level>,
        done: Vec<&'static str>,
        warnings: usize,
        notes: Vec<String>,
    }

    impl Ground for Script {
        type Passed = ();

        fn attempt(&mut self) -> Result<()> {
            self.done.push("attempt");
            self.attempts.remove(0)
        }

        fn reset(&mut self, level: Level) -> Result<()> {
            self.done.push(level.name());
            if self.refused == Some(level) { Err(Error::ground("refused")) } else { Ok(()) }
        }

        fn warn(&mut self, _: &str) {
            self.warnings += 1;
        }

        fn note(&mut self, text: &str) {
            self.notes.push(text.to_owned());
        }
    }

    fn stale() -> Result<()> {
        let known = failure::find("stale-snapshot").unwrap();
        Err(Error::failed("it failed").hint("reset").known(known).blaming_state())
    }

    fn script(attempts: Vec<Result<()>>) -> Script {
        Script { attempts, refused: None, done: Vec::new(), warnings: 0, notes: Vec::new() }
    }

    #[test]
    fn what_passes_is_not_reset() {
        let mut script = script(vec![Ok(())]);
        assert_eq!(until_healed(&mut script).unwrap(), ((), None));
        assert_eq!((script.done, script.warnings), (vec!["attempt"], 0));
    }

    #[test]
    fn the_lowest_level_that_heals_is_the_last_one_done() {
        let mut script = script(vec![stale(), stale(), Ok(())]);
        let (_, healed) = until_healed(&mut script).unwrap();
        assert_eq!(healed.map(Level::name), Some("prune --all"));
        assert_eq!(script.done, ["attempt", "prune", "attempt", "prune --all", "attempt"]);
        assert_eq!((script.warnings, script.notes), (1, vec!["`prune` did not heal it".to_owned()]));
    }

    #[test]
    fn another_failure_ends_it() {
        for (attempts, done) in [
            (vec![Err(Error::ground("other"))], vec!["attempt"]),
            (vec![stale(), Err(Error::ground("other"))], vec!["attempt", "prune", "attempt"]),
        ] {
            let mut script = script(attempts);
            assert_eq!(until_healed(&mut script).unwrap_err().to_string(), "other");
            assert_eq!(script.done, done);
        }
    }

    #[test]
    fn a_level_that_is_refused_leads_to_the_last() {
        let mut script = script(vec![stale(), Ok(())]);
        script.refused = Some(Level::ALL[0]);
        let (_, healed) = until_healed(&mut script).unwrap();
        assert_eq!(healed, Some(Level::Hard));
        assert_eq!(script.done, ["attempt", "prune", "hard", "attempt"]);
        assert_eq!(script.warnings, 2);
    }

    #[test]
    fn what_no_level_heals_is_no_stale_state() {
        let mut script = script(std::iter::repeat_with(stale).take(5).collect());
        let failed = until_healed(&mut script).unwrap_err();
        assert_eq!(failed.to_string(), "it failed, also after both roots were deleted");
        assert!(failed.hint_text().unwrap().starts_with("no reset heals this"), "{failed:?}");
        assert_eq!(failed.failure().map(|known| known.id), Some("stale-snapshot"));
        assert!(!failed.blames_state(), "{failed:?}");
    }

    #[test]
    fn ci_heals_unless_told_otherwise() {
        for (asked, ci, wanted) in [
            (None, None, false),
            (None, Some("true"), true),
            (None, Some("1"), true),
            (None, Some(""), false),
            (None, Some("false"), false),
            (Some(false), Some("true"), false),
            (Some(true), None, true),
        ] {
            assert_eq!(is_wanted(asked, ci), wanted, "{asked:?} {ci:?}");
        }
    }
}
