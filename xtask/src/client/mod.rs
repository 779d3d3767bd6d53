//! What drives a build and runs its image. A client takes endpoints, never daemons.

pub mod buildctl;
pub mod builder;
pub mod buildx;
pub mod details;
pub mod docker;
pub mod remote;

use crate::error::Result;
use crate::process::Argv;
use crate::ui::Ui;
use details::Details;
use std::path::PathBuf;

/// The name of Docker's builder.
pub const BUILDER: &str = "buildkit-exp";

/// A client: what it is to run, as data. Only [`Client::connect`] runs anything itself.
pub trait Client: Sync {
    /// Its name, as `--client` takes it.
    fn name(&self) -> &'static str;

    /// The name of the image that it is to build.
    fn image(&self) -> String;

    /// Makes sure that the buildkitd answers, with all that the client needs for that. Tells its version, if it was asked.
    ///
    /// # Errors
    /// When it doesn't, or not to this client.
    fn connect(&self, ui: &Ui) -> Result<Option<String>>;

    /// Builds an image into the store of what is to run it.
    fn build(&self, build: &Build) -> Argv;

    /// Whether a build hands the image to Docker, which keeps it when the workspace is gone.
    fn loads(&self) -> bool;

    /// Runs a container to its end; `None` where the image lies out of reach.
    fn run(&self, run: &Run) -> Option<Argv>;

    /// Lists this workspace's containers, a name a line; `None` where there are none.
    fn containers(&self) -> Option<Argv>;

    /// Ends a container, whatever of it there still is, in steps that each may find nothing left to do.
    fn end(&self, name: &str) -> Vec<Argv>;
}

/// A version of BuildKit as reports have it: without the `v` that it puts before it.
fn version(told: &str) -> Option<String> {
    let told = told.trim();
    (!told.is_empty()).then(|| told.trim_start_matches('v').to_owned())
}

/// Where a build's base image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseImage {
    /// What the Dockerfile itself says.
    Own,
    /// A reference for the build argument `BASE_IMAGE`.
    Reference(String),
    /// An OCI layout on this machine, under the name `base`.
    Layout {
        /// Its folder.
        folder: PathBuf,
        /// Its manifest's digest.
        digest: String,
    },
}

impl BaseImage {
    /// Its name, where it has one of its own.
    pub fn shown(&self) -> Option<String> {
        match self {
            BaseImage::Own => None,
            BaseImage::Reference(reference) => Some(reference.clone()),
            BaseImage::Layout { digest, .. } => Some(format!("oci-layout://host@{digest}")),
        }
    }
}

/// A build to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The folder with the Dockerfile and what it copies.
    pub context: PathBuf,
    /// What to build on.
    pub base_image: BaseImage,
    /// The image's name.
    pub image: String,
    /// What else was asked for.
    pub details: Details,
}

/// A container to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The image's name.
    pub image: String,
    /// The container's name.
    pub name: String,
    /// Leave it when it has ended.
    pub keep: bool,
}
