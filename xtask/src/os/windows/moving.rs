//! Moving what a scanner has open for a moment.

use super::deleting::{INTERVAL, may_pass};
use std::fs;
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long scanners may look at programs that were just written. Nobody has measured it here: it is for Windows Defender,
/// which opens each new .exe file, and there is none under Wine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Moves a file or a folder, waiting while somebody has it open.
///
/// NTFS moves no folder while any file in it is open, whatever that one's owner shares
/// (<https://learn.microsoft.com/openspecs/windows_protocols/ms-fsa/87f86c9b-6c2a-4803-84b7-131a74a434fa>). A file gives way to
/// another although it is open if whoever opened it lets it be deleted: `fs::rename` falls back to a move as on POSIX systems. Nobody
/// has seen either on Windows yet; Wine 10 moves such a folder, and denies such a move of a file.
///
/// # Errors
/// The system's own, once it was tried for a while.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    rename_within(PATIENCE, from, to)
}

fn rename_within(patience: Duration, from: &Path, to: &Path) -> io::Result<()> {
    let deadline = Instant::now() + patience;
    loop {
        match fs::rename(from, to) {
            // No wait makes a folder give way.
            Err(error) if may_pass(&error) && !to.is_dir() && Instant::now() < deadline => sleep(INTERVAL),
            moved => return moved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::os::windows::fs::OpenOptionsExt;
    use windows_sys::Win32::Foundation::ERROR_SHARING_VIOLATION;

    #[test]
    fn a_file_that_is_open_for_a_moment_is_waited_for() {
        let temp = tempfile::tempdir().unwrap();
        let (from, to) = (temp.path().join("from"), temp.path().join("to"));
        fs::write(&from, "new").unwrap();
        let open = OpenOptions::new().read(true).share_mode(0).open(&from).unwrap();
        let error = rename_within(2 * INTERVAL, &from, &to).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(ERROR_SHARING_VIOLATION.cast_signed()));
        std::thread::scope(|scope| {
            let moving = scope.spawn(|| rename(&from, &to));
            drop(open);
            moving.join().unwrap().unwrap();
        });
        assert_eq!(fs::read_to_string(to).unwrap(), "new");
        assert!(!from.exists());
    }

    #[test]
    fn a_folder_in_the_way_is_not_waited_for() {
        let temp = tempfile::tempdir().unwrap();
        let (from, to) = (temp.path().join("from"), temp.path().join("to"));
        fs::write(&from, "new").unwrap();
        fs::create_dir(&to).unwrap();
        let begun = Instant::now();
        rename(&from, &to).unwrap_err();
        assert!(begun.elapsed() < PATIENCE);
    }
}
