//! Looking at this machine without changing anything.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::path::Path;
use std::ptr::null_mut;
use std::sync::{Mutex, PoisonError};
use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_SERVICE_DOES_NOT_EXIST, ERROR_SUCCESS};
use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, RRF_RT_REG_DWORD, RRF_RT_REG_SZ, RegGetValueW,
};
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, OpenSCManagerW, OpenServiceW, SC_HANDLE, SC_MANAGER_CONNECT, SERVICE_QUERY_STATUS,
};
use windows_sys::Win32::System::SystemInformation::{ComputerNamePhysicalDnsFullyQualified, GetComputerNameExW};
use windows_sys::core::{PCWSTR, w};

fn wide(text: &OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}

/// The free bytes of the disk that a path is on, or would be, for this user.
///
/// # Errors
/// The system's own.
pub fn free_space(path: &Path) -> io::Result<u64> {
    let path = wide(&with_backslash(path));
    let mut free = 0;
    // SAFETY: the path ends with NUL, and the number is there to be written.
    let is_told = unsafe { GetDiskFreeSpaceExW(path.as_ptr(), &mut free, null_mut(), null_mut()) } != 0;
    if is_told { Ok(free) } else { Err(io::Error::last_os_error()) }
}

/// A share is only found with a backslash behind its name.
fn with_backslash(path: &Path) -> OsString {
    let mut path = path.as_os_str().to_owned();
    if path.encode_wide().last() != Some(u16::from(b'\\')) {
        path.push(r"\");
    }
    path
}

struct Service(SC_HANDLE);

impl Service {
    /// A handle that a call returned, or why it returned none.
    fn of(handle: SC_HANDLE) -> io::Result<Self> {
        if handle.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(handle)) }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // SAFETY: the handle is owned, and closed once.
        unsafe { CloseServiceHandle(self.0) };
    }
}

/// Held while services are asked for: under Wine 10, of threads that do so at once some are told that their handle is invalid.
static ASKING: Mutex<()> = Mutex::new(());

/// Whether a service of a name is installed. Asking takes no administrator's rights.
///
/// # Errors
/// The system's own.
pub fn has_service(name: &str) -> io::Result<bool> {
    let name = wide(OsStr::new(name));
    let _none_else = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: a plain call; this machine's own services are meant by null.
    let manager = Service::of(unsafe { OpenSCManagerW(null_mut(), null_mut(), SC_MANAGER_CONNECT) })?;
    // SAFETY: the manager is open, and the name ends with NUL.
    match Service::of(unsafe { OpenServiceW(manager.0, name.as_ptr(), SERVICE_QUERY_STATUS) }) {
        Ok(_) => Ok(true),
        Err(error) if error.raw_os_error() == Some(ERROR_SERVICE_DOES_NOT_EXIST as i32) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Windows' switch for long paths, as the registry has it; `None` where that says nothing.
///
/// # Errors
/// The system's own.
pub fn long_paths_enabled() -> io::Result<Option<u32>> {
    number(HKEY_LOCAL_MACHINE, w!(r"SYSTEM\CurrentControlSet\Control\FileSystem"), w!("LongPathsEnabled"))
}

/// How far Windows has been updated: what stands behind the build number.
pub fn windows_revision() -> Option<u32> {
    number(HKEY_LOCAL_MACHINE, w!(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"), w!("UBR")).ok().flatten()
}

/// The proxy that is set in Windows itself for this user, where it is in use.
pub fn system_proxy() -> Option<String> {
    let settings = w!(r"Software\Microsoft\Windows\CurrentVersion\Internet Settings");
    let is_used = number(HKEY_CURRENT_USER, settings, w!("ProxyEnable")).ok().flatten().is_some_and(|on| on != 0);
    let server = is_used.then(|| text(HKEY_CURRENT_USER, settings, w!("ProxyServer"))).flatten();
    server.filter(|server| !server.trim().is_empty())
}

/// Makes sure that there is something at a socket's path. Whether anyone listens there the client finds out: the standard
/// library knows no such sockets here.
///
/// # Errors
/// When nothing is there.
pub fn reach_socket(path: &Path) -> io::Result<()> {
    std::fs::symlink_metadata(path).map(drop)
}

/// Who may use a socket: there is none but pipes here, which have no group.
pub fn group_of(_socket: &Path) -> Option<String> {
    None
}

/// A number in the registry; `None` where there is no such value.
fn number(root: HKEY, key: PCWSTR, name: PCWSTR) -> io::Result<Option<u32>> {
    let mut value = 0u32;
    let mut size = size_of::<u32>() as u32;
    let none = null_mut();
    // SAFETY: the names end with NUL, and the number has the size that is passed.
    let result = unsafe { RegGetValueW(root, key, name, RRF_RT_REG_DWORD, none, (&raw mut value).cast(), &mut size) };
    match result {
        ERROR_SUCCESS => Ok(Some(value)),
        ERROR_FILE_NOT_FOUND => Ok(None),
        error => Err(io::Error::from_raw_os_error(error as i32)),
    }
}

/// This machine's name, with its domain if it has one.
pub fn host_name() -> Option<String> {
    let mut name = [0u16; 256];
    let mut length = name.len() as u32;
    // SAFETY: the buffer has the length that is passed, and that can be written.
    let is_told =
        unsafe { GetComputerNameExW(ComputerNamePhysicalDnsFullyQualified, name.as_mut_ptr(), &mut length) } != 0;
    let name = is_told.then(|| String::from_utf16_lossy(&name[..length as usize]))?;
    Some(name).filter(|name| !name.is_empty())
}

/// A text in the registry, if it is there and no longer than one that people type.
fn text(root: HKEY, key: PCWSTR, name: PCWSTR) -> Option<String> {
    let mut value = [0u16; 1024];
    let mut size = size_of_val(&value) as u32;
    // SAFETY: the names end with NUL, and the buffer has the size that is passed, in bytes.
    let result =
        unsafe { RegGetValueW(root, key, name, RRF_RT_REG_SZ, null_mut(), value.as_mut_ptr().cast(), &mut size) };
    let length = value.iter().position(|unit| *unit == 0)?;
    (result == ERROR_SUCCESS).then(|| String::from_utf16_lossy(&value[..length]))
}

/// The system's name and build, with how far it has been updated.
pub fn system() -> (Option<String>, Option<String>) {
    let Some(windows) = super::windows() else { return (None, None) };
    let name = if windows.is_server { "Windows Server" } else { "Windows" };
    let revision = windows_revision().map_or_else(String::new, |revision| format!(".{revision}"));
    (Some(name.into()), Some(format!("10.0.{}{revision}", windows.build)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_asked_for_with_a_backslash_behind_it() {
        assert_eq!(with_backslash(Path::new(r"\\host\share")), r"\\host\share\");
        assert_eq!(with_backslash(Path::new(r"C:\")), r"C:\");
    }

    #[test]
    fn this_machine_can_be_looked_at() {
        assert!(free_space(Path::new(r"C:\")).unwrap() > 0);
        assert!(free_space(Path::new(r"C:\no such folder")).is_err());
        // What every Windows has, and none.
        assert!(has_service("RpcSs").unwrap());
        assert!(!has_service("no such service").unwrap());
        long_paths_enabled().unwrap();
        assert!(host_name().is_some_and(|name| !name.contains('\0')));
        // What every Windows says of itself there, and Wine too.
        let version = w!(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion");
        assert!(text(HKEY_LOCAL_MACHINE, version, w!("ProductName")).unwrap().contains("Windows"));
        assert_eq!(text(HKEY_LOCAL_MACHINE, version, w!("no such value")), None);
        assert_eq!(number(HKEY_LOCAL_MACHINE, version, w!("no such value")).unwrap(), None);
    }
}
