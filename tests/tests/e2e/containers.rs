//! What takes containers of Linux: samples whose Dockerfiles have a shell's commands in them.

mod bisect;
mod builder;
mod docker;
mod explained;
mod failing;
mod healing;
mod main_job;
mod night;
mod nightly;
mod places;
mod registries;
mod releases;
mod remote;
mod report;
mod resetting;
mod running;
mod samples;
mod source;
