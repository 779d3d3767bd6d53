//! `cargo xtask down`: stop both daemons and whatever they left; the workspace stays.

use super::up::tell_stopped;
use crate::context::Context;
use crate::daemon::state;
use crate::daemon::stop::{self, Stopped};
use crate::error::Result;
use crate::os;

/// Runs it.
pub fn run(context: &Context) -> Result<()> {
    if !context.workspace.base().exists() {
        context.ui.step("Down", "already: there is no workspace");
        return Ok(());
    }
    if state::are_daemons_recorded(&context.workspace)? {
        os::check_rights()?;
    }
    let _guard = context.lock("down")?;
    let stopped = stop::all(&context.workspace)?;
    tell_stopped(context, &stopped);
    if stopped == Stopped::default() {
        context.ui.step("Down", "already");
    }
    Ok(())
}
