//! What differs between operating systems in this library: groups of processes, and what a test has left behind.

/// A process that has something to do with a test's folder.
#[derive(Debug)]
pub(crate) struct Leak {
    /// Its process id.
    pub(crate) pid: u32,
    /// What it is, and how it hangs on to the folder.
    pub(crate) what: String,
}

#[cfg(unix)]
mod linux;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use linux::{end, mounts_under, processes_under, unmount};
#[cfg(unix)]
pub use unix::run_restricted;
#[cfg(unix)]
pub(crate) use unix::{Group, KILLED, exit_code, lead_group, make_executable, run_as};
#[cfg(windows)]
pub use windows::run_restricted;
#[cfg(windows)]
pub(crate) use windows::{
    Group, KILLED, end, exit_code, lead_group, make_executable, mounts_under, processes_under, run_as, unmount,
};
