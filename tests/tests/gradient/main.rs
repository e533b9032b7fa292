//! The derivative of graphs: against PyTorch, against differences, and where there is none.

mod golden;
mod unets;
