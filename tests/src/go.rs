//! The user's Go settings, kept for a test whose home folder is another one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The variables that point Go to the user's own settings, modules and build cache, apart from those that are set.
///
/// What `go env -w` has saved is in the file that `GOENV` names: what stands there needs no variable.
pub(crate) fn variables(var: impl Fn(&str) -> Option<OsString>) -> Vec<(&'static str, PathBuf)> {
    let var = |name: &str| var(name).filter(|value| !value.is_empty());
    let folder = |name: &str| var(name).map(PathBuf::from);
    let Some(home) = folder(if cfg!(windows) { "USERPROFILE" } else { "HOME" }) else { return Vec::new() };
    let (config, cache) = if cfg!(windows) {
        (folder("APPDATA"), folder("LOCALAPPDATA"))
    } else {
        let config = folder("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
        (Some(config), Some(folder("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache"))))
    };
    let saved = folder("GOENV").or_else(|| config.map(|config| config.join("go").join("env")));
    let wanted = [
        ("GOENV", saved.clone()),
        // GOMODCACHE follows it.
        ("GOPATH", Some(home.join("go"))),
        ("GOCACHE", cache.map(|cache| cache.join("go-build"))),
    ];
    let is_free = |name: &str| var(name).is_none() && !saved.as_deref().is_some_and(|file| is_saved(file, name));
    wanted.into_iter().filter(|(name, _)| is_free(name)).filter_map(|(name, path)| Some((name, path?))).collect()
}

fn is_saved(file: &Path, name: &str) -> bool {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().any(|line| line.split_once('=').is_some_and(|(key, _)| key == name))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn go_finds_the_users_modules_and_what_is_set_stays() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().to_path_buf();
        let var = |extra: Option<(&'static str, &'static str)>| {
            let home = home.clone();
            move |name: &str| match extra {
                Some((key, value)) if key == name => Some(OsString::from(value)),
                _ => (name == "HOME").then(|| home.clone().into()),
            }
        };
        let names = |found: Vec<(&'static str, PathBuf)>| found.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let found = variables(var(None));
        assert_eq!(found[2], ("GOCACHE", home.join(".cache/go-build")));
        assert_eq!(names(found), ["GOENV", "GOPATH", "GOCACHE"]);
        assert_eq!(names(variables(var(Some(("GOPATH", "/go"))))), ["GOENV", "GOCACHE"]);
        std::fs::create_dir_all(home.join(".config/go")).unwrap();
        std::fs::write(home.join(".config/go/env"), "GOPROXY=direct\nGOPATH=/go\n").unwrap();
        assert_eq!(names(variables(var(None))), ["GOENV", "GOCACHE"]);
    }
}
