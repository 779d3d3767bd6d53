//! Looking at this machine without changing anything.

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::path::Path;
use std::ptr::null_mut;
use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_SERVICE_DOES_NOT_EXIST, ERROR_SUCCESS};
use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;
use windows_sys::Win32::System::Registry::{HKEY_LOCAL_MACHINE, RRF_RT_REG_DWORD, RegGetValueW};
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, OpenSCManagerW, OpenServiceW, SC_HANDLE, SC_MANAGER_CONNECT, SERVICE_QUERY_STATUS,
};
use windows_sys::Win32::System::SystemInformation::{ComputerNamePhysicalDnsFullyQualified, GetComputerNameExW};
use windows_sys::w;

fn wide(text: &OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}

/// The free bytes of the disk that a path is on, or would be, for this user.
///
/// # Errors
/// The system's own.
pub fn free_space(path: &Path) -> io::Result<u64> {
    let path = wide(path.as_os_str());
    let mut free = 0;
    // SAFETY: the path ends with NUL, and the number is there to be written.
    let is_told = unsafe { GetDiskFreeSpaceExW(path.as_ptr(), &mut free, null_mut(), null_mut()) } != 0;
    if is_told { Ok(free) } else { Err(io::Error::last_os_error()) }
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

/// Whether a service of a name is installed. Asking takes no administrator's rights.
///
/// # Errors
/// The system's own.
pub fn has_service(name: &str) -> io::Result<bool> {
    let name = wide(OsStr::new(name));
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
    let mut value = 0u32;
    let mut size = size_of::<u32>() as u32;
    // SAFETY: the names end with NUL, and the number has the size that is passed.
    let result = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            w!(r"SYSTEM\CurrentControlSet\Control\FileSystem"),
            w!("LongPathsEnabled"),
            RRF_RT_REG_DWORD,
            null_mut(),
            (&raw mut value).cast(),
            &mut size,
        )
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_can_be_looked_at() {
        assert!(free_space(Path::new(r"C:\")).unwrap() > 0);
        assert!(free_space(Path::new(r"C:\no such folder")).is_err());
        // What every Windows has, and none.
        assert!(has_service("RpcSs").unwrap());
        assert!(!has_service("no such service").unwrap());
        long_paths_enabled().unwrap();
        assert!(host_name().is_some_and(|name| !name.contains('\0')));
    }
}
