//! The most bytes of values that a run holds at once.
//!
//! Nodes are walked in their order, as ONNX Runtime plans its memory: what a node makes is held until the last node that
//! reads it is done, and longer where a later value of the same shape is put into the same place. Views take nothing, and a
//! node that works element by element writes into an input that nobody reads after it.

use std::collections::{HashMap, HashSet};

use cones_gradient::shapes::Shapes;
use cones_onnx::info::Shape;
use cones_onnx::node;
use cones_onnx::proto::{GraphProto, NodeProto};

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
    /// Counts the values of a graph whose `weights`, inputs by name, are constants.
    pub(super) fn count(graph: &GraphProto, shapes: &Shapes, weights: &HashSet<&str>) -> Self {
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

/// A block of memory that values are put into, one after another.
#[derive(Debug, Clone, Copy)]
struct Buffer {
    bytes: u64,
    /// The node that it is taken for.
    from: usize,
    /// The node after which it goes back.
    to: usize,
}

fn peak(graph: &GraphProto, nodes: &[&NodeProto], shapes: &Shapes, constants: &HashSet<&str>) -> u64 {
    let buffers = buffers(graph, nodes, shapes, constants);
    let mut change = vec![0i128; nodes.len() + 1];
    for buffer in &buffers {
        change[buffer.from] += i128::from(buffer.bytes);
        change[(buffer.to + 1).min(nodes.len())] -= i128::from(buffer.bytes);
    }
    let (mut held, mut most) = (0i128, 0u64);
    for (n, change) in nodes.iter().zip(&change) {
        held += change;
        most = most.max(u64::try_from(held).unwrap_or(0).saturating_add(scratch(n, shapes)));
    }
    most
}

/// ONNX Runtime's own plan: a value is put into the place of an input that ends there, or into a buffer of the same type
/// and shape that is free, or else into a new one; a buffer is held from its first value to its last, gaps included.
fn buffers(graph: &GraphProto, nodes: &[&NodeProto], shapes: &Shapes, constants: &HashSet<&str>) -> Vec<Buffer> {
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
    let mut buffers: Vec<Buffer> = Vec::new();
    let mut of: HashMap<String, usize> = HashMap::new();
    let mut free: Vec<(Shape, usize)> = Vec::new();
    for (at, n) in nodes.iter().enumerate() {
        let mut ending: Vec<String> = n.input.iter().map(|input| whole(input)).collect();
        ending.retain(|input| last.get(input) == Some(&at) && of.contains_key(input));
        ending.dedup();
        let counts = |name: &&String| !constants.contains(name.as_str()) && !given.contains(name.as_str());
        for output in n.output.iter().filter(counts).filter(|_| !node::is_view(n)) {
            // Values whose shape depends on numbers are small.
            let Some(shape) = shapes.get(output) else { continue };
            let same = |input: &String| shapes.get(input) == Some(shape);
            let heir = ending.iter().position(same).filter(|_| IN_PLACE.contains(&n.op_type()));
            let number = if let Some(input) = heir {
                of[&ending.swap_remove(input)]
            } else if let Some(place) = free.iter().rposition(|(free, _)| free == shape) {
                free.remove(place).1
            } else {
                buffers.push(Buffer { bytes: shape.bytes() as u64, from: at, to: at });
                buffers.len() - 1
            };
            let end = if returned.contains(output.as_str()) { nodes.len() } else { *last.get(output).unwrap_or(&at) };
            buffers[number].to = buffers[number].to.max(end);
            of.insert(output.clone(), number);
            if end == at {
                ending.push(output.clone());
            }
        }
        for input in ending {
            if let (Some(number), Some(shape)) = (of.get(&input), shapes.get(&input)) {
                free.push((shape.clone(), *number));
            }
        }
    }
    buffers
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
