//! Trying one version or commit.

use super::candidates::Candidate;
use super::saved::{Question, Saved};
use crate::apart::{self, Apart, Ended, Halt};
use crate::bisection::Verdict;
use crate::context::Context;
use crate::error::{Context as _, Error, Result};
use crate::source::commits;
use crate::version::Spec;
use std::fs;
use std::path::Path;

/// The longest reason that a log has.
const LONGEST_REASON: usize = 160;

/// What one turns out to be, and why it isn't good.
///
/// # Errors
/// When it was interrupted, or nothing can be told of any.
pub fn judge(context: &Context, saved: &Saved, at: usize, halt: &Halt) -> Result<(Verdict, Option<String>)> {
    let question = &saved.question;
    let candidate = &saved.candidates[at];
    let folder = context.workspace.bisection();
    let log = folder.join(format!("{}.log", candidate.short()));
    fs::create_dir_all(&folder).trying(|| format!("create `{}`", folder.display()))?;
    let source = context.workspace.bisection_source();
    let mut versions = saved.others.clone();
    versions.push((question.component, spec(question, candidate, &source)?));
    if let Some(clone) = &question.checkout {
        commits::check_out(clone, &candidate.name, &source)?;
    }
    let apart = Apart::new(context, saved.source(), folder.join(candidate.short()), &versions)?;
    let judged = if question.command.is_empty() {
        by_sample(&apart, question, &log, halt)
    } else {
        by_command(&apart, question, &log, halt)
    };
    let left = apart.clean(&log);
    for what in left.told {
        context.ui.warn(&format!("{} has left behind: {what}", candidate.name));
    }
    // The next one would not be apart from what stays.
    left.survived.map_or(Ok(()), Err)?;
    if halt.is_interrupted() {
        return Err(Error::ground("the bisection was interrupted")
            .hint(format!("`{}` goes on with it", context.typed("bisect --resume"))));
    }
    judged.map_err(|error| error.hint(format!("see `{}`", log.display())))
}

fn spec(question: &Question, candidate: &Candidate, source: &Path) -> Result<Spec> {
    match (question.refs, &question.checkout) {
        (false, _) => candidate.name.parse(),
        (true, None) => Ok(Spec::GoRef(candidate.name.clone())),
        (true, Some(_)) => Ok(Spec::Path(source.to_owned())),
    }
}

fn by_sample(apart: &Apart, question: &Question, log: &Path, halt: &Halt) -> Result<(Verdict, Option<String>)> {
    let sample = question.sample.as_ref().map(|sample| sample.to_string_lossy().into_owned());
    let (ended, printed) = apart.xtask(&arguments(sample.as_deref()), log, halt)?;
    let report: serde_json::Value = serde_json::from_str(&printed).unwrap_or_default();
    verdict_of_harness(&ended, report["failure"]["message"].as_str())
}

/// Docker would run the image with a containerd of its own. And where all is fresh, stale state is the fault of what is tried:
/// were it healed, as it is in CI, the verdict would be on something else.
fn arguments(sample: Option<&str>) -> Vec<&str> {
    let fixed = ["build-sample", "--json", "--client", "buildctl", "--heal=no"];
    fixed.into_iter().chain(sample.into_iter().flat_map(|sample| ["--sample", sample])).collect()
}

fn by_command(apart: &Apart, question: &Question, log: &Path, halt: &Halt) -> Result<(Verdict, Option<String>)> {
    if !question.folder.is_dir() {
        let folder = question.folder.display();
        return Err(Error::usage(format!("`{folder}` is gone, where the bisection was begun and its command runs"))
            .hint("create it anew, or begin another bisection with `--afresh`"));
    }
    let (up, _) = apart.xtask(&["up"], log, halt)?;
    match verdict_of_harness(&up, None)? {
        (Verdict::Good, _) => {}
        // Whatever a command is to find out, it needs daemons that are up.
        (_, why) => return Ok((Verdict::Skip, why.map(|why| format!("`up` {why}")))),
    }
    verdict_of_command(&apart.command(&question.command, &question.folder, log, halt)?)
}

/// By the classes of the harness's exit codes: failed ground says nothing of a version.
fn verdict_of_harness(ended: &Ended, message: Option<&str>) -> Result<(Verdict, Option<String>)> {
    let why = || message.map_or_else(|| apart::told(ended), shortened);
    match ended {
        Ended::Exited(0) => Ok((Verdict::Good, None)),
        Ended::Exited(1) => Ok((Verdict::Bad, Some(why()))),
        Ended::Exited(2) => Err(Error::usage(format!("what is to be tried makes no sense: {}", why()))),
        Ended::Exited(_) | Ended::Died(_) | Ended::TimedOut | Ended::Interrupted => Ok((Verdict::Skip, Some(why()))),
    }
}

/// As `git bisect run` takes them.
fn verdict_of_command(ended: &Ended) -> Result<(Verdict, Option<String>)> {
    let why = || Some(format!("the command {}", apart::told(ended)));
    match ended {
        Ended::Exited(0) => Ok((Verdict::Good, None)),
        Ended::Exited(125) | Ended::TimedOut => Ok((Verdict::Skip, why())),
        Ended::Exited(1..=124) => Ok((Verdict::Bad, why())),
        Ended::Exited(126 | 127) => {
            Err(Error::usage(format!("the command can't be run: it {}, as shells do then", apart::told(ended))))
        }
        Ended::Exited(_) | Ended::Died(_) | Ended::Interrupted => {
            Err(Error::ground(format!("the command {}, which tells nothing", apart::told(ended))))
        }
    }
}

/// The first line of a reason; of a long one, how it begins and, as the innermost reason comes last, how it ends.
fn shortened(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line: Vec<char> = line.split("; meanwhile ").next().unwrap_or_default().chars().collect();
    if line.len() <= LONGEST_REASON {
        return line.into_iter().collect();
    }
    let half = LONGEST_REASON / 2;
    let (begin, end) = (&line[..half], &line[line.len() - half + 1..]);
    begin.iter().chain(['…'].iter()).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_ground_is_never_bad() {
        let verdict = |ended| verdict_of_harness(&ended, Some("why\nmore"));
        assert_eq!(verdict(Ended::Exited(0)).unwrap(), (Verdict::Good, None));
        assert_eq!(verdict(Ended::Exited(1)).unwrap(), (Verdict::Bad, Some("why".into())));
        for ended in [Ended::Exited(3), Ended::Exited(101), Ended::Died("signal: 9".into()), Ended::TimedOut] {
            assert_eq!(verdict(ended).unwrap().0, Verdict::Skip);
        }
        assert_eq!(verdict(Ended::Exited(2)).unwrap_err().class().exit_code(), 2);
    }

    #[test]
    fn nothing_is_healed_whatever_ci_would_have() {
        assert_eq!(arguments(None).join(" "), "build-sample --json --client buildctl --heal=no");
        assert_eq!(arguments(Some("x"))[4..], ["--heal=no", "--sample", "x"]);
    }

    #[test]
    fn a_command_decides_as_it_does_for_git() {
        let verdict = |ended| verdict_of_command(&ended).map(|(verdict, _)| verdict);
        assert_eq!(verdict(Ended::Exited(0)).unwrap(), Verdict::Good);
        for code in [1, 2, 3, 124] {
            assert_eq!(verdict(Ended::Exited(code)).unwrap(), Verdict::Bad, "{code}");
        }
        assert_eq!(verdict(Ended::Exited(125)).unwrap(), Verdict::Skip);
        assert_eq!(verdict(Ended::TimedOut).unwrap(), Verdict::Skip);
        // An exception ends a Windows program with a number below zero.
        for ended in [Ended::Exited(126), Ended::Exited(127), Ended::Exited(-1_073_741_819), Ended::Died("9".into())] {
            assert!(verdict(ended).is_err());
        }
    }

    #[test]
    fn a_reason_is_one_short_line() {
        assert_eq!(shortened("one\ntwo"), "one");
        assert_eq!(shortened(&"é".repeat(500)).chars().count(), LONGEST_REASON);
        assert!(shortened(&format!("{} at last; meanwhile x", "é".repeat(500))).ends_with("é at last"));
    }
}
