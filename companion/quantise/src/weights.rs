//! Writing a layer's weights in fewer bits: 8-bit ones behind a DequantizeLinear that gives what was read before, 4-bit ones
//! in a MatMulNBits.

use std::collections::{BTreeSet, HashMap, HashSet};

use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{GraphProto, NodeProto, TensorProto};
use cones_onnx::source::Source;
use cones_onnx::{Model, attribute, graph, names, node, tensor};

use crate::error::{Error, Result};
use crate::layer::{Key, Layer};
use crate::{blocks, channel};

/// Where MatMulNBits comes from.
const MICROSOFT: &str = "com.microsoft";
/// MatMulNBits multiplies in 8-bit whole numbers, blocks of activations rounded as they come: the fastest.
const ACCURACY: i64 = 4;

/// What was done to the layers of a graph.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Weights in 8 bits.
    pub int8: usize,
    /// Weights in 4 bits.
    pub int4: usize,
    /// Weights of layers that were left as they are.
    pub float: usize,
    /// Linear layers that have 8 bits because blocks of 4 do not come out even.
    pub uneven: usize,
}

/// Puts the weights of all `layers` but those in `keep` into 8 bits, or where `four` says so and blocks come out even,
/// those of MatMul into 4.
///
/// # Errors
/// [`Error::Weight`] when one is not finite.
pub(super) fn rewrite(model: &mut Model, layers: &[Layer], keep: &BTreeSet<Key>, four: bool) -> Result<Done> {
    let mut done = Done::default();
    let mut written = HashSet::new();
    let kept: HashSet<&str> = layers.iter().filter(|l| keep.contains(&l.key)).map(|l| l.weight.as_str()).collect();
    let Model { proto, source } = model;
    let Some(graph) = proto.graph.as_mut() else { return Ok(done) };
    let mut nodes = std::mem::take(&mut graph.node);
    let mut firsts = Vec::new();
    for layer in layers {
        if kept.contains(layer.weight.as_str()) {
            done.float += layer.count();
            continue;
        }
        let may = four && nodes.get(layer.node).is_some_and(|n| node::has_op(n, "MatMul"));
        if may && in_blocks(graph, &mut nodes[layer.node], layer, source)? {
            done.int4 += layer.count();
            continue;
        }
        done.uneven += usize::from(may);
        done.int8 += layer.count();
        if written.insert(layer.weight.as_str()) {
            firsts.push(in_channels(graph, layer, &layer.weight, source)?);
        }
    }
    // The casts that made what DequantizeLinear makes now.
    let made: HashSet<&str> = firsts.iter().flat_map(|n| &n.output).map(String::as_str).collect();
    nodes.retain(|n| !n.output.iter().any(|output| made.contains(output.as_str())));
    graph.initializer.retain(|t| !made.contains(t.name()));
    firsts.append(&mut nodes);
    graph.node = firsts;
    graph::prune(graph);
    if done.int4 > 0 {
        model.import_domain(MICROSOFT);
    }
    Ok(done)
}

/// Adds a layer's weights in 8 bits; returns the node that makes the value `output` of them.
pub(super) fn in_channels(graph: &mut GraphProto, layer: &Layer, output: &str, source: &Source) -> Result<NodeProto> {
    let weights = values(graph, layer, source)?;
    let channel::Channels { values, scales } = channel::quantise(&weights, &layer.dims, layer.axis);
    let [weight, scale, zero] = ["int8", "scale", "zero"].map(|part| names::free(graph, &format!("{output}.{part}")));
    let count = i64::try_from(scales.len()).unwrap_or(i64::MAX);
    let bytes = |values: &[i8]| values.iter().map(|value| value.cast_unsigned()).collect::<Vec<u8>>();
    graph.initializer.push(tensor::raw(&weight, DataType::Int8 as i32, &dims(layer), bytes(&values)));
    graph.initializer.push(tensor::raw(&scale, DataType::Float as i32, &[count], float_bytes(&scales)));
    graph.initializer.push(tensor::raw(&zero, DataType::Int8 as i32, &[count], vec![0; scales.len()]));
    let made = node::new("DequantizeLinear", &[&weight, &scale, &zero], output);
    Ok(node::with_int(made, "axis", i64::try_from(layer.axis).unwrap_or_default()))
}

/// Turns a MatMul into a MatMulNBits; `false`, and nothing is changed, where blocks do not come out even.
fn in_blocks(graph: &mut GraphProto, n: &mut NodeProto, layer: &Layer, source: &Source) -> Result<bool> {
    let &[inputs, outputs] = layer.dims.as_slice() else { return Ok(false) };
    if !inputs.is_multiple_of(blocks::BLOCK) {
        return Ok(false);
    }
    let Some(blocks) = blocks::quantise(&values(graph, layer, source)?, inputs, outputs) else { return Ok(false) };
    let [weight, scale] = ["int4", "scales"].map(|part| format!("{}.{part}", layer.weight));
    if !names::is_taken(graph, &weight) {
        let [inputs, outputs, size] =
            [inputs, outputs, blocks::BLOCK].map(|size| i64::try_from(size).unwrap_or(i64::MAX));
        let count = inputs / size;
        let packed = tensor::raw(&weight, DataType::Uint8 as i32, &[outputs, count, size / 2], blocks.values);
        graph.initializer.push(packed);
        let scales = float_bytes(&blocks.scales);
        graph.initializer.push(tensor::raw(&scale, DataType::Float as i32, &[outputs, count], scales));
    }
    let x = n.input.first().cloned().unwrap_or_default();
    n.op_type = Some("MatMulNBits".to_owned());
    n.domain = Some(MICROSOFT.to_owned());
    n.input = vec![x, weight, scale];
    let sizes = [("K", inputs), ("N", outputs), ("bits", 4), ("block_size", blocks::BLOCK)];
    n.attribute =
        sizes.iter().map(|(name, size)| attribute::int(name, i64::try_from(*size).unwrap_or(i64::MAX))).collect();
    n.attribute.push(attribute::int("accuracy_level", ACCURACY));
    Ok(true)
}

/// A layer's weights, which are finite.
pub(super) fn values(graph: &GraphProto, layer: &Layer, source: &Source) -> Result<Vec<f32>> {
    let stored = graph.initializer.iter().find(|tensor| tensor.name() == layer.stored);
    let missing = || Error::graph(source.file(), format!("weight `{}` is not there", layer.stored), "import it again");
    let values = source.values(stored.ok_or_else(missing)?)?;
    let what = match values.iter().find(|value| !value.is_finite()) {
        None => return Ok(values),
        Some(value) if value.is_nan() => "NaN",
        Some(_) => "an infinite number",
    };
    Err(Error::Weight { file: source.file().to_path_buf(), weight: layer.weight.clone(), what })
}

/// The numbers of a small constant, past a cast: a bias, for instance.
pub(super) fn constant(
    graph: &GraphProto,
    casts: &HashMap<String, String>,
    name: &str,
    source: &Source,
) -> Result<Option<Vec<f32>>> {
    let stored = |name: &str| graph.initializer.iter().find(|tensor| tensor.name() == name);
    let found: Option<&TensorProto> = stored(name).or_else(|| stored(casts.get(name)?));
    Ok(found.map(|tensor| source.values(tensor)).transpose()?)
}

fn dims(layer: &Layer) -> Vec<i64> {
    layer.dims.iter().map(|&size| i64::try_from(size).unwrap_or(i64::MAX)).collect()
}

/// Little endian.
pub(super) fn float_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
