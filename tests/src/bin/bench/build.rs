//! `build-sample` once more, with everything up and cached: beside `buildctl build` and `ctr run` typed by hand.

use crate::assets::Assets;
use crate::machine::{Bench, Commands as _, Machine};
use crate::table::{Goal, Row};
use crate::up::run_folder;
use xtask::client::details::Details;
use xtask::client::{BaseImage, Build, Run, buildctl};
use xtask::error::Result;
use xtask::host_image;
use xtask::sample::IMAGE;

pub fn measure(bench: &Bench, assets: &Assets, rows: &mut Vec<Row>) -> Result<()> {
    let machine = Machine::new(bench, &assets.server);
    let workspace = &machine.workspace;
    // Once for the cache, and once to see that it holds.
    for _ in 0..2 {
        machine.xtask(&["build-sample", "--client", "buildctl"]).timed("build the sample")?;
    }
    let folder = workspace.base_image();
    // The same host makes the same image, so this only tells its digest.
    let digest = host_image::make(&folder, workspace.platform())?;
    let build = buildctl::build(
        workspace,
        &Build {
            context: workspace.sample(),
            base_image: BaseImage::Layout { folder, digest },
            image: IMAGE.to_owned(),
            details: Details::default(),
        },
    );
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for run in 0..bench.runs {
        bench.begin("build-sample, once more", run)?;
        ours.push(machine.xtask(&["build-sample", "--client", "buildctl"]).timed("build the sample")?.0);
        let container =
            buildctl::run(workspace, &Run { image: IMAGE.to_owned(), name: format!("by-hand-{run}"), keep: false });
        let script = format!("cd {}; {} && {}", run_folder(&machine), build.shown(), container.shown());
        theirs.push(machine.bash(&script).timed("build the sample by hand")?.0);
    }
    rows.push(Row::paired("build-sample, once more", &ours, "buildctl build && ctr run", &theirs, Goal::Ratio(1.3)));
    Ok(())
}
