//! Which Windows this is, and whether it can run containers.

use super::libraries::vmcompute;
use crate::error::{Error, Result};
use crate::platform::Windows;
use windows_sys::Wdk::System::SystemServices::RtlGetVersion;
use windows_sys::Win32::System::SystemInformation::OSVERSIONINFOEXW;

/// What `wProductType` says of a Windows that is no server: `VER_NT_WORKSTATION` of winnt.h.
const WORKSTATION: u8 = 1;

/// Which Windows this is.
///
/// `GetVersionEx` tells a program whose manifest names no newer Windows that it runs on Windows 8; this call tells the truth.
pub fn windows() -> Option<Windows> {
    let mut found =
        OSVERSIONINFOEXW { dwOSVersionInfoSize: size_of::<OSVERSIONINFOEXW>() as u32, ..Default::default() };
    // SAFETY: the longer structure begins as the shorter does, and its size tells which it is.
    let status = unsafe { RtlGetVersion((&raw mut found).cast()) };
    (status == 0).then_some(Windows { build: found.dwBuildNumber, is_server: found.wProductType != WORKSTATION })
}

/// Whether this Windows itself may be able to run containers: without `vmcompute.dll` it surely isn't. With it, containers may
/// still be off, for Hyper-V and the Virtual Machine Platform, which WSL 2 runs on, bring that file too.
///
/// hcsshim, which containerd and BuildKit unpack layers with, loads `vmcompute.dll` from System32 when it first needs it, and
/// so late that daemons without it start, and each build fails:
/// <https://github.com/microsoft/hcsshim/blob/v0.14.1/internal/wclayer/zsyscall_windows.go#L42>. Here it is
/// loaded in the same way, so that the answer is the same.
///
/// # Errors
/// One sentence that says what is missing, and how to get it.
pub fn check_container_runtime() -> Result<()> {
    if vmcompute().is_some() {
        return Ok(());
    }
    let error = Error::ground("this Windows has no container runtime (`vmcompute.dll` can't be loaded)");
    Err(match windows() {
        Some(windows) => error.hint(windows.enabling_containers()),
        None => error,
    })
}
