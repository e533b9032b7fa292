//! The derivative of graphs: against PyTorch, against differences, and where there is none.

#![allow(clippy::print_stdout, reason = "a test that is asked to talk tells its figures")]

#[path = "../../../import/tests/import/fixture.rs"]
#[allow(dead_code, reason = "the import tests use the rest")]
mod fixture;
mod golden;
mod hostile;
mod memory;
mod refused;
mod rules;
mod text;
mod unets;
