//! What is fetched: two archives of about 50 MB made of the real programs, and runc as it is, on a loopback server.

use crate::machine::Bench;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::path::{Path, PathBuf};
use tests::{Release, ReleaseServer, sha256_hex};
use xtask::component::Component;
use xtask::error::{Context as _, Error, Result};

/// What upstream packs with.
const LEVEL: u32 = 6;

/// An archive as it is fetched by hand.
pub struct Archive {
    pub name: String,
    pub url: String,
    pub sha256: String,
    size: usize,
}

/// The server with all that is fetched from it.
pub struct Assets {
    pub server: ReleaseServer,
    /// Those that are unpacked; runc, which is not, has no counterpart by hand.
    pub archives: Vec<Archive>,
}

impl Assets {
    pub fn make(bench: &Bench) -> Result<Self> {
        let (_, containerd) = bench.installed(Component::Containerd)?;
        let (_, buildkit) = bench.installed(Component::Buildkit)?;
        let (_, runc) = bench.installed(Component::Runc)?;
        bench.ui.step("Packing", "two archives of real programs");
        // Each on its own is smaller than what the goals are about; in two orders they are two archives.
        let [one, other] = [[&containerd, &buildkit], [&buildkit, &containerd]];
        let (one, other) = std::thread::scope(|scope| {
            let other = scope.spawn(|| pack(&other));
            (pack(&one), other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let (one, other) = (one?, other?);
        let bare = runc.join("runc");
        let bare = fs::read(&bare).trying(|| format!("read `{}`", bare.display()))?;
        let server = ReleaseServer::start();
        let mut archives = Vec::new();
        for (component, bytes) in [(Component::Containerd, one), (Component::Buildkit, other), (Component::Runc, bare)]
        {
            let version = released(&bench.installed(component)?.0);
            let name = component.asset_name(&version, bench.real.platform());
            let (repository, tag) = (component.repository(), format!("v{version}"));
            if component != Component::Runc {
                let url = format!("{}/{repository}/releases/download/{tag}/{name}", server.api_url());
                archives.push(Archive { name: name.clone(), url, sha256: sha256_hex(&bytes), size: bytes.len() });
            }
            server.release(repository, Release::new(&tag).asset(&name, bytes));
        }
        Ok(Self { server, archives })
    }

    /// What they are, for the reader.
    pub fn told(&self) -> String {
        let told = |archive: &Archive| format!("{} ({})", archive.name, xtask::ui::bytes(archive.size as u64));
        format!("archives, on loopback: {}", self.archives.iter().map(told).collect::<Vec<_>>().join(", "))
    }
}

/// A version that can be released: what was built from a ref has another one.
fn released(version: &str) -> semver::Version {
    let version = semver::Version::parse(version).unwrap_or(semver::Version::new(1, 0, 0));
    semver::Version::new(version.major, version.minor, version.patch)
}

/// All programs of folders, as release archives have them.
fn pack(folders: &[&PathBuf]) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::new(LEVEL)));
    for folder in folders {
        let what = || format!("pack `{}`", folder.display());
        let mut programs: Vec<PathBuf> =
            fs::read_dir(folder).trying(what)?.flatten().map(|entry| entry.path()).collect();
        programs.sort();
        for program in programs {
            let name = program.file_name().ok_or_else(|| Error::ground("a program without a name"))?;
            tar.append_path_with_name(&program, Path::new("bin").join(name)).trying(what)?;
        }
    }
    let gz = tar.into_inner().trying(|| "pack the programs".into())?;
    gz.finish().trying(|| "pack the programs".into())
}
