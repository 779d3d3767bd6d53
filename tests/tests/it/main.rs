//! The tests of the harness, in one binary: one link, and one place to look.

mod archives;
mod context;
mod server;
