//! Clip skip: what the text encoder gives when its last layers are left out, as further outputs.
//!
//! Each layer of a transformer adds to a stream: `x + attention(norm(x))`, then `x + mlp(norm(x))`. The stream is found by that
//! alone, so in any exporter's dialect: a sum is one of the stream where one of its terms is computed from the other. What
//! stands between the last sum and the output is the final normalisation, in one node or in ten; it is computed again on the
//! stream as it was before the last layer (diffusers' `clip_skip = 1`), and before the last two. Weights are shared.

use std::collections::{HashMap, HashSet};

use cones_core::model::bundle::skipped_state;
use cones_onnx::links::Links;
use cones_onnx::proto::{GraphProto, NodeProto};
use cones_onnx::{Model, names, node};

use crate::error::Result;
use crate::interface::TEXT_ENCODER;

/// Layers that can be left out at most: AUTOMATIC1111's "Clip skip" 2 and 3. Each costs a normalisation of one prompt.
const MOST: u32 = 2;
/// Sums of the stream in one layer: attention's and the MLP's.
const SUMS_PER_LAYER: usize = 2;

/// Adds an output for each number of layers that can be left out, and returns the largest; 0 where the stream was not found,
/// as in graphs that fuse sums and normalisations.
///
/// # Errors
/// When the model has no graph.
pub fn add_outputs(model: &mut Model) -> Result<u32> {
    let graph = model.graph_mut()?;
    let Some(Stream { end, before }) = Stream::find(graph) else { return Ok(0) };
    let norm = between(graph, &end);
    let Some(output) = graph.output.iter().find(|output| output.name() == TEXT_ENCODER.output.name).cloned() else {
        return Ok(0);
    };
    for (layers, value) in (1..).zip(&before) {
        let name = skipped_state(layers);
        names::vacate(graph, &name);
        let mut renamed = HashMap::from([(end.clone(), value.clone())]);
        let nodes: Vec<NodeProto> = norm.iter().map(|n| copied(graph, n, &name, &mut renamed)).collect();
        graph.node.extend(nodes);
        let mut output = output.clone();
        output.name = Some(name);
        graph.output.push(output);
    }
    // At most `MOST`.
    Ok(u32::try_from(before.len()).unwrap_or(MOST))
}

/// The stream of a text encoder.
struct Stream {
    /// What the final normalisation takes.
    end: String,
    /// What it was before the last layer, before the last two, and so on.
    before: Vec<String>,
}

impl Stream {
    fn find(graph: &GraphProto) -> Option<Self> {
        let links = Links::new(graph);
        let end = last_sum(&links)?;
        let mut before = Vec::new();
        let mut value = end.clone();
        while before.len() < MOST as usize {
            let below = (0..SUMS_PER_LAYER).try_fold(value, |value, _| stream_of(&links, &value));
            let Some(below) = below else { break };
            before.push(below.clone());
            value = below;
        }
        (!before.is_empty()).then_some(Self { end, before })
    }
}

/// The one sum of the stream that the output is computed from with no other between.
fn last_sum(links: &Links<'_>) -> Option<String> {
    let (mut open, mut seen, mut found) = (vec![TEXT_ENCODER.output.name.to_owned()], HashSet::new(), HashSet::new());
    while let Some(value) = open.pop() {
        if !seen.insert(value.clone()) {
            continue;
        }
        if stream_of(links, &value).is_some() {
            found.insert(value);
        } else if let Some(n) = links.maker(&value) {
            open.extend(node::reads(n).into_iter().map(str::to_owned));
        }
    }
    let mut found = found.into_iter();
    found.next().filter(|_| found.next().is_none())
}

/// The term of a sum that the other is computed from: the stream before it.
fn stream_of(links: &Links<'_>, sum: &str) -> Option<String> {
    let mut value = sum;
    let add = loop {
        let n = links.maker(value)?;
        if !node::has_op(n, "Identity") {
            break n;
        }
        value = n.input.first()?;
    };
    let [a, b] = &add.input[..] else { return None };
    if !node::has_op(add, "Add") {
        return None;
    }
    // A constant is computed from nothing, and nothing is computed from a constant alone.
    let is_made = |value: &str| links.maker(value).is_some();
    if is_made(a) && is_below(links, a, b) {
        return Some(a.clone());
    }
    (is_made(b) && is_below(links, b, a)).then(|| b.clone())
}

/// Whether `value` is computed from `below`.
fn is_below(links: &Links<'_>, below: &str, value: &str) -> bool {
    let (mut open, mut seen) = (vec![value], HashSet::new());
    while let Some(value) = open.pop() {
        let Some(n) = links.maker(value) else { continue };
        for read in node::reads(n) {
            if read == below {
                return true;
            }
            if seen.insert(read) {
                open.push(read);
            }
        }
    }
    false
}

/// The nodes between a value and the output, in their order.
fn between(graph: &GraphProto, value: &str) -> Vec<NodeProto> {
    let mut reached = HashSet::from([value]);
    let mut ahead: Vec<&NodeProto> = Vec::new();
    for n in &graph.node {
        if node::reads(n).iter().any(|read| reached.contains(read)) {
            reached.extend(n.output.iter().map(String::as_str));
            ahead.push(n);
        }
    }
    let mut needed = HashSet::from([TEXT_ENCODER.output.name]);
    let mut kept = Vec::new();
    for n in ahead.into_iter().rev() {
        if n.output.iter().any(|output| needed.contains(output.as_str())) {
            needed.extend(node::reads(n));
            kept.push(n.clone());
        }
    }
    kept.reverse();
    kept
}

/// A node that reads what others were renamed to; its own values get names of their own, the last one `output`.
fn copied(graph: &GraphProto, n: &NodeProto, output: &str, renamed: &mut HashMap<String, String>) -> NodeProto {
    let mut copy = n.clone();
    for input in &mut copy.input {
        if let Some(other) = renamed.get(input) {
            input.clone_from(other);
        }
    }
    for value in copy.output.iter_mut().filter(|value| !value.is_empty()) {
        let is_last = value == TEXT_ENCODER.output.name;
        let own = if is_last { output.to_owned() } else { names::free(graph, &format!("{value}.{output}")) };
        renamed.insert(value.clone(), own.clone());
        *value = own;
    }
    copy.name = Some(format!("{output}/{}", n.name()));
    copy
}
