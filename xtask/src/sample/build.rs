//! What a sample builds, as its `sample.toml` has it. Pure.

use serde::Deserialize;
use std::collections::BTreeMap;

/// Stands for a value that is another one in each run, in build arguments.
pub const RUN: &str = "{run}";

/// A build. What isn't said is left to the Dockerfile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Build {
    /// What later builds call it.
    pub name: Option<String>,
    /// The stage to build.
    pub target: Option<String>,
    /// Build arguments. `{run}` is another text in each run, and the same for all builds of one.
    pub args: BTreeMap<String, String>,
    /// Secrets, by id. They are none, of course.
    pub secrets: BTreeMap<String, String>,
    /// Forward an SSH agent, with a key that opens nothing.
    pub ssh: bool,
    /// Another context than the sample's own.
    pub context: Option<Place>,
    /// Further contexts, by name.
    pub contexts: BTreeMap<String, Place>,
    /// What comes out.
    pub output: Output,
    /// What is compared of an output that is no image to be run: files of a folder or a tar, fields of an OCI image's
    /// configuration.
    pub show: Vec<String>,
    /// Export the cache to a folder.
    pub cache_to: bool,
    /// Take the cache that an earlier build has exported.
    pub cache_from: Option<String>,
    /// First, BuildKit forgets each step that has these words in it.
    pub forget: Option<String>,
    /// Attest where it comes from.
    pub provenance: bool,
    /// It must fail, with these words in what is said of it.
    pub fails: Option<String>,
}

/// What comes out of a build.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// An image, which is run.
    #[default]
    Image,
    /// The files, in a folder.
    Local,
    /// The files, as `out.tar` in a folder.
    Tar,
    /// An image, in a folder with the OCI layout.
    Oci,
}

impl Output {
    /// As `sample.toml` and BuildKit have it.
    pub fn name(self) -> &'static str {
        match self {
            Output::Image => "image",
            Output::Local => "local",
            Output::Tar => "tar",
            Output::Oci => "oci",
        }
    }
}

/// Where a context is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Place {
    /// A folder of the sample's own.
    Folder(String),
    /// What an earlier build has put out: `build:NAME`.
    Build(String),
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("build:") {
            return Ok(Place::Build(name.to_owned()));
        }
        Ok(Place::Folder(inside(text)?))
    }
}

/// The builds of a sample; all that one says of others is so.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Build>")]
pub struct Builds(pub Vec<Build>);

impl Default for Builds {
    fn default() -> Self {
        Self(vec![Build::default()])
    }
}

impl TryFrom<Vec<Build>> for Builds {
    type Error = String;

    fn try_from(builds: Vec<Build>) -> Result<Self, String> {
        for (at, build) in builds.iter().enumerate() {
            let (earlier, number) = (&builds[..at], at + 1);
            build.check(earlier).map_err(|wrong| format!("build {number}: {wrong}"))?;
        }
        Ok(Self(builds))
    }
}

impl Build {
    /// Whether anything comes out of it that can be compared.
    pub fn prints(&self) -> bool {
        self.fails.is_none() && (self.output == Output::Image || !self.show.is_empty())
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        self.context.iter().chain(self.contexts.values())
    }

    fn check(&self, earlier: &[Build]) -> Result<(), String> {
        let find = |name: &str| {
            let found = earlier.iter().find(|build| build.name.as_deref() == Some(name));
            found.ok_or_else(|| format!("no earlier build has the name `{name}`"))
        };
        if let Some(name) = self.name.as_deref().filter(|name| find(name).is_ok()) {
            return Err(format!("an earlier one has the name `{name}` too"));
        }
        for name in self.places().filter_map(|place| if let Place::Build(name) = place { Some(name) } else { None }) {
            if find(name)?.output == Output::Image {
                return Err(format!(
                    "`build:{name}` puts its image into the store; `output` of local, tar or oci makes a context"
                ));
            }
        }
        if let Some(name) = &self.cache_from
            && !find(name)?.cache_to
        {
            return Err(format!("`cache-from` takes a build with `cache-to = true`, and `{name}` has none"));
        }
        if self.forget.as_ref().is_some_and(String::is_empty) {
            return Err("`forget` takes words of a step: nothing at all is in every one".into());
        }
        if !self.show.is_empty() && self.output == Output::Image {
            return Err("`show` is for an `output` of local, tar or oci: an image is run".into());
        }
        // Of an OCI image, these are no paths.
        let files = if self.output == Output::Oci { &[] } else { &self.show[..] };
        if let Some(path) = files.iter().find(|path| !is_inside(path)) {
            return Err(format!("`show` takes paths of what comes out, as in \"folder/file.txt\", and has `{path}`"));
        }
        Ok(())
    }
}

/// What a context gets that no repository should hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Said")]
pub enum Make {
    /// A file with a hole in it: so large, and nearly nothing on the disk.
    Sparse {
        /// Its path.
        file: String,
        /// How many bytes.
        size: u64,
    },
    /// Small files.
    Many {
        /// The folder they are in.
        folder: String,
        /// How many.
        count: u32,
    },
    /// A `.tar.gz` of a folder, which is no longer there then.
    Archive {
        /// Its path.
        archive: String,
        /// The folder.
        of: String,
    },
}

/// [`Make`], as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    file: Option<String>,
    size: Option<String>,
    folder: Option<String>,
    count: Option<u32>,
    archive: Option<String>,
    of: Option<String>,
}

impl TryFrom<Said> for Make {
    type Error = String;

    fn try_from(said: Said) -> Result<Self, String> {
        match said {
            Said { file: Some(file), size: Some(size), folder: None, count: None, archive: None, of: None } => {
                Ok(Make::Sparse { file: inside(file)?, size: bytes(&size)? })
            }
            Said { folder: Some(folder), count: Some(count), file: None, size: None, archive: None, of: None } => {
                Ok(Make::Many { folder: inside(folder)?, count })
            }
            Said { archive: Some(archive), of: Some(of), file: None, size: None, folder: None, count: None } => {
                Ok(Make::Archive { archive: inside(archive)?, of: inside(of)? })
            }
            _ => Err("`make` takes `file` with `size`, `folder` with `count`, or `archive` with `of`".into()),
        }
    }
}

/// A path that stays inside the context, with `/` between its parts.
pub fn inside(path: String) -> Result<String, String> {
    if is_inside(&path) { Ok(path) } else { Err(format!("`{path}` is no path inside the context")) }
}

fn is_inside(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':']))
}

/// `1GiB`, `20MiB`, `4KiB`, or bytes.
fn bytes(text: &str) -> Result<u64, String> {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("", 0)];
    let found = units.iter().find_map(|(unit, shift)| {
        let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_mul(1 << shift)
    });
    found.ok_or_else(|| format!("`size` takes a number of bytes, as in \"1GiB\", and has `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_paths_are_what_they_say() {
        assert_eq!(bytes("1GiB"), Ok(1 << 30));
        assert_eq!(bytes("12 KiB"), Ok(12 << 10));
        assert_eq!(bytes("7"), Ok(7));
        for wrong in ["", "GiB", "-1", "99999999999GiB", "1GB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
        assert!(inside("a/b.txt".into()).is_ok());
        for outside in ["", "/a", "a/../b", "..", "C:/a", "a\\b", "a//b"] {
            assert!(inside(outside.into()).is_err(), "{outside}");
        }
    }
}
