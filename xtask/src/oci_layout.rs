//! Reading an OCI layout that a build has put out.
//!
//! Source of the format: <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>

use crate::error::{Error, Result};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// What to do about one that can't be read. It is the thing under test that has put it out.
const HINT: &str = "see what the build says of its exporter: it must put out an image in the OCI layout";

/// The digest of what a layout holds: `sha256:…`.
///
/// # Errors
/// When it holds nothing, or can't be read.
pub fn digest(folder: &Path) -> Result<String> {
    let index = json_of(&folder.join("index.json"))?;
    Ok(text(&index, "/manifests/0/digest", folder)?.to_owned())
}

/// A fact of the image in there, by its JSON pointer: of its configuration, or of `attestations`, the kinds of statements that
/// come with it, without their versions: those differ from release to release.
///
/// # Errors
/// When there is no such thing.
pub fn fact(folder: &Path, pointer: &str) -> Result<Value> {
    let first = blob(folder, &digest(folder)?)?;
    let manifests = first["manifests"].as_array().cloned().unwrap_or_default();
    let is_statement =
        |manifest: &&Value| manifest["annotations"]["vnd.docker.reference.type"] == "attestation-manifest";
    let mut statements = Vec::new();
    for manifest in manifests.iter().filter(is_statement) {
        let manifest = blob(folder, text(manifest, "/digest", folder)?)?;
        let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
        let kinds = layers.iter().filter_map(|layer| layer["annotations"]["in-toto.io/predicate-type"].as_str());
        statements.extend(kinds.map(|kind| kind.rsplit_once("/v").map_or(kind, |(kind, _)| kind).to_owned()));
    }
    let manifest = match manifests.iter().find(|manifest| !is_statement(manifest)) {
        Some(image) => blob(folder, text(image, "/digest", folder)?)?,
        None => first,
    };
    let mut facts = blob(folder, text(&manifest, "/config/digest", folder)?)?;
    facts["attestations"] = json!(statements);
    facts.pointer(pointer).cloned().ok_or_else(|| {
        Error::failed(format!("the image's configuration has no `{pointer}`")).hint(format!("it has {facts}"))
    })
}

fn blob(folder: &Path, digest: &str) -> Result<Value> {
    let name = digest.split_once(':').map_or(digest, |(_, name)| name);
    if !name.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(
            Error::failed(format!("the OCI layout in `{}` has `{digest}` for a digest", folder.display())).hint(HINT)
        );
    }
    json_of(&folder.join("blobs").join("sha256").join(name))
}

fn json_of(path: &Path) -> Result<Value> {
    let read = fs::read(path).and_then(|bytes| Ok(serde_json::from_slice(&bytes)?));
    read.map_err(|error| Error::failed(format!("failed to read `{}`", path.display())).because(error).hint(HINT))
}

fn text<'a>(value: &'a Value, pointer: &str, folder: &Path) -> Result<&'a str> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    let missing = || Error::failed(format!("the OCI layout in `{}` has no `{pointer}`", folder.display())).hint(HINT);
    found.ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;

    #[test]
    fn an_image_is_found_beside_the_statements_about_it() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, value: Value| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, value.to_string()).unwrap();
        };
        let statement =
            json!({ "digest": "sha256:s", "annotations": { "vnd.docker.reference.type": "attestation-manifest" } });
        write("index.json", json!({ "manifests": [{ "digest": "sha256:i" }] }));
        write("blobs/sha256/i", json!({ "manifests": [{ "digest": "sha256:m" }, statement] }));
        write(
            "blobs/sha256/s",
            json!({ "layers": [{ "annotations": { "in-toto.io/predicate-type": "https://x/vx/p/v0.2" } }] }),
        );
        write("blobs/sha256/m", json!({ "config": { "digest": "sha256:c" } }));
        write("blobs/sha256/c", json!({ "os": "linux", "config": { "Labels": { "a": "b" } } }));
        assert_eq!(digest(folder.path()).unwrap(), "sha256:i");
        assert_eq!(fact(folder.path(), "/config/Labels/a").unwrap(), "b");
        assert_eq!(fact(folder.path(), "/attestations").unwrap(), json!(["https://x/vx/p"]));
        assert!(fact(folder.path(), "/config/Cmd").unwrap_err().to_string().contains("has no `/config/Cmd`"));
        // Without any, the layout's only manifest is the image's.
        write("index.json", json!({ "manifests": [{ "digest": "sha256:m" }] }));
        assert_eq!(fact(folder.path(), "/os").unwrap(), "linux");
        assert_eq!(fact(folder.path(), "/attestations").unwrap(), json!([]));
        // What is wrong in there is its maker's fault.
        for (index, why) in [
            (json!({ "manifests": [] }), "has no `/manifests/0/digest`"),
            (json!({ "manifests": [{ "digest": "sha256:none" }] }), "failed to read `"),
            (json!({ "manifests": [{ "digest": "sha256:../index.json" }] }), "for a digest"),
        ] {
            write("index.json", index);
            let refused = fact(folder.path(), "/os").unwrap_err();
            assert!(refused.to_string().contains(why), "{refused}");
            assert!(refused.class() == Class::Failed && refused.hint_text().is_some(), "{refused:?}");
        }
    }
}
