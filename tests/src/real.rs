//! Real containerd, BuildKit and runc for the end-to-end tests: built once from source, and offered as a mirror folder.

use crate::{archives, sha256_hex};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use xtask::component::Component;
use xtask::install::{self, Record};
use xtask::platform::Platform;
use xtask::workspace::Workspace;

/// What the end-to-end tests run.
pub struct Real {
    /// A flat folder of release archives with their `.sha256sum` files, for `--source`.
    pub mirror: PathBuf,
    /// containerd's version.
    pub containerd: String,
    /// BuildKit's version.
    pub buildkit: String,
    /// A version of containerd below the real one. Its archive holds the same programs, for tests of version changes.
    pub older_containerd: String,
}

/// The real programs. The first test to ask builds them with the binary under test; they stay in the target folder.
///
/// # Panics
/// When they can't be built: without real programs there is nothing to test.
pub fn programs(xtask: &Path) -> &'static Real {
    static REAL: OnceLock<Real> = OnceLock::new();
    REAL.get_or_init(|| {
        let target = xtask.parent().and_then(Path::parent).expect("a binary lies in target/PROFILE");
        prepare(xtask, &target.join("e2e"))
    })
}

fn prepare(xtask: &Path, folder: &Path) -> Real {
    fs::create_dir_all(folder).expect("a folder in the target folder");
    // Under nextest every test is a process of its own: only one of them builds.
    let lock = File::create(folder.join("lock")).expect("a lock file");
    lock.lock().expect("the lock");
    let platform = Platform::host().expect("a known host");
    let workspace = Workspace::new(folder.join("workspace"), platform);
    let mirror = folder.join("mirror");
    let done = folder.join("done");
    if !done.exists() {
        build(xtask, &workspace);
        pack(&workspace, &mirror);
        fs::write(&done, "").expect("a mark in the target folder");
    }
    let version = |component| record(&workspace, component).resolution.version;
    Real {
        mirror,
        containerd: version(Component::Containerd),
        buildkit: version(Component::Buildkit),
        older_containerd: OLDER.into(),
    }
}

/// No release of containerd has this version, so that it can't be taken for one.
const OLDER: &str = "2.0.99";

fn build(xtask: &Path, workspace: &Workspace) {
    let output = Command::new(xtask)
        .args(["up", "--no-start", "--source", "go", "--base-dir"])
        .arg(workspace.base())
        .output()
        .expect("the binary under test can be run");
    assert!(output.status.success(), "the real programs can't be built:\n{}", String::from_utf8_lossy(&output.stderr));
}

fn record(workspace: &Workspace, component: Component) -> Record {
    install::installed(workspace, component).expect("it was built")
}

fn pack(workspace: &Workspace, mirror: &Path) {
    fs::create_dir_all(mirror).expect("a folder in the target folder");
    let os = workspace.platform().os;
    for component in Component::needed_on(os) {
        let programs: Vec<(String, Vec<u8>)> = component
            .programs(os)
            .iter()
            .map(|program| {
                (format!("bin/{program}"), fs::read(workspace.program(*component, program)).expect("it was built"))
            })
            .collect();
        let bytes = if *component == Component::Runc {
            programs.into_iter().next().map(|(_, bytes)| bytes).expect("runc is one program")
        } else {
            let files: Vec<(&str, &[u8], u32)> =
                programs.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice(), 0o755)).collect();
            archives::tar_gz(&files)
        };
        let versions = match component {
            Component::Containerd => vec![record(workspace, *component).resolution.version, OLDER.into()],
            _ => vec![record(workspace, *component).resolution.version],
        };
        for version in versions {
            let name = component.asset_name(&version.parse().expect("a version"), workspace.platform());
            fs::write(mirror.join(format!("{name}.sha256sum")), format!("{}  {name}\n", sha256_hex(&bytes)))
                .expect("a file");
            fs::write(mirror.join(name), &bytes).expect("a file");
        }
    }
}
