//! ONNX files: reading, walking, changing and writing graphs.
//!
//! [`Model::open`] maps a file and decodes its graph; weights stay slices of the mapped files ([`source`]) until somebody
//! looks at them. Modules of functions on the generated messages ([`proto`]) do the rest: [`node`], [`attribute`],
//! [`tensor`], [`graph`], [`info`] and so on. `examples/list_nodes.rs` shows the beginning.

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
pub mod order;
pub mod overridable;
pub mod source;
pub mod strip;
pub mod tensor;

pub use error::{Error, Result};
pub use model::Model;
