//! BuildKit's own client, with containerd's to run the image: no Docker needed. Argument vectors, but for the first call.

mod pruning;

pub use pruning::{Prune, forget, freed, is_remembered, missing_leases, prune, remembered};

use super::details::{Details, Output, Source, cache_from, cache_to, fields, shown};
use super::remote::Remote;
use super::{BaseImage, Build, Client, Run, version};
use crate::base_image::BUILD_ARGUMENT;
use crate::component::Component;
use crate::error::{Error, Result};
use crate::failure::{self, Speaker};
use crate::platform::Os;
use crate::process::{self, Argv};
use crate::sample::IMAGE;
use crate::tools::{buildctl, ctr};
use crate::ui::Ui;
use crate::workspace::Workspace;
use std::path::Path;
use std::time::Duration;

/// A remote buildkitd may be far away; buildctl gives up its connection sooner.
const PATIENCE: Duration = Duration::from_secs(20);

/// buildctl and ctr.
pub struct Buildctl<'a> {
    workspace: &'a Workspace,
    remote: Option<Remote>,
}

impl<'a> Buildctl<'a> {
    /// A client of the buildkitd at a remote address, or of the workspace's own.
    pub fn new(workspace: &'a Workspace, remote: Option<Remote>) -> Self {
        Self { workspace, remote }
    }
}

impl Client for Buildctl<'_> {
    fn name(&self) -> &'static str {
        "buildctl"
    }

    fn image(&self) -> String {
        IMAGE.into()
    }

    fn connect(&self, ui: &Ui) -> Result<Option<String>> {
        // The workspace's own was waited for when it was started.
        let Some(remote) = &self.remote else { return Ok(None) };
        let asked = |words: &[&str]| {
            let argv = at(self.workspace, remote).args(["--timeout", "10"]).args(words.iter().copied());
            ui.detail(&argv.shown());
            process::capture_within(&argv, PATIENCE)
        };
        let why = match asked(&["debug", "workers"])? {
            Some(output) if output.status.success() => {
                let told = asked(&["debug", "info", "--format", "{{.BuildkitVersion.Version}}"])?;
                return Ok(told.filter(|told| told.status.success()).and_then(|told| version(&told.stdout)));
            }
            Some(output) => output.last_words().trim_start_matches("error: ").to_owned(),
            None => format!("it took longer than {}", humantime::format_duration(PATIENCE)),
        };
        let error = Error::ground(format!("a buildkitd at `{}` gives no answer: {why}", remote.address));
        let found = failure::explain(&why, Some(Speaker::Client), Some(self.workspace.platform().os));
        Err(found.into_iter().fold(error, |error, found| error.known(found.failure)).hint(remote.hint()))
    }

    fn build(&self, build: &Build) -> Argv {
        match &self.remote {
            None => self::build(self.workspace, build),
            Some(remote) => build_with(at(self.workspace, remote), build),
        }
    }

    fn loads(&self) -> bool {
        false
    }

    fn run(&self, run: &Run) -> Option<Argv> {
        // The image of a remote one lies in its own store.
        self.remote.is_none().then(|| self::run(self.workspace, run))
    }

    fn containers(&self) -> Option<Argv> {
        self.remote.is_none().then(|| list_containers(self.workspace))
    }

    fn end(&self, name: &str) -> Vec<Argv> {
        let (workspace, names) = (self.workspace, [name.to_owned()]);
        vec![kill(workspace, name), delete_task(workspace, name), delete_containers(workspace, &names)]
    }
}

/// buildctl, told where a remote buildkitd is.
fn at(workspace: &Workspace, remote: &Remote) -> Argv {
    remote.name_to_buildctl(Argv::new(workspace.program(Component::Buildkit, "buildctl")))
}

/// Builds an image into containerd's store.
pub fn build(workspace: &Workspace, build: &Build) -> Argv {
    build_with(buildctl(workspace), build)
}

fn build_with(buildctl: Argv, build: &Build) -> Argv {
    let local = |name: &str, folder: &Path| format!("{name}={}", folder.display());
    let dockerfile = build.details.dockerfile.as_ref().unwrap_or(&build.context);
    let output = match &build.details.output {
        Output::Store => format!("type=image,name={},unpack=true", build.image),
        other => other.written(),
    };
    let argv = buildctl
        .args(["build", "--progress", "plain", "--frontend", "dockerfile.v0"])
        .args(["--local", &local("context", &build.context), "--local", &local("dockerfile", dockerfile)])
        .args(["--output", &output]);
    let argv = detailed(argv, &build.details);
    match &build.base_image {
        BaseImage::Own => argv,
        BaseImage::Reference(reference) => argv.args(["--opt", &format!("build-arg:{BUILD_ARGUMENT}={reference}")]),
        BaseImage::Layout { folder, digest } => argv
            .args(["--opt", &format!("context:base=oci-layout://host@{digest}")])
            .args(["--oci-layout", &format!("host={}", folder.display())]),
    }
}

/// Adds what else was asked for.
fn detailed(argv: Argv, details: &Details) -> Argv {
    let mut words: Vec<(&str, String)> = Vec::new();
    words.extend(details.target.iter().map(|target| ("--opt", format!("target={target}"))));
    words.extend(details.args.iter().map(|(name, value)| ("--opt", format!("build-arg:{name}={value}"))));
    words.extend(details.secrets.iter().map(|(id, file)| ("--secret", fields(&[("id", id), ("src", &shown(file))]))));
    words.extend(details.ssh_key.iter().map(|key| ("--ssh", format!("default={}", key.display()))));
    for (name, source) in &details.contexts {
        match source {
            Source::Folder(folder) => {
                words.push(("--opt", format!("context:{name}=local:named-{name}")));
                words.push(("--local", format!("named-{name}={}", folder.display())));
            }
            Source::Layout { folder, digest } => {
                words.push(("--opt", format!("context:{name}=oci-layout://named-{name}@{digest}")));
                words.push(("--oci-layout", format!("named-{name}={}", folder.display())));
            }
        }
    }
    words.extend(details.cache_to.iter().map(|folder| ("--export-cache", cache_to(folder))));
    words.extend(details.cache_from.iter().map(|folder| ("--import-cache", cache_from(folder))));
    words.extend(details.provenance.then(|| ("--opt", "attest:provenance=mode=max".to_owned())));
    words.into_iter().fold(argv, |argv, (option, value)| argv.args([option, &value]))
}

/// Runs a container to its end.
pub fn run(workspace: &Workspace, run: &Run) -> Argv {
    let argv = ctr(workspace).arg("run");
    let argv = if run.keep { argv } else { argv.arg("--rm") };
    let argv = match workspace.platform().os {
        Os::Windows => argv,
        // The FIFOs must be where both ctr and the shim see them: the daemons' `/run` is their own.
        Os::Linux => argv
            .arg("--fifo-dir")
            .arg(workspace.run().join("fifo"))
            .args(["--cgroup", &format!("/{}/{}", workspace.cgroup_parent(), run.name)]),
    };
    argv.args([&run.image, &run.name])
}

/// Ends what runs in a container.
pub fn kill(workspace: &Workspace, name: &str) -> Argv {
    ctr(workspace).args(["task", "kill", "--signal", "SIGKILL", name])
}

/// Removes the record of what ran in a container.
pub fn delete_task(workspace: &Workspace, name: &str) -> Argv {
    ctr(workspace).args(["task", "delete", "--force", name])
}

/// Removes containers with their snapshots.
pub fn delete_containers(workspace: &Workspace, names: &[String]) -> Argv {
    ctr(workspace).args(["container", "delete"]).args(names)
}

/// Lists the containers, a name a line.
pub fn list_containers(workspace: &Workspace) -> Argv {
    ctr(workspace).args(["container", "list", "--quiet"])
}

/// Removes images.
pub fn delete_images(workspace: &Workspace, names: &[String]) -> Argv {
    ctr(workspace).args(["image", "delete", "--sync"]).args(names)
}

/// Lists the images, a name a line.
pub fn list_images(workspace: &Workspace) -> Argv {
    ctr(workspace).args(["image", "list", "--quiet"])
}

/// Lists the leases that keep what no image and no container needs, such as BuildKit's cache; a name a line.
pub fn list_leases(workspace: &Workspace) -> Argv {
    ctr(workspace).args(["leases", "list", "--quiet"])
}

/// Removes leases, and waits until all that only they have kept is deleted: the snapshots, each after those made from it, and
/// the content. (`ctr snapshots delete` deletes none itself: it takes them off containerd's list, for its next clean-up.)
pub fn delete_leases(workspace: &Workspace, names: &[String]) -> Argv {
    ctr(workspace).args(["leases", "delete", "--sync"]).args(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::details;
    use std::path::PathBuf;

    fn workspace(platform: &str) -> Workspace {
        Workspace::new("/w".into(), platform.parse().unwrap())
    }

    #[test]
    fn a_build_names_its_base_image_one_way() {
        let argv = |base_image| {
            let image = "docker.io/library/buildkit-sample:latest".into();
            build(
                &workspace("linux-amd64"),
                &Build { context: "/w/sample".into(), base_image, image, details: Details::default() },
            )
            .shown()
        };
        assert!(!argv(BaseImage::Own).contains("--opt"));
        assert!(argv(BaseImage::Reference("debian".into())).contains("--opt build-arg:BASE_IMAGE=debian"));
        let layout = argv(BaseImage::Layout { folder: PathBuf::from("/w/base"), digest: "sha256:1".into() });
        assert!(layout.contains("context:base=oci-layout://host@sha256:1 --oci-layout host=/w/base"), "{layout}");
    }

    #[test]
    fn what_else_is_asked_for_is_told_in_buildctls_way() {
        let details = details::tests::all();
        let build = Build { context: "/w/c".into(), base_image: BaseImage::Own, image: "i".into(), details };
        let argv = self::build(&workspace("linux-amd64"), &build).shown();
        let (_, told) = argv.split_once(" --frontend dockerfile.v0 ").unwrap();
        assert_eq!(
            told,
            "--local context=/w/c --local dockerfile=/w/d --output type=oci,tar=false,dest=/w/out --opt target=t \
             --opt 'build-arg:A=b c' --secret id=s,src=/w/s --ssh default=/w/key --opt context:f=local:named-f \
             --local named-f=/w/f --opt context:l=oci-layout://named-l@sha256:1 --oci-layout named-l=/w/l \
             --export-cache type=local,mode=max,dest=/w/to --import-cache 'type=local,\"src=/w/fr,om\"' \
             --opt attest:provenance=mode=max"
        );
    }

    #[test]
    fn windows_has_no_fifos_and_no_control_groups() {
        let windows =
            run(&workspace("windows-amd64"), &Run { image: "i".into(), name: "n".into(), keep: false }).shown();
        assert!(windows.ends_with("run --rm i n"), "{windows}");
    }
}
