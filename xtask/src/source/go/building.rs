//! Building a component's programs from its Go module, or from a checkout.
//!
//! BuildKit's go.mod has `exclude` lines, with which `go install PKG@VERSION` refuses it, so a throw-away module requires the
//! version and builds its commands.

mod shim;

use super::{find_go, module_of_checkout, too_old};
use crate::component::Component;
use crate::error::{Context, Error, Result};
use crate::files;
use crate::os;
use crate::platform::{Os, Platform};
use crate::process::{self, Argv, Ending, Stream};
use crate::source::{Resolution, seccomp};
use crate::ui::Ui;
use crate::workspace::Workspace;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A cold build takes a minute or two; nothing sensible takes this long.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// Where a built module's programs are kept.
fn kept(workspace: &Workspace, component: Component, version: &str) -> PathBuf {
    workspace.go_cache().join("built").join(format!(
        "{component}-{}-{}",
        version.trim_start_matches('v'),
        workspace.platform()
    ))
}

/// Whether a version was built before.
pub fn is_built(workspace: &Workspace, resolution: &Resolution) -> bool {
    kept(workspace, resolution.component, &resolution.version).join("bin").is_dir()
}

/// Builds a module's version once, and returns the folder whose `bin` holds its programs.
///
/// # Errors
/// When the build fails: the log says how, and the error where it is.
pub fn build_module(
    workspace: &Workspace,
    ui: &Ui,
    component: Component,
    module: &str,
    version: &str,
) -> Result<PathBuf> {
    let kept = kept(workspace, component, version);
    if kept.join("bin").is_dir() {
        return Ok(kept);
    }
    let throw_away = workspace.go_cache().join("build").join(format!("{component}-{}", std::process::id()));
    let built = throw_away.join("built");
    fs::create_dir_all(&built).trying(|| format!("create `{}`", built.display()))?;
    // Go 1.17 began to look only at the modules that a build needs; below it, one of the hundreds of others that the
    // proxy lacks would end the build. Go raises the line by itself.
    let go_mod = format!("module buildkit-windows.invalid/{component}\n\ngo 1.17\n\nrequire {module} {version}\n");
    files::write_whole(&throw_away.join("go.mod"), go_mod.as_bytes())?;
    let packages =
        component.programs(workspace.platform().os).iter().map(|program| component.go_package(module, program));
    let argv = go_build(workspace, component, module, version, &built.join("bin"))?
        .arg("-mod=mod")
        .args(packages)
        .dir(&throw_away);
    let argv = argv.env("GOWORK", "off");
    let what = format!("{component} {version}");
    let outcome = run_build(workspace, ui, component, &what, &argv).and_then(|()| {
        shim::build(workspace, ui, component, &throw_away, &built.join("bin"))?;
        let parent = kept.parent().unwrap_or(&kept);
        fs::create_dir_all(parent).trying(|| format!("create `{}`", parent.display()))?;
        os::rename(&built, &kept).trying(|| format!("move `{}` to `{}`", built.display(), kept.display()))
    });
    files::delete(&throw_away)?;
    outcome.map(|()| kept)
}

/// Builds the programs of a checkout, its owner's way, into `into/bin`.
///
/// # Errors
/// When the build fails: the log says how, and the error where it is.
pub fn build_checkout(
    workspace: &Workspace,
    ui: &Ui,
    component: Component,
    folder: &Path,
    version: &str,
    into: &Path,
) -> Result<()> {
    let module = module_of_checkout(folder).unwrap_or_default();
    let packages =
        component.programs(workspace.platform().os).iter().map(|program| component.go_package(&module, program));
    let argv = go_build(workspace, component, &module, version, &into.join("bin"))?.args(packages).dir(folder);
    run_build(workspace, ui, component, &format!("{component} {version}"), &argv)?;
    shim::build(workspace, ui, component, folder, &into.join("bin"))
}

fn go_build(workspace: &Workspace, component: Component, module: &str, version: &str, bin: &Path) -> Result<Argv> {
    let os = workspace.platform().os;
    // A folder with a slash at its end: `go build -o` puts each command there under its own name.
    fs::create_dir_all(bin).trying(|| format!("create `{}`", bin.display()))?;
    let mut linker = format!("-s -w -X {}={version}", component.go_version_variable(module));
    let mut argv = go_build_for(workspace.platform(), component)?;
    if component == Component::Runc && os == Os::Linux {
        // runc's first stage is C, and without seccomp it refuses what BuildKit asks of it.
        linker.push_str(" -linkmode external -extldflags -static");
        argv = seccomp::prepare(workspace, argv.env("CGO_ENABLED", "1").args(["-tags", "seccomp netgo osusergo"]))?;
    } else {
        argv = argv.env("CGO_ENABLED", "0").args(["-tags", "no_btrfs"]);
    }
    Ok(argv.args(["-ldflags", &linker]).arg("-o").arg(bin))
}

fn go_build_for(platform: Platform, component: Component) -> Result<Argv> {
    let argv = Argv::new(find_go(component)?).args(["build", "-v", "-trimpath"]);
    Ok(argv.env("GOOS", platform.os.as_str()).env("GOARCH", platform.arch.as_str()))
}

/// Runs a build for a component, and shows how it goes.
fn run_build(workspace: &Workspace, ui: &Ui, component: Component, what: &str, argv: &Argv) -> Result<()> {
    let log_path = workspace.build_log(component);
    let writing = || format!("write `{}`", log_path.display());
    files::write_whole(&log_path, format!("$ {}\n", argv.shown()).as_bytes())?;
    let mut log = fs::File::options().append(true).open(&log_path).trying(writing)?;
    let title = format!("{what} with go");
    let progress = ui.progress("Building", &title);
    ui.detail(&argv.shown());
    let mut said = Vec::new();
    let mut packages = 0;
    let ending = process::stream(argv, PATIENCE, |stream, chunk| {
        if stream == Stream::Stderr {
            said.extend_from_slice(chunk);
            // `-v` names each package as it is compiled.
            packages += chunk.iter().filter(|byte| **byte == b'\n').count();
            progress.doing(&format!("{title} ({packages} packages)"));
        }
    })?;
    log.write_all(&said).trying(writing)?;
    if matches!(ending, Ending::Exited(status) if status.success()) {
        progress.done("Built", &title);
        return Ok(());
    }
    let said = String::from_utf8_lossy(&said);
    if let Some(error) = too_old(&said) {
        return Err(error);
    }
    Err(Error::ground(format!("failed to build {what} from source: {}", why(&said)))
        .hint(format!("the whole log is in `{}`", log_path.display())))
}

/// What a C compiler says last when the linker, whose words stand above, has failed.
const NO_REASONS: [&str; 2] = ["collect2: ", "linker command failed"];

/// The line that tells why a build failed: the last one that gives a reason.
fn why(said: &str) -> &str {
    let lines = || said.lines().map(str::trim).rev().filter(|line| !line.is_empty());
    let reason = lines().find(|line| !NO_REASONS.iter().any(|words| line.contains(words)));
    reason.or_else(|| lines().next()).unwrap_or("it said nothing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_linkers_own_words_are_told() {
        let linker =
            "# x/runc\nlink: running gcc failed: exit status 1\n/usr/bin/ld: cannot find -lseccomp: No such file\n";
        for last in
            ["collect2: error: ld returned 1 exit status\n\n", "clang: error: linker command failed with exit code 1\n"]
        {
            assert_eq!(why(&format!("{linker}{last}")), "/usr/bin/ld: cannot find -lseccomp: No such file");
            assert_eq!(why(last), last.trim());
        }
        assert_eq!(why("# x/y\ny.go:1:2: undefined: z\n"), "y.go:1:2: undefined: z");
        assert_eq!(why(" \n"), "it said nothing");
    }
}
