//! `cargo xtask down`: stop both daemons and whatever they left; the workspace stays.

use super::tidying::{self, tell_stopped};
use crate::context::Context;
use crate::daemon::stop::{self, Stopped};
use crate::error::Result;

/// Runs it.
pub fn run(context: &Context) -> Result<()> {
    if !context.workspace.base().exists() {
        context.ui.step("Down", "already: there is no workspace");
        return Ok(());
    }
    tidying::check_rights(context, false)?;
    let _guard = context.lock("down")?;
    let stopped = stop::all(&context.workspace)?;
    tell_stopped(context, &stopped);
    if stopped == Stopped::default() {
        context.ui.step("Down", "already");
    }
    Ok(())
}
