//! The parts of the checks, and what each of them needs.

use crate::commands::cargo;
use crate::context;
use crate::os;
use crate::platform::{Os, Platform};
use crate::process::{self, Argv};
use std::path::PathBuf;

/// The linter of GitHub workflows, as `go run` takes it.
const ACTIONLINT: &str = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";

/// The workflows; named, because the linter itself looks for them in a Git checkout only.
const WORKFLOWS: [&str; 2] = [".github/workflows/ci.yml", ".github/workflows/nightly.yml"];

/// Runs Windows programs on Linux.
const WINE: &str = ".ci/wine";

/// The shell scripts of the repository.
const SCRIPTS: [&str; 3] = [".ci/run", WINE, "fixtures/containerd-config/make"];

/// The end-to-end tests that need Docker, by the beginning of their names.
const DOCKER: &str = "containers::docker::";

/// The tests in a browser that run real daemons first, by the beginning of their names.
const REAL_NIGHT: &str = "real::";

const WINDOWS_TARGET: &str = "x86_64-pc-windows-gnu";

/// A part of the checks.
pub struct Leg {
    /// What it is called.
    pub name: &'static str,
    /// What it runs.
    pub argv: Argv,
    /// Why it can't run here.
    pub missing: Option<String>,
}

impl Leg {
    fn new(name: &'static str, argv: Argv) -> Self {
        Self { name, argv, missing: None }
    }

    /// What it needs, if that isn't here.
    fn needs(mut self, missing: impl FnOnce() -> Option<String>) -> Self {
        self.missing = self.missing.or_else(missing);
        self
    }

    fn needs_programs(self, needed: &[&str]) -> Self {
        let missing = needed.iter().find(|program| process::find(program).is_none());
        self.needs(|| missing.map(|program| format!("there is no `{program}`")))
    }

    fn needs_rights(self) -> Self {
        self.needs(|| os::check_rights().err().map(|error| error.to_string()))
    }
}

/// All that there are for this host's system. None of them may build the binary `xtask`: it is running, and Windows lets
/// nobody overwrite a running program.
pub fn all() -> Vec<Leg> {
    let in_repository = |argv: Argv| argv.dir(context::repository());
    let lint = ["--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    let mut legs = vec![
        Leg::new("fmt", cargo().args(["fmt", "--all", "--check"])),
        Leg::new("clippy", cargo().arg("clippy").args(lint)),
        // It hands the workflows' commands to shellcheck, and without one says nothing of them.
        Leg::new("actionlint", in_repository(Argv::new("go").args(["run", ACTIONLINT]).args(WORKFLOWS)))
            .needs_programs(&["go", "shellcheck"]),
        Leg::new("shellcheck", in_repository(Argv::new("shellcheck").args(SCRIPTS))).needs_programs(&["shellcheck"]),
        Leg::new("test", cargo().args(["test", "--workspace"])),
    ];
    if Platform::host().is_ok_and(|host| host.os == Os::Windows) {
        legs.push(end_to_end("end to end", &[]));
        return legs;
    }
    let on_linux = |leg: Leg| leg.needs_programs(&["cc", "ldd", "openssl"]);
    legs.push(on_linux(end_to_end("end to end, without Docker", &["--skip", DOCKER])));
    legs.push(
        on_linux(end_to_end("end to end, with Docker", &[DOCKER])).needs_programs(&["docker", "dockerd", "node"]),
    );
    legs.push(in_chromium("report in Chromium", &["--skip", REAL_NIGHT]));
    legs.push(
        on_linux(in_chromium("a real night's report in Chromium", &[REAL_NIGHT]))
            .needs_rights()
            .needs_programs(&["go"]),
    );
    legs.extend(windows(&lint));
    legs
}

/// The end-to-end tests, or some of them.
fn end_to_end(name: &'static str, chosen: &[&str]) -> Leg {
    let tests = cargo().args(["test", "--package", "tests", "--features", "e2e", "--test", "e2e", "--"]);
    Leg::new(name, tests.args(chosen.iter().copied())).needs_rights().needs_programs(&["go"])
}

/// The tests of the report in a browser, or some of them.
fn in_chromium(name: &'static str, chosen: &[&str]) -> Leg {
    let tests = cargo().args(["test", "--package", "tests", "--features", "browser", "--test", "browser", "--"]);
    Leg::new(name, tests.args(chosen.iter().copied())).needs_programs(&["chromium", "npm"])
}

/// The checks on Windows, as far as Wine is one.
fn windows(lint: &[&str]) -> [Leg; 4] {
    let for_windows = |name, subcommand, arguments: &[&str]| match for_windows(subcommand) {
        Ok(argv) => Leg::new(name, argv.args(arguments.iter().copied())),
        Err(missing) => Leg::new(name, cargo()).needs(|| Some(missing)),
    };
    let wine = context::repository().join(WINE);
    // cargo starts test programs in their package's folder.
    let target = std::path::absolute(context::target_folder()).unwrap_or_else(|_| context::target_folder());
    let programs = ["run", "--package", "tests", "--bin", "real-programs", "--", "windows-amd64"];
    let clippy = for_windows("clippy for Windows", "clippy", lint);
    let mut test =
        for_windows("test and end to end for Windows, under Wine", "test", &["--workspace", "--features", "e2e"]);
    test.argv = test
        .argv
        .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", &wine)
        .env("CARGO_TARGET_DIR", &target)
        .env("BUILDKIT_WINDOWS_E2E", target.join("e2e"));
    [
        clippy,
        Leg::new("Wine", Argv::new(&wine).arg("--prepare")).needs_rights().needs_programs(&["debootstrap"]),
        Leg::new("containerd and BuildKit for Windows", cargo().args(programs)).needs_programs(&["go"]),
        test.needs_rights().needs_programs(&["debootstrap", "go"]),
    ]
}

/// cargo with a subcommand for Windows: with the standard library that is installed for it, or else one built from its source.
fn for_windows(subcommand: &str) -> Result<Argv, String> {
    if process::find("x86_64-w64-mingw32-gcc").is_none() {
        return Err("there is no x86_64-w64-mingw32-gcc (Debian: gcc-mingw-w64-x86-64)".into());
    }
    let rustc = |args: &[&str]| {
        let output = process::capture(&Argv::new("rustc").args(args.iter().copied())).ok()?;
        Some(PathBuf::from(output.stdout.trim()))
    };
    let library = rustc(&["--print", "target-libdir", "--target", WINDOWS_TARGET]);
    if library.is_some_and(|folder| folder.is_dir()) {
        return Ok(cargo().args([subcommand, "--target", WINDOWS_TARGET]));
    }
    let source = rustc(&["--print", "sysroot"]).map(|root| root.join("lib/rustlib/src/rust/library"));
    if source.is_some_and(|folder| folder.is_dir()) || std::env::var_os("__CARGO_TESTS_ONLY_SRC_ROOT").is_some() {
        let build_std = "-Zbuild-std=std,panic_unwind";
        return Ok(cargo().args([subcommand, build_std, "--target", WINDOWS_TARGET]).env("RUSTC_BOOTSTRAP", "1"));
    }
    Err(format!(
        "this Rust has neither the target {WINDOWS_TARGET} nor its own source (rustup target add {WINDOWS_TARGET})"
    ))
}
