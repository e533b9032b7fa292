//! The desktop side of Cones, as a library: what `cones` does, callable from tests.

pub mod base_model;
pub mod catalog_args;
pub mod cli;
pub mod clock;
pub mod colour_scale;
pub mod commands;
pub mod evaluate;
pub mod failure;
pub mod inspect;
pub mod keys;
pub mod mask_file;
pub mod mask_writer;
pub mod pack_file;
pub mod pack_parts;
pub mod places;
pub mod precision_arg;
pub mod publish;
pub mod recipe_subjects;
pub mod report;
pub mod serve;
pub mod subject_spec;
