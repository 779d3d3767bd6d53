//! What every machine must have: rights, a place for the workspace, free disk, free endpoints, and what builds from source.

use super::{Check, elsewhere};
use crate::error::Error;
use crate::platform::Os;
use crate::ui::bytes;
use std::path::{Path, PathBuf};

/// Judges the rights of this process. `again` is how this `doctor` is typed.
pub fn rights(missing: Option<&Error>, again: &str, os: Os) -> Check {
    const CHECK: &str = "rights";
    match (missing, os) {
        (None, Os::Windows) => Check::ok(CHECK, "an administrator's: this process is elevated"),
        (None, Os::Linux) => Check::ok(CHECK, "root's"),
        (Some(missing), os) => {
            let check = Check::problem(CHECK, missing.to_string());
            match os {
                Os::Windows => check.advise("this opens an elevated PowerShell in the same folder: run everything there").command(
                    "Start-Process powershell -Verb RunAs -ArgumentList \"-NoExit -Command Set-Location -LiteralPath '$PWD'\"",
                ),
                // `doctor` again: what else is wrong may be seen by root only, and nothing is started.
                Os::Linux => check
                    .advise("every command is to be run like this one")
                    .command(format!("sudo env PATH=\"$PATH\" HOME=\"$HOME\" {again}")),
            }
        }
    }
}

/// Judges whether a workspace can lie where it is to.
pub fn workspace(base: &Path, is_there: bool, objection: Option<&Error>, os: Os) -> Check {
    const CHECK: &str = "workspace";
    let Some(objection) = objection else {
        let there = if is_there { "" } else { " (not there yet)" };
        return Check::ok(CHECK, format!("`{}`{there}", base.display()));
    };
    elsewhere(Check::problem(CHECK, objection.to_string()), os)
}

/// Both archives, their programs, a base image and what is built on it take about as much.
const NEEDED: u64 = 1 << 30;

/// From here on there is room for a few builds.
const COMFORTABLE: u64 = 5 << 30;

/// Judges the free bytes of the workspace's disk. `clean` deletes the workspace, if there is one, which may hold some.
pub fn disk(free: Result<u64, String>, clean: Option<&str>, os: Os) -> Check {
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
    let check = check.advise("free some, or put the workspace on another disk with `--base-dir DIR`");
    match (clean, os) {
        (Some(clean), _) => check.command(clean),
        (None, Os::Windows) => check.command("cleanmgr"),
        (None, Os::Linux) => check,
    }
}

/// Who listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Its id.
    pub pid: u32,
    /// The program it runs.
    pub program: PathBuf,
}

/// A place where a daemon listens, or is to.
#[derive(Debug)]
pub struct Listening {
    /// The place.
    pub endpoint: String,
    /// Who listens there.
    pub process: Option<Listener>,
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
        return elsewhere(Check::problem(CHECK, format!("taken: {}", foreign.join("; "))), os);
    }
    let ours = found.iter().filter(|one| one.process.is_some()).count();
    Check::ok(CHECK, if ours > 0 { "the workspace's own daemons listen there" } else { "free" })
}

fn listens(process: &Listener, endpoint: &str) -> String {
    format!("`{}` (pid {}) listens at `{endpoint}`", process.program.display(), process.pid)
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
    /// Whether libseccomp's headers are there.
    pub has_libseccomp: bool,
    /// Whether Debian's packages can be had; then libseccomp's is taken from there.
    pub has_apt: bool,
}

impl Tools {
    /// What building lacks: its name, and Debian's package of it.
    fn missing(&self, os: Os) -> Vec<(&'static str, &'static str)> {
        let is_linux = os == Os::Linux;
        let lacks_libseccomp = is_linux && !self.has_libseccomp && !self.has_apt;
        [
            (self.go.is_none(), ("`go`", "golang")),
            (is_linux && !self.has_c_compiler, ("a C compiler", "gcc")),
            (lacks_libseccomp, ("libseccomp's headers", "libseccomp-dev")),
        ]
        .into_iter()
        .filter_map(|(is_missing, names)| is_missing.then_some(names))
        .collect()
    }

    /// Whether all is there that building takes.
    pub fn suffice(&self, os: Os) -> bool {
        self.missing(os).is_empty()
    }
}

/// Judges them by whether they would be used: `is_needed` is why something must be built.
pub fn go(tools: &Tools, is_needed: Option<&str>, os: Os) -> Check {
    const CHECK: &str = "go";
    let missing = tools.missing(os);
    if missing.is_empty() {
        let go = tools.go.as_deref().unwrap_or_default();
        return Check::ok(
            CHECK,
            if os == Os::Linux { format!("{go}, a C compiler and libseccomp") } else { go.to_owned() },
        );
    }
    let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    let found = format!("this machine lacks {}", names.join(", "));
    let Some(why) = is_needed else {
        return Check::ok(CHECK, format!("{found}, which only building from source takes"));
    };
    let check = Check::problem(CHECK, format!("{found}, and {why} builds with it"));
    let packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    match os {
        Os::Windows => check.command("winget install --id GoLang.Go"),
        Os::Linux if tools.has_apt => check.command(format!("sudo apt-get install {}", packages.join(" "))),
        Os::Linux => check.advise("install what is missing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict::{Ok as Fine, Problem, Warning};

    fn process(program: &str) -> Option<Listener> {
        Some(Listener { pid: 7, program: program.into() })
    }

    #[test]
    fn missing_rights_and_a_place_that_cannot_be_are_problems() {
        let error = Error::ground("no");
        for os in [Os::Linux, Os::Windows] {
            assert_eq!(rights(None, "again", os).verdict, Fine);
            let missing = rights(Some(&error), "again", os);
            assert!(missing.verdict == Problem && missing.command.is_some());
            let nowhere = workspace(Path::new("/x"), false, Some(&error), os);
            assert!(nowhere.verdict == Problem && nowhere.command.unwrap().contains("BUILDKIT_WINDOWS_BASE_DIR"));
        }
        assert_eq!(workspace(Path::new("/x"), false, None, Os::Linux).found, "`/x` (not there yet)");
        assert_eq!(workspace(Path::new("/x"), true, None, Os::Linux).found, "`/x`");
    }

    #[test]
    fn whoever_lacks_rights_asks_again_as_root_for_the_same_workspace() {
        let missing = rights(Some(&Error::ground("no")), "cargo xtask doctor --base-dir /w", Os::Linux);
        assert!(missing.command.unwrap().ends_with(" cargo xtask doctor --base-dir /w"));
    }

    #[test]
    fn a_disk_is_full_tight_or_roomy() {
        let judged = |free| disk(free, None, Os::Linux).verdict;
        assert_eq!(judged(Ok(NEEDED - 1)), Problem);
        assert_eq!(judged(Ok(NEEDED)), Warning);
        assert_eq!(judged(Ok(COMFORTABLE)), Fine);
        assert_eq!(judged(Err("no".into())), Warning);
        assert_eq!(disk(Ok(0), Some("clean it"), Os::Linux).command.as_deref(), Some("clean it"));
        assert_eq!(disk(Ok(0), None, Os::Linux).command, None, "there is nothing of ours to delete");
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
        let all = Tools { go: Some("go1.26.8".into()), has_c_compiler: true, has_libseccomp: true, has_apt: false };
        let source = Some("`--source go`");
        assert_eq!(go(&all, source, Os::Linux).found, "go1.26.8, a C compiler and libseccomp");
        let none = Tools::default();
        let missing = go(&none, source, Os::Linux);
        assert_eq!((missing.verdict, missing.command), (Problem, None), "who knows this system's packages?");
        assert_eq!(
            missing.found,
            "this machine lacks `go`, a C compiler, libseccomp's headers, and `--source go` builds with it"
        );
        assert_eq!(go(&none, None, Os::Windows).verdict, Fine);
        let debian = Tools { has_apt: true, has_c_compiler: false, has_libseccomp: false, ..all.clone() };
        assert_eq!(go(&debian, source, Os::Linux).command.as_deref(), Some("sudo apt-get install gcc"));
        assert!(debian.suffice(Os::Windows) && !debian.suffice(Os::Linux));
    }
}
