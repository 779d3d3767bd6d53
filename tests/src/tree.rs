//! What a folder holds, told as text.

use crate::archives::sha256_hex;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// What a folder holds, as one sorted line an entry.
pub(crate) fn listing(folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    list_into(&mut lines, folder, "");
    lines.sort();
    lines
}

fn list_into(lines: &mut Vec<String>, folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            lines.push(format!("{name}/"));
            list_into(lines, &path, &format!("{name}/"));
        } else if kind.is_symlink() {
            let target = fs::read_link(&path).unwrap_or_default();
            lines.push(format!("{name} -> {}", target.display()));
        } else if kind.is_file() {
            let bytes = fs::read(&path).unwrap_or_default();
            lines.push(format!("{name} {} {}", bytes.len(), &sha256_hex(&bytes)[..16]));
        } else {
            lines.push(format!("{name} (special)"));
        }
    }
}

/// The ends of the daemons' logs: what a person wants to see first of a test that failed on another machine.
pub(crate) fn last_lines_of_logs(base: &Path) -> String {
    let mut files = Vec::new();
    list_logs(base, &mut files);
    let tail = |file: &PathBuf| {
        let text = String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(20)..].join("\n");
        format!("----- the end of {} -----\n{last}\n", file.display())
    };
    files.iter().map(tail).collect()
}

/// The `.log` files of a workspace. Where daemons keep their data there are none, and far too much to look through.
fn list_logs(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_dir && !matches!(path.file_name().and_then(OsStr::to_str), Some("root" | "cache")) {
            list_logs(&path, files);
        } else if path.extension() == Some(OsStr::new("log")) {
            files.push(path);
        }
    }
}
