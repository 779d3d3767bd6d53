//! The first `cargo xtask --help` of a clean clone: what a newcomer's machine computes before anything is said.

use crate::machine::{Bench, Commands as _, bash};
use crate::table::{Row, Unit};
use std::fs;
use std::path::Path;
use xtask::error::{Context as _, Error, Result};
use xtask::files;

pub fn measure(bench: &Bench) -> Result<Row> {
    let folder = tempfile::tempdir().trying(|| "make a temporary folder".into())?;
    let (clone, target) = (folder.path().join("clone"), folder.path().join("target"));
    copy(bench, &clone)?;
    let cargo = |arguments: &[&str]| {
        let mut command = bench.cargo(arguments);
        command.current_dir(&clone).env("CARGO_TARGET_DIR", &target);
        command
    };
    bench.ui.step("Fetching", "the crates");
    cargo(&["fetch", "--quiet", "--locked"]).timed("fetch the crates")?;
    bench.ui.step("Measuring", "the first `cargo xtask --help` of a clean clone (once)");
    let program = cargo(&[]);
    let mut shell = bash("TIMEFORMAT='%U %S'; { time \"$CARGO\" --offline xtask --help >/dev/null 2>said; } 2>&1");
    shell.current_dir(&clone).env("CARGO", program.get_program()).env("CARGO_TARGET_DIR", &target);
    let (_, told) = shell.timed("build a clean clone")?;
    let seconds: Vec<f64> = told.split_whitespace().filter_map(|time| time.parse().ok()).collect();
    match seconds[..] {
        [user, system] => {
            Ok(Row::alone("the first cargo xtask --help of a clone", Unit::CpuSeconds, &[user + system], 100.0))
        }
        _ => Err(Error::failed(format!("the shell told no times but `{}`", told.trim()))),
    }
}

/// The repository as someone else gets it; where it is no checkout, what of it is not built.
fn copy(bench: &Bench, clone: &Path) -> Result<()> {
    if bench.repository.join(".git").exists() {
        bench.ui.step("Cloning", &bench.repository.display().to_string());
        let mut git = bash("git clone --quiet \"$REPOSITORY\" \"$CLONE\"");
        git.env("REPOSITORY", &bench.repository).env("CLONE", clone);
        return git.timed("clone the repository").map(drop);
    }
    bench.ui.step("Copying", &bench.repository.display().to_string());
    let what = || format!("copy `{}`", bench.repository.display());
    fs::create_dir(clone).trying(what)?;
    for entry in fs::read_dir(&bench.repository).trying(what)? {
        let entry = entry.trying(what)?;
        let (from, to) = (entry.path(), clone.join(entry.file_name()));
        if entry.file_name() == "target" {
            continue;
        }
        if from.is_dir() {
            files::copy_folder(&from, &to, clone)?;
        } else {
            fs::copy(&from, &to).trying(what)?;
        }
    }
    Ok(())
}
