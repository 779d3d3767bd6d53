//! What daemons may leave that no process shows any more.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where containerd and BuildKit write when nobody tells them not to.
pub const OUTSIDE: &[&str] = &[
    r"C:\ProgramData\buildkitd",
    r"C:\ProgramData\cni",
    r"C:\ProgramData\containerd",
    r"C:\Program Files\buildkit",
    r"C:\Program Files\containerd",
];

/// What is mounted in a folder: layers are the host compute service's, and `clean` lets go of them.
pub fn mounts_in(_folder: &Path) -> Vec<PathBuf> {
    Vec::new()
}

/// Takes a mount away.
///
/// # Errors
/// Never: none are found.
pub fn unmount(_point: &Path) -> io::Result<()> {
    Ok(())
}

/// The named pipes that begin with a name. They are gone when the last process that has one open is.
pub fn pipes_of(name: &str) -> Vec<String> {
    let pipes = fs::read_dir(r"\\.\pipe\").into_iter().flatten().flatten();
    pipes.filter_map(|pipe| pipe.file_name().into_string().ok()).filter(|pipe| pipe.starts_with(name)).collect()
}
