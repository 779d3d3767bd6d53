//! BuildKit's own client, with containerd's to run the image: no Docker needed. Argument vectors, but for the first call.

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
    let local = |name: &str| format!("{name}={}", build.context.display());
    let argv = buildctl
        .args(["build", "--progress", "plain", "--frontend", "dockerfile.v0"])
        .args(["--local", &local("context"), "--local", &local("dockerfile")])
        .args(["--output", &format!("type=image,name={},unpack=true", build.image)]);
    match &build.base_image {
        BaseImage::Own => argv,
        BaseImage::Reference(reference) => argv.args(["--opt", &format!("build-arg:{BUILD_ARGUMENT}={reference}")]),
        BaseImage::Layout { folder, digest } => argv
            .args(["--opt", &format!("context:base=oci-layout://host@{digest}")])
            .args(["--oci-layout", &format!("host={}", folder.display())]),
    }
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

/// A level of `reset` that BuildKit does itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prune {
    /// What no build uses.
    Unused,
    /// All of the build cache, internal records too.
    All,
    /// The records of past builds.
    Histories,
}

impl Prune {
    /// The levels, the mildest first.
    pub const LEVELS: [Prune; 3] = [Prune::Unused, Prune::All, Prune::Histories];

    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Prune::Unused => "prune",
            Prune::All => "prune --all",
            Prune::Histories => "prune-histories",
        }
    }
}

/// Frees what a level of `reset` frees. Sizes are asked for in bytes, a record a line: the table's total is rounded, and wrong
/// where BuildKit doesn't know a size.
pub fn prune(workspace: &Workspace, level: Prune) -> Argv {
    let argv = buildctl(workspace).args(level.name().split(' '));
    if level == Prune::Histories { argv } else { argv.args(["--format", "{{.Size}}"]) }
}

/// What a level has freed, in bytes, of what is known: the size of a record that nobody has measured yet is -1.
pub fn freed(level: Prune, answer: &str) -> Option<u64> {
    let sizes = answer.lines().filter_map(|line| line.trim().parse::<u64>().ok());
    (level != Prune::Histories).then(|| sizes.sum())
}

/// How many leases are gone already, if that is all that `prune-histories` failed of: to get rid of them is what it was for.
pub fn missing_leases(said: &str) -> Option<usize> {
    let (missing, other): (Vec<&str>, Vec<&str>) = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .partition(|line| line.contains("lease \"") && line.contains("\": not found"));
    (!missing.is_empty() && other.is_empty()).then_some(missing.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn workspace(platform: &str) -> Workspace {
        Workspace::new("/w".into(), platform.parse().unwrap())
    }

    #[test]
    fn a_build_names_its_base_image_one_way() {
        let argv = |base_image| {
            let image = "docker.io/library/buildkit-sample:latest".into();
            build(&workspace("linux-amd64"), &Build { context: "/w/sample".into(), base_image, image }).shown()
        };
        assert!(!argv(BaseImage::Own).contains("--opt"));
        assert!(argv(BaseImage::Reference("debian".into())).contains("--opt build-arg:BASE_IMAGE=debian"));
        let layout = argv(BaseImage::Layout { folder: PathBuf::from("/w/base"), digest: "sha256:1".into() });
        assert!(layout.contains("context:base=oci-layout://host@sha256:1 --oci-layout host=/w/base"), "{layout}");
    }

    #[test]
    fn windows_has_no_fifos_and_no_control_groups() {
        let windows =
            run(&workspace("windows-amd64"), &Run { image: "i".into(), name: "n".into(), keep: false }).shown();
        assert!(windows.ends_with("run --rm i n"), "{windows}");
    }

    #[test]
    fn prune_tells_what_it_freed() {
        let all = prune(&workspace("linux-amd64"), Prune::All).shown();
        assert!(all.ends_with(" prune --all --format '{{.Size}}'"), "{all}");
        for (answer, expected) in [("20721\n-1\n8192\n", 28913), ("-1\n", 0), ("", 0)] {
            assert_eq!(freed(Prune::Unused, answer), Some(expected), "{answer:?}");
        }
        assert_eq!(freed(Prune::Histories, "TYPE\tREF\n"), None);
    }

    #[test]
    fn only_leases_that_are_gone_are_no_failure() {
        let one = "error: lease \"ref_x\": not found";
        for (said, expected) in [
            (one.to_owned(), Some(1)),
            (format!("{one}\nlease \"ref_y\": not found\n"), Some(2)),
            (format!("{one}\nconnection refused"), None),
            ("error: connection refused".into(), None),
            (String::new(), None),
        ] {
            assert_eq!(missing_leases(&said), expected, "{said:?}");
        }
    }
}
