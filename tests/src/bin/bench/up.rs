//! `up` when everything is up, and `up` with everything in its place but the daemons: beside the same typed by hand.

use crate::assets::Assets;
use crate::machine::{Bench, Commands as _, Machine, bash};
use crate::table::{Goal, Row};
use std::process::Command;
use std::time::Duration;
use tests::ReleaseServer;
use xtask::component::Component;
use xtask::daemon;
use xtask::error::{Error, Result};
use xtask::tools::{buildctl, ctr};

pub fn measure(bench: &Bench, assets: &Assets, rows: &mut Vec<Row>) -> Result<()> {
    let machine = Machine::new(bench, &assets.server);
    machine.xtask(&["up"]).timed("start the daemons")?;
    when_up(bench, &machine, &assets.server, rows)?;
    from_cache(bench, &machine, &assets.server, rows)
}

fn when_up(bench: &Bench, machine: &Machine, server: &ReleaseServer, rows: &mut Vec<Row>) -> Result<()> {
    let [mut binary, mut cargo, mut asked] = [const { Vec::new() }; 3];
    let ask = format!("cd {}; {} && {}", run_folder(machine), answer(machine, false), answer(machine, true));
    for run in 0..bench.runs {
        bench.begin("up, when everything is up", run)?;
        server.forget_requests();
        binary.push(machine.xtask(&["up"]).timed("bring up what is up")?.0);
        cargo.push(machine.cargo_xtask(&["up"]).timed("bring up what is up, by cargo")?.0);
        let requests = server.requests();
        if let Some(first) = requests.first() {
            let what = format!("`up` with everything up made {} network calls, such as {}", requests.len(), first.path);
            return Err(Error::failed(what));
        }
        asked.push(machine.bash(&ask).timed("ask the daemons by hand")?.0);
    }
    let by_hand = "ctr version && buildctl debug workers";
    rows.push(Row::paired("cargo xtask up, all up, 0 network calls", &cargo, by_hand, &asked, Goal::Figure(0.15)));
    rows.push(Row::paired("  the program alone", &binary, by_hand, &asked, Goal::Figure(0.15)));
    Ok(())
}

fn from_cache(bench: &Bench, machine: &Machine, server: &ReleaseServer, rows: &mut Vec<Row>) -> Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for run in 0..bench.runs {
        bench.begin("up, with a warm cache", run)?;
        machine.xtask(&["down"]).timed("stop the daemons")?;
        server.forget_requests();
        ours.push(machine.xtask(&["up"]).timed("start the daemons")?.0);
        let statuses: Vec<u16> = server.requests().iter().map(|request| request.status).collect();
        if statuses.is_empty() || statuses.iter().any(|status| *status != 304) {
            return Err(Error::failed(format!("`up` with a warm cache did not only revalidate: {statuses:?}")));
        }
        machine.xtask(&["down"]).timed("stop the daemons")?;
        theirs.push(boot_by_hand(machine)?);
    }
    rows.push(Row::paired("up, warm cache, daemons down", &ours, "both booted by hand", &theirs, Goal::Ratio(1.5)));
    Ok(())
}

/// Starts both daemons as the harness does, from its configuration, and stops them again; returns the time from the
/// first one's start to the second one's answer.
fn boot_by_hand(machine: &Machine) -> Result<Duration> {
    let workspace = &machine.workspace;
    let daemon = |component| format!("{} >>by-hand.log 2>&1 &", daemon::argv(workspace, component, None).shown());
    let script = format!(
        "cd {private}; mount -t overlay overlay -o lowerdir=/run,upperdir=upper,workdir=work /run\n\
         cd {run}\n\
         trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n\
         begin=$EPOCHREALTIME\n\
         {containerd}\n\
         until {ctr}; do kill -0 $!; sleep 0.01; done\n\
         {buildkitd}\n\
         until {buildctl}; do kill -0 $!; sleep 0.01; done\n\
         end=$EPOCHREALTIME\n\
         echo $begin $end\n\
         for job in $(jobs -p | tac); do kill $job; wait $job || true; done\n",
        private = quoted(&workspace.private_run().display().to_string()),
        run = run_folder(machine),
        containerd = daemon(Component::Containerd),
        buildkitd = daemon(Component::Buildkit),
        ctr = answer(machine, false),
        buildctl = answer(machine, true),
    );
    let shell = bash(&script);
    // In a view of the file system of its own, as the harness does: containerd writes to a fixed place in /run.
    let mut command = Command::new("timeout");
    command.args(["60", "unshare", "--mount", "--propagation", "slave"]).arg(shell.get_program());
    command.args(shell.get_args()).current_dir(machine.context.root());
    for like in [&shell, &daemon::argv(workspace, Component::Containerd, None).command()] {
        for (name, value) in like.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }
    let (_, told) = command.timed("boot both daemons by hand")?;
    let times: Vec<f64> = told.split_whitespace().filter_map(|time| time.parse().ok()).collect();
    match times[..] {
        [begin, end] => Ok(Duration::from_secs_f64((end - begin).max(0.0))),
        _ => Err(Error::failed(format!("the boot by hand told no times but `{}`", told.trim()))),
    }
}

/// The question whose answer means ready, as it is typed.
fn answer(machine: &Machine, buildkit: bool) -> String {
    let argv = if buildkit {
        buildctl(&machine.workspace).args(["debug", "workers"])
    } else {
        ctr(&machine.workspace).arg("version")
    };
    format!("{} >/dev/null 2>&1", argv.shown())
}

/// Where the clients run.
pub fn run_folder(machine: &Machine) -> String {
    quoted(&machine.workspace.run().display().to_string())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
