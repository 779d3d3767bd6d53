//! What drives a build and runs its image. A client takes endpoints, never daemons.

pub mod buildctl;

use std::path::PathBuf;

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
