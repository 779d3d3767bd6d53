//! Which Windows this is, and whether it can run containers.

use crate::error::{Error, Result};
use crate::platform::Windows;
use std::ptr::null_mut;
use windows_sys::Wdk::System::SystemServices::RtlGetVersion;
use windows_sys::Win32::Foundation::FreeLibrary;
use windows_sys::Win32::System::LibraryLoader::{LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW};
use windows_sys::Win32::System::SystemInformation::OSVERSIONINFOEXW;
use windows_sys::w;

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

/// Whether this Windows itself can run containers.
///
/// hcsshim, which containerd and BuildKit unpack layers with, loads `vmcompute.dll` from System32 when it first needs it, and
/// so late that daemons without it start, and each build fails:
/// <https://github.com/microsoft/hcsshim/blob/v0.14.1/internal/wclayer/zsyscall_windows.go#L42>. The Containers feature
/// brings that file. Here it is loaded in the same way, so that the answer is the same.
///
/// # Errors
/// One sentence that says what is missing, and how to get it.
pub fn check_container_runtime() -> Result<()> {
    // SAFETY: the name is a literal that ends with NUL; a null handle is told apart.
    let library = unsafe { LoadLibraryExW(w!("vmcompute.dll"), null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32) };
    if !library.is_null() {
        // SAFETY: it was loaded just now, and nothing of it is in use.
        unsafe { FreeLibrary(library) };
        return Ok(());
    }
    let error = Error::ground("this Windows has no container runtime (`vmcompute.dll` can't be loaded)");
    Err(match windows() {
        Some(windows) => error.hint(windows.enabling_containers()),
        None => error,
    })
}
