//! Downloads from a local server that misbehaves on purpose. All of it takes below 15 s on two slow cores.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tests say what they measure and skip")]

mod bodies;
mod cancelling;
mod frames;
mod processes;
mod redirects;
mod resuming;
mod retries;
mod secure;
mod setup;
mod small;
