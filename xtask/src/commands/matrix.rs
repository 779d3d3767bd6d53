//! `cargo xtask matrix`: which BuildKit to try with which containerd where, as JSON for GitHub's `fromJSON`.

use super::print;
use crate::component::Component;
use crate::context::Context;
use crate::error::{Context as _, Error, Result};
use crate::lock;
use crate::matrix::exclusions::{self, Exclusion};
use crate::matrix::runner::{LOCAL, Runner};
use crate::matrix::{self, Breadth, Cell, Matrix, Row};
use crate::os;
use crate::platform::Platform;
use crate::release::Listed;
use crate::source::{Source, listing};
use crate::utf8;
use crate::version::Spec;
use clap::{Args, ValueEnum};
use std::fs;
use std::io::{self, Read as _};
use std::num::NonZeroUsize;
use std::path::Path;

/// The options of `matrix`.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    choice: Choice,
    /// The machines, as `runs-on` names them; `local` is this one, and LABEL=BUILD a Windows of your own
    #[arg(long, value_name = "LABEL", value_delimiter = ',', default_value = "windows-2022,windows-2025")]
    runner: Vec<String>,
}

/// What a matrix is made of, but for the machines.
#[derive(Debug, Args)]
pub struct Choice {
    /// Of how many minor versions to take the newest patch, where none are named with --buildkit and --containerd, or 2.x is
    #[arg(long, value_name = "N", default_value = "3")]
    newest: NonZeroUsize,
    /// What to take beside these
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    include: Vec<Beside>,
    /// Leave out what is all of this, as in buildkit=0.26..0.32,containerd=2.1,runner=windows-2025
    #[arg(long, value_name = "CONDITIONS")]
    exclude: Vec<String>,
}

/// Versions that are no releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Beside {
    /// A pre-release that is newer than all releases
    Prerelease,
    /// The branch that releases are made from, built from source
    Main,
}

/// Runs it.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    let matrix = make(context, &options.choice, &options.runner)?;
    print(serde_json::to_string(&matrix).trying(|| "write JSON".into())? + "\n")
}

/// This machine, as one of a matrix's.
pub fn here(context: &Context) -> Runner {
    let build = os::windows().map(|windows| windows.build);
    Runner { label: LOCAL.to_owned(), platform: context.workspace.platform(), build }
}

/// The cells of a matrix that was printed, from a file or, as `-`, from stdin; also, in words, where they are from.
///
/// # Errors
/// When it can't be read, or holds no cells.
pub fn read(source: &Path) -> Result<(Vec<Cell>, String)> {
    let hint = "give a file with what `cargo xtask matrix` printed, or `-` for stdin";
    let (bytes, whence) = if source == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).trying(|| "read stdin".into())?;
        (bytes, "stdin".to_owned())
    } else {
        let whence = format!("`{}`", source.display());
        let refuse = |error| Error::usage(format!("failed to read the cells from {whence}")).because(error).hint(hint);
        (fs::read(source).map_err(refuse)?, whence)
    };
    let refuse = |error| Error::usage(format!("{whence} holds no cells")).because(error).hint(hint);
    let text = utf8::text(&bytes).map_err(refuse)?;
    Ok((matrix::read(&text, &whence)?, whence))
}

/// Makes a matrix, and tells what was left out of it.
///
/// # Errors
/// When nothing is left, or the versions can't be listed.
pub fn make(context: &Context, choice: &Choice, runners: &[String]) -> Result<Matrix> {
    let here = here(context);
    let breadth = Breadth {
        newest: choice.newest.get(),
        prerelease: choice.include.contains(&Beside::Prerelease),
        main: choice.include.contains(&Beside::Main),
    };
    check_source(context, breadth)?;
    if context.locked {
        return Err(Error::usage("`--locked` takes one version of each, and a matrix is made of several")
            .hint("leave `--locked` out, or name the versions with `--buildkit` and `--containerd`"));
    }
    let asked: Vec<Exclusion> = choice.exclude.iter().map(|text| Exclusion::parse(text)).collect::<Result<_>>()?;
    let runners = Runner::all_named(runners, &here)?;
    if let Some(other) = runners.iter().find(|runner| context.is_platform_asked && runner.platform != here.platform) {
        return Err(Error::usage(format!(
            "`--platform {}` is not the platform of `--runner {}`, which is {}",
            here.platform, other.label, other.platform
        ))
        .hint("leave `--platform` out: a runner has its own"));
    }
    lock::claim(&context.workspace)?;
    let mut lists: Vec<Lists> = Vec::new();
    let mut rows = Vec::new();
    let mut lacking: Vec<(String, String)> = Vec::new();
    for runner in runners {
        let at = match lists.iter().position(|lists| lists.platform == runner.platform) {
            Some(at) => at,
            None => {
                lists.push(Lists::of(context, &runner)?);
                lists.len() - 1
            }
        };
        let chosen = |component, listed: &[Listed]| {
            matrix::choose(component, runner.platform, listed, context.asked_for(component), breadth)
        };
        let buildkits = chosen(Component::Buildkit, &lists[at].buildkit)?;
        let containerds = chosen(Component::Containerd, &lists[at].containerd)?;
        for lack in buildkits.lacking.into_iter().chain(containerds.lacking) {
            if !lacking.contains(&lack) {
                lacking.push(lack);
            }
        }
        let (buildkits, containerds) = (buildkits.versions, containerds.versions);
        if !buildkits.is_empty() && !containerds.is_empty() {
            rows.push(Row { runner, buildkits, containerds });
        }
    }
    match lacking.first() {
        Some((reason, hint)) if rows.is_empty() => {
            let sentence = format!("the matrix would be empty: {reason}");
            let is_bare = lists.iter().all(|lists| lists.buildkit.is_empty() || lists.containerd.is_empty());
            return Err(match &context.request.source {
                Source::MirrorFolder(_) => nothing_in_mirror(context, &sentence, is_bare, hint),
                _ if context.offline => {
                    Error::ground(format!("{sentence} in the cache `{}`", context.workspace.cache().display()))
                        .hint("leave `--offline` out, or give a mirror's folder with `--source DIR`")
                }
                Source::MirrorUrl(_) => nothing_in_mirror(context, &sentence, is_bare, hint),
                _ => Error::usage(sentence).hint(hint),
            });
        }
        _ => lacking.iter().for_each(|(reason, _)| context.ui.note(&format!("left out: {reason}"))),
    }
    warn_of_idle(context, &rows, &asked)?;
    let exclusions: Vec<Exclusion> = asked.into_iter().chain(exclusions::known()).collect();
    let matrix = matrix::cells(&rows, &exclusions, matrix::MOST_CELLS)?;
    tell(context, &matrix);
    Ok(matrix)
}

/// A mirror that has nothing at all is none, which is no fault of what was asked for.
fn nothing_in_mirror(context: &Context, sentence: &str, is_bare: bool, hint: &str) -> Error {
    let sentence = format!("{sentence} in the mirror `{}`", context.request.source);
    if is_bare {
        Error::ground(sentence).hint("give a flat folder of upstream's release files, or leave `--source` out")
    } else {
        Error::usage(sentence).hint(hint)
    }
}

/// Makes sure that the cells' programs can be had from where this matrix is from: they are asked for there, too.
fn check_source(context: &Context, breadth: Breadth) -> Result<()> {
    for component in [Component::Buildkit, Component::Containerd] {
        let main = breadth.main.then(|| Spec::GoRef(component.main_branch().to_owned()));
        for spec in context.asked_for(component).iter().chain(&main) {
            context.request.source.check_for(component, spec)?;
        }
    }
    Ok(())
}

/// What there is for a platform.
struct Lists {
    platform: Platform,
    buildkit: Vec<Listed>,
    containerd: Vec<Listed>,
}

impl Lists {
    fn of(context: &Context, runner: &Runner) -> Result<Self> {
        let ground = context.ground(runner.platform);
        let list = |component| listing::list(&ground, component);
        let (buildkit, containerd) = (list(Component::Buildkit)?, list(Component::Containerd)?);
        Ok(Self { platform: runner.platform, buildkit, containerd })
    }
}

/// What excludes nothing may be mistyped, or only be for versions that are no longer among the newest.
fn warn_of_idle(context: &Context, rows: &[Row], asked: &[Exclusion]) -> Result<()> {
    let whole = matrix::cells(rows, &[], usize::MAX)?;
    let runner = |label: &str| rows.iter().map(|row| &row.runner).find(|runner| runner.label == label);
    let excludes = |exclusion: &&Exclusion| {
        whole.include.iter().any(|cell| runner(&cell.runner).is_some_and(|runner| exclusion.applies(cell, runner)))
    };
    for idle in asked.iter().filter(|exclusion| !excludes(exclusion)) {
        context.ui.warn(&format!("no cell is left out although {}", idle.reason));
    }
    Ok(())
}

/// Cells that were left out, those of one reason together.
fn tell(context: &Context, matrix: &Matrix) {
    let by_reason = matrix::grouped(matrix.left_out.iter().map(|(cell, reason)| (reason, cell)));
    for (reason, cells) in by_reason {
        context.ui.note(&format!("left out {}, because {reason}: {}", cells.len(), matrix::told(&cells)));
    }
}
