//! `cargo xtask bundle`: all that an upstream issue needs, in one file, without what is nobody's business.

use super::doctor;
use crate::archive::Packing;
use crate::component::Component;
use crate::context::Context;
use crate::doctor::{Report, text};
use crate::error::{Context as _, Error, Result};
use crate::files;
use crate::os;
use crate::platform::Platform;
use crate::redact::Redactor;
use crate::ui::bytes;
use crate::workspace::Workspace;
use clap::Args;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How much of a log's end is taken.
const END_OF_LOG: u64 = 1 << 20;

/// The folder that all of it is in.
const FOLDER: &str = "buildkit-windows";

/// The options of `bundle`.
#[derive(Debug, Args)]
pub struct Options {
    /// The file to write, which ends in .zip or .tar.gz and is not there yet
    file: PathBuf,
}

/// Runs it. Like `doctor` it needs no place where a workspace can lie: what isn't there is left out.
pub fn run(context: &Context, options: &Options) -> Result<()> {
    let file = &options.file;
    let shown = file.display();
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let packing = Packing::of_name(&name).ok_or_else(|| {
        Error::usage(format!("`{shown}` is no name for a bundle")).hint("end it in `.zip` or `.tar.gz`")
    })?;
    check_place(file)?;
    let workspace = &context.workspace;
    let checks = doctor::look(context, &doctor::Options::default())?;
    let mut found = vec![
        ("versions.json".to_owned(), pretty(&versions(workspace))?),
        ("doctor.txt".to_owned(), text(&checks)),
        ("doctor.json".to_owned(), pretty(&Report::new(workspace.platform().to_string(), &checks))?),
    ];
    for path in wanted(workspace) {
        match end_of(&path) {
            Ok(Some(text)) => found.push((name_inside(workspace, &path), text)),
            Ok(None) => {}
            Err(error) => context.ui.warn(&format!("{error}: it is left out")),
        }
    }
    let redactor = redactor();
    let found: Vec<(String, String)> =
        found.into_iter().map(|(name, text)| (format!("{FOLDER}/{name}"), redactor.redact(&text))).collect();
    let archive = packing.pack(&found, SystemTime::now())?;
    // It takes a moment now, and interrupted it would leave half a file beside the name: Ctrl-C comes too late.
    ctrlc::set_handler(|| ()).trying(|| "hold off Ctrl-C".into())?;
    match files::write_new(file, &archive) {
        Ok(true) => {}
        Ok(false) => return Err(exists(file)),
        Err(error) => {
            return Err(Error::ground(format!("failed to write `{shown}`"))
                .because(error)
                .hint("give a file in a folder that you may write to, on a disk with room for it"));
        }
    }
    for (name, text) in &found {
        context.ui.detail(&format!("  {name} ({})", bytes(text.len() as u64)));
    }
    context.ui.step("Bundled", &format!("`{shown}`: {} files, {}", found.len(), bytes(archive.len() as u64)));
    context.ui.note(
        "tokens, user names and home folders were taken out as far as they can be told: read it before you hand it on",
    );
    Ok(())
}

/// Makes sure, before all the work, that the file can be new in a folder.
fn check_place(file: &Path) -> Result<()> {
    if file.symlink_metadata().is_ok() {
        return Err(exists(file));
    }
    let folder = files::folder_of(file);
    if folder.is_dir() {
        return Ok(());
    }
    Err(Error::usage(format!("`{}` can't be written: there is no folder `{}`", file.display(), folder.display()))
        .hint("create the folder, or give another"))
}

fn exists(file: &Path) -> Error {
    Error::usage(format!("`{}` is there already, and nothing is overwritten", file.display()))
        .hint("give another name, or delete it")
}

fn pretty(value: &impl serde::Serialize) -> Result<String> {
    Ok(serde_json::to_string_pretty(value).trying(|| "write JSON".into())? + "\n")
}

/// What is installed, as its records have it.
fn versions(workspace: &Workspace) -> Value {
    let record = |component: &Component| {
        let text = fs::read_to_string(workspace.install_record(*component)).ok()?;
        Some((component.name().to_owned(), serde_json::from_str(&text).ok()?))
    };
    json!({
        "harness": env!("CARGO_PKG_VERSION"),
        "host": Platform::host().ok(),
        "platform": workspace.platform(),
        "installed": Component::ALL.iter().filter_map(record).collect::<serde_json::Map<_, _>>(),
    })
}

/// The files of a workspace that tell how things are.
fn wanted(workspace: &Workspace) -> Vec<PathBuf> {
    vec![
        workspace.state_file(),
        workspace.versions_lock(),
        workspace.containerd_config(),
        workspace.buildkitd_config(),
        workspace.cni_config(),
        workspace.log(Component::Containerd),
        workspace.log(Component::Buildkit),
    ]
}

fn name_inside(workspace: &Workspace, path: &Path) -> String {
    let relative = path.strip_prefix(workspace.base()).unwrap_or(path);
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// The end of a file, from a line's beginning on: half a secret would not be known for one.
fn end_of(path: &Path) -> Result<Option<String>> {
    let what = || format!("read `{}`", path.display());
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        // What lies where no workspace can lie.
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Ok(None),
        Err(error) => return Err(error).trying(what),
    };
    let length = file.metadata().trying(what)?.len();
    let skipped = length.saturating_sub(END_OF_LOG);
    file.seek(SeekFrom::Start(skipped)).trying(what)?;
    let mut bytes = Vec::new();
    // A daemon may go on writing.
    file.take(END_OF_LOG).read_to_end(&mut bytes).trying(what)?;
    let first = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) if skipped > 0 => end + 1,
        None if skipped > 0 => bytes.len(),
        _ => 0,
    };
    // Colours would stand between a name and its value.
    Ok(Some(console::strip_ansi_codes(&String::from_utf8_lossy(&bytes[first..])).into_owned()))
}

/// What is known of this machine and its user.
fn redactor() -> Redactor {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let mut redactor = Redactor::new(std::env::vars_os().map(|(name, value)| (text(name), text(value))));
    // No variable need tell it.
    if let Some(name) = os::host_name() {
        redactor.host(&name);
    }
    redactor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_log_the_last_whole_lines_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        assert_eq!(end_of(&log).unwrap(), None);
        fs::write(&log, "one\ntwo").unwrap();
        assert_eq!(end_of(&log).unwrap().unwrap(), "one\ntwo");
        let line = format!("{}\n", "x".repeat(999));
        fs::write(&log, line.repeat(2000)).unwrap();
        let end = end_of(&log).unwrap().unwrap();
        assert_eq!((end.len() % line.len(), end.starts_with(&line)), (0, true));
        assert!(end.len() as u64 > END_OF_LOG - line.len() as u64 && end.len() as u64 <= END_OF_LOG);
        fs::write(&log, "x".repeat(2 << 20)).unwrap();
        assert_eq!(end_of(&log).unwrap().unwrap(), "");
    }
}
