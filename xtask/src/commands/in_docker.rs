//! What builds have left in Docker: the image, kept containers, the builder. Only what this workspace made is ever removed,
//! and what can't be removed yet stays on record, for the next `clean`.

mod record;

use crate::client::{BUILDER, builder, buildx, docker};
use crate::context::Context;
use crate::error::{Context as _, Error, Result};
use crate::files;
use crate::poll::{self, Look};
use crate::process::{self, Argv};
use crate::sample;
use record::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Docker may be busy, and must not keep a workspace from being deleted.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long an image may still take to come that a killed build has handed over: nothing tells that it won't.
const SETTLING: Duration = Duration::from_secs(5);

/// Held while the record changes: samples that are tried at the same time share it.
static RECORDING: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    RECORDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A build whose image goes to Docker.
pub struct Loading {
    engine: String,
    image: String,
}

/// Notes down what a build is about to do in Docker: give a name to an image, and take it from the one that has it.
///
/// # Errors
/// When Docker doesn't answer, or nothing can be noted.
pub fn announce(context: &Context, image: &str) -> Result<Loading> {
    let os = context.workspace.platform().os;
    let engine = docker::engine(os).map_err(|trouble| trouble.error(os))?;
    let _alone = alone();
    let mut entries = recorded(context)?;
    record::note(&mut entries, &engine, image, true);
    if let Some(id) = ask(&buildx::image_id(image))? {
        record::note(&mut entries, &engine, id.trim(), false);
    }
    write(context, &entries)?;
    Ok(Loading { engine, image: image.to_owned() })
}

impl Loading {
    /// Notes that the build has ended, well or not, and removes the images that lost their name to its own. What a kept container
    /// still needs stays on record.
    ///
    /// # Errors
    /// When Docker doesn't answer, or nothing can be noted.
    pub fn done(self, context: &Context) -> Result<()> {
        let newest = ask(&buildx::image_id(&self.image))?.unwrap_or_default().trim().to_owned();
        let _alone = alone();
        let mut entries = recorded(context)?;
        record::note(&mut entries, &self.engine, &self.image, false);
        let is_loading = |entry: &&Entry| entry.engine == self.engine && entry.is_loading;
        let loading: Vec<String> = entries.iter().filter(is_loading).map(|entry| entry.image.clone()).collect();
        // Docker tells names in a shorter form.
        let loses_it = |name: &String| loading.iter().any(|image| image.ends_with(name.as_str()));
        entries.retain(|entry| {
            let is_old = entry.engine == self.engine && entry.is_id() && entry.image != newest;
            let is_needed = || match names(&entry.image) {
                Ok(Some(names)) if names.is_empty() => remove_image(entry).is_err(),
                // Another build is about to take its name, and then it is its turn.
                Ok(Some(names)) => names.iter().any(loses_it),
                Ok(None) => false,
                Err(_) => true,
            };
            !entry.is_id() || entry.engine != self.engine || is_old && is_needed()
        });
        write(context, &entries)
    }
}

/// What is to become of an image on record.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// It isn't there, or somebody has given it a name of their own: then it is theirs.
    Gone,
    /// It is to be removed, or only its name if it has others.
    Goes { other_names: Vec<String> },
    /// It can't be removed.
    Stays(String),
}

/// What there is in Docker, as far as it says.
#[derive(Debug, Default)]
struct Found {
    containers: Vec<String>,
    images: Vec<(Entry, Fate)>,
    /// Why there may be more containers.
    unlisted: Option<String>,
    /// Whether that is because some of it is in a Docker that isn't the one that answers.
    is_out_of_reach: bool,
}

/// Looks for what is on record. Changes nothing.
fn look(context: &Context) -> Result<Found> {
    let mut found = Found::default();
    let entries = recorded(context)?;
    if entries.is_empty() {
        return Ok(found);
    }
    let engine = docker::engine(context.workspace.platform().os).map_err(|trouble| trouble.to_string());
    let elsewhere = |entry: &Entry| match &engine {
        Ok(engine) if *engine == entry.engine => None,
        Ok(_) => Some("it is in another Docker than the one that answers".to_owned()),
        Err(why) => Some(why.clone()),
    };
    found.unlisted = entries.iter().find_map(elsewhere);
    found.is_out_of_reach = found.unlisted.is_some();
    if entries.iter().any(|entry| elsewhere(entry).is_none()) {
        match list(&buildx::list_containers(&context.workspace)) {
            Ok(names) => found.containers = names,
            Err(error) => found.unlisted = Some(error.to_string()),
        }
    }
    for entry in entries.iter().filter(|entry| entry.is_loading && elsewhere(entry).is_none()) {
        let known: Vec<&str> = entries.iter().map(|entry| entry.image.as_str()).collect();
        settle(&entry.image, &known);
    }
    for entry in entries {
        let fate = match elsewhere(&entry) {
            Some(why) => Fate::Stays(why),
            None => fate(&entry, &found.containers).unwrap_or_else(|error| Fate::Stays(error.to_string())),
        };
        found.images.push((entry, fate));
    }
    Ok(found)
}

/// Waits for an image that may still be on its way to its name, for as long as that makes sense.
fn settle(image: &str, known: &[&str]) {
    let look = || {
        let is_new = ask(&buildx::image_id(image))?.is_some_and(|id| !known.contains(&id.trim()));
        Ok(if is_new { Look::Ready(()) } else { Look::NotYet(String::new()) })
    };
    // Whether it came is seen next.
    drop(poll::until(SETTLING, look, Error::ground));
}

/// What is to become of an image of this Docker, when these containers are gone.
fn fate(entry: &Entry, containers: &[String]) -> Result<Fate> {
    let Some(names) = names(&entry.image)? else { return Ok(Fate::Gone) };
    if entry.is_id() && !names.is_empty() {
        // With the workspace's own name it goes by that.
        return Ok(Fate::Gone);
    }
    // Docker tells names in a shorter form.
    let other_names: Vec<String> = names.into_iter().filter(|name| !entry.image.ends_with(name.as_str())).collect();
    let mut users = list(&buildx::list_users(&entry.image))?;
    users.retain(|user| !containers.contains(user));
    if users.is_empty() || !other_names.is_empty() {
        return Ok(Fate::Goes { other_names });
    }
    Ok(Fate::Stays(format!("the container {} needs it", users.join(", "))))
}

/// What [`remove`] would do, for people, a line each.
///
/// # Errors
/// When the record can't be read.
pub fn left(context: &Context) -> Result<Vec<String>> {
    let found = look(context)?;
    let mut told: Vec<String> =
        found.containers.iter().map(|name| format!("remove Docker's container {name}")).collect();
    told.extend(found.images.iter().filter_map(|(Entry { image, .. }, fate)| match fate {
        Fate::Gone => None,
        Fate::Goes { other_names } if other_names.is_empty() => Some(format!("remove Docker's image {image}")),
        Fate::Goes { other_names } => {
            Some(format!("remove Docker's image name {image} (the image stays as {})", other_names.join(", ")))
        }
        Fate::Stays(why) => Some(format!("leave Docker's image {image}: {why}")),
    }));
    told.extend(found.unlisted.map(|why| format!("leave Docker's containers of this workspace, if any: {why}")));
    if context.workspace.buildx_config().exists() {
        told.push(format!("remove the builder {BUILDER}"));
    }
    Ok(told)
}

/// Removes all of it that Docker gives back. The rest stays on record, with a warning that says how to remove it by hand.
///
/// # Errors
/// When the builder can't be deleted, or the record not be read or written.
pub fn remove(context: &Context) -> Result<()> {
    let Found { containers, images, unlisted, is_out_of_reach } = look(context)?;
    let mut reasons: Vec<String> = unlisted.into_iter().collect();
    for name in containers {
        match ask(&buildx::remove_container(&name)) {
            Ok(_) => context.ui.step("Removed", &format!("Docker's container {name}")),
            Err(error) => reasons.push(error.to_string()),
        }
    }
    // Containers are found by a label, but looked for only where there is an entry.
    let may_have_containers = !reasons.is_empty();
    let mut kept = Vec::new();
    for (entry, fate) in images {
        let stays = match fate {
            Fate::Gone => None,
            Fate::Goes { .. } => match remove_image(&entry) {
                Ok(()) => {
                    context.ui.step("Removed", &format!("Docker's image {}", entry.image));
                    None
                }
                Err(error) => Some(error.to_string()),
            },
            Fate::Stays(why) => Some(why),
        };
        if stays.is_some() || may_have_containers && !entry.is_id() {
            kept.push(entry);
        }
        reasons.extend(stays);
    }
    write(context, &kept)?;
    if builder::forget(&context.workspace.buildx_config())? {
        context.ui.step("Removed", &format!("the builder {BUILDER}"));
    }
    if !kept.is_empty() {
        reasons.dedup();
        let mut images: Vec<&str> = kept.iter().map(|entry| entry.image.as_str()).collect();
        images.sort_unstable();
        images.dedup();
        let record = context.workspace.in_docker();
        let forgetting = format!("; if it is gone for good, delete `{}`", record.display());
        context.ui.warn(&format!(
            "what this workspace has put into Docker stays there, and on record for the next `{}`: {}; {}, `{}` and `{}` remove it{}",
            context.typed("clean"),
            reasons.join("; "),
            if is_out_of_reach { "once that Docker is the one that answers (see DOCKER_HOST and its contexts)" } else { "by hand" },
            buildx::remove_containers(&context.workspace),
            buildx::remove_images(images).shown(),
            if is_out_of_reach { forgetting } else { String::new() }
        ));
    }
    Ok(())
}

/// Makes sure that the record can be read, before anything else is given up.
///
/// # Errors
/// When it can't.
pub fn check(context: &Context) -> Result<()> {
    recorded(context).map(drop)
}

fn recorded(context: &Context) -> Result<Vec<Entry>> {
    let path = context.workspace.in_docker();
    let Some(text) = files::read_versioned(&path, record::SCHEMA)? else { return Ok(Vec::new()) };
    record::read(&text).trying(|| format!("read `{}`", path.display())).map_err(|error| {
        error.hint(format!(
            "delete it, and what this workspace has put into Docker: `{}` and `{}`",
            buildx::remove_containers(&context.workspace),
            buildx::remove_images([sample::image_in_docker(&context.workspace).as_str()]).shown()
        ))
    })
}

/// Writes the record; an empty one is none.
fn write(context: &Context, entries: &[Entry]) -> Result<()> {
    let path = context.workspace.in_docker();
    if entries.is_empty() {
        return files::delete(&path);
    }
    let text = record::text(entries).trying(|| format!("write `{}`", path.display()))?;
    files::write_whole(&path, text.as_bytes())
}

/// An image's names; nothing where there is no such image.
fn names(image: &str) -> Result<Option<Vec<String>>> {
    let told = ask(&buildx::image_names(image))?;
    Ok(told.map(|told| lines(&told)))
}

fn remove_image(entry: &Entry) -> Result<()> {
    ask(&buildx::remove_images([entry.image.as_str()])).map(drop)
}

fn list(argv: &Argv) -> Result<Vec<String>> {
    Ok(lines(&ask(argv)?.unwrap_or_default()))
}

fn lines(told: &str) -> Vec<String> {
    told.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// What Docker answers; nothing where there is no such thing.
fn ask(argv: &Argv) -> Result<Option<String>> {
    let failed = |why: String| Err(Error::ground(format!("`{}` {why}", argv.shown())));
    match process::capture_within(argv, PATIENCE)? {
        Some(output) if output.status.success() => Ok(Some(output.stdout)),
        Some(output) if ["No such image", "No such container"].iter().any(|no| output.stderr.contains(no)) => Ok(None),
        Some(output) => failed(format!("failed: {}", output.last_words())),
        None => failed(format!("took longer than {}", humantime::format_duration(PATIENCE))),
    }
}
