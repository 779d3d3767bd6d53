//! The folder of downloads, and the complete ones in it.

use std::path::PathBuf;

/// The folder of downloads: complete ones by their digest, and those that were interrupted.
///
/// `sha256/HEX/FILE` are the complete ones, `partial/SHA256-OF-URL.part` and `.json` the others.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache in a folder, which is created when something comes in.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The complete file with a digest.
    pub fn find(&self, sha256: &str) -> Option<PathBuf> {
        let sha256 = sha256.to_ascii_lowercase();
        if !is_sha256(&sha256) {
            return None;
        }
        let files = std::fs::read_dir(self.entry(&sha256)).ok()?;
        files.flatten().map(|file| file.path()).find(|path| path.is_file())
    }

    /// Where the complete file with a digest lies.
    pub(super) fn entry(&self, sha256: &str) -> PathBuf {
        self.folder.join("sha256").join(sha256)
    }

    /// Where the interrupted ones lie.
    pub(super) fn partial_folder(&self) -> PathBuf {
        self.folder.join("partial")
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
