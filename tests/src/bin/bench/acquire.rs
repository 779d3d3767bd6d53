//! From nothing to verified, unpacked programs: beside curl, sha256sum and tar.

use crate::assets::{Archive, Assets};
use crate::machine::{Bench, Commands as _, Machine};
use crate::table::{Goal, Row, Unit, median};
use std::time::Duration;
use xtask::error::Result;
use xtask::files;

/// No configuration, no proxy, and errors that are errors.
const CURL: &str = "curl -q -fsSL --noproxy '*'";

pub fn measure(bench: &Bench, assets: &Assets, rows: &mut Vec<Row>, notes: &mut Vec<String>) -> Result<()> {
    let [mut ours, mut in_turn, mut at_once, mut nowhere] = [const { Vec::<Duration>::new() }; 4];
    let mut memory = Vec::new();
    for run in 0..bench.runs {
        bench.begin("up --no-start, with nothing there", run)?;
        // A new one every time: the cache is to be empty.
        let machine = Machine::new(bench, &assets.server);
        let (time, most) = machine.xtask(&["up", "--no-start"]).timed_with_memory("fetch with the harness")?;
        ours.push(time);
        memory.push(most);
        files::delete(machine.context.base_dir())?;
        for (script, times) in [
            (one_after_the_other(&assets.archives), &mut in_turn),
            (side_by_side(&assets.archives), &mut at_once),
            (to_nowhere(&assets.archives), &mut nowhere),
        ] {
            times.push(machine.bash(&script).timed("fetch by hand")?.0);
            files::delete(&machine.context.root().join("by-hand"))?;
        }
    }
    let what = "up --no-start: fetch, verify, unpack";
    rows.push(Row::paired(what, &ours, "curl && sha256sum && tar, in turn", &in_turn, Goal::Ratio(0.25)));
    rows.push(Row::paired(what, &ours, "curl | tee >(sha256sum) | tar, at once", &at_once, Goal::Ratio(0.7)));
    rows.push(Row::alone("  its most memory", Unit::Mebibytes, &memory, 32.0));
    let nowhere: Vec<f64> = nowhere.iter().map(Duration::as_secs_f64).collect();
    notes.push(format!("the server alone: both archives by curl to /dev/null, at once, in {:.3} s", median(&nowhere)));
    Ok(())
}

fn one_after_the_other(archives: &[Archive]) -> String {
    let mut script = "mkdir by-hand; cd by-hand\n".to_owned();
    for (number, Archive { name, url, sha256, .. }) in archives.iter().enumerate() {
        script.push_str(&format!(
            "mkdir {number}\n{CURL} -o {name} {url} && echo '{sha256}  {name}' | sha256sum --quiet -c && tar xzf {name} -C {number} || exit 1\n"
        ));
    }
    script
}

fn side_by_side(archives: &[Archive]) -> String {
    let mut script = "mkdir by-hand; cd by-hand\n".to_owned();
    for (number, Archive { url, .. }) in archives.iter().enumerate() {
        script.push_str(&format!(
            "mkdir {number}\n{CURL} {url} | tee >(sha256sum >{number}.sum) | tar xz -C {number} &\npid{number}=$!\n"
        ));
    }
    for (number, Archive { sha256, .. }) in archives.iter().enumerate() {
        // Nobody waits for what tee writes to, so its answer is waited for.
        script.push_str(&format!(
            "wait $pid{number}\nuntil [ -s {number}.sum ]; do sleep 0.001; done\ngrep -q '^{sha256} ' {number}.sum\n"
        ));
    }
    script
}

fn to_nowhere(archives: &[Archive]) -> String {
    let begun = archives.iter().map(|archive| format!("{CURL} -o /dev/null {} & pids+=\" $!\"\n", archive.url));
    format!("pids=\n{}for pid in $pids; do wait $pid; done\n", begun.collect::<String>())
}
