//! Static quantisation: what a layer reads and gives goes through QuantizeLinear and DequantizeLinear of fixed ranges.
//!
//! The form that ONNX Runtime, QNN and NNAPI fuse into whole-number kernels: weights are constants in int8, symmetric, with a
//! scale for each output channel; activations are uint8 with a zero point; biases int32 in the scale of the product. XNNPACK's
//! provider has no kernels for uint8 beside int8 and leaves such layers to the CPU's. Every value has one pair of nodes,
//! whoever reads it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{GraphProto, NodeProto};
use cones_onnx::source::Source;
use cones_onnx::{Model, graph, names, node, tensor};

use crate::calibrate::{Range, Ranges};
use crate::error::{Error, Result};
use crate::layer::{Key, Layer};
use crate::weights::{self, Done, float_bytes};

/// Rewrites all `layers` but those in `keep`.
///
/// # Errors
/// When a layer has no range, or a weight is not finite.
pub(super) fn rewrite(model: &mut Model, layers: &[Layer], ranges: &Ranges, keep: &BTreeSet<Key>) -> Result<Done> {
    let Model { proto, source } = model;
    let Some(graph) = proto.graph.as_mut() else { return Ok(Done::default()) };
    let casts = casts(graph);
    let by_node: BTreeMap<usize, &Layer> =
        layers.iter().filter(|layer| !keep.contains(&layer.key)).map(|layer| (layer.node, layer)).collect();
    let mut done =
        Done { float: layers.iter().filter(|l| keep.contains(&l.key)).map(Layer::count).sum(), ..Done::default() };
    let outputs: HashSet<String> = graph.output.iter().map(|output| output.name().to_owned()).collect();
    let mut steps = HashMap::new();
    // What is read in place of each weight, and where its scales are.
    let mut rounded: HashMap<&str, (String, String)> = HashMap::new();
    let mut written = Vec::new();
    for (at, mut n) in std::mem::take(&mut graph.node).into_iter().enumerate() {
        let Some(layer) = by_node.get(&at) else {
            written.push(n);
            continue;
        };
        let missing = || Error::graph(source.file(), format!("layer `{}` was not calibrated", layer.label), "say so");
        let range = ranges.get(&layer.key).ok_or_else(missing)?;
        let (x, y) = (n.input.first().cloned().unwrap_or_default(), n.output.first().cloned().unwrap_or_default());
        let read = match steps.get(&x) {
            Some(Pair { value, .. }) => String::clone(value),
            None => {
                let value = names::free(graph, &format!("{x}.dequantised"));
                let pair = Pair::new(graph, &x, &value, range.x);
                written.extend(pair.nodes(&x));
                steps.insert(x.clone(), pair);
                value
            }
        };
        let step = steps.get(&x).map_or(1.0, |pair| pair.step);
        if !rounded.contains_key(layer.weight.as_str()) {
            let value = names::free(graph, &format!("{}.dequantised", layer.weight));
            let made = weights::in_channels(graph, layer, &value, source)?;
            let scale = made.input.get(1).cloned().unwrap_or_default();
            written.push(made);
            rounded.insert(&layer.weight, (value, scale));
        }
        let Some((weight, scale)) = rounded.get(layer.weight.as_str()) else { continue };
        let bias = bias(graph, &n, scale, step, &casts, source)?;
        n.input[0] = read;
        n.input[1].clone_from(weight);
        if let Some((bias, made)) = bias {
            n.input[2] = bias;
            written.push(made);
        }
        done.int8 += layer.count();
        // What the graph gives stays as it is computed.
        if outputs.contains(&y) {
            written.push(n);
            continue;
        }
        let raw = names::free(graph, &format!("{y}.exact"));
        n.output[0].clone_from(&raw);
        written.push(n);
        let pair = Pair::new(graph, &y, &y, range.y);
        written.extend(pair.nodes(&raw));
        steps.insert(y, pair);
    }
    graph.node = written;
    graph::prune(graph);
    Ok(done)
}

/// QuantizeLinear and DequantizeLinear of one value.
struct Pair {
    /// The value in whole numbers.
    whole: String,
    /// What comes out.
    value: String,
    scale: String,
    zero: String,
    step: f32,
}

impl Pair {
    /// Adds the constants of a pair for `name` that gives `value`.
    fn new(graph: &mut GraphProto, name: &str, value: &str, range: Range) -> Self {
        let [whole, scale, zero] = ["whole", "step", "zero"].map(|part| names::free(graph, &format!("{name}.{part}")));
        let (step, zero_point) = range.steps();
        graph.initializer.push(tensor::raw(&scale, DataType::Float as i32, &[], step.to_le_bytes().to_vec()));
        graph.initializer.push(tensor::raw(&zero, DataType::Uint8 as i32, &[], vec![zero_point]));
        Self { whole, value: value.to_owned(), scale, zero, step }
    }

    fn nodes(&self, from: &str) -> [NodeProto; 2] {
        [
            node::new("QuantizeLinear", &[from, &self.scale, &self.zero], &self.whole),
            node::new("DequantizeLinear", &[&self.whole, &self.scale, &self.zero], &self.value),
        ]
    }
}

/// A layer's bias in int32, in steps of the product: the value to read, and the node that makes it. None where there is no
/// bias, or it is no constant of one number a channel.
fn bias(
    graph: &mut GraphProto,
    n: &NodeProto,
    scales: &str,
    step: f32,
    casts: &HashMap<String, String>,
    source: &Source,
) -> Result<Option<(String, NodeProto)>> {
    let Some(name) = n.input.get(2).filter(|name| !name.is_empty()) else { return Ok(None) };
    let Some(values) = weights::constant(graph, casts, name, source)? else { return Ok(None) };
    let scales = graph.initializer.iter().find(|t| t.name() == scales);
    let scales = scales.map(|scales| source.values(scales)).transpose()?.unwrap_or_default();
    if scales.len() != values.len() {
        return Ok(None);
    }
    let scales: Vec<f32> = scales.iter().map(|scale| scale * step).collect();
    // The cast saturates; a bias beyond two thousand million steps is the whole result anyway.
    let round = |(value, scale): (&f32, &f32)| (f64::from(*value) / f64::from(*scale)).round_ties_even() as i32;
    let whole: Vec<u8> = values.iter().zip(&scales).flat_map(|pair| round(pair).to_le_bytes()).collect();
    let label = format!("{name}.{}", node::label(n));
    let [value, int, scale, zero] =
        ["dequantised", "int32", "scale", "zero"].map(|part| names::free(graph, &format!("{label}.{part}")));
    let count = i64::try_from(values.len()).unwrap_or(i64::MAX);
    graph.initializer.push(tensor::raw(&int, DataType::Int32 as i32, &[count], whole));
    graph.initializer.push(tensor::raw(&scale, DataType::Float as i32, &[count], float_bytes(&scales)));
    graph.initializer.push(tensor::raw(&zero, DataType::Int32 as i32, &[count], vec![0; 4 * values.len()]));
    let made = node::with_int(node::new("DequantizeLinear", &[&int, &scale, &zero], &value), "axis", 0);
    Ok(Some((value, made)))
}

/// What each cast is of.
fn casts(graph: &GraphProto) -> HashMap<String, String> {
    let casts = graph.node.iter().filter(|n| node::has_op(n, "Cast"));
    casts.filter_map(|n| Some((n.output.first()?.clone(), n.input.first()?.clone()))).collect()
}
