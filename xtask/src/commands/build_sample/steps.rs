//! A build of a sample as a client is asked for it: with folders, files and digests for what `sample.toml` only names.

use super::making::own;
use super::put_out::{in_folder, in_tar};
use super::staging::Staged;
use crate::client::details::{Details, Output, Source};
use crate::error::{Context as _, Result};
use crate::files;
use crate::oci_layout;
use crate::sample::build::{self, Build, Place, RUN};
use std::fs;
use std::path::PathBuf;

/// The build argument with the URL of what is served.
const SERVED: &str = "SERVED";

/// What a run of a sample has for all its builds.
pub struct Run<'a> {
    /// The sample.
    pub sample: &'a Staged,
    /// What stands for `{run}`.
    pub id: String,
    /// The URL of what is served.
    pub served: Option<String>,
}

impl Run<'_> {
    /// Where a build puts out what is not for the store.
    fn out(&self, number: usize) -> PathBuf {
        self.sample.aside.join(format!("out-{number}"))
    }

    /// Where the archive of a build is, among what it puts out.
    fn archive(&self, number: usize) -> PathBuf {
        self.out(number).join("out.tar")
    }

    fn cache(&self, number: usize) -> PathBuf {
        self.sample.aside.join(format!("cache-{number}"))
    }

    /// The number of the build of that name. A `sample.toml` that names another one is refused.
    fn number(&self, name: &str) -> usize {
        self.sample.builds.iter().position(|build| build.name.as_deref() == Some(name)).unwrap_or_default()
    }

    fn source(&self, place: &Place) -> Result<Source> {
        Ok(match place {
            Place::Folder(folder) => Source::Folder(own(&self.sample.folder, folder)?),
            Place::Build(name) => {
                let number = self.number(name);
                let folder = self.out(number);
                match self.sample.builds[number].output {
                    build::Output::Oci => Source::Layout { digest: oci_layout::digest(&folder)?, folder },
                    _ => Source::Folder(folder),
                }
            }
        })
    }

    /// The context of a build.
    ///
    /// # Errors
    /// When an earlier build has not put out what it must.
    pub fn context(&self, build: &Build) -> Result<PathBuf> {
        match build.context.as_ref().map(|place| self.source(place)).transpose()? {
            None => Ok(self.sample.folder.clone()),
            Some(Source::Folder(folder) | Source::Layout { folder, .. }) => Ok(folder),
        }
    }

    /// What else is asked for, with the files that it takes written.
    ///
    /// # Errors
    /// When they can't be written, or an earlier build has not put out what it must.
    pub fn details(&self, number: usize) -> Result<Details> {
        let build = &self.sample.builds[number];
        let args = build.args.iter().map(|(name, value)| (name.clone(), value.replace(RUN, &self.id)));
        let served = self.served.iter().map(|url| (SERVED.to_owned(), url.clone()));
        let contexts = build.contexts.iter().map(|(name, place)| Ok((name.clone(), self.source(place)?)));
        // An id may be any text, so it names no file.
        let secret = |(at, (id, value)): (usize, (&String, &String))| {
            Ok((id.clone(), self.private(&format!("secret-{number}-{at}"), value)?))
        };
        let secrets = build.secrets.iter().enumerate().map(secret);
        let output = match build.output {
            build::Output::Image => Output::Store,
            build::Output::Local => Output::Local(self.out(number)),
            build::Output::Tar => Output::Tar(self.archive(number)),
            build::Output::Oci => Output::Oci(self.out(number)),
        };
        if output != Output::Store {
            let folder = self.out(number);
            fs::create_dir_all(&folder).trying(|| format!("create `{}`", folder.display()))?;
        }
        Ok(Details {
            dockerfile: build.context.is_some().then(|| self.sample.folder.clone()),
            target: build.target.clone(),
            args: args.chain(served).collect(),
            secrets: secrets.collect::<Result<_>>()?,
            ssh_key: build.ssh.then(|| self.private("ssh-key", &key(&self.id))).transpose()?,
            contexts: contexts.collect::<Result<_>>()?,
            output,
            cache_to: build.cache_to.then(|| self.cache(number)),
            cache_from: build.cache_from.as_ref().map(|name| self.cache(self.number(name))),
            provenance: build.provenance,
        })
    }

    /// Writes a file beside the context.
    fn private(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.sample.aside.join(name);
        files::write_whole(&path, content.as_bytes())?;
        Ok(path)
    }

    /// What is to be compared of a build that has put out no image to run.
    ///
    /// # Errors
    /// When something is not there.
    pub fn shown(&self, number: usize) -> Result<String> {
        let build = &self.sample.builds[number];
        let show = |what: &String| match build.output {
            build::Output::Image => Ok(String::new()),
            build::Output::Local => in_folder(&self.out(number), what),
            build::Output::Tar => in_tar(&self.archive(number), what),
            build::Output::Oci => Ok(format!("{what} {}\n", oci_layout::fact(&self.out(number), what)?)),
        };
        build.show.iter().map(show).collect()
    }
}

/// An Ed25519 key of 32 arbitrary bytes, in PKCS#8: they are all that is to one. Nobody lets it in anywhere.
fn key(seed: &str) -> String {
    // 16 bytes of frame and 32 of the key are 64 digits of base 64, which hexadecimal ones are too. The frame ends in the
    // middle of the 22nd digit, where `A` to `P` are right.
    let digits = &files::sha256_of(seed.as_bytes())[..42];
    format!("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA{digits}\n-----END PRIVATE KEY-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;
    use crate::sample::manifest::Manifest;
    use std::path::Path;

    fn staged(aside: &Path, builds: &str) -> Staged {
        let toml =
            format!("title = \"\"\nshows = \"\"\nlinux.expect = \"works\"\nwindows.expect = \"works\"\n{builds}");
        let manifest = Manifest::parse(&toml, Path::new("sample.toml")).unwrap();
        let (folder, builds) = ("/context".into(), manifest.builds().to_vec());
        Staged { folder, aside: aside.to_owned(), expected: None, builds, serve: None }
    }

    #[test]
    fn what_a_toml_names_becomes_folders_and_files() {
        let aside = tempfile::tempdir().unwrap();
        let staged = staged(
            aside.path(),
            "[[build]]\nname = \"one\"\noutput = \"local\"\nssh = true\ncache-to = true\n\
             [[build]]\nargs = { A = \"x-{run}\" }\nsecrets = { s = \"v\" }\ncontext = \"build:one\"\n\
             contexts = { inner = \"a/b\" }\ncache-from = \"one\"\n",
        );
        let run = Run { sample: &staged, id: "7".into(), served: Some("http://x".into()) };
        let one = run.details(0).unwrap();
        assert_eq!(one.output, Output::Local(aside.path().join("out-0")));
        assert!(aside.path().join("out-0").is_dir());
        assert!(fs::read_to_string(one.ssh_key.unwrap()).unwrap().contains("PRIVATE KEY"));
        let two = run.details(1).unwrap();
        assert_eq!(two.args, [("A".to_owned(), "x-7".to_owned()), ("SERVED".to_owned(), "http://x".to_owned())]);
        assert_eq!(fs::read_to_string(&two.secrets[0].1).unwrap(), "v");
        assert_eq!(two.contexts, [("inner".to_owned(), Source::Folder("/context/a/b".into()))]);
        assert_eq!(run.context(&staged.builds[1]).unwrap(), aside.path().join("out-0"));
        assert_eq!(two.dockerfile, Some("/context".into()), "the Dockerfile stays the sample's");
        assert_eq!((one.cache_to.clone(), one.cache_from), (two.cache_from, None));
    }

    #[test]
    fn what_was_not_put_out_can_be_no_context() {
        let aside = tempfile::tempdir().unwrap();
        let staged =
            staged(aside.path(), "[[build]]\nname = \"x\"\noutput = \"oci\"\n[[build]]\ncontext = \"build:x\"\n");
        let run = Run { sample: &staged, id: "7".into(), served: None };
        run.details(0).unwrap();
        assert_eq!(run.context(&staged.builds[1]).unwrap_err().class(), Class::Failed);
    }

    #[test]
    fn no_secret_names_a_file() {
        let aside = tempfile::tempdir().unwrap();
        let secrets = "{ \"x/../../evil\" = \"one\", key = \"two\", ssh-key = \"three\" }";
        let staged = staged(
            aside.path(),
            &format!("[[build]]\nssh = true\nsecrets = {secrets}\n[[build]]\nsecrets = {secrets}\n"),
        );
        let run = Run { sample: &staged, id: "7".into(), served: None };
        let (one, two) = (run.details(0).unwrap(), run.details(1).unwrap());
        let mut files: Vec<&PathBuf> = one.secrets.iter().chain(&two.secrets).map(|(_, file)| file).collect();
        files.extend(&one.ssh_key);
        assert!(files.iter().all(|file| file.parent() == Some(aside.path())), "{files:?}");
        assert_eq!(fs::read_dir(aside.path()).unwrap().count(), files.len(), "each has its own");
        for (id, file) in one.secrets.iter().chain(&two.secrets) {
            let expected = match id.as_str() {
                "key" => "two",
                "ssh-key" => "three",
                _ => "one",
            };
            assert_eq!(fs::read_to_string(file).unwrap(), expected, "{id}");
        }
        assert!(fs::read_to_string(one.ssh_key.unwrap()).unwrap().contains("PRIVATE KEY"));
    }

    #[test]
    fn a_key_is_whole() {
        let key = key("x");
        let line = key.lines().nth(1).unwrap();
        assert_eq!(line.len(), 64, "48 bytes");
        assert!(line.chars().all(|c| c.is_ascii_alphanumeric()), "{line}");
    }
}
