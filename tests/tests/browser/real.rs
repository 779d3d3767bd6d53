//! The report of a real night: two versions of each, with real daemons, run by this test.

use super::{Chromium, axe, violations};
use serde_json::json;
use std::time::Duration;
use tests::{context, real};

#[test]
fn the_report_of_a_real_night_is_sound() {
    let context = context!();
    let real = real::programs(context.program());
    let containerds = format!("{},{}", real.older_containerd(), real.containerd());
    let buildkits = format!("{},{}", real.older_buildkit.as_ref().unwrap(), real.buildkit);
    let night = context.xtask(["night", "--containerd", &containerds, "--buildkit", &buildkits, "--jobs", "2"]);
    night.env("BUILDKIT_WINDOWS_SOURCE", &real.mirror).timeout(Duration::from_secs(600)).run().success();
    let results = context.base_dir().join("night/results").display().to_string();
    context.xtask(["report", &results, "--out", "out"]).current_dir(context.root()).run().success();

    let mut chromium = Chromium::start();
    let newest = format!("local_buildkit-{}_containerd-{}", real.buildkit, real.containerd());
    chromium.media("screen", "light");
    chromium.width(1200);
    let page = context.root().join("out/index.html");
    chromium.open(&page, "");
    assert_eq!(chromium.eval("document.querySelector('.tally').innerText"), "4 cells\n\u{2713} 4 as expected");
    // To be looked at, and shown to others.
    chromium.screenshot(&axe::target().join("report/real.png"));
    chromium.open(&page, &format!("#{newest}"));
    let open = "[...document.querySelectorAll('details.cell[open]')].map((cell) => cell.dataset.cell)";
    assert_eq!(chromium.eval(open), json!([newest]));
    assert_eq!(violations(&mut chromium), Vec::<String>::new());
    assert_eq!(chromium.complaints(), Vec::<String>::new());
}
