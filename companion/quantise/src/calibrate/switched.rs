//! The graph with every layer both ways: in 8 bits where its flag is set, as it was where not.

use cones_onnx::info::{self, Shape};
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{GraphProto, NodeProto};
use cones_onnx::{Model, graph, names, node, tensor};

use crate::calibrate::range::Range;
use crate::calibrate::ranges::Ranges;
use crate::error::Result;
use crate::layer::Layer;
use crate::weights;

/// Name of the input with one flag for each layer.
pub(super) const FLAGS: &str = "quantised";

/// The graph with the input [`FLAGS`]. Layers are in the order of `layers`.
pub(super) fn switched(model: &Model, layers: &[Layer], ranges: &Ranges) -> Result<Model> {
    let mut model = model.copied();
    let Model { proto, source } = &mut model;
    let Some(graph) = proto.graph.as_mut() else { return Ok(model) };
    names::vacate(graph, FLAGS);
    graph.input.push(info::tensor(FLAGS, &Shape { element: DataType::Bool as i32, dims: vec![layers.len()] }));
    let mut written = Vec::new();
    for (at, mut n) in std::mem::take(&mut graph.node).into_iter().enumerate() {
        let found = layers.iter().enumerate().find(|(_, layer)| layer.node == at);
        let Some((i, layer, range)) = found.and_then(|(i, layer)| Some((i, layer, ranges.get(&layer.key)?))) else {
            written.push(n);
            continue;
        };
        let (index, flag) = (names::free(graph, &format!("layer.{i}")), names::free(graph, &format!("flag.{i}")));
        graph.initializer.push(tensor::int64s(&index, &[], &[i64::try_from(i).unwrap_or_default()]));
        written.push(node::new("Gather", &[FLAGS, &index], &flag));
        let rounded = names::free(graph, &format!("{}.rounded.{i}", layer.weight));
        written.push(weights::in_channels(graph, layer, &rounded, source)?);
        n.input[1] = either(graph, &mut written, &flag, &rounded, &layer.weight);
        let x = n.input[0].clone();
        let rounded = through(graph, &mut written, &x, range.x, i);
        n.input[0] = either(graph, &mut written, &flag, &rounded, &x);
        let y = n.output[0].clone();
        let exact = names::free(graph, &format!("{y}.exact"));
        n.output[0].clone_from(&exact);
        written.push(n);
        let rounded = through(graph, &mut written, &exact, range.y, i);
        written.push(node::new("Where", &[&flag, &rounded, &exact], &y));
    }
    graph.node = written;
    graph::prune(graph);
    Ok(model)
}

/// Rounds a value to the steps of a range.
fn through(graph: &mut GraphProto, nodes: &mut Vec<NodeProto>, value: &str, range: Range, layer: usize) -> String {
    let [whole, rounded, scale, zero] =
        ["uint8", "rounded", "step", "zero"].map(|part| names::free(graph, &format!("{value}.{layer}.{part}")));
    let (step, zero_point) = range.steps();
    graph.initializer.push(tensor::raw(&scale, DataType::Float as i32, &[], step.to_le_bytes().to_vec()));
    graph.initializer.push(tensor::raw(&zero, DataType::Uint8 as i32, &[], vec![zero_point]));
    nodes.push(node::new("QuantizeLinear", &[value, &scale, &zero], &whole));
    nodes.push(node::new("DequantizeLinear", &[&whole, &scale, &zero], &rounded));
    rounded
}

/// The first value where the flag is set, else the second.
fn either(graph: &GraphProto, nodes: &mut Vec<NodeProto>, flag: &str, rounded: &str, exact: &str) -> String {
    let chosen = format!("{rounded}.chosen");
    let chosen = names::free(graph, &chosen);
    nodes.push(node::new("Where", &[flag, rounded, exact], &chosen));
    chosen
}
