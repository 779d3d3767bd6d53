//! What every command is given.

use crate::cli::Shared;
use crate::component::Component;
use crate::daemon::state::Request;
use crate::error::{Context as _, Error, Result};
use crate::http::{Http, Retry};
use crate::lock::{self, Guard};
use crate::network::Network;
use crate::os;
use crate::platform::{Os, Platform};
use crate::process::Argv;
use crate::source::{self, Github, Ground, Resolved, Source, github};
use crate::ui::Ui;
use crate::version::Spec;
use crate::windows_path;
use crate::workspace::Workspace;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The variable that moves the workspace.
const BASE_DIR: &str = "BUILDKIT_WINDOWS_BASE_DIR";

/// The shared options made exact, and the effects that commands may use.
pub struct Context<'a> {
    /// For speaking.
    pub ui: &'a Ui,
    /// For the network.
    pub http: Http,
    /// For every path.
    pub workspace: Workspace,
    /// What was asked for.
    pub request: Request,
    /// The repository that this harness belongs to.
    pub repository: PathBuf,
    /// The buildx asked for. No daemon needs it, so it is no part of the request.
    pub buildx: Option<Spec>,
    /// All versions asked for of containerd and of BuildKit: several where that makes sense.
    pub asked: Vec<(Component, Vec<Spec>)>,
    /// The components of which a version was asked for, be it the one that is taken anyway.
    pub named: Vec<Component>,
    /// Whether versions, a source, a network or a group were asked for at all.
    pub is_choosy: bool,
    /// Whether a platform was asked for, be it this machine's.
    pub is_platform_asked: bool,
    /// Take what the lock file says, and nothing else.
    pub locked: bool,
    /// GitHub's API.
    pub github: Github,
    /// Touch no network.
    pub offline: bool,
    /// The workspace's folder, if it was typed: what is to be typed next needs it too.
    typed_base: Option<PathBuf>,
}

impl<'a> Context<'a> {
    /// Reads the shared options against this machine.
    ///
    /// # Errors
    /// On a base folder, cache or platform that can't be.
    pub fn new(shared: &Shared, ui: &'a Ui) -> Result<Self> {
        let context = Self::wherever(shared, ui)?;
        check_place(context.workspace.base())?;
        check_cache(&context.workspace)?;
        Ok(context)
    }

    /// The same, for those who look whether a workspace can lie there, instead of using it.
    ///
    /// # Errors
    /// On options that make no sense.
    pub fn wherever(shared: &Shared, ui: &'a Ui) -> Result<Self> {
        let platform = match shared.platform {
            Some(platform) => platform,
            None => Platform::host()?,
        };
        let repository = repository();
        let base = match &shared.base_dir {
            Some(base) => base.clone(),
            None => target_folder().join("buildkit-windows-test"),
        };
        if base.as_os_str().is_empty() {
            return Err(Error::usage("the workspace's folder is empty").hint("give one with `--base-dir DIR`"));
        }
        let absolute = std::path::absolute(&base).trying(|| format!("make `{}` absolute", base.display()))?;
        // Where a file is in its way there is no real one, which `check_place` tells.
        let base = os::real_path(&base).unwrap_or(absolute);
        let is_typed = |base: &PathBuf| std::env::var_os(BASE_DIR).is_none_or(|variable| variable != *base);
        let absolute = |dir: &PathBuf| std::path::absolute(dir).trying(|| format!("make `{}` absolute", dir.display()));
        let cache = shared.cache_dir.as_ref().map(absolute).transpose()?;
        let network = shared.network.unwrap_or_default();
        let plugins = (network == Network::Nat).then_some(&Component::Cni);
        let components = Component::needed_on(platform.os).iter().chain(plugins);
        let specs = components.map(|component| (*component, shared.spec(*component).cloned().unwrap_or(Spec::Latest)));
        let source = match shared.source.clone().unwrap_or(Source::Auto) {
            Source::MirrorFolder(folder) => Source::MirrorFolder(
                std::path::absolute(&folder).trying(|| format!("make `{}` absolute", folder.display()))?,
            ),
            other => other,
        };
        Ok(Self {
            ui,
            http: Http::new(shared.offline, Retry::default()),
            workspace: Workspace::new(base, platform).with_shared_cache(cache),
            request: Request {
                platform,
                source,
                specs: specs.collect(),
                network,
                group: shared.group.as_deref().and_then(groups),
            },
            buildx: shared.buildx.clone(),
            asked: [Component::Containerd, Component::Buildkit].map(|of| (of, shared.specs(of).to_vec())).into(),
            named: Component::ALL.iter().copied().filter(|component| shared.spec(*component).is_some()).collect(),
            is_choosy: shared.is_choosy(),
            is_platform_asked: shared.platform.is_some(),
            repository,
            github: github::from_environment(|name| std::env::var(name).ok()),
            offline: shared.offline,
            locked: shared.locked,
            typed_base: shared.base_dir.clone().filter(is_typed),
        })
    }

    /// A command of this program's, with its options, for the same workspace: as it is to be typed.
    pub fn typed(&self, words: &str) -> String {
        self.typed_with(words, [""; 0])
    }

    /// The same with further arguments, which may have any characters in them.
    pub fn typed_with(&self, words: &str, more: impl IntoIterator<Item = impl Into<OsString>>) -> String {
        let argv = Argv::new("cargo").arg("xtask").args(words.split(' ')).args(more);
        self.typed_base.iter().fold(argv, |argv, base| argv.arg("--base-dir").arg(base)).shown()
    }

    /// All that was asked for of a component where several versions may be.
    pub fn asked_for(&self, component: Component) -> &[Spec] {
        self.asked.iter().find(|(of, _)| *of == component).map_or(&[], |(_, specs)| specs)
    }

    /// What was asked for of the daemons' components, and of buildx if anything was.
    pub fn all_specs(&self) -> Vec<(Component, Spec)> {
        let buildx = self.buildx.iter().map(|spec| (Component::Buildx, spec.clone()));
        self.request.specs.iter().cloned().chain(buildx).collect()
    }

    /// Makes what was asked for exact.
    ///
    /// # Errors
    /// When it can't be satisfied.
    pub fn resolve(&self, asked: &[(Component, Spec)]) -> Result<Vec<Resolved>> {
        self.check_for_platform()?;
        lock::claim(&self.workspace)?;
        source::resolve(&self.ground(self.workspace.platform()), asked)
    }

    /// What resolving for a platform stands on.
    pub fn ground(&self, platform: Platform) -> Ground<'_> {
        Ground {
            http: &self.http,
            ui: self.ui,
            workspace: &self.workspace,
            platform,
            source: &self.request.source,
            github: &self.github,
            offline: self.offline,
            locked: self.locked,
        }
    }

    /// Makes sure that the platform has all that was asked for.
    ///
    /// # Errors
    /// When only Windows has it.
    pub fn check_for_platform(&self) -> Result<()> {
        check_for_platform(&self.request)
    }

    /// Takes the workspace's lock for a command.
    ///
    /// # Errors
    /// When the workspace can't be written.
    pub fn lock(&self, command: &str) -> Result<Guard> {
        lock::acquire(&self.workspace, command, self.ui)
    }

    /// Makes sure that the programs can be run here.
    ///
    /// # Errors
    /// When they are for another platform.
    pub fn require_programs_can_run(&self) -> Result<()> {
        let (wanted, host) = (self.workspace.platform(), Platform::host()?);
        if wanted == host {
            return Ok(());
        }
        Err(Error::usage(format!("programs for {wanted} can't be run on this {host} host"))
            .hint("`cargo xtask resolve` and `cargo xtask up --no-start` work for other platforms too"))
    }

    /// Makes sure that the daemons can be run here.
    ///
    /// # Errors
    /// When they are for another platform, the rights are missing, or containers' layers can't lie in the workspace.
    pub fn require_daemons_can_run(&self) -> Result<()> {
        self.require_programs_can_run()?;
        os::check_disk(self.workspace.base())?;
        os::check_rights()
    }

    /// Says so where the daemons can be run and containers can't: on a Windows without its Containers feature.
    pub fn warn_without_container_runtime(&self) {
        if let Err(missing) = os::check_container_runtime() {
            let cure = missing.hint_text().map(|hint| format!("; {hint}")).unwrap_or_default();
            self.ui.warn(&format!("{missing}: the daemons will start, and every build will fail{cure}"));
        }
    }
}

/// Makes sure that a platform has what only Windows has.
fn check_for_platform(request: &Request) -> Result<()> {
    let platform = request.platform;
    if platform.os == Os::Windows {
        return Ok(());
    }
    if request.network != Network::None {
        return Err(Error::usage(format!("`--network nat` is for Windows only, and the programs are for {platform}"))
            .hint("leave it out: on Linux, RUN has the host's network"));
    }
    if request.group.is_some() {
        return Err(Error::usage(format!("`--group` is for Windows only, and the programs are for {platform}"))
            .hint("leave it out: on Linux the socket lies in root's own folder"));
    }
    Ok(())
}

/// Makes sure that a workspace can lie in an absolute folder.
///
/// # Errors
/// When it can't: a file is in the way, or the system has something against the path.
pub fn check_place(base: &Path) -> Result<()> {
    check_that_folders_lead_to(base)?;
    os::check_base(&os::real_path(base).trying(|| format!("make `{}` absolute", base.display()))?)
}

/// Makes sure that a cache which others use too is not among what `clean` and `up --fresh` delete.
fn check_cache(workspace: &Workspace) -> Result<()> {
    let cache = os::real_path(&workspace.cache()).unwrap_or_else(|_| workspace.cache());
    let lies_in = |folder: &Path| match workspace.platform().os {
        Os::Windows => windows_path::is_within(&cache.to_string_lossy(), &folder.to_string_lossy()),
        Os::Linux => cache.starts_with(folder),
    };
    if lies_in(workspace.base()) && !lies_in(&workspace.own_cache()) {
        let (cache, base) = (workspace.cache(), workspace.base().display());
        return Err(Error::usage(format!("`--cache-dir {}` lies in the workspace `{base}`", cache.display()))
            .hint("`clean` deletes what is in there: give a folder elsewhere, or none, as the workspace has a cache of its own"));
    }
    Ok(())
}

/// Makes sure that a workspace can be created, or is there: each system has another error for a file in its way.
fn check_that_folders_lead_to(base: &Path) -> Result<()> {
    match base.ancestors().find_map(|path| Some((path, path.metadata().ok()?))) {
        Some((path, found)) if !found.is_dir() => Err(Error::ground(format!(
            "the workspace can't lie in `{}`: `{}` is a file",
            base.display(),
            path.display()
        ))
        .hint("move the file, or put the workspace elsewhere with `--base-dir DIR`")),
        _ => Ok(()),
    }
}

/// The groups that may use buildkitd's pipe, as it takes them: with commas, and nothing else, between.
fn groups(typed: &str) -> Option<String> {
    let groups: Vec<&str> = typed.split(',').map(str::trim).filter(|group| !group.is_empty()).collect();
    (!groups.is_empty()).then(|| groups.join(","))
}

/// The repository's folder: told by cargo when it runs this program, else where it was built.
pub fn repository() -> PathBuf {
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or_else(|| package.clone(), Path::to_path_buf)
}

/// cargo's target folder, which the user may have moved.
pub fn target_folder() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => repository().join("target"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use crate::ui::Level;
    use clap::Parser;

    /// What is to be typed next, after a line.
    fn typed_after(line: &[&str], words: &str) -> String {
        let cli = Cli::try_parse_from(["cargo xtask", "status"].iter().chain(line)).unwrap();
        let ui = Ui::new(Level::Quiet);
        Context::wherever(&cli.shared, &ui).unwrap().typed(words)
    }

    #[test]
    fn what_is_typed_next_is_for_the_same_workspace() {
        assert_eq!(typed_after(&[], "reset --hard"), "cargo xtask reset --hard");
        assert_eq!(
            typed_after(&["--base-dir", "/my place"], "clean --cache"),
            "cargo xtask clean --cache --base-dir '/my place'"
        );
        let cli = Cli::try_parse_from(["cargo xtask", "status"]).unwrap();
        let ui = Ui::new(Level::Quiet);
        let typed = Context::wherever(&cli.shared, &ui).unwrap().typed_with("build-sample --sample", ["my sample"]);
        assert_eq!(typed, "cargo xtask build-sample --sample 'my sample'");
    }
}
