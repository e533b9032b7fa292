//! The most bytes of values that a run holds at once.
//!
//! Nodes are walked in their order: what a node makes is held until the last node that reads it is done. Views take
//! nothing, and a node that works element by element writes into an input that nobody reads after it.

use std::collections::{HashMap, HashSet};

use crate::gradient::shapes::Shapes;
use crate::onnx::info::Shape;
use crate::onnx::node;
use crate::onnx::proto::{GraphProto, NodeProto};

/// Bytes of a graph at one size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Values {
    /// Constants that nodes of a run read.
    pub(super) constants: u64,
    /// Values between nodes, at the moment when most are held.
    pub(super) peak: u64,
}

/// Operators that may write where they read, in the standard set and ONNX Runtime's own.
const IN_PLACE: [&str; 16] = [
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Pow",
    "Neg",
    "Sqrt",
    "Erf",
    "Exp",
    "Tanh",
    "Sigmoid",
    "Relu",
    "Softmax",
    "Gelu",
    "QuickGelu",
    "BiasGelu",
];

impl Values {
    /// Of a graph whose `weights`, inputs by name, are constants.
    pub(super) fn of(graph: &GraphProto, shapes: &Shapes, weights: &HashSet<&str>) -> Self {
        let mut constants: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name()).collect();
        constants.extend(weights);
        for n in &graph.node {
            let reads = node::reads(n);
            if !reads.is_empty() && reads.iter().all(|read| constants.contains(read)) {
                constants.extend(n.output.iter().map(String::as_str));
            }
        }
        let runs = |n: &&NodeProto| n.output.iter().any(|output| !constants.contains(output.as_str()));
        let nodes: Vec<&NodeProto> = graph.node.iter().filter(runs).collect();
        let read: HashSet<&str> = nodes.iter().flat_map(|n| node::reads(n)).collect();
        let bytes = read.intersection(&constants).map(|name| size(shapes, name)).sum();
        Self { constants: bytes, peak: peak(graph, &nodes, shapes, &constants) }
    }
}

fn size(shapes: &Shapes, name: &str) -> u64 {
    shapes.get(name).map_or(0, Shape::bytes) as u64
}

fn peak(graph: &GraphProto, nodes: &[&NodeProto], shapes: &Shapes, constants: &HashSet<&str>) -> u64 {
    let given: HashSet<&str> = graph.input.iter().map(|input| input.name()).collect();
    let returned: HashSet<&str> = graph.output.iter().map(|output| output.name()).collect();
    let owners = owners(nodes);
    let whole = |name: &str| -> String { owners.get(name).map_or(name, |owner| *owner).to_owned() };
    let mut last: HashMap<String, usize> = HashMap::new();
    for (at, n) in nodes.iter().enumerate() {
        for read in node::reads(n) {
            last.insert(whole(read), at);
        }
    }
    // What the caller gives is the caller's; what is returned is held to the end.
    let counts = |name: &str| !constants.contains(name) && !given.contains(name);
    let (mut held, mut most) = (0u64, 0u64);
    let mut ends: HashMap<usize, u64> = HashMap::new();
    for (at, n) in nodes.iter().enumerate() {
        for output in n.output.iter().filter(|output| counts(output) && !node::is_view(n)) {
            let bytes = size(shapes, output);
            let end = match last.get(output) {
                _ if returned.contains(output.as_str()) => nodes.len(),
                Some(end) => *end,
                None => at,
            };
            let freed = n.input.iter().map(|input| whole(input)).find(|input| {
                IN_PLACE.contains(&n.op_type())
                    && last.get(input) == Some(&at)
                    && counts(input)
                    && size(shapes, input) == bytes
            });
            if freed.is_some() {
                // The buffer passes on: it no longer ends here.
                let here = ends.entry(at).or_default();
                *here = here.saturating_sub(bytes);
            } else {
                held = held.saturating_add(bytes);
            }
            *ends.entry(end).or_default() += bytes;
        }
        most = most.max(held.saturating_add(scratch(n, shapes)));
        held = held.saturating_sub(ends.remove(&at).unwrap_or(0));
    }
    most
}

/// For each view the value that it is a view of.
fn owners<'a>(nodes: &[&'a NodeProto]) -> HashMap<&'a str, &'a str> {
    let mut owners: HashMap<&str, &str> = HashMap::new();
    for n in nodes.iter().filter(|n| node::is_view(n)) {
        if let (Some(read), Some(made)) = (n.input.first(), n.output.first()) {
            let whole = owners.get(read.as_str()).copied().unwrap_or(read);
            owners.insert(made, whole);
        }
    }
    owners
}

/// What a node holds for itself while it runs: attention its scores, or in blocks copies of queries, keys and values.
fn scratch(n: &NodeProto, shapes: &Shapes) -> u64 {
    let shape = |at: usize| n.input.get(at).and_then(|name| shapes.get(name));
    let parts = || (0..3).filter_map(shape).map(|shape| shape.bytes() as u64).sum();
    match (n.op_type(), shape(0), shape(1)) {
        ("MultiHeadAttention", ..) => parts(),
        ("Attention", Some(query), Some(key)) => match (query.dims.as_slice(), key.dims.as_slice()) {
            (&[batch, heads, queries, _], &[_, _, keys, _]) => {
                Shape { element: query.element, dims: vec![batch, heads, queries, keys] }.bytes() as u64
            }
            _ => parts(),
        },
        _ => 0,
    }
}
