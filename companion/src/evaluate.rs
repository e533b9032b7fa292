//! Does a pack draw its subject? Measured by two small networks that never saw the subject.
//!
//! A measure is a folder: `embedding.onnx` (pictures of the same drawing lie close together), `references.safetensors`
//! (vectors of known instances, `dog/fluent`, and of drawings that
//! nothing was trained on, so that another subject does not pass for the right one), `classifier.onnx` with `labels.json` (which things and which context a
//! picture shows). The rules are those of `models/toybox/recipe/measure.py`, and are tested against it.

pub mod alignment;
pub mod instances;
pub mod labels;
pub mod measure;
pub mod network;
pub mod parts;
pub mod recolour;
pub mod scene;
pub mod score;
pub mod table;
pub mod wanted;
