//! Any file as an ONNX graph: read, walked, tidied and written.

use cones_onnx::links::Links;
use cones_onnx::{Model, graph, info, names};

use crate::scratch;

/// What was read can be walked and written; tensors' data come from the file itself or are refused.
pub fn feed(data: &[u8]) {
    let file = scratch::file("graph.onnx", data);
    let Ok(mut model) = Model::open(&file) else { return };
    let Ok(read) = model.graph() else { return };
    let links = Links::new(read);
    for value in read.input.iter().chain(&read.output) {
        let _ = (info::shape(value), info::rank(value), info::describe(value));
        let _ = (links.maker(value.name()).is_some(), links.readers(value.name()).len());
    }
    let taken = names::free(read, "x");
    assert!(!names::is_taken(read, &taken));
    for tensor in &read.initializer {
        let _ = model.source.bytes(tensor);
    }
    let Ok(changed) = model.graph_mut() else { return };
    graph::lift_constants(changed);
    graph::prune(changed);
    let _ = model.save(&scratch::place("written.onnx"));
}
