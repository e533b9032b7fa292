//! The desktop side of Cones, as a library: what `cones` does, callable from tests.

pub mod base_model;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod evaluate;
pub mod find;
pub mod gradient;
pub mod import;
pub mod inspect;
pub mod keys;
pub mod mask_file;
pub mod mask_writer;
pub mod onnx;
pub mod pack_file;
pub mod pack_parts;
pub mod places;
pub mod precision;
pub mod profile;
pub mod publish;
pub mod quantise;
pub mod recipe_subjects;
pub mod report;
pub mod rows;
pub mod serve;
pub mod subject_spec;
