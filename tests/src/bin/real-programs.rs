//! `real-programs OS-ARCH`: gets what the end-to-end tests run, for tests that run where programs can't be built, and prints
//! the folder that it is in.

use std::env;
use std::path::Path;
use std::process::ExitCode;
use tests::real;
use xtask::platform::Platform;

fn main() -> ExitCode {
    let Some(Ok(platform)) = env::args().nth(1).map(|platform| platform.parse::<Platform>()) else {
        eprintln!("Usage: real-programs OS-ARCH");
        return ExitCode::from(2);
    };
    let program = env::current_exe().expect("this program has a path");
    let target = program.parent().and_then(Path::parent).expect("a binary lies in target/PROFILE");
    real::prepare(&target.join("e2e"), platform);
    println!("{}", target.join("e2e").display());
    ExitCode::SUCCESS
}
