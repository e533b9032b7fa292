//! Whole-graph tidying: constants to initializers, and dropping what no output needs.

use std::collections::HashSet;

use crate::proto::tensor_proto::DataType;
use crate::proto::{GraphProto, NodeProto, TensorProto};
use crate::{node, tensor};

/// Turns `Constant` nodes of the outer graph into initializers, which is what the newer exporter writes.
pub fn lift_constants(graph: &mut GraphProto) {
    let nodes = std::mem::take(&mut graph.node);
    for n in nodes {
        match constant(&n) {
            Some(value) => graph.initializer.push(value),
            None => graph.node.push(n),
        }
    }
}

fn constant(n: &NodeProto) -> Option<TensorProto> {
    if !node::has_op(n, "Constant") {
        return None;
    }
    let name = n.output.first()?;
    let attribute = n.attribute.first()?;
    let floats = |dims: Vec<i64>, values: &[f32]| TensorProto {
        name: Some(name.clone()),
        dims,
        data_type: Some(DataType::Float as i32),
        raw_data: Some(values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>().into()),
        ..TensorProto::default()
    };
    match attribute.name() {
        "value" => attribute.t.clone().map(|t| TensorProto { name: Some(name.clone()), ..t }),
        "value_int" => Some(tensor::int64s(name, &[], &[attribute.i?])),
        "value_ints" => Some(tensor::int64s(name, &[attribute.ints.len() as i64], &attribute.ints)),
        "value_float" => Some(floats(vec![], &[attribute.f?])),
        "value_floats" => Some(floats(vec![attribute.floats.len() as i64], &attribute.floats)),
        // Sparse tensors and strings stay nodes.
        _ => None,
    }
}

/// Drops nodes, initializers and shape notes that no graph output depends on.
pub fn prune(graph: &mut GraphProto) {
    let mut needed: HashSet<String> = graph.output.iter().map(|output| output.name().to_owned()).collect();
    let mut kept = Vec::with_capacity(graph.node.len());
    // Nodes are in order (`order::sort`), so one walk from the end sees every reader before its source.
    for n in std::mem::take(&mut graph.node).into_iter().rev() {
        if n.output.iter().any(|output| needed.contains(output)) {
            needed.extend(node::reads(&n).into_iter().map(str::to_owned));
            kept.push(n);
        }
    }
    kept.reverse();
    let made: HashSet<&str> = kept.iter().flat_map(|n| &n.output).map(String::as_str).collect();
    graph.value_info.retain(|value| made.contains(value.name()));
    graph.node = kept;
    // Files of older IR versions list initializers as inputs; here an input is what the caller gives.
    let initializers: HashSet<&str> = graph.initializer.iter().map(|t| t.name()).collect();
    graph.input.retain(|input| !initializers.contains(input.name()));
    graph.initializer.retain(|t| needed.contains(t.name()));
    graph.sparse_initializer.retain(|t| t.values.as_ref().is_some_and(|values| needed.contains(values.name())));
}

/// The outer nodes that read `name`, by position.
pub fn readers(graph: &GraphProto, name: &str) -> Vec<usize> {
    let reads = |n: &NodeProto| node::reads(n).contains(&name);
    graph.node.iter().enumerate().filter(|(_, n)| reads(n)).map(|(index, _)| index).collect()
}

/// Every name of a value in the graph, nested graphs included.
pub fn names(graph: &GraphProto) -> HashSet<String> {
    let described = graph.input.iter().chain(&graph.output).chain(&graph.value_info).map(|value| value.name());
    let constants = graph.initializer.iter().map(|tensor| tensor.name());
    let mut names: HashSet<String> = described.chain(constants).map(str::to_owned).collect();
    for n in &graph.node {
        names.extend(n.input.iter().chain(&n.output).cloned());
        names.extend(node::subgraphs(n).flat_map(self::names));
    }
    names
}
