//! Which names and links of an archive's entries are refused, told by their letters alone.

use std::path::{Path, PathBuf};

/// The path within the folder that an entry's name stands for, or what is wrong with the name.
///
/// The rules are Windows' rules everywhere, so that an archive is refused on every system or on none.
pub(super) fn inner_path(name: &str) -> Result<PathBuf, &'static str> {
    if name.starts_with('/') {
        return Err("is an absolute path");
    }
    let mut path = PathBuf::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err("leads out of the folder"),
            _ => {
                check_part(part)?;
                path.push(part);
            }
        }
    }
    Ok(path)
}

/// Whether one part of a path is the same plain name on every system.
fn check_part(part: &str) -> Result<(), &'static str> {
    if part.contains('\\') {
        return Err("has a backslash in it");
    }
    if part.contains(':') {
        return Err("has a drive or a stream in it");
    }
    if part.contains(char::is_control) {
        return Err("has a control character in it");
    }
    // Windows drops these, and so takes two names for one.
    if part.ends_with(['.', ' ']) {
        return Err("ends in a dot or a space");
    }
    // https://learn.microsoft.com/windows/win32/fileio/naming-a-file
    let stem = part.split('.').next().unwrap_or(part).trim_end().to_ascii_uppercase();
    let numbered = ["COM", "LPT"].iter().any(|device| {
        stem.strip_prefix(device).is_some_and(|number| number.len() == 1 && number.as_bytes()[0].is_ascii_digit())
    });
    if numbered || matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return Err("is a device's name on Windows");
    }
    Ok(())
}

/// Whether a symbolic link stays inside, whatever other links it leads over.
pub(super) fn check_target(link: &Path, target: &str) -> Result<(), &'static str> {
    if target.is_empty() {
        return Err("is no path");
    }
    if target.starts_with('/') {
        return Err("is an absolute path");
    }
    let depth = link.components().count().saturating_sub(1);
    let (mut climbed, mut descended) = (0, false);
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if descended || climbed == depth => return Err("leads out of the folder"),
            ".." => climbed += 1,
            _ => {
                check_part(part)?;
                descended = true;
            }
        }
    }
    Ok(())
}
