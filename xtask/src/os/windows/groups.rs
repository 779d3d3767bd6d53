//! Looking groups of users up.

use crate::error::{Error, Result};
use std::io;
use std::ptr::{null, null_mut};
use windows_sys::Win32::Foundation::ERROR_NONE_MAPPED;
use windows_sys::Win32::Security::LookupAccountNameW;

/// Makes sure that this Windows knows groups, as buildkitd looks them up when it starts. They stand with commas between.
///
/// # Errors
/// When there is no group of that name; whatever else keeps this from being told, buildkitd says itself.
pub fn check_groups(groups: &str) -> Result<()> {
    for group in groups.split(',') {
        let name: Vec<u16> = group.encode_utf16().chain([0]).collect();
        let (mut id, mut domain, mut kind) = (0, 0, 0);
        // SAFETY: the name ends with a zero, and only the lengths are asked for.
        unsafe {
            LookupAccountNameW(null(), name.as_ptr(), null_mut(), &mut id, null_mut(), &mut domain, &mut kind);
        }
        // Always an error: at best, that there was no room for the answer.
        let error = io::Error::last_os_error();
        if error.raw_os_error() == Some(ERROR_NONE_MAPPED.cast_signed()) {
            return Err(Error::usage(format!("`--group {group}`: this Windows knows no user or group of that name"))
                .hint("`net localgroup` lists the groups; with several, put commas between"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_is_looked_up() {
        check_groups("Users").unwrap();
        check_groups("Everyone,Users").unwrap();
        let error = check_groups("Users,nosuch").unwrap_err();
        assert!(error.to_string().starts_with("`--group nosuch`: "), "{error}");
    }
}
