//! `cargo xtask`: see the library's `cli`. The tests build this file once more, as the program under test.

fn main() -> std::process::ExitCode {
    xtask::cli::main()
}
