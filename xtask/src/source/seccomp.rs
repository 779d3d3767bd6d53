//! libseccomp for runc: the system's where it is installed, else Debian's package unpacked beside the build.
//!
//! A machine with a Rust toolchain has a C compiler, but seldom this library's headers, and nothing is installed here.

use crate::error::{Context, Error, Result};
use crate::files;
use crate::process::{self, Argv};
use crate::workspace::Workspace;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

const PACKAGE: &str = "libseccomp-dev";

/// Sees to it that a build finds libseccomp.
///
/// # Errors
/// When it is not installed, and can't be had from Debian's packages either.
pub fn prepare(workspace: &Workspace, build: Argv) -> Result<Argv> {
    if process::capture(&Argv::new("pkg-config").args(["--exists", "libseccomp"]))
        .is_ok_and(|output| output.status.success())
    {
        return Ok(build);
    }
    let folder = workspace.go_cache().join("libseccomp");
    if !folder.join("root").is_dir() {
        unpack_debians(&folder).map_err(|error| {
            Error::ground("failed to get libseccomp, which building runc from source needs").because(error).hint(
                "install libseccomp's headers and pkg-config (Debian: apt-get install libseccomp-dev pkg-config), or give a runc with `--runc PATH`",
            )
        })?;
    }
    let library = library(&folder)?;
    let build = build.env("PKG_CONFIG", pkg_config(&folder)?);
    // Where the library lies is told to the C compiler only. Go keeps what pkg-config says with what it has compiled, but does
    // not look at it when it takes that from its cache again: a folder in there would outlive its workspace.
    Ok(build.env("LIBRARY_PATH", searched_first(&library, std::env::var_os("LIBRARY_PATH"))?))
}

/// A list of folders with one before those that it had.
fn searched_first(folder: &Path, others: Option<OsString>) -> Result<OsString> {
    // An empty entry would be the current folder.
    let others = others.filter(|others| !others.is_empty());
    let all = std::iter::once(folder.to_owned()).chain(others.iter().flat_map(std::env::split_paths));
    std::env::join_paths(all).trying(|| format!("have `{}` searched for libraries", folder.display()))
}

/// Downloads the package with the user's apt sources, but with apt's own files in `folder`, and unpacks it there.
fn unpack_debians(folder: &Path) -> Result<()> {
    if process::find("apt-get").is_none() {
        return Err(Error::ground("this is no Debian, as there is no `apt-get`"));
    }
    let (lists, cache) = (folder.join("lists"), folder.join("cache"));
    for needed in [lists.join("partial"), cache.join("archives").join("partial")] {
        fs::create_dir_all(&needed).trying(|| format!("create `{}`", needed.display()))?;
    }
    let apt = || {
        Argv::new("apt-get")
            .arg("-q")
            .args(["-o", &format!("Dir::State::Lists={}", lists.display())])
            .args(["-o", &format!("Dir::Cache={}", cache.display())])
            // apt's own unprivileged user may not be able to enter the workspace.
            .args(["-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none"])
            .dir(folder)
    };
    process::succeed(&apt().arg("update"))?;
    process::succeed(&apt().args(["download", PACKAGE]))?;
    let archive = fs::read_dir(folder)
        .trying(|| format!("read `{}`", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .ok_or_else(|| Error::ground(format!("apt-get downloaded no {PACKAGE}")))?;
    let unpacked = folder.join("unpacked");
    process::succeed(&Argv::new("dpkg-deb").arg("-x").arg(&archive).arg(&unpacked))?;
    for spent in [&lists, &cache, &archive] {
        files::delete(spent)?;
    }
    fs::rename(&unpacked, folder.join("root")).trying(|| format!("move `{}`", unpacked.display()))
}

/// The folder in the unpacked package that the library lies in: it is called after the machine.
fn library(folder: &Path) -> Result<PathBuf> {
    let libraries = folder.join("root/usr/lib");
    fs::read_dir(&libraries)
        .trying(|| format!("read `{}`", libraries.display()))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("libseccomp.a").is_file())
        .ok_or_else(|| Error::ground(format!("{PACKAGE} holds no libseccomp.a")))
}

/// A pkg-config that knows one library: the package's own file points to where it would be installed.
fn pkg_config(folder: &Path) -> Result<PathBuf> {
    let script = folder.join("pkg-config");
    // Go splits the answer as a shell would.
    let include = folder.join("root/usr/include").display().to_string().replace(' ', r"\ ");
    let text = format!(
        "#!/bin/sh\n# Answers for libseccomp only, as it lies here.\ncase \"$*\" in\n*--cflags*) printf '%s\\n' '-I{include}' ;;\n*--libs*) echo -lseccomp ;;\nesac\n"
    );
    files::write_program(&script, text.as_bytes())?;
    Ok(script)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_has_searched_stays() {
        let searched = |others: Option<&str>| searched_first(Path::new("/w s"), others.map(OsString::from)).unwrap();
        assert_eq!(searched(None), "/w s");
        assert_eq!(searched(Some("")), "/w s");
        assert_eq!(searched(Some("/a:/b")), "/w s:/a:/b");
    }
}
