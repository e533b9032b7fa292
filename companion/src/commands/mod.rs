//! One file for each command that needs more than a module of its own name.

pub mod bench;
pub mod bundle;
pub mod devices;
mod engine_args;
pub mod find;
pub mod generate;
mod progress_bar;
pub mod recipe;
pub mod sheet;
