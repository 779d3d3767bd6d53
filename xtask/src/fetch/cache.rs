//! The folder of downloads, and the complete ones in it.

use std::path::{Path, PathBuf};

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

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
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

    /// Every complete file: its digest, name and size.
    pub fn entries(&self) -> Vec<(String, String, u64)> {
        let mut entries = Vec::new();
        for digest in std::fs::read_dir(self.folder.join("sha256")).into_iter().flatten().flatten() {
            for file in std::fs::read_dir(digest.path()).into_iter().flatten().flatten() {
                let names = (digest.file_name().into_string(), file.file_name().into_string());
                if let ((Ok(sha256), Ok(name)), Ok(metadata)) = (names, file.metadata())
                    && is_sha256(&sha256)
                    && metadata.is_file()
                {
                    entries.push((sha256, name, metadata.len()));
                }
            }
        }
        entries.sort_by(|one, other| (&one.1, &one.0).cmp(&(&other.1, &other.0)));
        entries
    }

    /// How many bytes all files take, interrupted ones included.
    pub fn size(&self) -> u64 {
        let partial = std::fs::read_dir(self.partial_folder()).into_iter().flatten().flatten();
        let partial: u64 = partial.filter_map(|file| Some(file.metadata().ok()?.len())).sum();
        partial + self.entries().iter().map(|(_, _, size)| size).sum::<u64>()
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
