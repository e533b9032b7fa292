//! Any file as an ONNX graph: read, walked, tidied and written; and given inputs for a bias, as a device does it.

use std::path::{Component, Path};

use cones_core::Sha256;
use cones_core::model::manifest::{Layer, Manifest};
use cones_core::model::{attention_bias, external_data};
use cones_onnx::links::Links;
use cones_onnx::{Model, graph, info, names};

use crate::scratch;

/// What was read can be walked and written; tensors' data come from the file itself or are refused.
pub fn feed(data: &[u8]) {
    let file = scratch::file("graph.onnx", data);
    keeps_to_its_folder(&file);
    takes_a_bias(&file);
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

/// What the core lets pass has no weights elsewhere by the reader that was generated from ONNX's own description.
fn keeps_to_its_folder(file: &Path) {
    let (Ok(()), Ok(model)) = (external_data::check(file), Model::open(file)) else { return };
    let Ok(graph) = model.graph() else { return };
    for entry in graph.initializer.iter().flat_map(|tensor| &tensor.external_data) {
        let is_plain = Path::new(entry.value()).components().all(|part| matches!(part, Component::Normal(_)));
        assert!(entry.key() != "location" || is_plain && !entry.value().is_empty(), "{:?}", entry.value());
    }
}

/// What a device makes of a graph for boxes is one still to the reader that was generated from ONNX's own description, with its nodes.
fn takes_a_bias(file: &Path) {
    let Ok(model) = Model::open(file) else { return };
    let Ok(graph) = model.graph() else { return };
    let layers = graph.input.iter().map(|input| Layer { name: input.name().to_owned(), rows: 4, columns: 4 }).collect();
    let Ok(changed) = attention_bias::add(file, &Manifest::new("fuzzed", Sha256::from_bytes([0; 32]), layers)) else {
        return;
    };
    let place = scratch::file("biased.onnx", &changed);
    let biased = Model::open(&place).expect("a model");
    assert_eq!(biased.graph().map(|graph| graph.node.len()).ok(), Some(graph.node.len()));
}
