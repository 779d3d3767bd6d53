//! The libraries that only some Windows have. What is loaded stays: a program ends soon.

use std::ptr::null_mut;
use windows_sys::Win32::Foundation::HMODULE;
use windows_sys::Win32::System::LibraryLoader::{GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW};
use windows_sys::core::{PCSTR, PCWSTR, w};

/// A library that is loaded.
pub(super) struct Library(HMODULE);

/// Some function; whoever calls it must give it the signature that it has.
pub(super) type Function = unsafe extern "system" fn() -> isize;

impl Library {
    /// Loads a library of Windows' own, the way hcsshim and go-winio do: from System32 and nowhere else.
    fn load(name: PCWSTR) -> Option<Self> {
        // SAFETY: the name is one of the literals below, which end with NUL; a null handle is told apart.
        let library = unsafe { LoadLibraryExW(name, null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32) };
        (!library.is_null()).then_some(Self(library))
    }

    /// A function by its name, which must end with NUL.
    pub(super) fn function(&self, name: PCSTR) -> Option<Function> {
        // SAFETY: the library is loaded and never let go, and the name is a literal that ends with NUL.
        unsafe { GetProcAddress(self.0, name) }
    }
}

/// The host compute service's own library: layers, containers, networks.
pub(super) fn vmcompute() -> Option<Library> {
    Library::load(w!("vmcompute.dll"))
}

/// The bind filter's library, which shows a folder in another's place.
pub(super) fn bindfltapi() -> Option<Library> {
    Library::load(w!("bindfltapi.dll"))
}
