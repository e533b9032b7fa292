//! ONNX files: reading, walking, changing and writing graphs.

/// The messages of `proto/onnx.proto`, as `prost` generates them.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod proto {
    include!(concat!(env!("OUT_DIR"), "/onnx.rs"));
}

pub mod attribute;
pub mod element;
pub mod error;
pub mod graph;
pub mod info;
pub mod links;
pub mod lookup;
pub mod model;
pub mod names;
pub mod node;
pub mod overridable;
pub mod source;
pub mod strip;
pub mod tensor;

pub use error::{Error, Result};
pub use model::Model;
