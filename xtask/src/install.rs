//! From resolutions to programs in their place: fetched or built in a staging folder, verified, then moved as a whole.

use crate::component::Component;
use crate::error::{Context, Error, Result};
use crate::fetch::{self, Asset, Cache, Form};
use crate::files;
use crate::http::Http;
use crate::os;
use crate::platform::Platform;
use crate::source::{Material, Resolution, Resolved, go, local};
use crate::ui::{self, Ui};
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::ScopedJoinHandle;

/// What a folder of installed programs is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What the programs are made for.
    pub platform: Platform,
    /// What they were made from.
    pub resolution: Resolution,
}

/// What came of preparing a component.
#[derive(Debug)]
pub enum Prepared {
    /// It is in its place already.
    Unchanged(Record),
    /// It is ready to be moved to its place.
    Staged(Record, PathBuf),
}

impl Prepared {
    /// What it is.
    pub fn record(&self) -> &Record {
        match self {
            Prepared::Unchanged(record) | Prepared::Staged(record, _) => record,
        }
    }

    /// Where it waits to be moved, if its place holds something else.
    pub fn staged(&self) -> Option<&Path> {
        match self {
            Prepared::Unchanged(_) => None,
            Prepared::Staged(_, folder) => Some(folder),
        }
    }
}

/// What is installed of a component; `None` when it is nothing, or not whole.
pub fn installed(workspace: &Workspace, component: Component) -> Option<Record> {
    let text = fs::read_to_string(workspace.install_record(component)).ok()?;
    let record: Record = serde_json::from_str(&text).ok()?;
    let os = workspace.platform().os;
    let whole = component.programs(os).iter().all(|program| workspace.program(component, program).is_file());
    (whole && record.platform == workspace.platform()).then_some(record)
}

/// Gets every component ready, archives side by side, builds one after another; nothing that is in use changes.
///
/// # Errors
/// When a component can't be fetched, verified, unpacked or built: nothing half-done stays.
pub fn prepare(http: &Http, ui: &Ui, workspace: &Workspace, resolved: &[Resolved]) -> Result<Vec<Prepared>> {
    files::delete(&workspace.staging())?;
    let prepared: Result<Vec<Prepared>> = std::thread::scope(|scope| {
        // Builds use every core by themselves; waiting for the network doesn't hinder them.
        let builds: Vec<&Resolved> = resolved.iter().filter(|resolved| !is_asset(resolved)).collect();
        let builder = scope.spawn(move || {
            builds.iter().map(|resolved| prepare_one(http, ui, workspace, resolved)).collect::<Vec<_>>()
        });
        let fetchers: Vec<ScopedJoinHandle<_>> = resolved
            .iter()
            .filter(|resolved| is_asset(resolved))
            .map(|resolved| scope.spawn(move || prepare_one(http, ui, workspace, resolved)))
            .collect();
        let mut built = join(builder).into_iter();
        let mut fetched = fetchers.into_iter().map(join).collect::<Vec<_>>().into_iter();
        resolved.iter().filter_map(|resolved| if is_asset(resolved) { fetched.next() } else { built.next() }).collect()
    });
    if prepared.is_err() {
        files::delete(&workspace.staging())?;
    }
    prepared
}

fn join<T>(thread: ScopedJoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn is_asset(resolved: &Resolved) -> bool {
    matches!(resolved.material, Material::Asset(_))
}

/// Moves what was prepared to its place. Nothing may run there any more.
///
/// # Errors
/// When a folder can't be moved: the next run finds it missing, and prepares it again.
pub fn commit(workspace: &Workspace, prepared: &[Prepared]) -> Result<()> {
    for prepared in prepared {
        if let Prepared::Staged(record, staged) = prepared {
            let place = workspace.installed(record.resolution.component);
            delete(workspace, record.resolution.component)?;
            let parent = place.parent().unwrap_or(workspace.base());
            fs::create_dir_all(parent).trying(|| format!("create `{}`", parent.display()))?;
            os::rename(staged, &place).trying(|| format!("move `{}` to `{}`", staged.display(), place.display()))?;
        }
    }
    files::delete(&workspace.staging())
}

/// Deletes what is installed of a component: first the record that says that it is whole.
///
/// # Errors
/// When something can't be deleted.
pub fn delete(workspace: &Workspace, component: Component) -> Result<()> {
    files::delete(&workspace.install_record(component))?;
    files::delete(&workspace.installed(component))
}

fn prepare_one(http: &Http, ui: &Ui, workspace: &Workspace, resolved: &Resolved) -> Result<Prepared> {
    let component = resolved.resolution.component;
    let old = installed(workspace, component);
    if let Some(record) = old.as_ref().filter(|record| is_same(&record.resolution, resolved)) {
        return Ok(Prepared::Unchanged(record.clone()));
    }
    let staging = workspace.staging().join(component.name());
    fs::create_dir_all(&staging).trying(|| format!("create `{}`", staging.display()))?;
    let mut resolution = resolved.resolution.clone();
    match &resolved.material {
        Material::Asset(asset) => fetch_asset(http, ui, workspace, resolved, asset, &staging, &mut resolution)?,
        Material::GoModule { module, version } => {
            let built = go::build_module(workspace, ui, component, module, version)?;
            files::copy_folder(&built, &staging, workspace.base())?;
        }
        Material::Checkout(folder) => {
            go::build_checkout(workspace, ui, component, folder, &resolution.version, &staging)?;
            resolution.sha256 = Some(digest_of_programs(workspace, component, &staging)?);
        }
        Material::Folder(folder) => copy_programs(workspace, component, folder, &staging)?,
    }
    require_programs(ui, workspace, component, &staging, &resolution)?;
    let record = Record { platform: workspace.platform(), resolution };
    if old.as_ref() == Some(&record) {
        return Ok(Prepared::Unchanged(record));
    }
    let json = serde_json::to_string_pretty(&record).trying(|| "write what is installed".into())?;
    files::write_whole(&staging.join("install.json"), (json + "\n").as_bytes())?;
    Ok(Prepared::Staged(record, staging))
}

/// Whether what is installed is what was resolved. A checkout is known only once it is built.
fn is_same(installed: &Resolution, resolved: &Resolved) -> bool {
    let wanted = &resolved.resolution;
    !matches!(resolved.material, Material::Checkout(_))
        && (installed.source, &installed.version, &installed.url) == (wanted.source, &wanted.version, &wanted.url)
        && (wanted.sha256.is_none() || wanted.sha256 == installed.sha256)
}

fn fetch_asset(
    http: &Http,
    ui: &Ui,
    workspace: &Workspace,
    resolved: &Resolved,
    asset: &Asset,
    staging: &Path,
    resolution: &mut Resolution,
) -> Result<()> {
    let exe = |name: &str| workspace.platform().exe(name);
    let form = match &asset.form {
        Form::Program { name } => Form::Program { name: exe(name) },
        Form::Zip { name } => Form::Zip { name: exe(name) },
        Form::TarGz => Form::TarGz,
    };
    let asset = Asset { form, ..asset.clone() };
    let progress = ui.progress("Fetching", &asset.file_name);
    let fetched = fetch::fetch(http, &asset, &Cache::new(workspace.archive_cache()), staging, &|event| match event {
        fetch::Progress::Start { total } => {
            if let Some(total) = total {
                progress.length(total);
            }
        }
        fetch::Progress::At(bytes) => progress.at(bytes),
        fetch::Progress::Note(text) => progress.note(&text),
    })?;
    let how = if fetched.from_cache { "from the cache, " } else { "" };
    progress.done("Unpacked", &format!("{} ({how}{})", asset.file_name, ui::bytes(fetched.size)));
    if resolved.vouched_by.is_none() {
        ui.warn(&format!("`{}` is unverified: nobody vouches for its digest", asset.file_name));
    }
    resolution.sha256 = Some(fetched.sha256);
    resolution.size = Some(fetched.size);
    Ok(())
}

fn copy_programs(workspace: &Workspace, component: Component, from: &Path, staging: &Path) -> Result<()> {
    let platform = workspace.platform();
    let bin = staging.join("bin");
    fs::create_dir_all(&bin).trying(|| format!("create `{}`", bin.display()))?;
    for source in local::programs_in(component, platform, from) {
        let target = bin.join(source.file_name().unwrap_or_default());
        fs::copy(&source, &target).trying(|| format!("copy `{}` to `{}`", source.display(), target.display()))?;
    }
    Ok(())
}

fn digest_of_programs(workspace: &Workspace, component: Component, staging: &Path) -> Result<String> {
    let programs = local::programs_in(component, workspace.platform(), &staging.join("bin"));
    let digests: Result<String> = programs.iter().map(|program| files::sha256(program)).collect();
    Ok(files::sha256_of(digests?.as_bytes()))
}

fn require_programs(
    ui: &Ui,
    workspace: &Workspace,
    component: Component,
    staging: &Path,
    resolution: &Resolution,
) -> Result<()> {
    let platform = workspace.platform();
    for program in component.programs(platform.os) {
        let file = platform.exe(program);
        if !staging.join("bin").join(&file).is_file() {
            return Err(Error::ground(format!("`{}` holds no `bin/{file}`, which {component} needs", resolution.url))
                .hint(format!("ask for another version, or check what `--{component}` names")));
        }
    }
    if let Some(companion) = component.companion(platform.os)
        && !staging.join("bin").join(platform.exe(companion)).is_file()
    {
        ui.warn(&format!(
            "`{}` holds no `{}`: this {component} can run no container",
            resolution.url,
            platform.exe(companion)
        ));
    }
    Ok(())
}
