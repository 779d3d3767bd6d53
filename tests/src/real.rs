//! Real containerd, BuildKit, runc and buildx for the end-to-end tests: got once, and offered as a mirror folder.

use crate::{archives, sha256_hex};
use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use xtask::component::Component;
use xtask::install;
use xtask::platform::{Os, Platform};
use xtask::source::local;
use xtask::workspace::Workspace;

/// Names the folder that [`prepare`] has filled, for tests that run where programs can't be built: under Wine.
pub const FOLDER: &str = "BUILDKIT_WINDOWS_E2E";

/// What the end-to-end tests run.
pub struct Real {
    /// A flat folder of release archives with their `.sha256sum` files, for `--source`.
    pub mirror: PathBuf,
    /// containerd's versions, the newest last. There are at least two.
    pub containerds: Vec<String>,
    /// BuildKit's newest version.
    pub buildkit: String,
    /// One before that, where there are containers.
    pub older_buildkit: Option<String>,
}

impl Real {
    /// The version of containerd that is taken when none is asked for.
    pub fn containerd(&self) -> &str {
        &self.containerds[self.containerds.len() - 1]
    }

    /// The version before that.
    pub fn older_containerd(&self) -> &str {
        &self.containerds[self.containerds.len() - 2]
    }
}

/// The real programs. The first test to ask gets them with the binary under test; they stay in the target folder.
///
/// # Panics
/// When they can't be had: without real programs there is nothing to test.
pub fn programs(xtask: &Path) -> &'static Real {
    static REAL: OnceLock<Real> = OnceLock::new();
    REAL.get_or_init(|| {
        let target = xtask.parent().and_then(Path::parent).expect("a binary lies in target/PROFILE");
        let named = env::var_os(FOLDER).filter(|folder| !folder.is_empty());
        let folder = named.map_or_else(|| target.join("e2e"), PathBuf::from);
        prepare(&folder, Platform::host().expect("a known host"))
    })
}

/// Fills a folder with the real programs of a platform, unless it holds them already.
///
/// # Panics
/// When they can't be had.
pub fn prepare(folder: &Path, platform: Platform) -> Real {
    let folder = folder.join(platform.to_string());
    fs::create_dir_all(&folder).expect("a folder in the target folder");
    // Under nextest every test is a process of its own: only one of them builds.
    let lock = File::create(folder.join("lock")).expect("a lock file");
    lock.lock().expect("the lock");
    let mirror = folder.join("mirror");
    let workspace = Workspace::new(folder.join("workspace"), platform);
    // Written last: what it holds, so that another fixture brings another containerd.
    let (wanted, holds) = (containerds(platform.os), folder.join("holds"));
    if fs::read_to_string(&holds).ok() != Some(wanted.join(" ")) {
        for spec in &wanted {
            place(&workspace, &["--containerd", spec]);
            pack(&workspace, &mirror, Component::needed_on(platform.os));
        }
        fs::write(&holds, wanted.join(" ")).expect("a file in the target folder");
    }
    // Docker is where it is of use, and Wine has none. A mirror may be older than this.
    if platform.os == Os::Linux && !has(&mirror, Component::Buildx, platform) {
        place(&workspace, &["--buildx", "latest"]);
        pack(&workspace, &mirror, &[Component::Buildx]);
    }
    // For a night's cells, which are of use where containers are.
    if platform.os == Os::Linux && versions_in(&mirror, Component::Buildkit, platform).len() < 2 {
        place(&workspace, &["--buildkit", "0.33"]);
        pack(&workspace, &mirror, &[Component::Buildkit]);
    }
    let versions = |component| versions_in(&mirror, component, platform);
    let mut buildkits = versions(Component::Buildkit);
    let buildkit = buildkits.pop().expect("a BuildKit");
    Real { containerds: versions(Component::Containerd), buildkit, older_buildkit: buildkits.pop(), mirror }
}

/// The versions of a component that a mirror has, the newest last.
fn versions_in(mirror: &Path, component: Component, platform: Platform) -> Vec<String> {
    let names = fs::read_dir(mirror).expect("the mirror").map(|entry| entry.expect("a file").file_name());
    let version = |name: &str| component.version_in_asset_name(name, platform).flatten();
    let mut versions: Vec<_> = names.filter_map(|name| version(name.to_str()?)).collect();
    versions.sort();
    versions.into_iter().map(|version| version.to_string()).collect()
}

/// Which versions of containerd there shall be. On Windows, each whose default configuration is a fixture.
fn containerds(os: Os) -> Vec<String> {
    let newest = "latest".to_owned();
    match os {
        Os::Linux => vec!["2.3".into(), newest],
        Os::Windows => {
            let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("fixtures").join("containerd-config");
            let names = fs::read_dir(fixtures).expect("the fixtures").map(|entry| entry.expect("a file").file_name());
            let version = |name: &str| {
                name.strip_prefix("windows-").and_then(|name| name.strip_suffix(".toml")).map(str::to_owned)
            };
            let mut versions: Vec<String> = names.filter_map(|name| version(name.to_str()?)).collect();
            versions.sort();
            [versions, vec![newest]].concat()
        }
    }
}

/// Gets the programs into a workspace. What it says shows that it goes on, for minutes where it builds.
fn place(workspace: &Workspace, asked: &[&str]) {
    let up = ["cargo xtask", "up", "--no-start", "--source", "go"].iter().chain(asked).map(OsString::from);
    let platform = ["--platform".into(), workspace.platform().to_string().into()];
    let base = ["--base-dir".into(), workspace.base().into()];
    let code = xtask::cli::run(up.chain(platform).chain(base));
    assert_eq!(code, 0, "the real programs can't be had");
}

/// Whether a mirror holds a component.
fn has(mirror: &Path, component: Component, platform: Platform) -> bool {
    let names = fs::read_dir(mirror).expect("the mirror").map(|entry| entry.expect("a file").file_name());
    names
        .into_iter()
        .any(|name| name.to_str().is_some_and(|name| component.version_in_asset_name(name, platform).is_some()))
}

fn pack(workspace: &Workspace, mirror: &Path, components: &[Component]) {
    fs::create_dir_all(mirror).expect("a folder in the target folder");
    let platform = workspace.platform();
    for component in components {
        let programs: Vec<(String, Vec<u8>)> = local::programs_in(*component, platform, &workspace.bin(*component))
            .iter()
            .map(|program| {
                let name = program.file_name().expect("a file has a name").to_string_lossy();
                (format!("bin/{name}"), fs::read(program).expect("it was built"))
            })
            .collect();
        let bytes = if component.is_bare() {
            programs.into_iter().next().map(|(_, bytes)| bytes).expect("it is one program")
        } else {
            let files: Vec<(&str, &[u8], u32)> =
                programs.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice(), 0o755)).collect();
            archives::tar_gz(&files)
        };
        let version = install::installed(workspace, *component).expect("it was built").resolution.version;
        let name = component.asset_name(&version.parse().expect("a version"), platform);
        fs::write(mirror.join(format!("{name}.sha256sum")), format!("{}  {name}\n", sha256_hex(&bytes)))
            .expect("a file");
        fs::write(mirror.join(name), &bytes).expect("a file");
    }
}
