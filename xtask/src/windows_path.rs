//! What Windows makes of a path: which ones name the same file, and where a workspace can't lie. Rules for text, the same
//! on every host.

/// A path in the form in which two of the same file are equal, but for links and short names: case doesn't matter, nor
/// the kind of separators, nor one at the end, nor the prefix `\\?\`.
pub fn comparable(path: &str) -> String {
    without_separators(&without_prefix(path).replace('/', r"\").to_lowercase()).to_owned()
}

/// Whether a path is another or lies in it, but for links and short names.
pub fn is_within(path: &str, folder: &str) -> bool {
    let (path, folder) = (comparable(path), comparable(folder));
    !folder.is_empty() && (path == folder || path.starts_with(&format!("{}\\", folder.trim_end_matches('\\'))))
}

/// A path without separators at its end, but for a disk's.
pub fn without_separators(path: &str) -> &str {
    let trimmed = path.trim_end_matches('\\');
    if trimmed.ends_with(':') { &path[..(trimmed.len() + 1).min(path.len())] } else { trimmed }
}

/// A path without the prefix `\\?\`, which makes the system take it as it is, up to any length. Not all programs know it, and
/// those that need it put it on themselves.
pub fn without_prefix(path: &str) -> String {
    match path.strip_prefix(r"\\?\") {
        Some(path) if path.get(..4).is_some_and(|share| share.eq_ignore_ascii_case(r"UNC\")) => {
            format!(r"\\{}", &path[4..])
        }
        // `\\?\Volume{…}` and the like have no other name.
        Some(disk) if disk.get(1..3) == Some(r":\") => disk.to_owned(),
        _ => path.to_owned(),
    }
}

/// Why no workspace can lie at an absolute path, if so.
pub fn objection(path: &str) -> Option<String> {
    let path = without_prefix(path);
    let takes = |name: &str| format!("Windows takes `{name}` for a device");
    // What Windows 10 makes of `C:\x\con`.
    if let Some(name) = path.strip_prefix(r"\\.\").filter(|name| is_device(name)) {
        return Some(takes(name));
    }
    let Some((_, folders)) = path.split_once(":\\").filter(|(drive, _)| drive.len() == 1) else {
        // As https://learn.microsoft.com/windows/win32/fileio/naming-a-file has them: `\\server\share`, `\\.\device`.
        return Some("Windows keeps container layers on disks with a drive letter only".into());
    };
    folders.split('\\').find_map(|name| {
        if let Some(c) = name.chars().find(|c| "<>:\"/|?*".contains(*c) || c.is_control()) {
            return Some(format!("Windows lets no name have a `{}` in it", c.escape_default()));
        }
        if name.ends_with(['.', ' ']) && !matches!(name, "." | "..") {
            return Some(format!("Windows lets no name end with a dot or a blank, as `{name}` does"));
        }
        is_device(name).then(|| takes(name))
    })
}

/// Whether a name is one that DOS gave to a device: alone or before a dot, in any folder.
fn is_device(name: &str) -> bool {
    let name = name.split('.').next().unwrap_or_default().trim_end_matches(' ').to_ascii_uppercase();
    let is_numbered = |name: &str, prefix| {
        name.strip_prefix(prefix)
            .is_some_and(|number| matches!(number.chars().collect::<Vec<_>>()[..], ['0'..='9' | '¹' | '²' | '³']))
    };
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&name.as_str())
        || is_numbered(&name, "COM")
        || is_numbered(&name, "LPT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_typed_a_path_is_the_same() {
        for typed in
            [r"C:\Wörk Space\x", "c:/wörk space/x", r"C:\WÖRK SPACE\X\", r"\\?\C:\wörk space\x", r"c:\wörk space/x//"]
        {
            assert_eq!(comparable(typed), r"c:\wörk space\x", "{typed}");
        }
        for typed in [r"\\server\share\x", r"\\?\UNC\Server\share\x\", "//SERVER/share/x"] {
            assert_eq!(comparable(typed), r"\\server\share\x", "{typed}");
        }
        assert_eq!(comparable(r"\\?\C:\\"), r"c:\");
        assert_ne!(comparable(r"C:\x"), comparable(r"C:\x\y"));
        assert_ne!(comparable(r"C:\x"), comparable(r"D:\x"));
    }

    #[test]
    fn a_workspace_lies_on_a_disk_and_under_names_that_can_be() {
        for fine in [r"C:\x", r"C:\", r"\\?\C:\x y\ü", r"C:\console\com\com10\nul-x\lpt"] {
            assert_eq!(objection(fine), None, "{fine}");
        }
        for (path, why) in [
            (r"\\server\share\x", "Windows keeps container layers on disks with a drive letter only"),
            (r"\\?\UNC\server\share\x", "Windows keeps container layers on disks with a drive letter only"),
            (r"\\.\con", "Windows takes `con` for a device"),
            (r"\\.\pipe\x", "Windows keeps container layers on disks with a drive letter only"),
            (r"\\?\Volume{0}\x", "Windows keeps container layers on disks with a drive letter only"),
            (r"C:\x\con", "Windows takes `con` for a device"),
            (r"C:\Aux.d\x", "Windows takes `Aux.d` for a device"),
            (r"C:\x\lpt1 .txt", "Windows takes `lpt1 .txt` for a device"),
            (r"C:\x\com²", "Windows takes `com²` for a device"),
            (r"C:\x. \y", "Windows lets no name end with a dot or a blank, as `x. ` does"),
            (r"C:\x\y:z", "Windows lets no name have a `:` in it"),
            (r"C:\what?", "Windows lets no name have a `?` in it"),
        ] {
            assert_eq!(objection(path).as_deref(), Some(why), "{path}");
        }
    }
}
