//! The network that buildkitd gives to RUN: asking Windows for it, and telling the CNI plugin.
//!
//! buildkitd tries the network when it starts, and doesn't come up without: then its log says why. While it works, the CNI
//! library notes each container's address in `\var\lib\cni` on the workspace's drive; BuildKit has no setting for that.
//! Source: <https://github.com/moby/buildkit/blob/master/util/network/cniprovider/cni.go>

use crate::error::Result;
use crate::files;
use crate::network::{self, Nat, Network};
use crate::os;
use crate::ui::Ui;
use crate::workspace::Workspace;

/// Finds the network that is asked for.
///
/// # Errors
/// When this machine hasn't got it: what takes long is better not begun then.
pub fn find(network: Network) -> Result<Option<Nat>> {
    match network {
        Network::None => Ok(None),
        Network::Nat => network::nat_of(&os::host_networks()?).map(Some),
    }
}

/// Writes what the CNI plugin is told, or sees to it that there is nothing: buildkitd would take it unasked.
///
/// It is asked for anew at each start, since Windows may give the network another subnet whenever it starts itself.
///
/// # Errors
/// When this machine hasn't got the network, or the file can't be written.
pub fn configure(workspace: &Workspace, ui: &Ui, network: Network) -> Result<()> {
    let path = workspace.cni_config();
    let Some(nat) = find(network)? else { return files::delete(&path) };
    ui.step("Network", &nat.shown());
    files::write_whole(&path, network::cni_configuration(&nat).as_bytes())
}
