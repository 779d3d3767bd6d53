//! What a build may have besides its context and its base image, and how clients write it down.

use std::path::{Path, PathBuf};

/// What a build may have besides its context and its base image. Nothing, if nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// The folder of the Dockerfile, where it isn't the context's.
    pub dockerfile: Option<PathBuf>,
    /// The stage to build.
    pub target: Option<String>,
    /// Build arguments.
    pub args: Vec<(String, String)>,
    /// Secrets: an id, and the file with the value.
    pub secrets: Vec<(String, PathBuf)>,
    /// A private key for a forwarded SSH agent.
    pub ssh_key: Option<PathBuf>,
    /// Further contexts, by name.
    pub contexts: Vec<(String, Source)>,
    /// What comes out.
    pub output: Output,
    /// The folder that the cache is exported to.
    pub cache_to: Option<PathBuf>,
    /// The folder of an exported cache.
    pub cache_from: Option<PathBuf>,
    /// Attest where it comes from.
    pub provenance: bool,
}

/// Where a named context comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A folder with files.
    Folder(PathBuf),
    /// An image in an OCI layout.
    Layout {
        /// Its folder.
        folder: PathBuf,
        /// Its manifest's digest.
        digest: String,
    },
}

/// What comes out of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Output {
    /// An image, in the store of what is to run it.
    #[default]
    Store,
    /// The files, in a folder.
    Local(PathBuf),
    /// The files, in an archive.
    Tar(PathBuf),
    /// An image, in a folder with the OCI layout.
    Oci(PathBuf),
}

impl Output {
    /// As both clients take it. What goes into the store is told by each in its own way.
    pub fn written(&self) -> String {
        match self {
            Output::Store => "type=image".into(),
            Output::Local(folder) => fields(&[("type", "local"), ("dest", &shown(folder))]),
            Output::Tar(file) => fields(&[("type", "tar"), ("dest", &shown(file))]),
            Output::Oci(folder) => fields(&[("type", "oci"), ("tar", "false"), ("dest", &shown(folder))]),
        }
    }
}

/// Where the cache goes: that of all stages, not only of what comes out.
pub(super) fn cache_to(folder: &Path) -> String {
    fields(&[("type", "local"), ("mode", "max"), ("dest", &shown(folder))])
}

/// Where the cache comes from.
pub(super) fn cache_from(folder: &Path) -> String {
    fields(&[("type", "local"), ("src", &shown(folder))])
}

/// A path, for a field.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Names and values as clients read them: a line of comma-separated values.
pub(super) fn fields(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(name, value)| field(&format!("{name}={value}"))).collect::<Vec<_>>().join(",")
}

/// One of them.
pub(super) fn field(value: &str) -> String {
    if value.contains([',', '"']) { format!("\"{}\"", value.replace('"', "\"\"")) } else { value.to_owned() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Everything that can be asked for.
    pub fn all() -> Details {
        Details {
            dockerfile: Some("/w/d".into()),
            target: Some("t".into()),
            args: vec![("A".into(), "b c".into())],
            secrets: vec![("s".into(), "/w/s".into())],
            ssh_key: Some("/w/key".into()),
            contexts: vec![
                ("f".into(), Source::Folder("/w/f".into())),
                ("l".into(), Source::Layout { folder: "/w/l".into(), digest: "sha256:1".into() }),
            ],
            output: Output::Oci("/w/out".into()),
            cache_to: Some("/w/to".into()),
            cache_from: Some("/w/fr,om".into()),
            provenance: true,
        }
    }

    #[test]
    fn an_output_is_written_for_both_clients() {
        assert_eq!(Output::Local("/w/o".into()).written(), "type=local,dest=/w/o");
        assert_eq!(Output::Tar("/w/o,1.tar".into()).written(), "type=tar,\"dest=/w/o,1.tar\"");
    }
}
