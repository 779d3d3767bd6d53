//! Finding the first bad one of a row of versions or commits. Pure: what to try next, from what is known so far.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a version or commit turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// What was asked of it works.
    Good,
    /// It fails.
    Bad,
    /// It could not be tried: that says nothing of it.
    Skip,
}

impl Verdict {
    /// As logs have it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::Bad => "bad",
            Verdict::Skip => "skip",
        }
    }
}

/// A row of candidates from the good end to the bad one, by their places in it, and what is known of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bisection {
    /// How many there are, both ends among them.
    pub candidates: usize,
    /// Those that were tried.
    pub verdicts: BTreeMap<usize, Verdict>,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Try this one.
    Try(usize),
    /// The first bad one is found, and the last good one is right before it.
    Found {
        /// The last good one.
        good: usize,
        /// The first bad one.
        bad: usize,
    },
    /// The first bad one is one of several that follow each other: those between could not be tried.
    OneOf {
        /// The last one known to be good.
        good: usize,
        /// The first one known to be bad.
        bad: usize,
    },
}

/// Why a row can't be bisected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The good end is bad.
    GoodIsBad,
    /// The bad end is good.
    BadIsGood,
    /// Both.
    WrongWayRound,
    /// The good end could not be tried.
    GoodIsUnknown,
    /// The bad end could not be tried.
    BadIsUnknown,
}

impl Bisection {
    /// Nothing is known yet.
    pub fn new(candidates: usize) -> Self {
        Self { candidates, verdicts: BTreeMap::new() }
    }

    /// What to try next: both ends first, then what halves what is left.
    ///
    /// # Errors
    /// When an end is not what it is said to be.
    pub fn next(&self) -> Result<Next, Refusal> {
        let last = self.candidates.saturating_sub(1);
        let verdict = |at: usize| self.verdicts.get(&at).copied();
        match (verdict(0), verdict(last)) {
            (None, _) => return Ok(Next::Try(0)),
            (Some(Verdict::Skip), _) => return Err(Refusal::GoodIsUnknown),
            (_, None) => return Ok(Next::Try(last)),
            (Some(Verdict::Bad), Some(Verdict::Good)) => return Err(Refusal::WrongWayRound),
            (Some(Verdict::Bad), _) => return Err(Refusal::GoodIsBad),
            (_, Some(Verdict::Good)) => return Err(Refusal::BadIsGood),
            (_, Some(Verdict::Skip)) => return Err(Refusal::BadIsUnknown),
            (Some(Verdict::Good), Some(Verdict::Bad)) => {}
        }
        let bad = (0..=last).find(|at| verdict(*at) == Some(Verdict::Bad)).unwrap_or(last);
        let good = (0..bad).rev().find(|at| verdict(*at) == Some(Verdict::Good)).unwrap_or(0);
        let untried: Vec<usize> = (good + 1..bad).filter(|at| verdict(*at).is_none()).collect();
        let skipped = bad - good - 1 - untried.len();
        Ok(match (untried.is_empty(), skipped) {
            (false, _) => Next::Try(untried[fraction_of(untried.len(), skipped)]),
            (true, 0) => Next::Found { good, bad },
            (true, _) => Next::OneOf { good, bad },
        })
    }

    /// Takes note of a verdict.
    pub fn note(&mut self, at: usize, verdict: Verdict) {
        self.verdicts.insert(at, verdict);
    }

    /// Takes a verdict back.
    pub fn forget(&mut self, at: usize) {
        self.verdicts.remove(&at);
    }

    /// The end that nothing is known of, where that is why it can't go on.
    pub fn unknown_end(&self, refusal: Refusal) -> Option<usize> {
        match refusal {
            Refusal::GoodIsUnknown => Some(0),
            Refusal::BadIsUnknown => Some(self.candidates.saturating_sub(1)),
            Refusal::GoodIsBad | Refusal::BadIsGood | Refusal::WrongWayRound => None,
        }
    }

    /// About how many are still to be tried, if none is skipped.
    pub fn steps_left(&self) -> u32 {
        let good = self.verdicts.iter().filter(|(_, verdict)| **verdict == Verdict::Good).map(|(at, _)| *at).max();
        let bad = self.verdicts.iter().filter(|(_, verdict)| **verdict == Verdict::Bad).map(|(at, _)| *at).min();
        let ends = u32::from(!self.verdicts.contains_key(&0))
            + u32::from(!self.verdicts.contains_key(&self.candidates.saturating_sub(1)));
        let between = bad.unwrap_or(self.candidates.saturating_sub(1)).saturating_sub(good.unwrap_or(0) + 1);
        ends + usize::BITS - between.leading_zeros()
    }
}

/// Which of some to take: the middle one. Where neighbours could not be tried, the one after it mostly can't be either, so with
/// every skip another fraction is taken: a half, a quarter, three quarters, an eighth, and so on.
fn fraction_of(length: usize, skipped: usize) -> usize {
    let (mut numerator, mut denominator, mut rest) = (0, 1, skipped % 64 + 1);
    while rest > 0 {
        denominator *= 2;
        numerator = numerator * 2 + rest % 2;
        rest /= 2;
    }
    (length * numerator / denominator).min(length - 1)
}

impl Refusal {
    /// The same for people.
    pub fn error(self, good: &str, bad: &str) -> Error {
        let reasons = "see its log; it may be that the sample or the command fails everywhere";
        match self {
            Refusal::GoodIsBad => Error::usage(format!("`--good {good}` is bad")).hint(reasons),
            Refusal::BadIsGood => Error::usage(format!("`--bad {bad}` is good"))
                .hint("give the sample or the command that fails there, or a version in which it does"),
            Refusal::WrongWayRound => Error::usage(format!(
                "the ends are the wrong way round: `--good {good}` is bad, and `--bad {bad}` is good"
            ))
            .hint("to find since when something works, give a command that fails when it does"),
            Refusal::GoodIsUnknown => Error::ground(format!("`--good {good}` could not be tried")),
            Refusal::BadIsUnknown => Error::ground(format!("`--bad {bad}` could not be tried")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bisects a row whose first bad one is known; tells what was found, and how often something was tried.
    fn bisect(candidates: usize, first_bad: usize, is_skipped: impl Fn(usize) -> bool) -> (Next, usize) {
        let mut bisection = Bisection::new(candidates);
        for tried in 0..=candidates {
            match bisection.next().unwrap() {
                Next::Try(at) => {
                    assert!(!bisection.verdicts.contains_key(&at), "{at} was tried before");
                    let verdict = match at {
                        _ if is_skipped(at) => Verdict::Skip,
                        _ if at >= first_bad => Verdict::Bad,
                        _ => Verdict::Good,
                    };
                    bisection.note(at, verdict);
                }
                end => return (end, tried),
            }
        }
        panic!("no end after {candidates} steps");
    }

    #[test]
    fn every_first_bad_one_is_found_in_few_steps() {
        for candidates in 2..70 {
            for first_bad in 1..candidates {
                let (found, tried) = bisect(candidates, first_bad, |_| false);
                assert_eq!(found, Next::Found { good: first_bad - 1, bad: first_bad }, "of {candidates}");
                let most = 2 + usize::BITS - (candidates - 2).leading_zeros();
                assert!(tried <= most as usize, "{first_bad} of {candidates} took {tried} steps");
            }
        }
    }

    #[test]
    fn what_cannot_be_tried_never_misleads() {
        // Every set of skipped ones between the ends of short rows.
        for candidates in 3..11_usize {
            for first_bad in 1..candidates {
                for skips in 0..1_u32 << (candidates - 2) {
                    let is_skipped = |at: usize| at > 0 && at < candidates - 1 && skips >> (at - 1) & 1 == 1;
                    let (found, _) = bisect(candidates, first_bad, is_skipped);
                    let (good, bad) = match found {
                        Next::Found { good, bad } => {
                            assert_eq!(bad, good + 1);
                            (good, bad)
                        }
                        Next::OneOf { good, bad } => {
                            assert!(bad - good > 1 && (good + 1..bad).all(is_skipped));
                            (good, bad)
                        }
                        Next::Try(_) => unreachable!("it has ended"),
                    };
                    assert!(good < first_bad && first_bad <= bad, "{first_bad} of {candidates}, {skips:b}");
                    assert!(!is_skipped(good) && !is_skipped(bad));
                }
            }
        }
    }

    #[test]
    fn a_long_stretch_that_cannot_be_tried_is_left_soon() {
        // A fifth of a thousand commits doesn't build, right in the middle.
        let (found, tried) = bisect(1000, 200, |at| (400..600).contains(&at));
        assert_eq!(found, Next::Found { good: 199, bad: 200 });
        assert!(tried < 20, "{tried}");
    }

    #[test]
    fn both_ends_are_tried_before_anything_else() {
        let mut bisection = Bisection::new(9);
        assert_eq!((bisection.next(), bisection.steps_left()), (Ok(Next::Try(0)), 5));
        bisection.note(0, Verdict::Good);
        assert_eq!((bisection.next(), bisection.steps_left()), (Ok(Next::Try(8)), 4));
        bisection.note(8, Verdict::Bad);
        assert_eq!((bisection.next(), bisection.steps_left()), (Ok(Next::Try(4)), 3));
    }

    #[test]
    fn an_end_must_be_what_it_is_said_to_be() {
        let with = |good, bad: Option<Verdict>| {
            let mut bisection = Bisection::new(5);
            bisection.note(0, good);
            if let Some(bad) = bad {
                bisection.note(4, bad);
            }
            bisection.next()
        };
        assert_eq!(with(Verdict::Bad, Some(Verdict::Good)), Err(Refusal::WrongWayRound));
        assert_eq!(with(Verdict::Bad, Some(Verdict::Bad)), Err(Refusal::GoodIsBad));
        assert_eq!(with(Verdict::Good, Some(Verdict::Good)), Err(Refusal::BadIsGood));
        assert_eq!(with(Verdict::Good, Some(Verdict::Skip)), Err(Refusal::BadIsUnknown));
        assert_eq!(with(Verdict::Skip, None), Err(Refusal::GoodIsUnknown));
        assert_eq!(Refusal::BadIsUnknown.error("1", "2").class().exit_code(), 3);
        assert_eq!(Refusal::GoodIsBad.error("1", "2").class().exit_code(), 2);
    }

    #[test]
    fn an_end_that_could_not_be_tried_is_tried_again() {
        let mut bisection = Bisection::new(5);
        bisection.note(0, Verdict::Good);
        bisection.note(4, Verdict::Skip);
        let unknown = bisection.unknown_end(bisection.next().unwrap_err()).unwrap();
        bisection.forget(unknown);
        assert_eq!((unknown, bisection.next()), (4, Ok(Next::Try(4))));
        assert_eq!(bisection.unknown_end(Refusal::GoodIsUnknown), Some(0));
        assert_eq!(bisection.unknown_end(Refusal::BadIsGood), None);
    }

    #[test]
    fn neighbours_have_nothing_between_them() {
        assert_eq!(bisect(2, 1, |_| false), (Next::Found { good: 0, bad: 1 }, 2));
    }
}
