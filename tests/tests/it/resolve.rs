//! `resolve` and `up --no-start` against a release server: what is chosen, from where, and what is said about it.

mod calls;
mod choosing;
mod digests;
mod fallbacks;
mod json;
mod locked;
mod mirrors;
#[cfg(unix)]
mod proxy;

use super::common::{PLATFORM, asset, asset_name, run};
use serde_json::Value;
use std::path::PathBuf;
use tests::{TestContext, sha256_hex};
use xtask::component::Component;

/// What `resolve --json` says about a component.
fn resolved(context: &TestContext, component: Component, line: &str) -> Value {
    let list = run(context, &format!("resolve --json {line}")).success().json();
    let found = list.as_array().unwrap().iter().find(|found| found["component"] == component.name());
    found.unwrap_or_else(|| panic!("no {component} in {list:#}")).clone()
}

/// Puts a component's asset into a mirror folder, with its `.sha256sum` beside it.
fn mirror_file(context: &TestContext, component: Component, version: &str) -> PathBuf {
    let name = asset_name(component, version, PLATFORM);
    let bytes = asset(component, version, PLATFORM);
    context.write(format!("mirror/{name}.sha256sum"), format!("{}  {name}\n", sha256_hex(&bytes)));
    context.write(format!("mirror/{name}"), bytes)
}
