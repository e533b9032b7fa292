//! Subject packs: written, read, damaged on purpose.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tests say what they measure and skip")]

mod arbitrary;
mod canonical;
mod code;
mod errors;
mod golden;
mod hostile;
mod hostile_files;
mod hostile_neurons;
mod limits;
mod million;
mod round_trip;
mod sizes;
