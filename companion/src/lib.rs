//! The desktop side of Cones, as a library: what `cones` does, callable from tests.

pub mod cli;
pub mod commands;
pub mod find;
pub mod gradient;
pub mod import;
pub mod mask_file;
pub mod onnx;
pub mod subject_spec;
