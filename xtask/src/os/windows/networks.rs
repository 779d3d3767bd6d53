//! Asking the host network service (HNS) which networks there are.

use super::check_container_runtime;
use super::libraries::{Function, vmcompute};
use crate::error::{Context, Error, Result};
use std::ptr::null_mut;
use windows_sys::Win32::System::Com::CoTaskMemFree;
use windows_sys::core::{PCWSTR, PWSTR, s, w};

/// `HRESULT HNSCall(method, path, object, &response)`: a request and an answer in JSON, as if by HTTP.
type HnsCall = unsafe extern "system" fn(PCWSTR, PCWSTR, PCWSTR, *mut PWSTR) -> i32;

/// HNS's answer to `GET /networks/`, which [`crate::network::nat_of`] reads.
///
/// This is the call that hcsshim makes, and Docker by it, so it is there wherever Docker runs, with nothing installed besides.
/// The newer `HcnEnumerateNetworks` takes four calls for the same. No one has seen this on a real Windows yet: Wine has no
/// HNS. There, a library that answers the same way was put in its place once, by hand, to see the call itself work.
///
/// # Errors
/// When there is no HNS, or it gives no answer.
/// Source: <https://github.com/microsoft/hcsshim/blob/main/internal/hns/hnsfuncs.go>
pub fn host_networks() -> Result<String> {
    let what = || "ask Windows for its networks".to_owned();
    check_container_runtime().trying(what)?;
    let call = hns_call().ok_or_else(|| Error::ground("`vmcompute.dll` has no `HNSCall`")).trying(what)?;
    let mut response = null_mut();
    // SAFETY: the strings end in NUL, and the answer is there to be written.
    let result = unsafe { call(w!("GET"), w!("/networks/"), w!(""), &mut response) };
    if result < 0 {
        return Err(Error::ground(format!("the host network service (HNS) gave no answer (0x{result:08x})"))
            .hint("see whether it runs, in an elevated PowerShell: `Get-Service hns`"));
    }
    Ok(take(response))
}

fn hns_call() -> Option<HnsCall> {
    let function = vmcompute()?.function(s!("HNSCall"))?;
    // SAFETY: the function has this signature in hcsshim.
    Some(unsafe { std::mem::transmute::<Function, HnsCall>(function) })
}

/// A string of COM's as one of our own; COM's is given back.
fn take(text: PWSTR) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: it ends in NUL.
    let length = (0..).take_while(|at| unsafe { *text.add(*at) } != 0).count();
    // SAFETY: so many are there.
    let taken = String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(text, length) });
    // SAFETY: HNS made it with COM's allocator, and nobody else has it.
    unsafe { CoTaskMemFree(text.cast()) };
    taken
}
