//! `cones quantise`: weights and ranges against onnxruntime's own tools, small forms of Toybox, and what is refused.

#![allow(clippy::print_stdout, reason = "a test that is asked to talk tells its figures")]

mod fixed;
mod forms;
mod golden;
mod refused;
mod setup;
