//! `cargo xtask ci`: everything that this machine can run, and the reason for what it can't.

use super::{cargo, print};
use crate::component::Component;
use crate::context;
use crate::error::{Error, Result};
use crate::os;
use crate::platform::{Os, Platform};
use crate::process::{self, Argv};
use crate::ui::Ui;
use clap::Args;
use std::path::PathBuf;

/// The options of `ci`.
#[derive(Debug, Args)]
pub struct Options {
    /// Take a leg that can't run here for a failure
    #[arg(long)]
    strict: bool,
}

const WINDOWS_TARGET: &str = "x86_64-pc-windows-gnu";

/// The linter of GitHub workflows, as `go run` takes it.
const ACTIONLINT: &str = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";

/// The workflow; named, because the linter itself looks for one in a Git checkout only.
const WORKFLOW: &str = ".github/workflows/ci.yml";

/// The shell scripts of the repository.
const SCRIPTS: [&str; 2] = [".ci/run", "fixtures/containerd-config/make"];

/// A part of the checks.
struct Leg {
    name: &'static str,
    argv: Argv,
    /// Why it can't run here.
    missing: Option<String>,
}

/// Runs it.
pub fn run(ui: &Ui, options: &Options) -> Result<()> {
    let mut summary = Vec::new();
    let (mut failed, mut not_run) = (0, 0);
    for leg in legs() {
        if let Some(reason) = &leg.missing {
            not_run += 1;
            summary.push(format!("not run  {}: {reason}", leg.name));
            continue;
        }
        let _group = ui.group(leg.name);
        ui.step("Checking", &format!("{}: {}", leg.name, leg.argv.shown()));
        let status = process::run_in_the_open(&leg.argv)?;
        if status.success() {
            summary.push(format!("passed   {}", leg.name));
        } else {
            failed += 1;
            summary.push(format!("failed   {}: {}", leg.name, process::exit(status)));
        }
    }
    print(summary.join("\n") + "\n")?;
    if failed > 0 {
        return Err(Error::failed(format!("{failed} of the checks failed")));
    }
    if options.strict && not_run > 0 {
        return Err(Error::ground(format!("{not_run} of the checks can't run here, and `--strict` wants all of them"))
            .hint("install what they need, as `.ci/run` does"));
    }
    Ok(())
}

/// None of them may build the binary `xtask`: it is running, and Windows lets nobody overwrite a running program.
fn legs() -> Vec<Leg> {
    let leg = |name, argv| Leg { name, argv, missing: None };
    vec![
        leg("fmt", cargo().args(["fmt", "--all", "--check"])),
        leg(
            "clippy",
            cargo().args(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]),
        ),
        windows_clippy(cargo()),
        linter("actionlint", &["go", "shellcheck"], Argv::new("go").args(["run", ACTIONLINT, WORKFLOW])),
        linter("shellcheck", &["shellcheck"], Argv::new("shellcheck").args(SCRIPTS)),
        leg("test", cargo().args(["test", "--workspace"])),
        end_to_end(cargo()),
    ]
}

/// Lints the Windows code. Its standard library is installed as a target, or else built from its source.
fn windows_clippy(cargo: Argv) -> Leg {
    let clippy = |argv: Argv| {
        argv.args(["--target", WINDOWS_TARGET, "--package", "xtask", "--all-targets", "--", "-D", "warnings"])
    };
    let rustc = |args: &[&str]| process::capture(&Argv::new("rustc").args(args.iter().copied()));
    let path = |output: Result<process::Output>| output.ok().map(|output| PathBuf::from(output.stdout.trim()));
    let has_target =
        path(rustc(&["--print", "target-libdir", "--target", WINDOWS_TARGET])).is_some_and(|folder| folder.is_dir());
    let has_source = path(rustc(&["--print", "sysroot"]))
        .is_some_and(|root| root.join("lib/rustlib/src/rust/library").is_dir())
        || std::env::var_os("__CARGO_TESTS_ONLY_SRC_ROOT").is_some();
    let name = "clippy for Windows";
    if process::find("x86_64-w64-mingw32-gcc").is_none() && Platform::host().is_ok_and(|host| host.os != Os::Windows) {
        let missing = Some("there is no x86_64-w64-mingw32-gcc (Debian: gcc-mingw-w64-x86-64)".into());
        return Leg { name, argv: cargo, missing };
    }
    if has_target {
        return Leg { name, argv: clippy(cargo.arg("clippy")), missing: None };
    }
    let argv = clippy(cargo.args(["clippy", "-Zbuild-std=std,panic_unwind"])).env("RUSTC_BOOTSTRAP", "1");
    let missing = (!has_source).then(|| {
        format!(
            "this Rust has neither the target {WINDOWS_TARGET} nor its own source (rustup target add {WINDOWS_TARGET})"
        )
    });
    Leg { name, argv, missing }
}

/// A linter that needs other programs. actionlint hands the workflow's commands to shellcheck, and without one says nothing
/// of them.
fn linter(name: &'static str, needed: &[&str], argv: Argv) -> Leg {
    let missing = needed.iter().find(|program| process::find(program).is_none());
    Leg {
        name,
        argv: argv.dir(context::repository()),
        missing: missing.map(|program| format!("there is no `{program}`")),
    }
}

/// Real daemons, built by the Go source: root, Go and a C compiler.
fn end_to_end(cargo: Argv) -> Leg {
    let argv = cargo.args(["test", "--package", "tests", "--features", "e2e", "--test", "e2e"]);
    let missing = if Platform::host().is_ok_and(|host| host.os != Os::Linux) {
        Some("the end-to-end tests know Linux only, so far".into())
    } else if let Err(error) = os::check_rights() {
        Some(error.to_string())
    } else {
        let needed = ["go", "cc", "ldd"].into_iter().find(|program| process::find(program).is_none());
        needed.map(|program| format!("there is no `{program}`, which building {} from source needs", Component::Runc))
    };
    Leg { name: "end to end", argv, missing }
}
