//! The tests of the harness, in one binary: one link, and one place to look.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod announce;
mod archives;
mod bad_input;
mod bisect;
mod bundle;
mod cli;
mod common;
mod config;
mod context;
mod doctor;
mod explain;
mod fetch;
mod matrix;
mod network;
mod night;
mod report;
mod resolve;
mod samples;
mod server;
mod windows;
