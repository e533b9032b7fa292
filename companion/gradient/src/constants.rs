//! What of a graph is known before it runs.

use std::collections::HashSet;

use cones_onnx::node;
use cones_onnx::proto::GraphProto;

/// Weights, and what is made of weights alone, which ONNX Runtime makes once when it loads the graph.
pub(super) fn constants(graph: &GraphProto) -> HashSet<&str> {
    constants_without(graph, |_| false)
}

/// Weights, and what ONNX Runtime makes once of weights alone, where it makes nothing beforehand of those that stay `mapped`.
pub(super) fn constants_without(graph: &GraphProto, mapped: impl Fn(&str) -> bool) -> HashSet<&str> {
    let mut constants: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name()).collect();
    for n in &graph.node {
        let reads = node::reads(n);
        if !reads.is_empty() && reads.iter().all(|read| constants.contains(read) && !mapped(read)) {
            constants.extend(n.output.iter().map(String::as_str));
        }
    }
    constants
}
