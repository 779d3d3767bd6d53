//! libseccomp for runc: the system's where it is installed, else Debian's package unpacked beside the build.
//!
//! A machine with a Rust toolchain has a C compiler, but seldom this library's headers, and nothing is installed here.

use crate::error::{Context, Error, Result};
use crate::files;
use crate::process::{self, Argv};
use crate::workspace::Workspace;
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
    Ok(build.env("PKG_CONFIG", pkg_config(&folder)?))
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

/// A pkg-config that knows one library: the package's own file points to where it would be installed.
fn pkg_config(folder: &Path) -> Result<PathBuf> {
    let root = folder.join("root/usr");
    let library = fs::read_dir(root.join("lib"))
        .trying(|| format!("read `{}`", root.join("lib").display()))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("libseccomp.a").is_file())
        .ok_or_else(|| Error::ground(format!("{PACKAGE} holds no libseccomp.a")))?;
    let script = folder.join("pkg-config");
    // Go splits the answer as a shell would.
    let escaped = |path: &Path| path.display().to_string().replace(' ', r"\ ");
    let text = format!(
        "#!/bin/sh\n# Answers for libseccomp only, as it lies here.\ncase \"$*\" in\n*--cflags*) printf '%s\\n' '-I{}' ;;\n*--libs*) printf '%s\\n' '-L{} -lseccomp' ;;\nesac\n",
        escaped(&root.join("include")),
        escaped(&library)
    );
    files::write_program(&script, text.as_bytes())?;
    Ok(script)
}
