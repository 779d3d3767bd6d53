//! What every machine must have: rights, a place for the workspace, free disk, free endpoints, and what builds from source.

use super::{Check, elsewhere};
use crate::error::Error;
use crate::os::Process;
use crate::platform::Os;
use crate::source::Source;
use crate::ui::bytes;
use std::path::Path;

/// Judges the rights of this process.
pub fn rights(missing: Option<&Error>, os: Os) -> Check {
    const CHECK: &str = "rights";
    match (missing, os) {
        (None, Os::Windows) => Check::ok(CHECK, "an administrator's: this process is elevated"),
        (None, Os::Linux) => Check::ok(CHECK, "root's"),
        (Some(missing), os) => {
            let check = Check::problem(CHECK, missing.to_string());
            match os {
                Os::Windows => check.command("Start-Process powershell -Verb RunAs"),
                Os::Linux => check.command("sudo env PATH=\"$PATH\" HOME=\"$HOME\" cargo xtask up"),
            }
        }
    }
}

/// Judges whether a workspace can lie where it is to.
pub fn workspace(base: &Path, objection: Option<&Error>, os: Os) -> Check {
    const CHECK: &str = "workspace";
    let Some(objection) = objection else {
        let there = if base.exists() { "" } else { " (not there yet)" };
        return Check::ok(CHECK, format!("`{}`{there}", base.display()));
    };
    Check::problem(CHECK, objection.to_string()).command(elsewhere(os))
}

/// Both archives, their programs, a base image and what is built on it take about as much.
const NEEDED: u64 = 1 << 30;

/// From here on there is room for a few builds.
const COMFORTABLE: u64 = 5 << 30;

/// Judges the free bytes of the workspace's disk.
pub fn disk(free: Result<u64, String>, os: Os) -> Check {
    const CHECK: &str = "disk";
    let free = match free {
        Ok(free) => free,
        Err(why) => return Check::untold(CHECK, why),
    };
    let shown = format!("{} free", bytes(free));
    let check = match free {
        ..NEEDED => Check::problem(CHECK, format!("{shown}, and it takes about {}", bytes(NEEDED))),
        NEEDED..COMFORTABLE => Check::warning(CHECK, format!("{shown}: enough for few builds only")),
        COMFORTABLE.. => return Check::ok(CHECK, shown),
    };
    check.advise("free some, or put the workspace on another disk with `--base-dir DIR`").command(match os {
        Os::Windows => "cleanmgr",
        Os::Linux => "cargo xtask clean --cache",
    })
}

/// A place where a daemon listens, or is to.
#[derive(Debug)]
pub struct Listening {
    /// The place.
    pub endpoint: String,
    /// Who listens there.
    pub process: Option<Process>,
    /// Whether that is this workspace's own daemon.
    pub is_ours: bool,
}

/// Judges who listens at the workspace's own endpoints.
pub fn endpoints(found: &[Listening], os: Os) -> Check {
    const CHECK: &str = "endpoints";
    let foreign: Vec<String> = found
        .iter()
        .filter(|one| !one.is_ours)
        .filter_map(|one| one.process.as_ref().map(|process| listens(process, &one.endpoint)))
        .collect();
    if !foreign.is_empty() {
        return Check::problem(CHECK, format!("taken: {}", foreign.join("; ")))
            .advise("stop it, or use another workspace")
            .command(elsewhere(os));
    }
    let ours = found.iter().filter(|one| one.process.is_some()).count();
    Check::ok(CHECK, if ours > 0 { "the workspace's own daemons listen there" } else { "free" })
}

fn listens(process: &Process, endpoint: &str) -> String {
    format!("`{}` (pid {}) listens at `{endpoint}`", process.executable.display(), process.pid)
}

/// Judges what is installed or listens besides the workspace: it is never in the way, and never touched.
pub fn others(installed: &Result<Vec<String>, String>, found: &[Listening]) -> Check {
    const CHECK: &str = "services";
    let installed = match installed {
        Ok(installed) => installed,
        Err(why) => return Check::untold(CHECK, why),
    };
    let listening = found.iter().filter_map(|one| Some(listens(one.process.as_ref()?, &one.endpoint)));
    let services = installed.iter().map(|name| format!("the service `{name}` is installed"));
    let all: Vec<String> = services.chain(listening).collect();
    if all.is_empty() {
        return Check::ok(CHECK, "no other containerd or buildkitd");
    }
    Check::ok(CHECK, format!("left alone: {}", all.join("; ")))
}

/// What building from source would take.
#[derive(Debug, Clone, Default)]
pub struct Tools {
    /// Its version, or just its name.
    pub go: Option<String>,
    /// Whether a C compiler is there, which runc takes.
    pub has_c_compiler: bool,
    /// Whether libseccomp's headers are there, or Debian's package of them can be had.
    pub has_libseccomp: bool,
}

impl Tools {
    /// Whether all is there that building takes.
    pub fn suffice(&self, os: Os) -> bool {
        self.go.is_some() && (os == Os::Windows || self.has_c_compiler && self.has_libseccomp)
    }
}

/// Judges them by whether they would be used.
pub fn go(tools: &Tools, source: &Source, os: Os) -> Check {
    const CHECK: &str = "go";
    let is_linux = os == Os::Linux;
    let missing: Vec<&str> = [
        (tools.go.is_none(), "`go`"),
        (is_linux && !tools.has_c_compiler, "a C compiler"),
        (is_linux && !tools.has_libseccomp, "libseccomp's headers"),
    ]
    .into_iter()
    .filter_map(|(is_missing, name)| is_missing.then_some(name))
    .collect();
    if missing.is_empty() {
        let go = tools.go.as_deref().unwrap_or_default();
        return Check::ok(CHECK, if is_linux { format!("{go}, a C compiler and libseccomp") } else { go.to_owned() });
    }
    let found = format!("this machine lacks {}", missing.join(", "));
    let check = match source {
        Source::Go => Check::problem(CHECK, format!("{found}, and `--source go` builds with it")),
        Source::Auto => Check::warning(CHECK, format!("{found}: without GitHub, nothing can be built in its stead")),
        _ => return Check::ok(CHECK, format!("{found}, and nothing needs it")),
    };
    check.command(match os {
        Os::Windows => "winget install --id GoLang.Go",
        Os::Linux => "sudo apt-get install golang gcc libseccomp-dev pkg-config",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict::{Ok as Fine, Problem, Warning};

    fn process(program: &str) -> Option<Process> {
        Some(Process { pid: 7, started: 1, executable: program.into() })
    }

    #[test]
    fn missing_rights_and_a_place_that_cannot_be_are_problems() {
        let error = Error::ground("no");
        for os in [Os::Linux, Os::Windows] {
            assert_eq!(rights(None, os).verdict, Fine);
            assert!(rights(Some(&error), os).verdict == Problem && rights(Some(&error), os).command.is_some());
            let nowhere = workspace(Path::new("/x"), Some(&error), os);
            assert!(nowhere.verdict == Problem && nowhere.command.unwrap().contains("--base-dir"));
        }
        assert_eq!(workspace(Path::new("/no such"), None, Os::Linux).found, "`/no such` (not there yet)");
    }

    #[test]
    fn a_disk_is_full_tight_or_roomy() {
        let judged = |free| disk(free, Os::Linux).verdict;
        assert_eq!(judged(Ok(NEEDED - 1)), Problem);
        assert_eq!(judged(Ok(NEEDED)), Warning);
        assert_eq!(judged(Ok(COMFORTABLE)), Fine);
        assert_eq!(judged(Err("no".into())), Warning);
    }

    #[test]
    fn only_a_stranger_at_an_endpoint_is_in_the_way() {
        let at = |process, is_ours| Listening { endpoint: "/w/x.sock".into(), process, is_ours };
        assert_eq!(endpoints(&[at(None, false)], Os::Linux).found, "free");
        assert_eq!(endpoints(&[at(process("/w/containerd"), true)], Os::Linux).verdict, Fine);
        let taken = endpoints(&[at(None, false), at(process("/bin/other"), false)], Os::Linux);
        assert_eq!(
            (taken.verdict, taken.found.as_str()),
            (Problem, "taken: `/bin/other` (pid 7) listens at `/w/x.sock`")
        );
    }

    #[test]
    fn other_daemons_are_told_and_left_alone() {
        let at = Listening { endpoint: "/run/x.sock".into(), process: process("/usr/bin/containerd"), is_ours: false };
        let found = others(&Ok(vec!["containerd".into()]), &[at]);
        assert_eq!(found.verdict, Fine);
        assert_eq!(
            found.found,
            "left alone: the service `containerd` is installed; `/usr/bin/containerd` (pid 7) listens at `/run/x.sock`"
        );
        assert_eq!(others(&Ok(Vec::new()), &[]).found, "no other containerd or buildkitd");
        assert_eq!(others(&Err("no".into()), &[]).verdict, Warning);
    }

    #[test]
    fn what_builds_from_source_is_missed_only_where_it_would_be_used() {
        let all = Tools { go: Some("go1.26.8".into()), has_c_compiler: true, has_libseccomp: true };
        assert_eq!(go(&all, &Source::Go, Os::Linux).found, "go1.26.8, a C compiler and libseccomp");
        let none = Tools::default();
        let missing = go(&none, &Source::Go, Os::Linux);
        assert_eq!(missing.verdict, Problem);
        assert!(missing.found.starts_with("this machine lacks `go`, a C compiler, libseccomp's headers, and "));
        assert_eq!(go(&none, &Source::Auto, Os::Windows).verdict, Warning);
        assert_eq!(go(&none, &Source::Github, Os::Windows).verdict, Fine);
        let without_c = Tools { has_c_compiler: false, ..all };
        assert!(without_c.suffice(Os::Windows) && !without_c.suffice(Os::Linux));
    }
}
