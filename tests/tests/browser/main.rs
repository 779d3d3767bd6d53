//! The report in a real browser: a headless Chromium opens the page from its file, uses it and has it checked.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod axe;
mod chromium;
mod hostile;
mod real;
mod using;

use chromium::Chromium;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use tests::{TestContext, context, night};
use xtask::result::CellResult;

/// The cell with something in every part of it.
const BROKEN: &str = "windows-2025_buildkit-0.34.2_containerd-2.4.2";

/// A report that the binary under test made of some nights, the last one told of; its page.
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

/// What axe-core finds wrong with the page, as it is shown now.
fn violations(chromium: &mut Chromium) -> Vec<String> {
    if chromium.eval("typeof axe") == "undefined" {
        chromium.eval(axe::script());
    }
    // Whether a sign or a number in a drawing has contrast it can't tell; they have the colours of text elsewhere.
    let told = "axe.run().then((found) => \
                [...found.violations, ...found.incomplete.filter((rule) => rule.id !== 'color-contrast')].map((rule) => \
                `${rule.id}: ${rule.help}: ${rule.nodes.map((node) => node.html + node.any.map((why) => why.message)).join('; ')}`))";
    let found: Value = chromium.eval(told);
    assert!(chromium.eval("axe.run().then((found) => found.passes.length)").as_u64() > Some(20), "it looks at much");
    found.as_array().unwrap().iter().map(|rule| rule.as_str().unwrap().to_owned()).collect()
}

#[test]
fn it_is_sound_in_light_and_dark_wide_and_narrow_and_on_paper() {
    let context = context!();
    let page = report(&context, &night::nights());
    let mut chromium = Chromium::start();
    let pictures = axe::target().join("report");
    for (name, media, scheme, width) in [
        ("light", "screen", "light", 1280),
        ("dark", "screen", "dark", 1280),
        ("narrow", "screen", "light", 390),
        ("print", "print", "dark", 1000),
    ] {
        chromium.media(media, scheme);
        chromium.width(width);
        chromium.open(&page, &format!("#{BROKEN}"));
        // One of each kind is open.
        chromium.eval(
            "document.querySelectorAll('details').forEach((part) => part.open = part.open || !part.matches('.cell'))",
        );
        assert_eq!(violations(&mut chromium), Vec::<String>::new(), "{name}");
        assert_eq!(chromium.complaints(), Vec::<String>::new(), "{name}");
        let fits = "document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(chromium.eval(fits), true, "{name}: what is wide scrolls by itself");
        // To be looked at: nobody else can tell whether it is good to read.
        chromium.screenshot(&pictures.join(format!("{name}.png")));
    }
    let colours = |chromium: &mut Chromium, scheme: &str| {
        chromium.media("screen", scheme);
        chromium.eval("getComputedStyle(document.body).backgroundColor")
    };
    assert_ne!(colours(&mut chromium, "light"), colours(&mut chromium, "dark"));
    fs::copy(&page, pictures.join("index.html")).unwrap();
}

#[test]
fn it_is_sound_when_there_is_next_to_nothing_to_tell() {
    let context = context!();
    let mut result = night::nights().pop().unwrap().remove(0);
    result.samples.clear();
    result.steps.clear();
    result.versions.clear();
    result.night.url = None;
    let page = report(&context, &[vec![result]]);
    let mut chromium = Chromium::start();
    chromium.open(&page, "");
    assert_eq!(violations(&mut chromium), Vec::<String>::new());
    assert_eq!(chromium.complaints(), Vec::<String>::new());
    let told = chromium.eval("document.querySelector('.tally').innerText");
    assert_eq!(told, "1 cell\n\u{2013} 1 nothing ran");
}
