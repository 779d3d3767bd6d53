//! The two roots refer to each other: BuildKit's metadata names snapshots that only containerd's root holds. When one is
//! deleted and the other kept, builds fail with `parent snapshot … does not exist`; so they live and die together.

use crate::component::Component;
use crate::error::Result;
use crate::files;
use crate::os;
use crate::workspace::Workspace;
use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

const ROOTS: [Component; 2] = [Component::Buildkit, Component::Containerd];

fn mark(workspace: &Workspace, component: Component) -> PathBuf {
    workspace.root(component).join("buildkit-windows-pair")
}

/// Sees to it that both roots are of one pair, by deleting both if they are not. Tells whether it had to.
///
/// # Errors
/// When they can't be read, deleted or marked.
pub fn pair(workspace: &Workspace) -> Result<bool> {
    let [one, other] = ROOTS.map(|component| fs::read_to_string(mark(workspace, component)).ok());
    if one.is_some() && one == other {
        return Ok(false);
    }
    let had_any = exist(workspace);
    delete(workspace)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let id = format!("{:x}-{:x}\n", since.as_nanos(), std::process::id());
    for component in ROOTS {
        files::write_whole(&mark(workspace, component), id.as_bytes())?;
    }
    Ok(had_any)
}

/// Marks both roots as no pair, before anything in one is deleted: whoever is killed half-way must not leave a pair to be
/// used.
///
/// # Errors
/// When the marks can't be deleted.
pub fn condemn(workspace: &Workspace) -> Result<()> {
    for component in ROOTS {
        files::delete(&mark(workspace, component))?;
    }
    Ok(())
}

/// Whether there is anything of either.
pub fn exist(workspace: &Workspace) -> bool {
    ROOTS.iter().any(|component| workspace.root(*component).exists())
}

/// Deletes both roots, and what belongs to them only while the daemons run. Both must be stopped.
///
/// # Errors
/// When something can't be deleted: the next start sees half a pair, and deletes the rest.
pub fn delete(workspace: &Workspace) -> Result<()> {
    condemn(workspace)?;
    // What daemons that were ended hard have left mounted can't be deleted, and must not be deleted through. (Windows)
    os::release_mounts(&workspace.tmp());
    os::release_layers(&workspace.windows_layers());
    for component in ROOTS {
        files::delete(&workspace.root(component))?;
        files::delete(&workspace.state(component))?;
    }
    files::delete(&workspace.private_run())
}

/// The bytes that both roots take.
pub fn disk_use(workspace: &Workspace) -> u64 {
    ROOTS.iter().map(|component| files::disk_use(&workspace.root(*component))).sum()
}
