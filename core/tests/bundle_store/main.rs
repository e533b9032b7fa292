//! The bundle store: what it takes, from where, and what becomes of it when connections break, processes die and
//! publishers lie. Takes below 15 s on two slow cores.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tests say what they measure and skip")]

mod catalogues;
mod changing;
mod handover;
mod hostile;
mod installing;
#[cfg(unix)]
mod killed;
mod leftovers;
#[cfg(target_os = "linux")]
mod mounts;
mod processes;
mod rotation;
mod setup;
mod signatures;
