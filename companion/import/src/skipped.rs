//! Clip skip: what the text encoder gives when its last layers are left out, as further outputs.
//!
//! Each layer of a transformer adds to a stream: `x + attention(norm(x))`, then `x + mlp(norm(x))`. The stream is found by that
//! alone, so in any exporter's dialect: a sum is one of the stream where one of its terms is computed from the other. What
//! stands between the last sum and the output is the final normalisation, in one node or in ten; it is computed again on the
//! stream as it was before the last layer (diffusers' `clip_skip = 1`), and before the last two. Weights are shared.
//!
//! Of Stable Diffusion XL's two text encoders the stream itself is what is taken, before the last layer or before further ones.

use std::collections::{HashMap, HashSet};

use cones_core::model::bundle::{PENULTIMATE, skipped_state};
use cones_onnx::links::Links;
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{GraphProto, NodeProto, ValueInfoProto};
use cones_onnx::{Model, graph, names, node};

use crate::error::Result;
use crate::interface::TEXT_ENCODER;

/// Layers that can be left out at most: AUTOMATIC1111's "Clip skip" 2 and 3. Each costs a normalisation of one prompt.
const MOST: u32 = 2;
/// What optimum calls the outputs with hidden states.
const OPTIMUMS: &str = "hidden_states.";
/// Sums of the stream in one layer: attention's and the MLP's.
const SUMS_PER_LAYER: usize = 2;

/// Adds an output for each number of layers that can be left out, and returns the largest; 0 where the stream was not found,
/// as in graphs that fuse sums and normalisations.
///
/// # Errors
/// When the model has no graph.
pub fn add_outputs(model: &mut Model) -> Result<u32> {
    let graph = model.graph_mut()?;
    let Some(Stream { end, before }) = Stream::find(graph, MOST) else { return Ok(0) };
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

/// The values that are a text encoder's hidden states before its last layer, its last two, and so on: by the names that optimum gives
/// to these outputs, or as the stream that layers add to.
#[derive(Debug, Default)]
pub(super) struct HiddenStates(Vec<String>);

impl HiddenStates {
    /// What an export calls the hidden state before the last layer, of the names of its outputs.
    pub(super) fn before_the_last<'n>(outputs: impl Iterator<Item = &'n str>) -> Option<String> {
        let number = |name: &str| name.strip_prefix(OPTIMUMS)?.parse::<usize>().ok();
        let last = outputs.filter_map(number).max()?;
        last.checked_sub(1).map(|number| format!("{OPTIMUMS}{number}"))
    }

    /// Those that an export gives by name (`hidden_states.11` of 12 layers is the last). To be looked for before outputs are dropped.
    pub(super) fn named(graph: &GraphProto) -> Self {
        let number = |name: &str| name.strip_prefix(OPTIMUMS)?.parse::<usize>().ok();
        let mut found: Vec<(usize, String)> =
            graph.output.iter().filter_map(|output| Some((number(output.name())?, output.name().to_owned()))).collect();
        found.sort_unstable();
        // The last one is what all layers made.
        Self(found.into_iter().rev().skip(1).map(|(_, name)| name).collect())
    }

    /// Makes outputs of them in the place of the last hidden state: the one before the last layer, and one for each number of layers
    /// that can be left out beside that. Returns the largest number; none where no hidden state was found.
    ///
    /// # Errors
    /// When the model has no graph.
    pub(super) fn take(mut self, model: &mut Model) -> Result<Option<u32>> {
        let graph = model.graph_mut()?;
        if self.0.is_empty() {
            self.0 = Stream::find(graph, MOST + 1).map(|stream| stream.before).unwrap_or_default();
        }
        let Some(place) = graph.output.iter().position(|output| output.name() == TEXT_ENCODER.output.name) else {
            return Ok(None);
        };
        let last = graph.output.remove(place);
        let names = std::iter::once(PENULTIMATE.to_owned()).chain((1..=MOST).map(skipped_state));
        let mut outputs = Vec::new();
        for (value, name) in self.0.iter().zip(names) {
            names::vacate(graph, &name);
            // Exports in float16 have float16 here.
            graph.node.push(node::cast(value, &name, DataType::Float as i32));
            outputs.push(ValueInfoProto { name: Some(name), ..last.clone() });
        }
        let skips = u32::try_from(outputs.len()).unwrap_or(0).checked_sub(1);
        let mut outputs = outputs.into_iter();
        let others = std::mem::take(&mut graph.output);
        graph.output = outputs.next().into_iter().chain(others).chain(outputs).collect();
        graph::prune(graph);
        Ok(skips)
    }
}

/// The stream of a text encoder.
struct Stream {
    /// What the final normalisation takes.
    end: String,
    /// What it was before the last layer, before the last two, and so on.
    before: Vec<String>,
}

impl Stream {
    fn find(graph: &GraphProto, most: u32) -> Option<Self> {
        let links = Links::new(graph);
        let end = last_sum(&links)?;
        let mut before = Vec::new();
        let mut value = end.clone();
        while before.len() < most as usize {
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
