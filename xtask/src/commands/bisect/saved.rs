//! What a bisection asks and knows, in a file, so that it can go on after an interruption.

use super::candidates::Candidate;
use super::{Bisection, Options};
use crate::bisection::Verdict;
use crate::commands::build_sample::finding::{find_sample, samples_folder};
use crate::component::Component;
use crate::context::Context;
use crate::daemon::state::Request;
use crate::error::{Context as _, Error, Result};
use crate::files;
use crate::os;
use crate::process::Argv;
use crate::source::Source;
use crate::version::Spec;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The form of the file.
const SCHEMA: u32 = 1;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Which component is to blame.
    pub component: Component,
    /// The good end, as it was typed.
    pub good: String,
    /// The bad end.
    pub bad: String,
    /// Whether commits are tried.
    pub refs: bool,
    /// The clone that has them.
    pub checkout: Option<PathBuf>,
    /// The sample that must work.
    pub sample: Option<PathBuf>,
    /// The command that must work instead; empty where there is none.
    pub command: Vec<String>,
    /// Where that was typed.
    pub folder: PathBuf,
    /// How long trying one may take.
    pub timeout: Duration,
}

impl Question {
    /// What was typed, with paths that mean the same wherever it goes on.
    ///
    /// # Errors
    /// When a path can't be made absolute, or there is no such sample.
    pub fn new(context: &Context, options: &Options, component: Component, good: &str, bad: &str) -> Result<Self> {
        let absolute =
            |path: &PathBuf| std::path::absolute(path).trying(|| format!("make `{}` absolute", path.display()));
        Ok(Self {
            component,
            good: good.to_owned(),
            bad: bad.to_owned(),
            refs: options.refs,
            checkout: options.checkout.as_ref().map(absolute).transpose()?,
            sample: options.sample.as_ref().map(|asked| lasting(context, asked)).transpose()?,
            command: options.command.clone(),
            folder: std::env::current_dir().trying(|| "find the folder that this runs in".into())?,
            timeout: options.timeout,
        })
    }

    fn judged_by(&self) -> String {
        match (self.command.split_first(), &self.sample) {
            (None, None) => "the hello sample".into(),
            (None, Some(sample)) => format!("the sample `{}`", sample.display()),
            (Some((program, arguments)), _) => format!("`{}`", Argv::new(program).args(arguments).shown()),
        }
    }
}

/// A sample as it is called wherever the bisection goes on: by its name, or by the whole path of a folder.
fn lasting(context: &Context, asked: &Path) -> Result<PathBuf> {
    let found = find_sample(context, Some(asked))?.folder;
    let named = os::real_path(&samples_folder(context).join(asked));
    let is_name = asked.components().count() == 1 && named.is_ok_and(|named| named == found);
    Ok(if is_name { asked.to_owned() } else { found })
}

/// All of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Saved {
    schema: u32,
    /// What is asked.
    pub question: Question,
    /// What else was asked for: with other options, verdicts would be of another world.
    request: Request,
    offline: bool,
    /// What is used beside the component that is asked about.
    pub others: Vec<(Component, Spec)>,
    /// From the good end to the bad one.
    pub candidates: Vec<Candidate>,
    /// What is known.
    pub bisection: Bisection,
    /// The places of those that were tried, in this order, each with why it is not good.
    tried: Vec<(usize, Option<String>)>,
}

impl Saved {
    /// Nothing was tried yet. What is used beside it is made exact, so that it stays the same to the end.
    ///
    /// # Errors
    /// When that can't be had.
    pub fn new(context: &Context, question: Question, candidates: Vec<Candidate>) -> Result<Self> {
        let others: Vec<_> =
            context.request.specs.iter().filter(|(of, _)| *of != question.component).cloned().collect();
        let resolved = context.resolve(&others)?;
        let exact = others.iter().zip(&resolved).map(|((component, spec), resolved)| {
            let is_open = !matches!(spec, Spec::Path(_) | Spec::GoRef(_));
            let version = resolved.resolution.version.parse().ok().filter(|_| is_open);
            (*component, version.map_or_else(|| spec.clone(), Spec::Exact))
        });
        Ok(Self {
            schema: SCHEMA,
            request: context.request.clone(),
            offline: context.offline,
            others: exact.collect(),
            bisection: Bisection::new(candidates.len()),
            candidates,
            tried: Vec::new(),
            question,
        })
    }

    /// Takes note of what one turned out to be.
    pub fn note(&mut self, at: usize, verdict: Verdict, why: Option<String>) {
        self.bisection.note(at, verdict);
        self.tried.push((at, why));
    }

    /// Takes the verdict on one back.
    pub fn forget(&mut self, at: usize) {
        self.bisection.forget(at);
        self.tried.retain(|(tried, _)| *tried != at);
    }

    /// Where programs come from: commits that GitHub lists are had by Go alone, so there GitHub can only be asked for the others.
    pub fn source(&self) -> &Source {
        match &self.request.source {
            Source::Github if self.question.refs && self.question.checkout.is_none() => &Source::Auto,
            asked => asked,
        }
    }

    /// Makes sure that it goes on as it was begun.
    ///
    /// # Errors
    /// When other options are given now.
    pub fn refuse_others(&self, context: &Context) -> Result<()> {
        let begun = options(&self.request, self.offline, self.question.component);
        let now = options(&context.request, context.offline, self.question.component);
        let missing = |of: &[String], from: &[String]| {
            of.iter().filter(|option| !from.contains(option)).cloned().collect::<Vec<_>>().join(" and ")
        };
        if begun == now {
            return Ok(());
        }
        Err(Error::usage(format!(
            "this bisection was begun with {}, and now there is {}",
            missing(&begun, &now),
            missing(&now, &begun)
        ))
        .hint("give the options that it was begun with, or begin another with `--afresh`"))
    }

    /// All that is known, to be pasted into an issue.
    pub fn log(&self) -> String {
        let Question { component, good, bad, .. } = &self.question;
        let what = if self.question.refs { "commits" } else { "versions" };
        let others = self.others.iter().map(|(component, spec)| format!("{component} {spec}")).collect::<Vec<_>>();
        let head = format!(
            "# bisect {component}: {} {what}, good is {good}, bad is {bad}\n# judged by {}\n# with {}, on {}\n",
            self.candidates.len(),
            self.question.judged_by(),
            others.join(" and "),
            self.request.platform
        );
        head + &self.tried.iter().map(|tried| self.line(tried)).collect::<String>()
    }

    /// The last line of that.
    pub fn last_line(&self) -> String {
        self.tried.last().map_or_else(String::new, |tried| self.line(tried))
    }

    fn line(&self, (at, why): &(usize, Option<String>)) -> String {
        let verdict = self.bisection.verdicts.get(at).map_or("", |verdict| verdict.name());
        let why = why.as_ref().map(|why| format!(" # {why}")).unwrap_or_default();
        format!("{verdict} {}{why}\n", self.candidates[*at].name)
    }

    /// Where GitHub compares two of them. A clone may have commits that it has not.
    pub fn link(&self, good: &Candidate, bad: &Candidate) -> String {
        let v = if self.question.refs { "" } else { "v" };
        let repository = self.question.component.repository();
        let doubt = if self.question.checkout.is_some() { " (if both are pushed)" } else { "" };
        format!("https://github.com/{repository}/compare/{v}{}...{v}{}{doubt}", good.name, bad.name)
    }

    /// Writes it.
    ///
    /// # Errors
    /// When that can't be done.
    pub fn write(&self, file: &Path) -> Result<()> {
        let json = serde_json::to_string_pretty(self).trying(|| "write the bisection".into())?;
        files::write_whole(file, (json + "\n").as_bytes())
    }
}

/// The options that decide what is tried, as they are typed; those for the component that is asked about decide nothing.
fn options(request: &Request, offline: bool, asked: Component) -> Vec<String> {
    let mut options = vec![
        format!("`--platform {}`", request.platform),
        format!("`--source {}`", request.source),
        format!("`--network {}`", request.network.name()),
        request.group.as_ref().map_or_else(|| "no `--group`".into(), |group| format!("`--group {group}`")),
        if offline { "`--offline`" } else { "no `--offline`" }.into(),
    ];
    let others = request.specs.iter().filter(|(of, _)| *of != asked);
    options.extend(others.map(|(component, spec)| format!("`--{component} {spec}`")));
    options
}

/// Reads what was interrupted; `None` when nothing was.
///
/// # Errors
/// When it can't be read, or is a newer harness's.
pub fn read(file: &Path) -> Result<Option<Saved>> {
    let Some(text) = files::read_versioned(file, SCHEMA)? else { return Ok(None) };
    let saved: Saved = serde_json::from_str(&text)
        .trying(|| format!("read the bisection `{}`", file.display()))
        .map_err(|error| error.hint("delete the file, and begin anew"))?;
    let last = saved.candidates.len();
    if saved.bisection.candidates != last || saved.tried.iter().any(|(at, _)| *at >= last) {
        return Err(Error::ground(format!("the bisection `{}` contradicts itself", file.display()))
            .hint("delete the file, and begin anew"));
    }
    Ok(Some(saved))
}

/// What one has found out must not be lost by starting another.
///
/// # Errors
/// When there is one that has not ended.
pub fn refuse_unfinished(context: &Context, file: &Path, afresh: bool) -> Result<()> {
    if afresh || fs::metadata(file).is_err() {
        return Ok(());
    }
    let Some(saved) = read(file)?.filter(|saved| !saved.tried.is_empty()) else { return Ok(()) };
    let Question { component, good, bad, .. } = &saved.question;
    Err(Error::usage(format!(
        "a bisection of {component} from {good} to {bad} has not ended, with {} tried",
        saved.tried.len()
    ))
    .hint(format!("`{}` goes on with it, and `--afresh` forgets it", context.typed("bisect --resume"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(source: &str, refs: bool, checkout: Option<&str>) -> Saved {
        Saved {
            schema: SCHEMA,
            question: Question {
                component: Component::Buildkit,
                good: "a".into(),
                bad: "b".into(),
                refs,
                checkout: checkout.map(Into::into),
                sample: None,
                command: Vec::new(),
                folder: "/".into(),
                timeout: Duration::from_secs(1),
            },
            request: Request {
                platform: "linux-amd64".parse().unwrap(),
                source: source.parse().unwrap(),
                specs: Vec::new(),
                group: None,
                network: crate::network::Network::None,
            },
            offline: false,
            others: Vec::new(),
            candidates: Vec::new(),
            bisection: Bisection::new(2),
            tried: Vec::new(),
        }
    }

    #[test]
    fn the_source_stays_what_was_asked_for_wherever_it_has_commits() {
        for (asked, refs, checkout, taken) in [
            ("go", true, None, "go"),
            ("auto", true, None, "auto"),
            ("github", true, None, "auto"),
            ("github", true, Some("clone"), "github"),
            ("github", false, None, "github"),
            ("go", false, None, "go"),
        ] {
            assert_eq!(saved(asked, refs, checkout).source().to_string(), taken, "{asked} {refs} {checkout:?}");
        }
    }
}
