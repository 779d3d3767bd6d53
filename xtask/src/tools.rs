//! The two clients, told where their daemons are: the beginning of every command that speaks to one. Pure.

use crate::component::Component;
use crate::process::Argv;
use crate::workspace::Workspace;

/// The namespace in which BuildKit keeps its images in containerd.
pub const NAMESPACE: &str = "buildkit";

/// containerd's client.
pub fn ctr(workspace: &Workspace) -> Argv {
    Argv::new(workspace.program(Component::Containerd, "ctr"))
        .args(["--address", &workspace.endpoint(Component::Containerd).ctr_address()])
        .args(["--namespace", NAMESPACE])
        .without_tokens()
        .dir(workspace.run())
}

/// BuildKit's client.
pub fn buildctl(workspace: &Workspace) -> Argv {
    Argv::new(workspace.program(Component::Buildkit, "buildctl"))
        .args(["--addr", &workspace.endpoint(Component::Buildkit).buildctl_address()])
        .without_tokens()
        .dir(workspace.run())
}
