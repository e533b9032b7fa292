//! Removing what exporters note beside the graph: stack traces, paths of their machine, documentation.

use crate::node;
use crate::proto::{GraphProto, ModelProto, NodeProto};

/// Removes documentation, metadata and the producer's name everywhere, and calls the graph `name`.
/// Names of nodes and values stay: they are part of the graph.
pub fn strip(model: &mut ModelProto, name: &str) {
    model.producer_name = None;
    model.producer_version = None;
    model.domain = None;
    model.model_version = None;
    model.doc_string = None;
    model.metadata_props.clear();
    model.training_info.clear();
    for function in &mut model.functions {
        function.doc_string = None;
        function.metadata_props.clear();
        function.node.iter_mut().for_each(strip_node);
        function.value_info.iter_mut().for_each(|value| {
            value.doc_string = None;
            value.metadata_props.clear();
        });
    }
    if let Some(graph) = &mut model.graph {
        strip_graph(graph);
        graph.name = Some(name.to_owned());
    }
}

fn strip_graph(graph: &mut GraphProto) {
    graph.doc_string = None;
    graph.metadata_props.clear();
    graph.node.iter_mut().for_each(strip_node);
    for tensor in &mut graph.initializer {
        tensor.doc_string = None;
        tensor.metadata_props.clear();
    }
    for value in graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info) {
        value.doc_string = None;
        value.metadata_props.clear();
    }
}

fn strip_node(n: &mut NodeProto) {
    n.doc_string = None;
    n.metadata_props.clear();
    for attribute in &mut n.attribute {
        attribute.doc_string = None;
        if let Some(tensor) = &mut attribute.t {
            tensor.doc_string = None;
            tensor.metadata_props.clear();
        }
    }
    node::subgraphs_mut(n).for_each(strip_graph);
}
