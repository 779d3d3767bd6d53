//! `cargo xtask bisect`: in which version, or with which commit, something broke.

mod candidates;
mod judge;
mod saved;

use super::{check_address, patience, print};
use crate::apart::{self, Halt};
use crate::bisection::{Bisection, Next, Refusal};
use crate::component::Component;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::files;
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;
use candidates::Candidate;
use clap::{Args, ValueEnum};
use judge::judge;
use saved::{Question, Saved};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The options of `bisect`.
#[derive(Debug, Args)]
#[command(after_help = "\
With a COMMAND, both daemons are started and it decides: 0 is good, 125 can't be told, 1 to 124 are bad; 126, 127 and all others end \
the bisection. Its PATH begins with the programs under test, BUILDKIT_HOST and CONTAINERD_ADDRESS lead buildctl and ctr to \
the daemons, and `cargo xtask` is led to them by the variables of its options, which ask for just what is tried. What was set \
of these for `bisect` itself is not passed on.")]
pub struct Options {
    /// Which of the two is to blame; the other stays what it is
    #[arg(long, value_enum, value_name = "COMPONENT", required_unless_present = "resume")]
    component: Option<Daemon>,
    /// A version that works, or with --refs a tag, branch or commit
    #[arg(long, value_name = "SPEC", required_unless_present = "resume")]
    good: Option<String>,
    /// A later one that fails
    #[arg(long, value_name = "SPEC", required_unless_present = "resume")]
    bad: Option<String>,
    /// What must work: as in build-sample [default: the hello sample]
    #[arg(long, value_name = "NAME|PATH", conflicts_with = "command")]
    sample: Option<PathBuf>,
    /// Try commits, built from source, instead of releases
    #[arg(long)]
    refs: bool,
    /// A clone that has these commits [default: GitHub lists them, and Go's module proxy has them]
    #[arg(long, value_name = "DIR", requires = "refs")]
    checkout: Option<PathBuf>,
    /// How long trying one may take; one that takes longer can't be told
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = patience)]
    timeout: Duration,
    /// Only list what lies between both ends
    #[arg(long, conflicts_with = "resume")]
    list: bool,
    /// Go on with the bisection that has not ended, and try again what kept it from its end
    #[arg(long, conflicts_with_all = ["component", "good", "bad", "sample", "refs", "checkout", "timeout", "command", "afresh"])]
    resume: bool,
    /// Forget one that has not ended
    #[arg(long)]
    afresh: bool,
    /// What must work instead of a sample
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// What can be bisected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Daemon {
    /// The build daemon
    Buildkit,
    /// The container daemon
    Containerd,
}

/// Runs it.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    let file = context.workspace.bisection_state();
    let fresh = match (&options.component, &options.good, &options.bad) {
        (Some(component), Some(good), Some(bad)) => {
            let component = match component {
                Daemon::Buildkit => Component::Buildkit,
                Daemon::Containerd => Component::Containerd,
            };
            let question = Question::new(context, options, component, good, bad)?;
            let candidates = candidates::find(context, &question)?;
            if options.list {
                return print(candidates.iter().map(Candidate::line).collect::<String>());
            }
            check_addresses(context, &question, &candidates)?;
            Some((question, candidates))
        }
        _ => None,
    };
    context.require_daemons_can_run()?;
    let _guard = context.lock("bisect")?;
    let mut saved = match fresh {
        Some((question, candidates)) => {
            saved::refuse_unfinished(context, &file, options.afresh)?;
            Saved::new(context, question, candidates)?
        }
        None => {
            let saved = saved::read(&file)?.ok_or_else(|| {
                Error::usage(format!("there is no bisection to go on with: there is no `{}`", file.display()))
                    .hint("begin one with `--component`, `--good` and `--bad`")
            })?;
            saved.refuse_others(context)?;
            check_addresses(context, &saved.question, &saved.candidates)?;
            saved
        }
    };
    let interrupt = Interrupt::listen()?;
    print(saved.log())?;
    let source = context.workspace.bisection_source();
    apart::clear_away(context, &context.workspace.bisection(), "bisection", |path| path != source)?;
    // One that is there may be another clone's, or may have been cut off while it was made.
    files::delete(&source)?;
    let ended = go_on(context, &mut saved, &file, &interrupt);
    ended.and(files::delete(&source))
}

/// What a user's command calls can't reach daemons as deep as the harness itself can.
fn check_addresses(context: &Context, question: &Question, candidates: &[Candidate]) -> Result<()> {
    let deepest = candidates.iter().map(Candidate::short).max_by_key(|name| name.len());
    match deepest.filter(|_| !question.command.is_empty()) {
        Some(name) => {
            let folder = context.workspace.bisection().join(name);
            check_address(&Workspace::new(folder, context.workspace.platform()), "the command")
        }
        None => Ok(()),
    }
}

/// Tries one after another until it ends.
fn go_on(context: &Context, saved: &mut Saved, file: &Path, interrupt: &Interrupt) -> Result<()> {
    loop {
        saved.write(file)?;
        let at = match saved.bisection.next() {
            Ok(Next::Try(at)) => at,
            Ok(Next::Found { good, bad }) => return found(saved, file, good, bad),
            Ok(Next::OneOf { good, bad }) => return one_of(context, saved, file, good, bad),
            Err(refusal) => return refused(context, saved, file, refusal),
        };
        let steps = saved.bisection.steps_left();
        context.ui.step("Trying", &format!("{}, about {steps} to go", saved.candidates[at].name));
        let halt = Halt::after(saved.question.timeout, interrupt.clone());
        let (verdict, why) = match judge(context, saved, at, &halt) {
            Ok(judged) => judged,
            Err(error) => {
                write_log(saved, file, &format!("# {error}\n"))?;
                return Err(error);
            }
        };
        saved.note(at, verdict, why);
        print(saved.last_line())?;
    }
}

/// The end of the log, which also goes to a file: what was asked is answered.
fn found(saved: &Saved, file: &Path, good: usize, bad: usize) -> Result<()> {
    let (good, bad) = (&saved.candidates[good], &saved.candidates[bad]);
    let what = if saved.question.refs { "commit" } else { "version" };
    let text = format!(
        "# first bad {what}: {}\n# last good {what}: {}\n# {}\n",
        bad.described(),
        good.described(),
        saved.link(good, bad)
    );
    end(saved, file, &text)
}

/// Only that much can be told. All that is known is kept, but for those that could not be tried: they can be tried again.
fn one_of(context: &Context, saved: &mut Saved, file: &Path, good: usize, bad: usize) -> Result<()> {
    let several = &saved.candidates[good + 1..=bad];
    let count = several.len();
    let names: String = several.iter().map(|candidate| format!("#   {}\n", candidate.described())).collect();
    let (last_good, first_bad) = (&saved.candidates[good], &saved.candidates[bad]);
    let text = format!(
        "# the first bad one is one of these, and all but the last could not be tried:\n{names}# last good: {}\n# {}\n",
        last_good.described(),
        saved.link(last_good, first_bad)
    );
    write_log(saved, file, &text)?;
    print(text)?;
    (good + 1..bad).for_each(|at| saved.forget(at));
    saved.write(file)?;
    let again = context.typed("bisect --resume");
    Err(Error::ground(format!("the first bad one is one of {count}, which could not all be tried")).hint(format!(
        "see their logs in the workspace's folder `bisect`; `{again}` tries only those again, and `--afresh` begins another"
    )))
}

/// An end is not what it is said to be. Where that is only unknown, it can be tried again, and all else that is known is kept.
fn refused(context: &Context, saved: &mut Saved, file: &Path, refusal: Refusal) -> Result<()> {
    let name = |at: Option<&Candidate>| at.map_or_else(String::new, |candidate| candidate.name.clone());
    let error = refusal.error(&name(saved.candidates.first()), &name(saved.candidates.last()));
    let text = format!("# {error}\n");
    let Some(unknown) = saved.bisection.unknown_end(refusal) else {
        end(saved, file, &text)?;
        return Err(error);
    };
    write_log(saved, file, &text)?;
    print(text)?;
    saved.forget(unknown);
    saved.write(file)?;
    let again = context.typed("bisect --resume");
    Err(error.hint(format!("see its log; `{again}` tries it again, and `--afresh` begins anew with another version")))
}

fn end(saved: &Saved, file: &Path, text: &str) -> Result<()> {
    write_log(saved, file, text)?;
    files::delete(file)?;
    print(text)
}

/// The log's file, with how it ended.
fn write_log(saved: &Saved, file: &Path, text: &str) -> Result<()> {
    files::write_whole(&file.with_file_name("log"), format!("{}{text}", saved.log()).as_bytes())
}
