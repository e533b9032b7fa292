//! The command `cones`, as a library for its tests: [`commands`] parse and print, the other modules hold what only the
//! command needs. What others may use, too, stands in crates of its own: `cones-onnx`, `cones-gradient`, `cones-import`,
//! `cones-quantise`, `cones-find`, `cones-publish` and `cones-studio`.

pub mod base_model;
pub mod catalog_args;
pub mod cli;
pub mod clock;
pub mod colour_scale;
pub mod commands;
pub mod contact_sheet;
pub mod environment;
pub mod evaluate;
pub mod failure;
pub mod inspect;
pub mod keys;
pub mod mask_writer;
pub mod pack_file;
pub mod pack_parts;
pub mod places;
pub mod precision_arg;
pub mod ranges;
pub mod recipe_subjects;
pub mod report;
pub mod runtime_library;
pub mod subject_spec;
pub mod typed;
