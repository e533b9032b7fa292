//! The derivative of graphs: against PyTorch, against differences, and where there is none.

#[path = "../import/fixture.rs"]
#[allow(dead_code, reason = "the import tests use the rest")]
mod fixture;
mod golden;
mod hostile;
mod memory;
mod refused;
mod rules;
mod text;
mod trigger;
mod unets;
