//! What a derivative will take in memory, before anything is loaded.
//!
//! Nodes are walked in their order: what a node makes is held until the last node that reads it is done. Views take
//! nothing. ONNX Runtime needs more than that: weights are packed, buffers are rounded up, and its own order of the
//! nodes is another one. How much more was measured, and [`Footprint::total`] counts it in.

use std::collections::{BTreeMap, HashMap, HashSet};

use cones_core::memory::FEW_PAGES;
use cones_onnx::info::Shape;
use cones_onnx::node;
use cones_onnx::proto::{GraphProto, NodeProto};

use crate::constants::constants_without;
use crate::error::Result;
use crate::frozen;
use crate::shapes::Shapes;
use crate::spec::{Differentiated, Memory};

/// Bytes that a derivative takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// Weights, in the type that they are computed with, copies in other forms included.
    pub weights: u64,
    /// Values between nodes, at the moment when most are held, with inputs and outputs.
    pub activations: u64,
    /// What may be held.
    pub memory: Memory,
}

/// What a process grew by, as a multiple of weights and of values. Fitted to the peaks of Toybox's U-Net with 1, 12 and
/// 32 pictures a step, with little memory to Stable Diffusion's too, on Linux on the CPU; `tests/gradient/memory.rs` compares.
fn multiples(memory: Memory) -> (f64, f64) {
    match memory {
        Memory::Normal => (2.0, 1.6),
        Memory::Low => (2.5, 3.5),
    }
}

impl Footprint {
    /// The footprint of a differentiated graph.
    ///
    /// # Errors
    /// When ONNX Runtime does not tell the shapes of its values.
    pub fn new(graph: &Differentiated, memory: Memory) -> Result<Self> {
        let shapes = Shapes::infer(&graph.model, &BTreeMap::new())?;
        let proto = graph.model.graph()?;
        // With little memory large weights stay in their file, and what is made of them is made in every run.
        let mapped = match memory {
            Memory::Normal => HashMap::new(),
            Memory::Low => frozen::large(proto, &graph.model.source)?,
        };
        let constants = constants_without(proto, |name| mapped.contains_key(name));
        let ports = graph.inputs.iter().chain(&graph.outputs).chain(&graph.gradients);
        let ports: usize = ports.map(|port| port.shape.bytes()).sum();
        let activations = ports.saturating_add(peak(proto, &shapes, &constants)) as u64;
        let pages: u64 = mapped.values().map(|shape| shape.bytes() as u64).sum();
        let own = weights(proto, &shapes, &constants, |name| mapped.contains_key(name));
        Ok(Self { weights: own.saturating_add(pages.min(FEW_PAGES)), activations, memory })
    }

    /// What a process is expected to grow by.
    pub fn total(self) -> u64 {
        self.expected_weights().saturating_add(self.expected_values())
    }

    /// The largest batch that fits into so many bytes, where this is the footprint of one of `batch` samples. Weights
    /// are needed once, the rest for each sample.
    pub fn batch_within(self, bytes: u64, batch: u64) -> u64 {
        let rest = u128::from(bytes.saturating_sub(self.expected_weights())) * u128::from(batch);
        u64::try_from(rest / u128::from(self.expected_values().max(1))).unwrap_or(u64::MAX)
    }

    fn expected_weights(self) -> u64 {
        (self.weights as f64 * multiples(self.memory).0) as u64
    }

    fn expected_values(self) -> u64 {
        (self.activations as f64 * multiples(self.memory).1) as u64
    }
}

/// Bytes of the constants that are left once ONNX Runtime has computed what it can, without those that stay in their file.
fn weights(graph: &GraphProto, shapes: &Shapes, constants: &HashSet<&str>, mapped: impl Fn(&str) -> bool) -> u64 {
    let runs = |n: &&NodeProto| n.output.iter().any(|output| !constants.contains(output.as_str()));
    let read: HashSet<&str> = graph.node.iter().filter(runs).flat_map(node::reads).collect();
    let bytes = |name: &&str| shapes.get(name).map_or(0, Shape::bytes) as u64;
    read.intersection(constants).filter(|name| !mapped(name)).map(bytes).sum()
}

/// The most bytes between nodes.
fn peak(graph: &GraphProto, shapes: &Shapes, constants: &HashSet<&str>) -> usize {
    let given: HashSet<&str> = graph.input.iter().chain(&graph.output).map(|value| value.name()).collect();
    // A view lives in the value that it is a view of.
    let mut owner: HashMap<&str, &str> = HashMap::new();
    for n in graph.node.iter().filter(|n| node::is_view(n)) {
        if let (Some(read), Some(made)) = (n.input.first(), n.output.first()) {
            let whole = owner.get(read.as_str()).copied().unwrap_or(read);
            owner.insert(made, whole);
        }
    }
    let whole = |name| owner.get(name).copied().unwrap_or(name);
    let mut last: HashMap<&str, usize> = HashMap::new();
    for (at, n) in graph.node.iter().enumerate() {
        for read in node::reads(n) {
            last.insert(whole(read), at);
        }
    }
    let is_late = |n: &NodeProto| {
        let reads = node::reads(n);
        !reads.is_empty() && reads.iter().all(|read| constants.contains(read))
    };
    let held_by_us = |name: &str| constants.contains(name) || given.contains(name);
    let size = |name: &str| shapes.get(name).map_or(0, Shape::bytes);
    let late_nodes = graph.node.iter().filter(|n| is_late(n)).flat_map(|n| &n.output).map(String::as_str);
    let mut late: HashMap<&str, usize> =
        late_nodes.filter(|name| !held_by_us(name)).map(|name| (name, size(name))).collect();
    let (mut held, mut most) = (0usize, 0usize);
    let mut ends: HashMap<usize, usize> = HashMap::new();
    for (at, n) in graph.node.iter().enumerate() {
        // What is made of constants alone is made when it is read.
        if is_late(n) {
            continue;
        }
        for read in node::reads(n) {
            if let Some(bytes) = late.remove(read) {
                held = held.saturating_add(bytes);
                *ends.entry(last.get(read).copied().unwrap_or(at)).or_default() += bytes;
            }
        }
        let made = n.output.iter().map(String::as_str).filter(|name| !node::is_view(n) && !held_by_us(name));
        for name in made {
            held = held.saturating_add(size(name));
            let end = last.get(name).copied().unwrap_or(at);
            *ends.entry(end).or_default() += size(name);
        }
        most = most.max(held.saturating_add(scratch(n, shapes)));
        held = held.saturating_sub(ends.remove(&at).unwrap_or(0));
    }
    most
}

/// What a node holds for itself while it runs: attention has all its scores at once.
fn scratch(n: &NodeProto, shapes: &Shapes) -> usize {
    if !node::has_op(n, "Attention") {
        return 0;
    }
    let dims = |at: usize| n.input.get(at).and_then(|name| shapes.get(name));
    let (Some(query), Some(key)) = (dims(0), dims(1)) else { return 0 };
    let side_by_side = node::int(n, "q_num_heads").and_then(|heads| usize::try_from(heads).ok()).unwrap_or(1);
    let dims = match (query.dims.as_slice(), key.dims.as_slice()) {
        (&[batch, heads, queries, _], &[_, _, keys, _]) => vec![batch, heads, queries, keys],
        (&[batch, queries, _], &[_, keys, _]) => vec![batch, side_by_side, queries, keys],
        _ => return 0,
    };
    Shape { element: query.element, dims }.bytes()
}
