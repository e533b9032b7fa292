//! Where a text encoder looks its tokens up.

use crate::node;
use crate::proto::{GraphProto, NodeProto, TensorProto};

/// The node that takes rows of a table of weights by the numbers in the input `ids`, by position, and the table.
pub fn embedding_table<'a>(graph: &'a GraphProto, ids: &str) -> Option<(usize, &'a TensorProto)> {
    graph.node.iter().enumerate().find_map(|(at, n)| Some((at, table(graph, n, ids)?)))
}

/// The table, if a node takes rows of one.
fn table<'a>(graph: &'a GraphProto, n: &'a NodeProto, ids: &str) -> Option<&'a TensorProto> {
    let (Some(table), Some(rows)) = (n.input.first(), n.input.get(1)) else { return None };
    let axis = node::int(n, "axis").unwrap_or(0);
    let takes_rows = node::has_op(n, "Gather") && axis == 0 && origin(graph, rows) == ids;
    if takes_rows { weights(graph, table).filter(|table| table.dims.len() == 2) } else { None }
}

/// The weights that a value is, or is made of by nothing but a change of type.
fn weights<'a>(graph: &'a GraphProto, name: &'a str) -> Option<&'a TensorProto> {
    let origin = origin(graph, name);
    graph.initializer.iter().find(|tensor| tensor.name() == origin)
}

/// Where a value comes from, past nodes that change type or shape alone.
fn origin<'a>(graph: &'a GraphProto, name: &'a str) -> &'a str {
    let mut name = name;
    // No way is longer than the graph, even if it goes in a circle.
    for _ in 0..graph.node.len() {
        let maker = graph.node.iter().find(|n| n.output.iter().any(|output| output == name));
        let passes = |n: &&NodeProto| {
            ["Cast", "Reshape", "Identity", "Unsqueeze", "Squeeze"].iter().any(|op| node::has_op(n, op))
        };
        match maker.filter(passes).and_then(|n| n.input.first()) {
            Some(before) => name = before,
            None => break,
        }
    }
    name
}
