//! Docker's client for BuildKit, with Docker itself to run the image. Argument vectors, but for the builder.

use super::buildctl::Buildctl;
use super::details::{Details, Output, Source, cache_from, cache_to, field, fields, shown};
use super::docker::docker;
use super::remote::Remote;
use super::{BUILDER, BaseImage, Build, Client, Run, builder};
use crate::base_image::BUILD_ARGUMENT;
use crate::component::Component;
use crate::error::{Error, Result};
use crate::process::Argv;
use crate::sample;
use crate::ui::Ui;
use crate::workspace::Workspace;
use std::path::PathBuf;

/// The label of the containers that a workspace has started.
const LABEL: &str = "buildkit-windows";

/// Which buildx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Docker's plugin.
    Plugin,
    /// The workspace's component.
    Component,
}

/// buildx and docker.
pub struct Buildx<'a> {
    workspace: &'a Workspace,
    program: Program,
    remote: Remote,
}

impl<'a> Buildx<'a> {
    /// A client of the buildkitd at a remote address, or of the workspace's own.
    pub fn new(workspace: &'a Workspace, program: Program, remote: Option<Remote>) -> Self {
        let own = || Remote { address: workspace.endpoint(Component::Buildkit).buildctl_address(), tls: None };
        Self { workspace, program, remote: remote.unwrap_or_else(own) }
    }

    /// The beginning of every command: told where its builders are, so that the user's own stay what they are.
    fn argv(&self) -> Argv {
        let argv = match self.program {
            Program::Plugin => docker().arg("buildx"),
            Program::Component => Argv::new(self.workspace.program(Component::Buildx, "buildx")),
        };
        argv.telling_env("BUILDX_CONFIG", self.workspace.buildx_config())
            .without_env("BUILDX_BUILDER")
            .dir(self.workspace.run())
    }

    /// Tells what the builder is.
    pub fn inspect(&self) -> Argv {
        self.argv().args(["inspect", BUILDER])
    }

    /// Makes the builder.
    pub fn create(&self) -> Argv {
        let options = builder::options(&self.remote);
        let argv = self.argv().args(["create", "--name", BUILDER, "--driver", builder::DRIVER]);
        let argv = options
            .into_iter()
            .fold(argv, |argv, (name, value)| argv.arg("--driver-opt").arg(field(&format!("{name}={value}"))));
        argv.arg(&self.remote.address)
    }

    /// Removes the builder; a remote driver's buildkitd is left alone.
    pub fn remove(&self) -> Argv {
        self.argv().args(["rm", BUILDER])
    }

    /// Why its buildkitd gives no answer, as the workspace's buildctl has it, if there is one.
    pub fn ask_buildctl(&self, ui: &Ui) -> Option<Error> {
        let is_there = self.workspace.program(Component::Buildkit, "buildctl").is_file();
        is_there.then(|| Buildctl::new(self.workspace, Some(self.remote.clone())).connect(ui).err()).flatten()
    }

    /// Where its builders are, and nothing else.
    pub fn config(&self) -> PathBuf {
        self.workspace.buildx_config()
    }

    /// The buildkitd that the builder leads to.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }
}

/// Adds what else was asked for.
fn detailed(argv: Argv, details: &Details) -> Argv {
    let mut words: Vec<(&str, String)> = Vec::new();
    words.extend(details.dockerfile.iter().map(|folder| ("--file", shown(&folder.join("Dockerfile")))));
    words.extend(details.target.iter().map(|target| ("--target", target.clone())));
    words.extend(details.args.iter().map(|(name, value)| ("--build-arg", format!("{name}={value}"))));
    words.extend(details.secrets.iter().map(|(id, file)| ("--secret", fields(&[("id", id), ("src", &shown(file))]))));
    words.extend(details.ssh_key.iter().map(|key| ("--ssh", format!("default={}", key.display()))));
    for (name, source) in &details.contexts {
        let place = match source {
            Source::Folder(folder) => shown(folder),
            Source::Layout { folder, digest } => format!("oci-layout://{}@{digest}", folder.display()),
        };
        words.push(("--build-context", format!("{name}={place}")));
    }
    words.extend(details.cache_to.iter().map(|folder| ("--cache-to", cache_to(folder))));
    words.extend(details.cache_from.iter().map(|folder| ("--cache-from", cache_from(folder))));
    words.into_iter().fold(argv, |argv, (option, value)| argv.args([option, &value]))
}

/// The filter for a workspace's own containers.
fn label(workspace: &Workspace) -> String {
    format!("{LABEL}={}", workspace.id())
}

/// Lists a workspace's containers in Docker, a name a line.
pub fn list_containers(workspace: &Workspace) -> Argv {
    let filter = format!("label={}", label(workspace));
    docker().args(["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"])
}

/// Lists the containers that an image is needed by, or one made from it: a name a line.
pub fn list_users(image: &str) -> Argv {
    docker().args(["ps", "--all", "--filter", &format!("ancestor={image}"), "--format", "{{.Names}}"])
}

/// Removes a workspace's containers, as it is typed in `sh` and in PowerShell: Docker's own `prune` leaves those that run.
pub fn remove_containers(workspace: &Workspace) -> String {
    format!("docker rm --force $({})", list_containers(workspace).shown())
}

/// Removes a container of Docker's, running or not.
pub fn remove_container(name: &str) -> Argv {
    docker().args(["rm", "--force", name])
}

/// Tells an image's id.
pub fn image_id(image: &str) -> Argv {
    docker().args(["image", "inspect", "--format", "{{.Id}}", image])
}

/// Tells an image's names, a line each.
pub fn image_names(image: &str) -> Argv {
    docker().args(["image", "inspect", "--format", "{{range .RepoTags}}{{println .}}{{end}}", image])
}

/// Removes images: by a name only that name, and what is behind it if it was the last one; by an id also the one name it has,
/// whoever gave it.
pub fn remove_images<'a>(images: impl IntoIterator<Item = &'a str>) -> Argv {
    docker().args(["image", "rm"]).args(images)
}

impl Client for Buildx<'_> {
    fn name(&self) -> &'static str {
        "buildx"
    }

    fn image(&self) -> String {
        sample::image_in_docker(self.workspace)
    }

    fn connect(&self, ui: &Ui) -> Result<Option<String>> {
        builder::ensure(self, ui)
    }

    fn build(&self, build: &Build) -> Argv {
        let argv = self
            .argv()
            .args(["build", "--builder", BUILDER, "--progress", "plain"])
            // Not every Docker keeps attestations, and buildctl makes none unasked.
            .arg(if build.details.provenance { "--provenance=mode=max" } else { "--provenance=false" });
        let argv = match &build.details.output {
            Output::Store => argv.args(["--load", "--tag", &build.image]),
            other => argv.args(["--output", &other.written()]),
        };
        let argv = detailed(argv, &build.details);
        let argv = match &build.base_image {
            BaseImage::Own => argv,
            BaseImage::Reference(reference) => argv.args(["--build-arg", &format!("{BUILD_ARGUMENT}={reference}")]),
            BaseImage::Layout { folder, digest } => {
                argv.args(["--build-context", &format!("base=oci-layout://{}@{digest}", folder.display())])
            }
        };
        argv.arg(&build.context)
    }

    fn loads(&self) -> bool {
        true
    }

    fn run(&self, run: &Run) -> Option<Argv> {
        let argv = docker().arg("run");
        let argv = if run.keep { argv } else { argv.arg("--rm") };
        // Somebody else's image of that name, from a registry, is not what was built.
        let argv = argv.args(["--pull", "never", "--label", &label(self.workspace)]);
        Some(argv.args(["--name", &run.name, &run.image]))
    }

    fn containers(&self) -> Option<Argv> {
        Some(list_containers(self.workspace))
    }

    fn end(&self, name: &str) -> Vec<Argv> {
        vec![remove_container(name)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::remote::Tls;

    fn workspace(platform: &str) -> Workspace {
        Workspace::new("/w".into(), platform.parse().unwrap())
    }

    #[test]
    fn a_build_goes_to_the_builder_and_into_docker() {
        let workspace = workspace("linux-amd64");
        let buildx = Buildx::new(&workspace, Program::Plugin, None);
        let base_image = BaseImage::Layout { folder: "/w/base".into(), digest: "sha256:1".into() };
        let build = |context: &str, base_image| {
            let (image, details) = ("i".into(), Details::default());
            buildx.build(&Build { context: context.into(), base_image, image, details }).shown()
        };
        let argv = build("/w/sample", base_image);
        assert!(argv.contains("docker buildx build --builder buildkit-exp "), "{argv}");
        assert!(
            argv.ends_with("--load --tag i --build-context base=oci-layout:///w/base@sha256:1 /w/sample"),
            "{argv}"
        );
        let reference = BaseImage::Reference("debian".into());
        let argv = build("/w", reference);
        assert!(argv.ends_with("--tag i --build-arg BASE_IMAGE=debian /w"), "{argv}");
    }

    #[test]
    fn what_else_is_asked_for_is_told_in_buildxs_way() {
        let workspace = workspace("linux-amd64");
        let details = crate::client::details::tests::all();
        let build = Build { context: "/w/c".into(), base_image: BaseImage::Own, image: "i".into(), details };
        let argv = Buildx::new(&workspace, Program::Plugin, None).build(&build).shown();
        let (_, told) = argv.split_once(" --progress plain ").unwrap();
        let told = told.replace('\\', "/");
        assert_eq!(
            told,
            "--provenance=mode=max --output type=oci,tar=false,dest=/w/out --file /w/d/Dockerfile --target t \
             --build-arg 'A=b c' --secret id=s,src=/w/s --ssh default=/w/key --build-context f=/w/f \
             --build-context l=oci-layout:///w/l@sha256:1 --cache-to type=local,mode=max,dest=/w/to \
             --cache-from 'type=local,\"src=/w/fr,om\"' /w/c"
        );
    }

    #[test]
    fn the_builder_leads_to_the_workspaces_pipe_or_to_where_one_says() {
        let workspace = workspace("windows-amd64");
        let own = Buildx::new(&workspace, Program::Component, None).create().shown();
        assert!(
            own.contains("BUILDX_CONFIG") && own.contains("config"),
            "typed without it, it makes a builder of the user's: {own}"
        );
        assert!(own.contains("buildx.exe create --name buildkit-exp --driver remote npipe:////./pipe/"), "{own}");
        let tls = Tls { ca: "/t,ls/ca.pem".into(), cert: "/tls/cert.pem".into(), key: "/tls/key.pem".into() };
        let remote = Remote { address: "tcp://h:1".into(), tls: Some(tls) };
        let argv = Buildx::new(&workspace, Program::Plugin, Some(remote)).create().shown();
        assert!(argv.contains("--driver-opt '\"cacert=/t,ls/ca.pem\"' --driver-opt cert=/tls/cert.pem"), "{argv}");
        assert!(argv.ends_with("--driver-opt key=/tls/key.pem tcp://h:1"), "{argv}");
    }

    #[test]
    fn a_container_is_of_what_was_built_and_of_this_workspace() {
        let workspace = workspace("linux-amd64");
        let buildx = Buildx::new(&workspace, Program::Plugin, None);
        let run = |keep| buildx.run(&Run { image: "i".into(), name: "n".into(), keep }).unwrap().shown();
        let label = format!("buildkit-windows={}", workspace.id());
        assert_eq!(run(false), format!("docker run --rm --pull never --label {label} --name n i"));
        assert!(!run(true).contains("--rm"));
        assert!(list_containers(&workspace).shown().contains(&format!("label={label}")));
    }
}
