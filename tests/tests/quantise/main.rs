//! `cones quantise`: weights and ranges against onnxruntime's own tools, small forms of Toybox, and what is refused.

mod fixed;
mod forms;
mod golden;
mod refused;
mod setup;
