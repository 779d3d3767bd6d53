//! Windows' ways. Seen under Wine; what no one has yet seen on Windows itself is said where it matters.

mod containers;
mod deleting;
mod disks;
mod groups;
mod layers;
mod leftovers;
mod libraries;
mod looking;
mod moving;
mod networks;
mod processes;
mod starting;
mod stopping;

pub use containers::{check_container_runtime, windows};
pub use deleting::{delete, why_not_deleted};
pub use disks::check_disk;
pub use groups::check_groups;
pub use layers::{release_layers, release_mounts};
pub use leftovers::{OUTSIDE, mounts_in, pipes_of, unmount};
pub use looking::{
    free_space, group_of, has_service, host_name, long_paths_enabled, reach_socket, system, system_proxy,
    windows_revision,
};
pub use moving::rename;
pub use networks::host_networks;
pub use processes::{family, has_ended, is_same_path, kill, listener, process, processes_of, processes_with};
pub use starting::start_detached;
pub use stopping::{ask_to_stop, ask_to_stop_by, errand};

use super::Process;
use crate::error::{Context, Error, Result};
use crate::failure;
use crate::windows_path;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::Security::{
    CheckTokenMembership, CreateWellKnownSid, SECURITY_MAX_SID_SIZE, WinBuiltinAdministratorsSid,
};
use windows_sys::Win32::System::Threading::OpenProcess;

/// A handle that is closed when it goes.
struct Owned(HANDLE);

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the handle is owned, and closed once.
        unsafe { CloseHandle(self.0) };
    }
}

fn open_process(pid: u32, access: u32) -> Option<Owned> {
    // SAFETY: a plain call; a null handle is told apart below.
    let handle = unsafe { OpenProcess(access, 0, pid) };
    (!handle.is_null()).then_some(Owned(handle))
}

/// What is mostly to blame when a daemon can't even be started.
pub const WHY_NOT_STARTED: &str = "see whether an antivirus program has taken its .exe away";

/// What a person types to end an input.
pub const END_OF_INPUT: &str = "Ctrl-Z and Enter";

/// Whether the rights that daemons need are there.
///
/// # Errors
/// One sentence that says which are missing, and how to get them.
pub fn check_rights() -> Result<()> {
    // Where it can't be told, the daemons say themselves what they lack.
    if is_administrator().unwrap_or(true) {
        return Ok(());
    }
    Err(Error::ground(
        "containerd needs an administrator's rights on Windows, and this process has none: it is not elevated",
    )
    .known(failure::NOT_ELEVATED)
    .hint("open a terminal with *Run as administrator*, and run the same command there"))
}

/// Whether this process acts as an administrator, which is what the daemons' pipes ask too. An administrator's process that
/// is not elevated has the group for denials only, and that doesn't count. SYSTEM, as which CI services run, is in it.
///
/// (`TokenElevation` would tell the same on Windows; under Wine it says no to everyone.)
fn is_administrator() -> Option<bool> {
    let mut sid = [0u8; SECURITY_MAX_SID_SIZE as usize];
    let mut size = SECURITY_MAX_SID_SIZE;
    let administrators = sid.as_mut_ptr().cast();
    // SAFETY: the buffer has the size that is passed.
    let made = unsafe { CreateWellKnownSid(WinBuiltinAdministratorsSid, null_mut(), administrators, &mut size) } != 0;
    let mut is_member = 0;
    // SAFETY: the group's id was made just now, no token means this process's, and the answer is there to be written.
    let known = made && unsafe { CheckTokenMembership(null_mut(), administrators, &mut is_member) } != 0;
    known.then_some(is_member != 0)
}

/// containerd starts its shim in the folder of the container's bundle (`WorkDir` in
/// <https://github.com/containerd/containerd/blob/v2.4.2/core/runtime/v2/binary.go>), and `CreateProcess` takes a current folder
/// of 258 characters at most: with a separator and NUL it must fit `MAX_PATH`, 260
/// (<https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-setcurrentdirectory>). The longest names of containers are
/// those of samples that are kept. The paths of programs, which have nearly the same limit, are shorter. No one has seen this on
/// Windows: under Wine no container is started.
const LONGEST_BASE: usize =
    258 - r"\containerd\state\io.containerd.runtime.v2.task\buildkit\buildkit-sample-kept-0123456789abcdef".len();

/// Whether a workspace can lie at a path.
///
/// # Errors
/// When programs or containers can't be started in it. Files under it may lie deeper: Rust's standard library and Go's name them in
/// the form that has no such limit.
pub fn check_base(base: &Path) -> Result<()> {
    let length = base.as_os_str().encode_wide().count();
    let objection = match base.to_str() {
        None => Some("the path is not valid Unicode".into()),
        Some(_) if length > LONGEST_BASE => Some(format!(
            "Windows can't start containers under a path so long ({length} characters, at most {LONGEST_BASE})"
        )),
        Some(path) => windows_path::objection(path).or_else(|| {
            let disk = base.ancestors().last().filter(|disk| !disk.exists())?;
            Some(format!("there is no disk `{}`", disk.display()))
        }),
    };
    let Some(objection) = objection else { return Ok(()) };
    Err(Error::usage(format!("the workspace can't lie in `{}`: {objection}", base.display()))
        .hint("choose another folder with `--base-dir DIR`"))
}

/// Files inherit who may read them from their folder.
///
/// # Errors
/// Never.
pub fn let_everyone_read(_file: &File) -> io::Result<()> {
    Ok(())
}

/// There are no control groups on Windows.
pub fn processes_in_control_groups(_parent: &str) -> Vec<Process> {
    Vec::new()
}

/// There are no control groups on Windows, so none is left.
pub fn delete_control_groups(_parent: &str) -> bool {
    true
}

/// An absolute path, as programs' paths are told: these keep links and the case that was typed.
///
/// # Errors
/// The system's own.
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    let Some(path) = path.to_str() else { return std::path::absolute(path) };
    let absolute = std::path::absolute(windows_path::without_prefix(path))?;
    Ok(windows_path::without_separators(&absolute.to_string_lossy()).into())
}

/// How a variable is set for the command that is typed next to it, in PowerShell. It stays set in that window.
pub fn setting(name: &str, quoted: &str) -> String {
    // Not even a path is a string there without quotation marks.
    let quoted = if quoted.starts_with('\'') { quoted.to_owned() } else { format!("'{quoted}'") };
    format!("$env:{name} = {quoted}; ")
}

/// Lets a file be run: on Windows its name does.
///
/// # Errors
/// Never.
pub fn make_executable(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Windows files have no mode.
pub fn set_mode(_options: &mut OpenOptions, _executable: bool) {}

/// There is no mode for the tests to look at.
#[cfg(test)]
pub(crate) fn mode(_path: &Path) -> io::Result<Option<u32>> {
    Ok(None)
}

/// Symbolic links need a privilege on Windows, and no archive for it has any: a copy of the file does. A folder is not copied:
/// it may hold the link.
///
/// # Errors
/// The system's own, and for a link to a folder.
pub fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let target = path.with_file_name("").join(target);
    if target.is_dir() {
        return Err(io::Error::other("links to folders can't be copied on Windows"));
    }
    fs::copy(target, path).map(drop)
}

/// Creates a folder; who may use a pipe is the daemon's to say.
///
/// # Errors
/// When it can't be created.
pub fn create_private_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).trying(|| format!("create `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_made_absolute_however_it_is_typed() {
        let real = |typed: &str| real_path(Path::new(typed)).unwrap();
        let here = std::env::current_dir().unwrap();
        for typed in [r"C:\x y\ü", "C:/x y/ü", r"C:\x y\ü\", r"\\?\C:\x y\ü", r"C:\x y\z\..\.\ü"] {
            assert_eq!(real(typed), Path::new(r"C:\x y\ü"), "{typed}");
        }
        assert_eq!(real(r"..\x").to_str(), here.parent().unwrap_or(&here).join("x").to_str());
        assert_eq!(real(r"C:\").to_str(), Some(r"C:\"));
    }

    #[test]
    fn a_variable_is_set_as_powershell_does() {
        assert_eq!(setting("X", r"C:\w"), r"$env:X = 'C:\w'; ");
        assert_eq!(setting("X", r"'C:\w s'"), r"$env:X = 'C:\w s'; ");
    }

    #[test]
    fn a_link_is_a_copy_of_a_file_and_never_of_a_folder() {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        fs::write(at("file"), "x").unwrap();
        symlink(Path::new("file"), &at("one")).unwrap();
        assert_eq!(fs::read_to_string(at("one")).unwrap(), "x");
        let refused = symlink(Path::new("folder"), &at("other")).unwrap_err();
        assert_eq!(refused.to_string(), "links to folders can't be copied on Windows");
        assert!(!at("other").exists());
    }

    #[test]
    fn a_workspace_lies_where_programs_can_be_started() {
        let deepest = format!(r"C:\{}", "d".repeat(LONGEST_BASE - 3));
        check_base(Path::new(&deepest)).unwrap();
        let refused = |base: &str| check_base(&real_path(Path::new(base)).unwrap()).unwrap_err().to_string();
        assert!(refused(&format!("{deepest}d")).ends_with("(165 characters, at most 164)"));
        assert!(refused(r"\\?\UNC\server\share\x").contains(r"can't lie in `\\server\share\x`: Windows keeps"));
        assert!(refused("C:/x/y:z").contains(r"can't lie in `C:\x\y:z`: Windows lets no name have"));
        let free = ('D'..='Z').map(|letter| format!(r"{letter}:\")).find(|disk| !Path::new(disk).exists()).unwrap();
        assert!(refused(&format!("{free}x")).ends_with(&format!("there is no disk `{free}`")));
        // Windows 10 and Wine make a path of the device itself of it, Windows 11 lets it be.
        assert!(refused(r"C:\x\con").ends_with("Windows takes `con` for a device"));
    }
}
