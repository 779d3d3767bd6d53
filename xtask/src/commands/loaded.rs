//! What builds have left in Docker: the image, kept containers, the builder. Only what this workspace made is ever removed.

use crate::client::{BUILDER, builder, buildx};
use crate::context::Context;
use crate::error::{Context as _, Result};
use crate::files;
use crate::process::{self, Argv, Output};
use crate::sample::IMAGE;
use std::fs;
use std::time::Duration;

/// Docker may be busy, and must not keep a workspace from being deleted.
const PATIENCE: Duration = Duration::from_secs(60);

/// Records the image that Docker was given, by its id, and removes those that it has taken the name from.
///
/// # Errors
/// When that can't be recorded.
pub fn remember(context: &Context, image: &str) -> Result<()> {
    let id = process::succeed_within(&buildx::image_id(image), PATIENCE)?.stdout.trim().to_owned();
    let mut ids = recorded(context);
    // One that a kept container still needs stays on the list.
    ids.retain(|old| *old != id && !is_image_removed(old));
    ids.push(id);
    files::write_whole(&context.workspace.loaded_images(), (ids.join("\n") + "\n").as_bytes())
}

/// What [`remove`] would remove, for people.
pub fn left(context: &Context) -> Vec<String> {
    let has_builder = context.workspace.buildx_config().exists();
    let names = if has_builder { containers(context) } else { Vec::new() };
    let containers = names.into_iter().map(|name| format!("Docker's container {name}"));
    let images = recorded(context).into_iter().map(|id| format!("Docker's image {id}"));
    containers.chain(images).chain(has_builder.then(|| format!("the builder {BUILDER}"))).collect()
}

/// Removes all of it.
///
/// # Errors
/// When the builder can't be deleted. Where Docker doesn't help, a warning names what stays there.
pub fn remove(context: &Context) -> Result<()> {
    let workspace = &context.workspace;
    if workspace.buildx_config().exists() {
        for name in containers(context) {
            if is_removed(&buildx::remove_container(&name)) {
                context.ui.step("Removed", &format!("Docker's container {name}"));
            } else {
                context.ui.warn(&format!("Docker's container `{name}` could not be removed"));
            }
        }
    }
    for id in recorded(context) {
        if is_image_removed(&id) {
            context.ui.step("Removed", &format!("Docker's image {id}"));
        } else {
            context.ui.warn(&format!("Docker's image `{id}` stays: Docker does not run, or still needs it"));
        }
    }
    files::delete(&workspace.loaded_images())?;
    if builder::forget(&workspace.buildx_config())? {
        context.ui.step("Removed", &format!("the builder {BUILDER}"));
    }
    Ok(())
}

fn containers(context: &Context) -> Vec<String> {
    let listed = capture(&buildx::list_containers(&context.workspace)).map(|output| output.stdout).unwrap_or_default();
    listed.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn recorded(context: &Context) -> Vec<String> {
    let text = fs::read_to_string(context.workspace.loaded_images()).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Removes an image, unless someone has given it a name of their own: then it is theirs, and counts as removed. By its id, Docker
/// would take that name away too.
fn is_image_removed(id: &str) -> bool {
    let names = capture(&buildx::image_names(id)).filter(|output| output.status.success());
    let is_ours = |name: &str| name.is_empty() || IMAGE.ends_with(name);
    match names {
        Some(output) if !output.stdout.lines().map(str::trim).all(is_ours) => true,
        _ => is_removed(&buildx::remove_image(id)),
    }
}

/// Removes something; what is gone already counts as removed.
fn is_removed(argv: &Argv) -> bool {
    capture(argv).is_some_and(|output| output.status.success() || output.stderr.contains("No such "))
}

fn capture(argv: &Argv) -> Option<Output> {
    process::capture_within(argv, PATIENCE).trying(|| format!("run `{}`", argv.shown())).ok().flatten()
}
