//! Releases as a test describes them, and as GitHub's API tells them.

use super::encode;
use crate::archives::sha256_hex;
use serde_json::{Value, json};
use std::sync::Arc;

/// A release with its assets, as GitHub has it.
#[derive(Debug, Clone)]
pub struct Release {
    pub(super) tag: String,
    draft: bool,
    prerelease: bool,
    published_at: String,
    digests: bool,
    assets: Vec<Asset>,
}

#[derive(Debug, Clone)]
struct Asset {
    name: String,
    bytes: Arc<[u8]>,
    digest: String,
}

impl Release {
    /// A published release without assets.
    pub fn new(tag: &str) -> Self {
        Self {
            tag: tag.to_owned(),
            draft: false,
            prerelease: false,
            published_at: "2026-01-02T03:04:05Z".to_owned(),
            digests: true,
            assets: Vec::new(),
        }
    }

    /// Adds an asset; its digest is told.
    #[must_use]
    pub fn asset(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let digest = sha256_hex(bytes.as_ref());
        self.asset_with_digest(name, bytes, &digest)
    }

    /// Adds an asset that is told to have another digest than it has: 64 hex digits.
    #[must_use]
    pub fn asset_with_digest(mut self, name: &str, bytes: impl AsRef<[u8]>, sha256: &str) -> Self {
        let digest = format!("sha256:{sha256}");
        self.assets.push(Asset { name: name.to_owned(), bytes: bytes.as_ref().into(), digest });
        self
    }

    /// Adds an asset and, beside it, its `.sha256sum` as containerd's releases have it.
    #[must_use]
    pub fn asset_with_sha256sum(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let sum = format!("{}  {name}\n", sha256_hex(bytes.as_ref()));
        self.asset(name, bytes).asset(&format!("{name}.sha256sum"), sum)
    }

    /// Marks it as a prerelease.
    #[must_use]
    pub fn prerelease(mut self) -> Self {
        self.prerelease = true;
        self
    }

    /// Marks it as a draft: it has no date.
    #[must_use]
    pub fn draft(mut self) -> Self {
        self.draft = true;
        self
    }

    /// Sets the date, in RFC 3339.
    #[must_use]
    pub fn published_at(mut self, time: &str) -> Self {
        time.clone_into(&mut self.published_at);
        self
    }

    /// Tells no digest for any asset, as releases before mid-2025.
    #[must_use]
    pub fn without_digest(mut self) -> Self {
        self.digests = false;
        self
    }

    pub(super) fn bytes_of(&self, asset: &str) -> Option<Arc<[u8]>> {
        self.assets.iter().find(|known| known.name == asset).map(|known| Arc::clone(&known.bytes))
    }

    /// The release object of the API.
    pub(super) fn to_json(&self, host: &str, repository: &str) -> Value {
        let page = format!("{host}/{repository}/releases");
        let tag = encode(&self.tag);
        let assets = self.assets.iter().map(|asset| {
            json!({
                "name": asset.name,
                "state": "uploaded",
                "content_type": "application/octet-stream",
                "size": asset.bytes.len(),
                "digest": self.digests.then_some(&asset.digest),
                "browser_download_url": format!("{page}/download/{tag}/{}", encode(&asset.name)),
            })
        });
        json!({
            "tag_name": self.tag,
            "name": self.tag,
            "html_url": format!("{page}/tag/{tag}"),
            "draft": self.draft,
            "prerelease": self.prerelease,
            "created_at": self.published_at,
            "published_at": (!self.draft).then_some(&self.published_at),
            "assets": assets.collect::<Vec<_>>(),
            "body": "",
        })
    }
}
