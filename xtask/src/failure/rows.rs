//! The rows of the catalogue, a file for each class; the ground has several.

mod ground;
mod ground_docker;
mod ground_linux;
mod ground_registry;
mod ground_windows;
mod host_mismatch;
mod release_bug;
mod stale_state;
mod unsupported_feature;

use super::{Class, Failure, NO_CONTAINER_RUNTIME, NO_NETWORK, Speaker};
use crate::platform::Os;

/// All of them.
pub(super) const ALL: [&[Failure]; 9] = [
    stale_state::ROWS,
    ground::ROWS,
    ground_registry::ROWS,
    ground_docker::ROWS,
    ground_linux::ROWS,
    ground_windows::ROWS,
    host_mismatch::ROWS,
    unsupported_feature::ROWS,
    release_bug::ROWS,
];

const WINDOWS: &[Os] = &[Os::Windows];
const LINUX: &[Os] = &[Os::Linux];
const BOTH: &[Os] = &[Os::Windows, Os::Linux];

const CLIENT: &[Speaker] = &[Speaker::Client];
const DAEMON: &[Speaker] = &[Speaker::Daemon];
const RUN: &[Speaker] = &[Speaker::Run];
/// What a daemon fails of it tells its client too.
const CLIENT_AND_DAEMON: &[Speaker] = &[Speaker::Client, Speaker::Daemon];
