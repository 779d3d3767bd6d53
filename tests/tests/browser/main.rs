//! The report in a real browser: a headless Chromium opens the page from its file.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod axe;
mod chromium;

use chromium::Chromium;
use serde_json::{Value, json};
use std::path::PathBuf;
use tests::{TestContext, context, night};
use xtask::result::CellResult;

/// A report that the binary under test made of some nights, the last one told of.
fn report(context: &TestContext, nights: &[Vec<CellResult>]) -> PathBuf {
    let (tonight, earlier) = nights.split_last().unwrap();
    for (folder, results) in [("tonight", tonight.as_slice()), ("earlier", &earlier.concat())] {
        for (index, result) in results.iter().enumerate() {
            context.write(format!("{folder}/{index}.json"), result.to_json().unwrap());
        }
    }
    let mut run = context.xtask(["report", "tonight", "--out", "out"]).current_dir(context.root());
    if !earlier.is_empty() {
        run = run.arg("--previous").arg("earlier");
    }
    run.run().success();
    context.root().join("out/index.html")
}

#[test]
fn look() {
    let context = context!();
    let page = report(&context, &night::nights());
    let mut chromium = Chromium::start();
    let pictures = axe::target().join("report");
    std::fs::create_dir_all(&pictures).unwrap();
    std::fs::copy(&page, pictures.join("index.html")).unwrap();
    for scheme in ["light", "dark"] {
        chromium.media("screen", scheme);
        chromium.open(&page, "#windows-2025_buildkit-0.34.2_containerd-2.4.2");
        chromium.screenshot(&pictures.join(format!("{scheme}.png")));
    }
    chromium.open(&page, "");
    chromium.media("print", "light");
    chromium.screenshot(&pictures.join("print.png"));
    chromium.media("screen", "light");
    chromium.width(390);
    chromium.open(&page, "#windows-2025_buildkit-0.34.2_containerd-2.4.2");
    chromium.screenshot(&pictures.join("narrow.png"));
    chromium.print(&pictures.join("print.pdf"));
    assert_eq!(chromium.complaints(), Vec::<String>::new());
}
