//! One file for each command that needs more than a module of its own name.

mod about_args;
pub mod bench;
pub mod bundle;
pub mod compare;
pub mod devices;
pub(crate) mod engine_args;
pub mod evaluate;
pub mod export;
pub mod find;
pub mod generate;
pub mod import;
pub mod import_mask;
pub mod inspect;
pub mod keygen;
mod memory_table;
pub mod packs;
pub(crate) mod progress_bar;
pub mod publish;
pub mod quantise;
mod quantise_report;
pub mod recipe;
pub mod report;
pub mod serve;
pub mod sheet;
pub mod tune;
pub mod unite;
