//! What takes containers of Linux: samples whose Dockerfiles have a shell's commands in them.

mod docker;
mod explained;
mod failing;
mod healing;
mod main_job;
mod places;
mod registries;
mod remote;
mod report;
mod resetting;
mod running;
mod source;
