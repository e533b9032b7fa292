//! Which nodes of a graph have weights that can be kept in fewer bits.

use std::collections::{BTreeMap, HashMap};

use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{GraphProto, NodeProto, TensorProto};
use cones_onnx::{Model, element, node, tensor};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Fewer weights are not worth a node of their own.
const MIN_WEIGHTS: u64 = 4096;
/// First and last convolutions, to and from latents and pictures, have no more channels on that side. They lose most.
const FEW_CHANNELS: usize = 4;
/// DequantizeLinear knows channels from this version of the standard operators on.
const MIN_OPSET: i64 = 13;

/// What names a layer in every graph of a bundle, whatever its nodes and values are called there: its weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    weights: [u8; 32],
    /// Counts layers with the same weights.
    nth: usize,
}

/// A convolution or linear layer.
#[derive(Debug, Clone)]
pub struct Layer {
    /// See [`Key`].
    pub key: Key,
    /// The layer's node, by position.
    pub node: usize,
    /// The node's name, for messages.
    pub label: String,
    /// The value that the node reads as its weights.
    pub weight: String,
    /// The initializer behind it; the same, or one of fewer bits with a cast between.
    pub stored: String,
    /// Shape of the weights.
    pub dims: Vec<usize>,
    /// The output channels' dimension.
    pub axis: usize,
}

impl Layer {
    /// Number of weights.
    pub fn count(&self) -> usize {
        self.dims.iter().product()
    }
}

/// All layers, in the graph's order.
///
/// # Errors
/// When the graph's operators are too old, or a weight cannot be read.
pub(super) fn find(model: &Model) -> Result<Vec<Layer>> {
    if model.opset() < MIN_OPSET {
        let reason = format!("it has version {} of the standard operators; {MIN_OPSET} is the least", model.opset());
        return Err(Error::graph(model.file(), reason, "export the model again, with a newer opset"));
    }
    let graph = model.graph()?;
    let stored: HashMap<&str, &TensorProto> = graph.initializer.iter().map(|t| (t.name(), t)).collect();
    let casts: HashMap<&str, &NodeProto> = graph
        .node
        .iter()
        .filter(|n| node::has_op(n, "Cast"))
        .filter_map(|n| Some((n.output.first()?.as_str(), n)))
        .collect();
    let axes = shared_axes(graph, &stored, &casts);
    let mut seen: HashMap<[u8; 32], usize> = HashMap::new();
    let mut layers = Vec::new();
    for (at, n) in graph.node.iter().enumerate() {
        let Some((weight, tensor)) = weight(n, &stored, &casts) else { continue };
        let Some(Some(axis)) = axes.get(weight) else { continue };
        let dims: Vec<usize> = tensor.dims.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
        let is_narrow = node::has_op(n, "Conv") && dims.iter().take(2).any(|channels| *channels <= FEW_CHANNELS);
        if is_narrow || tensor::count(model.file(), tensor)? < MIN_WEIGHTS {
            continue;
        }
        let weights: [u8; 32] = Sha256::digest(model.source.bytes(tensor)?).into();
        let nth = seen.entry(weights).and_modify(|count| *count += 1).or_default();
        layers.push(Layer {
            key: Key { weights, nth: *nth },
            node: at,
            label: node::label(n).to_owned(),
            weight: weight.to_owned(),
            stored: tensor.name().to_owned(),
            dims,
            axis: *axis,
        });
    }
    Ok(layers)
}

/// The output channels' dimension of every weight whose readers all agree on it; none for one that something else reads.
fn shared_axes<'a>(
    graph: &'a GraphProto,
    stored: &HashMap<&str, &'a TensorProto>,
    casts: &HashMap<&str, &'a NodeProto>,
) -> BTreeMap<&'a str, Option<usize>> {
    let mut axes: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    for n in &graph.node {
        let own = weight(n, stored, casts);
        for name in node::reads(n) {
            let axis = match own {
                Some((weight, tensor)) if weight == name && n.input.iter().filter(|i| *i == name).count() == 1 => {
                    channel_axis(n, tensor.dims.len())
                }
                _ => None,
            };
            axes.entry(name).and_modify(|known| *known = known.filter(|_| *known == axis)).or_insert(axis);
        }
    }
    axes
}

/// The weights of a convolution or linear layer: what the node reads, and the initializer behind it.
fn weight<'a>(
    n: &'a NodeProto,
    stored: &HashMap<&str, &'a TensorProto>,
    casts: &HashMap<&str, &'a NodeProto>,
) -> Option<(&'a str, &'a TensorProto)> {
    let is_layer = ["Conv", "MatMul", "Gemm"].iter().any(|op| node::has_op(n, op))
        && n.output.len() == 1
        && n.input.iter().take(2).chain(&n.output).all(|name| !name.is_empty());
    let name = n.input.get(1).filter(|_| is_layer)?.as_str();
    let cast_from = |name: &str| {
        let cast = casts.get(name).filter(|cast| node::int(cast, "to") == Some(i64::from(DataType::Float as i32)))?;
        stored.get(cast.input.first()?.as_str())
    };
    let tensor = *stored.get(name).or_else(|| cast_from(name))?;
    let is_float = element::is_float(tensor.data_type.unwrap_or_default());
    (is_float && channel_axis(n, tensor.dims.len()).is_some()).then_some((name, tensor))
}

/// Where the output channels lie in a layer's weights.
fn channel_axis(n: &NodeProto, rank: usize) -> Option<usize> {
    match n.op_type() {
        "Conv" if rank >= 3 => Some(0),
        "MatMul" if rank == 2 => Some(1),
        "Gemm" if rank == 2 => Some(if node::int(n, "transB").unwrap_or(0) == 1 { 0 } else { 1 }),
        _ => None,
    }
}
