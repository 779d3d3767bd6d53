//! What differs between operating systems: processes, rights, and who is behind an endpoint.
//!
//! `unix.rs` and `windows.rs` offer the same functions; nothing else asks which system this is.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

use std::path::{Path, PathBuf};

/// A process that is there now. Pids are used again: only all three together tell that it is the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// When it started, in a unit of the system's own; good for comparing only.
    pub started: u64,
    /// The program it runs.
    pub executable: PathBuf,
}

/// What a daemon that starts must find, or be kept from.
#[derive(Debug, Clone, Default)]
pub struct Seclusion {
    /// Where its writes to `/run` go (Linux). containerd's shims have their sockets at a fixed place there.
    pub private_run: PathBuf,
    /// A folder that it must also see under a shorter name (Linux).
    pub alias: Option<(PathBuf, &'static Path)>,
    /// The process whose view of the file system it shares, instead of getting one of its own (Linux).
    pub shared_with: Option<u32>,
}
