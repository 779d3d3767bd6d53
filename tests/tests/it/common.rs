//! What the tests of the binary share: releases on the shelf, and a short way to run a command.

use std::fs;
use std::path::PathBuf;
use tests::{Outcome, Release, ReleaseServer, TestContext, tar_gz, zip};
use xtask::component::Component::{self, Buildkit, Buildx, Cni, Containerd, Runc};
use xtask::platform::Platform;
use xtask::version::Spec;

/// What most of these tests ask for: the same on every host, and only two components.
pub(crate) const PLATFORM: &str = "windows-amd64";

pub(crate) fn platform(name: &str) -> Platform {
    name.parse().unwrap()
}

/// The name of a component's asset.
pub(crate) fn asset_name(component: Component, version: &str, of: &str) -> String {
    let Ok(Spec::Exact(version)) = version.parse() else { panic!("{version} is no version") };
    component.asset_name(&version, platform(of))
}

/// A component's asset with all of its programs, as far as unpacking goes: they are not to be run.
pub(crate) fn asset(component: Component, version: &str, of: &str) -> Vec<u8> {
    asset_with(component, version, of, b"")
}

/// The same with programs that have something in them.
pub(crate) fn asset_with(component: Component, version: &str, of: &str, filling: &[u8]) -> Vec<u8> {
    let of = platform(of);
    if component == Runc {
        return format!("runc {version}").into_bytes();
    }
    if component == Cni {
        // Its programs lie at the top, beside others of the same release.
        return zip(&[
            ("sdnbridge.exe", b"not needed"),
            ("nat.exe", &[format!("nat {version}").as_bytes(), filling].concat()),
        ]);
    }
    let programs = component.programs(of.os).iter().copied().chain(component.companion(of.os));
    let files: Vec<(String, Vec<u8>)> = programs
        .map(|program| {
            (format!("bin/{}", of.exe(program)), [format!("{program} {version}").as_bytes(), filling].concat())
        })
        .collect();
    let files: Vec<_> = files.iter().map(|(name, content)| (name.as_str(), content.as_slice(), 0o755)).collect();
    tar_gz(&files)
}

/// A release with the asset for a platform.
pub(crate) fn release(component: Component, version: &str, of: &str) -> Release {
    Release::new(&format!("v{version}")).asset(&asset_name(component, version, of), asset(component, version, of))
}

/// A release of containerd for [`PLATFORM`] with something else in the asset's place.
pub(crate) fn containerd_of(version: &str, bytes: impl AsRef<[u8]>) -> Release {
    Release::new(&format!("v{version}")).asset(&asset_name(Containerd, version, PLATFORM), bytes)
}

/// Releases one more containerd for [`PLATFORM`].
pub(crate) fn offer_containerd(server: &ReleaseServer, version: &str) {
    server.release(Containerd.repository(), release(Containerd, version, PLATFORM));
}

/// A server that has one release of each component for a platform: containerd 2.3.4, BuildKit 0.32.2, runc 1.3.0.
pub(crate) fn server_for(of: &str) -> ReleaseServer {
    let server = ReleaseServer::start();
    for component in Component::needed_on(platform(of).os) {
        server.release(component.repository(), release(*component, only(*component), of));
    }
    server
}

/// A server with what most tests ask for.
pub(crate) fn server() -> ReleaseServer {
    server_for(PLATFORM)
}

/// The version that [`server`] has.
pub(crate) fn only(component: Component) -> &'static str {
    match component {
        Containerd => "2.3.4",
        Buildkit => "0.32.2",
        Runc => "1.3.0",
        Cni => "0.3.1",
        Buildx => "0.36.1",
    }
}

/// Runs a command, typed as a line, for [`PLATFORM`].
pub(crate) fn run(context: &TestContext, line: &str) -> Outcome {
    run_for(context, PLATFORM, line)
}

/// Runs a command for a platform.
pub(crate) fn run_for(context: &TestContext, of: &str, line: &str) -> Outcome {
    context.xtask(line.split_whitespace()).env("BUILDKIT_WINDOWS_PLATFORM", of).run()
}

/// Runs a command that must succeed.
#[track_caller]
pub(crate) fn done(context: &TestContext, line: &str) -> Outcome {
    run(context, line).success()
}

/// Where a workspace notes which versions it has.
pub(crate) fn lock_file(context: &TestContext) -> PathBuf {
    context.base_dir().join("versions.lock.json")
}

/// Takes folders out of a workspace.
#[track_caller]
pub(crate) fn remove(context: &TestContext, folders: &[&str]) {
    for folder in folders {
        fs::remove_dir_all(context.base_dir().join(folder)).unwrap();
    }
}
