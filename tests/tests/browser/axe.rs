//! axe-core, which checks a page's accessibility: fetched by npm from wherever the user's npm fetches, once, and only as it is
//! known.

use flate2::read::GzDecoder;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tests::sha256_hex;

const VERSION: &str = "4.14.1";
const SHA256: &str = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745";

/// The script.
pub fn script() -> &'static str {
    static SCRIPT: OnceLock<String> = OnceLock::new();
    SCRIPT.get_or_init(fetch)
}

fn fetch() -> String {
    let folder = target().join("ci").join(format!("axe-core-{VERSION}"));
    let archive = folder.join(format!("axe-core-{VERSION}.tgz"));
    if !archive.is_file() {
        fs::create_dir_all(&folder).unwrap();
        let output = Command::new("npm")
            .args(["pack", "--silent", "--ignore-scripts", &format!("axe-core@{VERSION}")])
            .current_dir(&folder)
            .output()
            .unwrap_or_else(|error| panic!("npm, which fetches axe-core, can't be run: {error}"));
        assert!(output.status.success(), "npm pack: {}", String::from_utf8_lossy(&output.stderr));
    }
    let bytes = fs::read(&archive).unwrap();
    let found = sha256_hex(&bytes);
    if found != SHA256 {
        fs::remove_file(&archive).unwrap();
        panic!("{} is not the one that is known: its digest is {found}", archive.display());
    }
    let mut archive = tar::Archive::new(GzDecoder::new(bytes.as_slice()));
    let mut entries = archive.entries().unwrap().map(Result::unwrap);
    let mut entry = entries.find(|entry| entry.path().unwrap() == Path::new("package/axe.min.js")).unwrap();
    let mut script = String::new();
    entry.read_to_string(&mut script).unwrap();
    script
}

/// cargo's target folder, where what tests fetch and what they show is kept.
pub fn target() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_xtask-under-test"));
    program.ancestors().nth(2).unwrap().to_owned()
}
