//! The harness behind `cargo xtask`: runs the newest BuildKit and containerd out of the target folder, builds and runs a
//! sample image with them, and says whether that works.
//!
//! Calls run one way: [`cli`] → [`commands`] → [`probe`], [`apart`] → [`install`], [`daemon`], [`client`], [`source`] → the
//! other effects → the pure modules.

pub mod cli;
pub mod commands;
pub mod context;

pub mod apart;
pub mod probe;

pub mod client;
pub mod daemon;
pub mod install;
pub mod source;

pub mod archive;
pub mod fetch;
pub mod files;
pub mod host_image;
pub mod http;
pub mod interrupt;
pub mod lock;
pub mod oci_layout;
pub mod os;
pub mod poll;
pub mod process;
pub mod ui;

pub mod base_image;
pub mod bisection;
pub mod component;
pub mod config;
pub mod docker;
pub mod doctor;
pub mod error;
pub mod exit;
pub mod failure;
pub mod matrix;
pub mod network;
pub mod platform;
pub mod redact;
pub mod release;
pub mod report;
pub mod result;
pub mod sample;
pub mod tools;
pub mod utf8;
pub mod version;
pub mod windows_path;
pub mod workspace;
