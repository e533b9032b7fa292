//! Finding the nodes of a U-Net that project the text.

use std::collections::HashMap;
use std::path::Path;

use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{GraphProto, NodeProto, TensorProto};
use cones_onnx::source::Source;
use cones_onnx::{Error, element, node};

use crate::error::Result;

/// The graph input that is projected.
pub(super) const TEXT: &str = "encoder_hidden_states";

/// Nodes between a weight and the node that multiplies by it; more than any exporter writes.
const MAX_CHAIN: usize = 16;

/// The product of the text and one weight.
#[derive(Debug)]
pub(super) struct Found {
    /// Position of the MatMul or Gemm.
    pub(super) node: usize,
    /// Whether it sees the text as [batch · tokens, width].
    pub(super) is_flat: bool,
    /// A bias added inside the node (third input of Gemm).
    pub(super) bias: Option<String>,
    /// The matrix it multiplies by.
    pub(super) weight: Weight,
}

/// A weight on its way to the node: initializer, then whatever lies between.
#[derive(Debug)]
pub(super) struct Weight {
    /// The initializer's name.
    pub(super) initializer: String,
    /// Scale and zero point of a `DequantizeLinear`, with its axis.
    quantised: Option<Quantised>,
    /// Whether the matrix is, as the initializer holds it, [rows, columns] as in PyTorch (else its transpose).
    is_row_major: bool,
    /// Element type that the projection computes in.
    pub(super) element: i32,
    /// Whether the initializer itself is float16.
    is_half: bool,
    /// Names met on the way: they often tell which layer it is.
    pub(super) names: Vec<String>,
}

#[derive(Debug, Clone)]
struct Quantised {
    scale: String,
    zero_point: Option<String>,
    axis: i64,
    block: i64,
}

/// All that depends on the text.
#[derive(Debug, Default)]
pub(super) struct TextUses {
    /// The projections, in the order of the graph.
    pub(super) projections: Vec<Found>,
    /// Positions of the nodes that ask for the text's shape.
    pub(super) shapes: Vec<usize>,
}

/// Initializers and producers by name.
pub(super) struct Index<'g> {
    graph: &'g GraphProto,
    initializers: HashMap<&'g str, &'g TensorProto>,
    producers: HashMap<&'g str, &'g NodeProto>,
}

impl<'g> Index<'g> {
    pub(super) fn new(graph: &'g GraphProto) -> Self {
        let outputs = |n: &'g NodeProto| n.output.iter().map(move |output| (output.as_str(), n));
        Self {
            graph,
            initializers: graph.initializer.iter().map(|t| (t.name(), t)).collect(),
            producers: graph.node.iter().flat_map(outputs).collect(),
        }
    }

    fn initializer(&self, file: &Path, name: &str) -> Result<&'g TensorProto> {
        let found = self.initializers.get(name).copied();
        Ok(found.ok_or_else(|| Error::tensor(file, name, "is not a constant of the graph"))?)
    }
}

/// Follows the text through the graph.
///
/// # Errors
/// When a node uses the text in another way than by projecting it or asking for its shape.
pub(super) fn find(index: &Index<'_>, file: &Path) -> Result<TextUses> {
    let mut uses = TextUses::default();
    // Every name for the text, and whether it is flat under that name.
    let mut texts: HashMap<&str, bool> = HashMap::from([(TEXT, false)]);
    for (position, n) in index.graph.node.iter().enumerate() {
        let Some(is_flat) = node::reads(n).into_iter().find_map(|name| texts.get(name).copied()) else { continue };
        let reads_first = n.input.first().is_some_and(|name| texts.contains_key(name.as_str()));
        let reads_once = node::reads(n).into_iter().filter(|name| texts.contains_key(name)).count() == 1;
        let fault =
            |reason: &str| Error::node(file, n, format!("{reason} `{TEXT}`; only attn2 projections may use it"));
        if !reads_first || !reads_once {
            return Err(fault("depends in an unknown way on").into());
        }
        match n.op_type() {
            "Identity" | "Cast" | "QuantizeLinear" | "DequantizeLinear" | "Dropout" => {
                texts.extend(n.output.first().map(|output| (output.as_str(), is_flat)));
            }
            "Reshape" if flattens(index, n) => texts.extend(n.output.first().map(|output| (output.as_str(), true))),
            "Shape" => uses.shapes.push(position),
            "MatMul" => uses.projections.push(matmul(index, file, position, is_flat)?),
            "Gemm" => uses.projections.push(gemm(index, file, position)?),
            _ => return Err(fault("computes something else from").into()),
        }
    }
    Ok(uses)
}

/// Whether a `Reshape` of the text makes it [batch · tokens, width]: by its constant shape, or because a Gemm (which takes
/// two dimensions, the second being the width) is all that follows.
fn flattens(index: &Index<'_>, n: &NodeProto) -> bool {
    let shape = n.input.get(1).and_then(|name| index.initializers.get(name.as_str()));
    if shape.is_some_and(|shape| shape.dims == [2]) {
        return true;
    }
    let output = n.output.first().map_or("", String::as_str);
    let mut readers = index.graph.node.iter().filter(|reader| node::reads(reader).contains(&output)).peekable();
    readers.peek().is_some() && readers.all(|reader| node::has_op(reader, "Gemm"))
}

fn matmul(index: &Index<'_>, file: &Path, position: usize, is_flat: bool) -> Result<Found> {
    let n = &index.graph.node[position];
    let weight = resolve(index, file, n, false)?;
    Ok(Found { node: position, is_flat, bias: None, weight })
}

fn gemm(index: &Index<'_>, file: &Path, position: usize) -> Result<Found> {
    let n = &index.graph.node[position];
    let is_one = |name: &str| node::float(n, name).is_none_or(|factor| factor == 1.0);
    if !is_one("alpha") || !is_one("beta") || node::int(n, "transA").unwrap_or(0) != 0 {
        return Err(
            Error::node(file, n, "projects the text with factors or transposed, which is not understood").into()
        );
    }
    let weight = resolve(index, file, n, node::int(n, "transB").unwrap_or(0) != 0)?;
    let bias = n.input.get(2).filter(|name| !name.is_empty()).cloned();
    Ok(Found { node: position, is_flat: true, bias, weight })
}

/// Walks from the second input of `n` back to the initializer. A node's own `transB` counts as one transposition.
fn resolve(index: &Index<'_>, file: &Path, n: &NodeProto, is_transposed: bool) -> Result<Weight> {
    let fault = |reason: String| Error::node(file, n, reason);
    let mut name = n.input.get(1).map_or("", String::as_str);
    // A node multiplies by [columns, rows]; PyTorch keeps [rows, columns].
    let (mut is_row_major, mut element, mut quantised) = (is_transposed, None, None);
    let mut names = Vec::new();
    for _ in 0..MAX_CHAIN {
        names.push(name.to_owned());
        if let Some(tensor) = index.initializers.get(name) {
            if tensor.dims.len() != 2 {
                return Err(fault(format!("projects the text by `{name}` of shape {:?}", tensor.dims)).into());
            }
            let element = element.or(tensor.data_type).unwrap_or(DataType::Float as i32);
            if !element::is_float(element) {
                return Err(fault(format!("projects the text by `{name}` of {}", element::name(element))).into());
            }
            let is_half = tensor.data_type == Some(DataType::Float16 as i32);
            return Ok(Weight { initializer: name.to_owned(), quantised, is_row_major, element, is_half, names });
        }
        let step = index.producers.get(name).copied();
        let step = step.ok_or_else(|| fault(format!("projects the text by `{name}`, which is not constant")))?;
        names.push(step.name().to_owned());
        match step.op_type() {
            "Identity" => {}
            "Cast" => element = element.or(node::int(step, "to").and_then(|to| i32::try_from(to).ok())),
            "Transpose" if swaps(step) => is_row_major = !is_row_major,
            "DequantizeLinear" if quantised.is_none() => {
                let new = dequantisation(step).ok_or_else(|| fault(format!("dequantises `{name}` without a scale")))?;
                let scale = index.initializer(file, &new.scale)?;
                element = element.or(scale.data_type);
                quantised = Some(new);
            }
            op => {
                return Err(
                    fault(format!("projects the text by `{name}`, made by {op}, which is not understood")).into()
                );
            }
        }
        name = step.input.first().map_or("", String::as_str);
    }
    Err(fault("projects the text by a weight that is not found".into()).into())
}

/// A transposition of two dimensions: without `perm` they are reversed.
fn swaps(n: &NodeProto) -> bool {
    node::attribute(n, "perm").is_none_or(|perm| perm.ints == [1, 0])
}

fn dequantisation(n: &NodeProto) -> Option<Quantised> {
    Some(Quantised {
        scale: n.input.get(1)?.clone(),
        zero_point: n.input.get(2).filter(|name| !name.is_empty()).cloned(),
        axis: node::int(n, "axis").unwrap_or(1),
        block: node::int(n, "block_size").unwrap_or(0),
    })
}

impl Weight {
    /// Rows and columns as PyTorch counts them.
    pub(super) fn shape(&self, index: &Index<'_>, file: &Path) -> Result<(u64, u64)> {
        let dims = &index.initializer(file, &self.initializer)?.dims;
        let dim = |at: usize| dims.get(at).and_then(|n| u64::try_from(*n).ok()).unwrap_or(0);
        Ok(if self.is_row_major { (dim(0), dim(1)) } else { (dim(1), dim(0)) })
    }

    /// Whether the values are approximations of the original weights.
    pub(super) fn is_quantised(&self) -> bool {
        self.quantised.is_some()
    }

    /// Whether the values are the original weights as a converter to float16 leaves them.
    pub(super) fn is_half(&self) -> bool {
        self.is_half
    }

    /// The values, rows by columns as PyTorch stores them.
    pub(super) fn values(&self, index: &Index<'_>, source: &Source) -> Result<Vec<f32>> {
        let tensor = index.initializer(source.file(), &self.initializer)?;
        let mut values = source.values(tensor)?;
        let width = tensor.dims.get(1).and_then(|n| usize::try_from(*n).ok()).unwrap_or(0);
        if let Some(quantised) = &self.quantised {
            quantised.apply(index, source, &mut values, width)?;
        }
        Ok(if self.is_row_major { values } else { transpose(&values, width) })
    }
}

impl Quantised {
    /// `(value - zero point) · scale`, each of them one number, one per row or column, or one per block.
    fn apply(&self, index: &Index<'_>, source: &Source, values: &mut [f32], width: usize) -> Result<()> {
        let scale_tensor = index.initializer(source.file(), &self.scale)?;
        let scales = source.values(scale_tensor)?;
        let zeros = match &self.zero_point {
            Some(name) => source.values(index.initializer(source.file(), name)?)?,
            None => vec![0.0; scales.len()],
        };
        let along_rows = self.axis == 0 || self.axis == -2;
        let block = usize::try_from(self.block).unwrap_or(0);
        for (at, value) in values.iter_mut().enumerate() {
            let (row, column) = (at / width, at % width);
            let place = match (scales.len(), block, along_rows) {
                (1, _, _) => 0,
                (_, 0, true) => row,
                (_, 0, false) => column,
                (_, _, true) => (row / block) * width + column,
                (_, _, false) => row * width.div_ceil(block) + column / block,
            };
            let (Some(scale), Some(zero)) = (scales.get(place), zeros.get(place)) else {
                let reason =
                    format!("has {} scales and {} zero points, too few for the weight", scales.len(), zeros.len());
                return Err(Error::tensor(source.file(), &self.scale, reason).into());
            };
            *value = (*value - zero) * scale;
        }
        Ok(())
    }
}

fn transpose(values: &[f32], width: usize) -> Vec<f32> {
    let column = |at: usize| values.iter().skip(at).step_by(width.max(1)).copied();
    (0..width).flat_map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::transpose;

    #[test]
    fn transposes() {
        assert_eq!(transpose(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        assert!(transpose(&[], 0).is_empty());
    }
}
