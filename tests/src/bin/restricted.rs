//! Runs a program without an administrator's rights, on Windows: its path, then its arguments.

fn main() {
    std::process::exit(tests::run_restricted())
}
