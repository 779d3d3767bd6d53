//! containerd's shim for Windows. containerd's releases have the one of the hcsshim version that containerd itself requires, as
//! its `Makefile.windows` builds it, and so has what is built here.

use crate::component::Component;
use crate::error::{Context, Error, Result};
use crate::files;
use crate::process;
use crate::source::go::{find_go, go_list};
use crate::ui::Ui;
use crate::workspace::Workspace;
use std::path::Path;

/// The Go module of the shim.
const MODULE: &str = "github.com/Microsoft/hcsshim";

/// Builds a component's companion beside its programs, if it has one. `module` is the folder of the Go module that they were
/// built in.
///
/// Without it both daemons work all the same, so that its failing is only said.
///
/// # Errors
/// When the throw-away module can't be written or deleted.
pub fn build(workspace: &Workspace, ui: &Ui, component: Component, module: &Path, bin: &Path) -> Result<()> {
    let Some(companion) = component.companion(workspace.platform().os) else { return Ok(()) };
    let throw_away = workspace.go_cache().join("build").join(format!("{companion}-{}", std::process::id()));
    let outcome = build_in(workspace, ui, component, companion, module, &throw_away, bin);
    files::delete(&throw_away)?;
    if let Err(error) = outcome {
        ui.warn(&error.to_string());
    }
    Ok(())
}

fn build_in(
    workspace: &Workspace,
    ui: &Ui,
    component: Component,
    companion: &str,
    module: &Path,
    throw_away: &Path,
    bin: &Path,
) -> Result<()> {
    let listed = go_list(&find_go(component)?).args(["-m", "-f", "{{.Version}}", MODULE]).dir(module);
    let version = process::succeed(&listed).trying(|| format!("find the version of {companion}"))?.stdout;
    let version = version.trim();
    if version.is_empty() {
        return Err(Error::ground(format!("failed to find the version of {companion}: {component} requires none")));
    }
    // A module of its own: hcsshim is built with the containerd that it requires, not with the one that requires it.
    let go_mod = format!("module buildkit-windows.invalid/{companion}\n\ngo 1.17\n\nrequire {MODULE} {version}\n");
    files::write_whole(&throw_away.join("go.mod"), go_mod.as_bytes())?;
    let argv = super::go_build_for(workspace.platform(), component)?
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .args(["-mod=mod", "-ldflags", "-s -w", "-o"])
        .arg(bin)
        .arg(format!("{MODULE}/cmd/{companion}"))
        .dir(throw_away);
    super::run_build(workspace, ui, component, &format!("{companion} {version}"), &argv)
}
