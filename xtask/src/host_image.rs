//! A base image without a registry (Linux): an OCI layout made from the host's own shell and the libraries it loads.
//!
//! Source of the formats: <https://github.com/opencontainers/image-spec>

use crate::error::{Context, Error, Result};
use crate::files;
use crate::platform::Platform;
use crate::process::{self, Argv};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tar::{Builder, EntryType, Header};

/// A shell for RUN, something that prints a file, and something that tells its size.
const PROGRAMS: [&str; 3] = ["/bin/sh", "/bin/cat", "/usr/bin/wc"];

/// Makes the image in a folder, and returns its manifest's digest, `sha256:…`.
///
/// The same host makes the same image, so that BuildKit's cache holds.
///
/// # Errors
/// When the host has no such programs, or the folder can't be written.
pub fn make(folder: &Path, platform: Platform) -> Result<String> {
    let layer = layer()?;
    let blobs = folder.join("blobs").join("sha256");
    fs::create_dir_all(&blobs).trying(|| format!("create `{}`", blobs.display()))?;
    let blob = |content: &[u8]| -> Result<String> {
        let digest = files::sha256_of(content);
        let path = blobs.join(&digest);
        if !path.exists() {
            files::write_whole(&path, content)?;
        }
        Ok(format!("sha256:{digest}"))
    };
    let layer_digest = blob(&layer)?;
    let config = json!({
        "architecture": platform.arch.as_str(),
        "os": platform.os.as_str(),
        "config": { "Env": ["PATH=/usr/bin:/bin"] },
        "rootfs": { "type": "layers", "diff_ids": [layer_digest] },
    })
    .to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": blob(config.as_bytes())?,
            "size": config.len(),
        },
        "layers": [{ "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer_digest, "size": layer.len() }],
    })
    .to_string();
    let digest = blob(manifest.as_bytes())?;
    let index = json!({
        "schemaVersion": 2,
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest,
            "size": manifest.len(),
        }],
    });
    files::write_whole(&folder.join("index.json"), index.to_string().as_bytes())?;
    files::write_whole(&folder.join("oci-layout"), json!({ "imageLayoutVersion": "1.0.0" }).to_string().as_bytes())?;
    Ok(digest)
}

/// The image's only layer: an uncompressed tar, the same for the same files.
fn layer() -> Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    let mut folders = Vec::new();
    for (inside, outside) in needed()? {
        let content = fs::read(&outside).trying(|| format!("read `{}`", outside.display()))?;
        let inside = inside.strip_prefix("/").unwrap_or(&inside);
        for folder in inside
            .ancestors()
            .skip(1)
            .filter(|folder| !folder.as_os_str().is_empty())
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            if !folders.contains(&folder.to_owned()) {
                append(&mut tar, folder, EntryType::Directory, &[])?;
                folders.push(folder.to_owned());
            }
        }
        append(&mut tar, inside, EntryType::Regular, &content)?;
    }
    append(&mut tar, Path::new("tmp"), EntryType::Directory, &[])?;
    tar.into_inner().trying(|| "make the base image's layer".into())
}

fn append(tar: &mut Builder<Vec<u8>>, path: &Path, kind: EntryType, content: &[u8]) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o755);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, path, content).trying(|| format!("put `{}` into the base image", path.display()))
}

/// Every file of the image: where it stands inside, and which of the host's it is.
fn needed() -> Result<BTreeMap<PathBuf, PathBuf>> {
    let mut needed = BTreeMap::new();
    for program in PROGRAMS {
        let program = Path::new(program);
        for file in std::iter::once(program.to_owned()).chain(libraries(program)?) {
            let outside = file.canonicalize().map_err(|error| {
                Error::ground(format!("failed to make a base image from this host: `{}`", file.display()))
                    .because(error)
                    .hint("give another base image with `--base-image REF`")
            })?;
            needed.insert(file, outside);
        }
    }
    Ok(needed)
}

/// What the loader would load. A static program makes `ldd` fail, and needs nothing.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let output = process::capture(&Argv::new("ldd").arg(program))?;
    Ok(if output.status.success() { libraries_in(&output.stdout) } else { Vec::new() })
}

/// The paths in `ldd`'s answer: `libc.so.6 => /lib/libc.so.6 (0x…)`, or the loader's bare `/lib64/ld.so (0x…)`.
fn libraries_in(answer: &str) -> Vec<PathBuf> {
    answer
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(PathBuf::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loaders_answer_is_understood() {
        let glibc = "\tlinux-vdso.so.1 (0x00007)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007)\n";
        assert_eq!(
            libraries_in(glibc),
            [PathBuf::from("/lib/x86_64-linux-gnu/libc.so.6"), PathBuf::from("/lib64/ld-linux-x86-64.so.2")]
        );
    }
}
