//! Letting go of layers that are still mounted.
//!
//! Who unmounts them is containerd's shim, buildkitd or containerd itself. When one of them was ended hard, its layers stay
//! mounted, and Windows denies their deletion until it restarts or is told to let go of them; containerd's snapshotter
//! expects as much
//! (`preRemove` in <https://github.com/containerd/containerd/blob/v2.4.2/plugins/snapshots/windows/common.go>).
//!
//! Nobody has seen any of this on Windows yet, and Wine has neither library. So every result is passed over: whatever stays
//! shows when it can't be deleted.

use super::libraries::{Function, Library, bindfltapi, vmcompute};
use std::fs;
use std::os::windows::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::core::{PCSTR, PCWSTR, s, w};

/// What every call about layers is given first, as in
/// <https://github.com/microsoft/hcsshim/blob/v0.14.1/internal/wclayer/layerutils.go>.
#[repr(C)]
struct DriverInfo {
    flavour: isize,
    home: PCWSTR,
}

/// `HRESULT UnprepareLayer(info, id)`, and the others of
/// <https://github.com/microsoft/hcsshim/blob/v0.14.1/internal/wclayer/wclayer.go>.
type LayerCall = unsafe extern "system" fn(*const DriverInfo, PCWSTR) -> i32;

/// `HRESULT BfRemoveMapping(job, root)`, as in
/// <https://github.com/microsoft/go-winio/blob/v0.6.2/pkg/bindfilter/bind_filter.go>.
type RemoveMapping = unsafe extern "system" fn(HANDLE, PCWSTR) -> i32;

/// How the names of folders begin that buildkitd and containerd mount something on for a while:
/// <https://github.com/moby/buildkit/blob/v0.34.2/snapshot/localmounter_windows.go>,
/// <https://github.com/containerd/containerd/blob/v2.4.2/core/mount/temp.go>.
const MOUNTS: [&str; 2] = ["buildkit-mount", "containerd-mount"];

/// Takes what is mounted on folders in `tmp` off them. With it there, deleting such a folder would delete in a layer, or in
/// whatever else it shows.
pub fn release_mounts(tmp: &Path) {
    let Some(remove) = bindfltapi().and_then(|library| library.function(s!("BfRemoveMapping"))) else { return };
    // SAFETY: the function has this signature in go-winio.
    let remove = unsafe { std::mem::transmute::<Function, RemoveMapping>(remove) };
    for folder in folders(tmp).into_iter().filter(|folder| is_mount(folder)) {
        // SAFETY: the path ends with NUL, and no job means the mapping is everyone's.
        unsafe { remove(null_mut(), wide(&folder).as_ptr()) };
    }
}

/// Has Windows let go of every layer in a folder of snapshots, and destroy it, which undoes all that a layer is. Nobody may
/// use them any more.
pub fn release_layers(snapshots: &Path) {
    let layers = folders(snapshots);
    let Some(library) = (if layers.is_empty() { None } else { vmcompute() }) else { return };
    // One after the other for all: layers lean on each other. As hcsshim's `layerPath` has it, an id is a whole path.
    for name in [s!("UnprepareLayer"), s!("DeactivateLayer"), s!("DestroyLayer")] {
        let Some(call) = layer_call(&library, name) else { return };
        let info = DriverInfo { flavour: 1, home: w!("") };
        for layer in &layers {
            // SAFETY: the structure is as hcsshim has it, and both strings end with NUL.
            unsafe { call(&info, wide(layer).as_ptr()) };
        }
    }
}

fn layer_call(library: &Library, name: PCSTR) -> Option<LayerCall> {
    let function = library.function(name)?;
    // SAFETY: the three functions have this signature in hcsshim.
    Some(unsafe { std::mem::transmute::<Function, LayerCall>(function) })
}

fn is_mount(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    MOUNTS.iter().any(|prefix| name.starts_with(prefix))
}

/// The folders in a folder, but not links to such.
fn folders(within: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(within).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

fn wide(path: &Path) -> Vec<u16> {
    path.as_os_str().encode_wide().chain([0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_that_something_is_mounted_on_count() {
        let temp = tempfile::tempdir().unwrap();
        for name in ["buildkit-mount123", "containerd-mount4", "go-build5"] {
            fs::create_dir(temp.path().join(name)).unwrap();
        }
        fs::write(temp.path().join("buildkit-mount.log"), "").unwrap();
        let mut mounts: Vec<_> = folders(temp.path()).into_iter().filter(|folder| is_mount(folder)).collect();
        mounts.sort();
        assert_eq!(mounts, ["buildkit-mount123", "containerd-mount4"].map(|name| temp.path().join(name)));
    }

    /// What was never mounted is let go of without a word; only where there is a container runtime is anything destroyed.
    #[test]
    fn folders_that_are_no_mounts_are_passed_over() {
        let temp = tempfile::tempdir().unwrap();
        let mount = temp.path().join("buildkit-mount1");
        fs::create_dir(&mount).unwrap();
        release_mounts(temp.path());
        assert!(mount.exists());
        release_layers(&temp.path().join("nowhere"));
    }
}
