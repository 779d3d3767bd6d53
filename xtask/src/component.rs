//! The released programs that the harness runs: their repositories, assets, Go modules and files.

use crate::platform::{Os, Platform};
use semver::Version;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A released program, or a set of programs released together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Component {
    /// The container daemon, its client `ctr` and its shim.
    Containerd,
    /// The build daemon `buildkitd` and its client `buildctl`.
    Buildkit,
    /// The program that starts a container on Linux.
    Runc,
    /// The programs that give containers a network on Windows.
    Cni,
    /// The program that lets Docker build with a BuildKit of one's own.
    Buildx,
}

impl Component {
    /// All of them.
    pub const ALL: [Component; 5] =
        [Component::Containerd, Component::Buildkit, Component::Runc, Component::Cni, Component::Buildx];

    /// The components that a platform needs whatever is asked for, in the order in which they are spoken of.
    pub fn needed_on(os: Os) -> &'static [Component] {
        match os {
            Os::Linux => &[Component::Containerd, Component::Buildkit, Component::Runc],
            Os::Windows => &[Component::Containerd, Component::Buildkit],
        }
    }

    /// The name in options, folders and messages.
    pub fn name(self) -> &'static str {
        match self {
            Component::Containerd => "containerd",
            Component::Buildkit => "buildkit",
            Component::Runc => "runc",
            Component::Cni => "cni",
            Component::Buildx => "buildx",
        }
    }

    /// `OWNER/NAME` on GitHub.
    pub fn repository(self) -> &'static str {
        match self {
            Component::Containerd => "containerd/containerd",
            Component::Buildkit => "moby/buildkit",
            Component::Runc => "opencontainers/runc",
            Component::Cni => "microsoft/windows-container-networking",
            Component::Buildx => "docker/buildx",
        }
    }

    /// The branch that its releases are made from.
    pub fn main_branch(self) -> &'static str {
        match self {
            Component::Buildkit | Component::Buildx => "master",
            Component::Containerd | Component::Runc | Component::Cni => "main",
        }
    }

    /// The release asset's file name.
    pub fn asset_name(self, version: &Version, platform: Platform) -> String {
        let Platform { os, arch } = platform;
        match self {
            Component::Containerd => format!("containerd-{version}-{}-{}.tar.gz", os.as_str(), arch.as_str()),
            Component::Buildkit => format!("buildkit-v{version}.{}-{}.tar.gz", os.as_str(), arch.as_str()),
            Component::Runc => format!("runc.{}", arch.as_str()),
            Component::Cni => format!("windows-container-networking-cni-{}-v{version}.zip", arch.as_str()),
            Component::Buildx => platform.exe(&format!("buildx-v{version}.{}-{}", os.as_str(), arch.as_str())),
        }
    }

    /// What the name of the file with an asset's digest has behind the asset's own, as upstream publishes it.
    pub fn sums_ending(self) -> &'static str {
        match self {
            Component::Cni => ".sha256",
            _ => ".sha256sum",
        }
    }

    /// The version that an asset's file name tells, if it is this component's asset for the platform.
    ///
    /// `Some(None)` is the asset whose name carries no version (runc's).
    pub fn version_in_asset_name(self, name: &str, platform: Platform) -> Option<Option<Version>> {
        if self == Component::Runc {
            return (name == format!("runc.{}", platform.arch.as_str())).then_some(None);
        }
        let (os, arch) = (platform.os.as_str(), platform.arch.as_str());
        let (prefix, suffix) = match self {
            Component::Containerd => ("containerd-".to_owned(), format!("-{os}-{arch}.tar.gz")),
            Component::Cni => (format!("windows-container-networking-cni-{arch}-v"), ".zip".to_owned()),
            Component::Buildx => ("buildx-v".to_owned(), platform.exe(&format!(".{os}-{arch}"))),
            _ => ("buildkit-v".to_owned(), format!(".{os}-{arch}.tar.gz")),
        };
        let version = name.strip_prefix(&prefix)?.strip_suffix(&suffix)?;
        Version::parse(version).ok().map(Some)
    }

    /// The programs that must be there for the component to be of use, without `.exe`.
    pub fn programs(self, os: Os) -> &'static [&'static str] {
        match (self, os) {
            (Component::Containerd, Os::Linux) => &["containerd", "ctr", "containerd-shim-runc-v2"],
            (Component::Containerd, Os::Windows) => &["containerd", "ctr"],
            (Component::Buildkit, _) => &["buildkitd", "buildctl"],
            (Component::Runc, _) => &["runc"],
            (Component::Cni, _) => &["nat"],
            (Component::Buildx, _) => &["buildx"],
        }
    }

    /// A program that belongs to the component, without `.exe`, and without which its daemon starts but runs no container.
    ///
    /// containerd's shim for Windows comes with its releases, but from another Go module, so that not every build has it.
    pub fn companion(self, os: Os) -> Option<&'static str> {
        (self == Component::Containerd && os == Os::Windows).then_some("containerd-shim-runhcs-v1")
    }

    /// The program that the component is named by; but for CNI's, it tells the component's version when asked.
    pub fn main_program(self) -> &'static str {
        match self {
            Component::Containerd => "containerd",
            Component::Buildkit => "buildkitd",
            Component::Runc => "runc",
            Component::Cni => "nat",
            Component::Buildx => "buildx",
        }
    }

    /// Whether its asset is the program itself, in no archive.
    pub fn is_bare(self) -> bool {
        matches!(self, Component::Runc | Component::Buildx)
    }

    /// The Go modules that the component has lived in, the newest first, each with the major versions it holds.
    pub fn go_modules(self) -> &'static [&'static str] {
        match self {
            Component::Containerd => &["github.com/containerd/containerd/v2", "github.com/containerd/containerd"],
            Component::Buildkit => &["github.com/moby/buildkit"],
            Component::Runc => &["github.com/opencontainers/runc"],
            // Not tried.
            Component::Cni => &["github.com/Microsoft/windows-container-networking"],
            Component::Buildx => &["github.com/docker/buildx"],
        }
    }

    /// The package of a program within the component's Go module.
    pub fn go_package(self, module: &str, program: &str) -> String {
        match self {
            Component::Containerd | Component::Buildkit | Component::Buildx => format!("{module}/cmd/{program}"),
            Component::Runc => module.to_owned(),
            Component::Cni => format!("{module}/plugins/{program}"),
        }
    }

    /// The variable that the linker sets to the version, as `-X VARIABLE=VERSION`.
    pub fn go_version_variable(self, module: &str) -> String {
        match self {
            Component::Containerd | Component::Buildkit | Component::Buildx => format!("{module}/version.Version"),
            Component::Runc | Component::Cni => "main.version".to_owned(),
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_name_tells_its_version_and_look_alikes_do_not() {
        let windows: Platform = "windows-amd64".parse().unwrap();
        for component in [Component::Containerd, Component::Buildkit, Component::Cni, Component::Buildx] {
            let version = Version::new(2, 3, 4);
            let name = component.asset_name(&version, windows);
            assert_eq!(component.version_in_asset_name(&name, windows), Some(Some(version)));
            for look_alike in [".sha256", ".sha256sum", ".provenance.json", ".sbom.json"] {
                assert_eq!(component.version_in_asset_name(&format!("{name}{look_alike}"), windows), None);
            }
        }
        assert_eq!(
            Component::Containerd.version_in_asset_name("containerd-static-2.3.4-linux-amd64.tar.gz", windows),
            None
        );
        assert_eq!(Component::Runc.version_in_asset_name("runc.amd64", windows), Some(None));
        assert_eq!(Component::Runc.version_in_asset_name("runc.amd64.asc", windows), None);
    }
}
