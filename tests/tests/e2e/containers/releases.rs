//! Releases of containerd that never were: the newest one under other names, whole or made to fail.

use crate::run;
use std::fs;
use std::path::{Path, PathBuf};
use tests::{TestContext, archives, real};
use xtask::component::Component::{self, Buildkit, Containerd, Runc};
use xtask::platform::Platform;

/// What a daemon of a mirror may do: it waits for ever, and is killed by nothing but a kill.
pub(super) const HANGS: &str =
    "trap '' TERM INT; mkfifo \"$BUILDKIT_WINDOWS_APART/f\"; exec 3<>\"$BUILDKIT_WINDOWS_APART/f\"; read -r _ <&3";

/// A mirror folder with the real BuildKit and runc, and what is offered of containerd.
pub(super) struct Mirror<'a> {
    context: &'a TestContext,
    folder: PathBuf,
    /// The real archive of containerd.
    pub(super) whole: PathBuf,
}

impl<'a> Mirror<'a> {
    /// The folder `mirror`, with no containerd yet.
    pub(super) fn new(context: &'a TestContext) -> Self {
        let real = real::programs(context.program());
        let whole = real.mirror.join(asset_name(Containerd, real.containerd()));
        let mirror = Self { context, folder: context.root().join("mirror"), whole };
        fs::create_dir_all(&mirror.folder).unwrap();
        for name in [asset_name(Buildkit, &real.buildkit), asset_name(Runc, "0.0.0")] {
            mirror.link(&real.mirror.join(&name), &name);
        }
        mirror
    }

    /// Offers an archive as a version.
    pub(super) fn offer(&self, version: &str, archive: &Path) {
        self.link(archive, &asset_name(Containerd, version));
    }

    fn link(&self, from: &Path, name: &str) {
        let to = self.folder.join(name);
        fs::hard_link(from, &to).or_else(|_| fs::copy(from, &to).map(drop)).unwrap();
    }

    /// An archive whose daemon is the real one, and with which no container comes to run.
    pub(super) fn faulty(&self) -> PathBuf {
        run(self.context, &["up", "--no-start"]).success();
        let installed = self.context.base_dir().join("containerd/installed/bin");
        let program = |name: &str| fs::read(installed.join(name)).unwrap();
        self.pack("faulty", &program("containerd"), &program("ctr"))
    }

    /// An archive in which containerd does what a script says.
    pub(super) fn scripted(&self, does: &str) -> PathBuf {
        let script = format!("#!/bin/sh\necho 'made to fail' >&2\n{does}\n");
        self.pack(&xtask::files::sha256_of(does.as_bytes()), script.as_bytes(), b"#!/bin/sh\nexit 1\n")
    }

    fn pack(&self, name: &str, daemon: &[u8], ctr: &[u8]) -> PathBuf {
        let shim: &[u8] = b"#!/bin/sh\necho 'made to fail' >&2\nexit 1\n";
        let files = [("containerd", daemon), ("ctr", ctr), ("containerd-shim-runc-v2", shim)];
        let paths = files.map(|(name, bytes)| (format!("bin/{name}"), bytes));
        let files: Vec<_> = paths.iter().map(|(path, bytes)| (path.as_str(), *bytes, 0o755)).collect();
        self.context.write(name, archives::tar_gz(&files))
    }
}

fn asset_name(component: Component, version: &str) -> String {
    component.asset_name(&version.parse().unwrap(), Platform::host().unwrap())
}
