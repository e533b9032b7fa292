//! Attention as `com.microsoft.MultiHeadAttention`, which ONNX Runtime's CPU provider computes block by block without
//! ever holding a matrix of scores. `Attention` of the standard set, which exporters write, it computes in whole
//! matrices.
//!
//! Exporters turn [batch, tokens, heads · width] into [batch, heads, tokens, width] before the node and back behind it.
//! The new node does both by itself, so these nodes go.

use std::collections::{HashMap, HashSet};

use cones_gradient::shapes::Shapes;
use cones_onnx::links::Links;
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{GraphProto, NodeProto, TensorProto};
use cones_onnx::{Model, attribute, element, graph, node};

use crate::error::Result;
use crate::sizes::Sizes;

const MICROSOFT: &str = "com.microsoft";

/// What became of a graph's attention.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rewritten {
    /// Nodes written anew.
    pub(super) count: usize,
    /// Nodes left as they were, each with the reason.
    pub(super) left: Vec<String>,
}

/// Writes every `Attention` of the outer graph as `MultiHeadAttention`, where it has the form that exporters give it.
/// `sizes` are for its free dimensions, so that shapes can be told.
///
/// # Errors
/// When a mask cannot be read.
pub(super) fn rewrite(model: &mut Model, sizes: Sizes) -> Result<Rewritten> {
    let mut done = Rewritten::default();
    let graph = model.graph()?;
    if !graph.node.iter().any(|n| node::has_op(n, "Attention")) {
        return Ok(done);
    }
    let shapes = match sizes.infer(model) {
        Ok(shapes) => shapes,
        // An export of an odd form is no reason to refuse it; where ONNX Runtime cannot load it at all, a later check says so.
        Err(error) => {
            let left = graph.node.iter().filter(|n| node::has_op(n, "Attention"));
            done.left = left.map(|n| format!("`{}` is of unknown shape ({error})", node::label(n))).collect();
            return Ok(done);
        }
    };
    let (replaced, dropped) = {
        let sight = Sight::new(model, &shapes)?;
        let (mut replaced, mut dropped) = (HashMap::new(), HashSet::new());
        for (at, n) in sight.graph.node.iter().enumerate().filter(|(_, n)| node::has_op(n, "Attention")) {
            match sight.multihead(n)? {
                Ok((new, behind)) => {
                    replaced.insert(at, new);
                    dropped.extend(behind);
                    done.count += 1;
                }
                Err(reason) => done.left.push(format!("`{}` {reason}", node::label(n))),
            }
        }
        (replaced, dropped)
    };
    if done.count > 0 {
        write(model, replaced, &dropped)?;
    }
    Ok(done)
}

/// Puts the new nodes in the places of the old ones.
fn write(model: &mut Model, mut replaced: HashMap<usize, NodeProto>, dropped: &HashSet<usize>) -> Result<()> {
    let graph = model.graph_mut()?;
    for (at, n) in std::mem::take(&mut graph.node).into_iter().enumerate().filter(|(at, _)| !dropped.contains(at)) {
        graph.node.push(replaced.remove(&at).unwrap_or(n));
    }
    graph::prune(graph);
    model.import_domain(MICROSOFT);
    Ok(())
}

/// Why a node stays as it is.
type Reason = &'static str;

/// What there is to see of a graph.
struct Sight<'a> {
    model: &'a Model,
    graph: &'a GraphProto,
    shapes: &'a Shapes,
    links: Links<'a>,
}

impl<'a> Sight<'a> {
    fn new(model: &'a Model, shapes: &'a Shapes) -> Result<Self> {
        let graph = model.graph()?;
        Ok(Self { model, graph, shapes, links: Links::new(graph) })
    }

    /// The new node, and the positions of the nodes behind the old one that go.
    fn multihead(&self, n: &NodeProto) -> Result<Result<(NodeProto, [usize; 2]), Reason>> {
        let parts = match self.parts(n) {
            Ok(parts) => parts,
            Err(reason) => return Ok(Err(reason)),
        };
        let Parts { sources, heads, output, behind } = parts;
        let mut inputs = sources;
        let mut attributes = vec![attribute::int("num_heads", heads)];
        if let Some(scale) = node::float(n, "scale") {
            attributes.push(attribute::float("scale", scale));
        }
        let mut causal = node::int(n, "is_causal").unwrap_or(0) != 0;
        match self.mask(n)? {
            Ok(Mask::None) => {}
            Ok(Mask::Causal) => causal = true,
            // Bias of the projections and a mask over keys alone stay out.
            Ok(Mask::Added(mask)) => inputs.extend([String::new(), String::new(), mask]),
            Err(reason) => return Ok(Err(reason)),
        }
        if causal {
            attributes.push(attribute::int("unidirectional", 1));
        }
        let new = NodeProto {
            op_type: Some("MultiHeadAttention".into()),
            domain: Some(MICROSOFT.into()),
            name: n.name.clone(),
            input: inputs,
            output: vec![output],
            attribute: attributes,
            ..NodeProto::default()
        };
        Ok(Ok((new, behind)))
    }

    fn parts(&self, n: &NodeProto) -> Result<Parts, Reason> {
        let given = |at: usize| n.input.get(at).filter(|name| !name.is_empty());
        if (4..7).any(|at| given(at).is_some()) || n.output.iter().skip(1).any(|output| !output.is_empty()) {
            return Err("keeps keys and values of earlier calls, or gives more than one output");
        }
        if node::float(n, "softcap").unwrap_or(0.0) != 0.0 {
            return Err("has a soft cap");
        }
        let mut sources = Vec::new();
        let mut stacks = Vec::new();
        for at in 0..3 {
            let value = given(at).ok_or("lacks an input")?;
            let (source, stack) = self.source(value)?;
            sources.push(source.to_owned());
            stacks.push(stack);
        }
        if stacks.iter().any(|stack| stack[1] != stacks[0][1] || stack[3] != stacks[0][3]) {
            return Err("has other heads for keys or values than for queries");
        }
        let (output, behind) = self.sink(n.output.first().map_or("", String::as_str))?;
        let heads = i64::try_from(stacks[0][1]).unwrap_or(i64::MAX);
        Ok(Parts { sources, heads, output: output.to_owned(), behind })
    }

    /// Where [batch, heads, tokens, width] is made from [batch, tokens, heads · width]: that value, and the stack's shape.
    fn source(&self, value: &str) -> Result<(&'a str, [usize; 4]), Reason> {
        const OTHER: Reason = "does not get its heads by a reshape and a transposition";
        let turn = self.links.maker(value).filter(|n| swaps_heads(n)).ok_or(OTHER)?;
        let split = turn.input.first().and_then(|input| self.links.maker(input)).filter(|n| node::has_op(n, "Reshape"));
        let source = split.and_then(|n| n.input.first()).ok_or(OTHER)?;
        let stack = self.stack(value).ok_or(OTHER)?;
        if self.is_split(source, stack) { Ok((source, stack)) } else { Err(OTHER) }
    }

    /// What the heads are put together again in, and the two nodes that do it.
    fn sink(&self, value: &str) -> Result<(&'a str, [usize; 2]), Reason> {
        const OTHER: Reason = "does not put its heads together by a transposition and a reshape";
        let turn = self.links.only_reader(value).filter(|at| swaps_heads(&self.graph.node[*at])).ok_or(OTHER)?;
        let turned = self.graph.node[turn].output.first().ok_or(OTHER)?;
        let join =
            self.links.only_reader(turned).filter(|at| node::has_op(&self.graph.node[*at], "Reshape")).ok_or(OTHER)?;
        let output = self.graph.node[join].output.first().ok_or(OTHER)?;
        let stack = self.stack(value).ok_or(OTHER)?;
        if self.is_split(output, stack) { Ok((output, [turn, join])) } else { Err(OTHER) }
    }

    fn stack(&self, value: &str) -> Option<[usize; 4]> {
        self.shapes.get(value)?.dims.as_slice().try_into().ok()
    }

    /// Whether `value` is [batch, tokens, heads · width] of that stack.
    fn is_split(&self, value: &str, [batch, heads, tokens, width]: [usize; 4]) -> bool {
        self.shapes.get(value).is_some_and(|shape| shape.dims == [batch, tokens, heads * width])
    }

    fn mask(&self, n: &NodeProto) -> Result<Result<Mask, Reason>> {
        let Some(mask) = n.input.get(3).filter(|mask| !mask.is_empty()) else { return Ok(Ok(Mask::None)) };
        let Some(shape) = self.shapes.get(mask) else { return Ok(Err("has a mask of unknown shape")) };
        if element::is_float(shape.element) {
            return Ok(if shape.dims.len() == 4 {
                Ok(Mask::Added(mask.clone()))
            } else {
                Err("has a mask that is not of four dimensions")
            });
        }
        let constant = self.constant(mask);
        let causal = constant.map(|mask| self.is_causal(mask)).transpose()?.unwrap_or(false);
        Ok(if causal { Ok(Mask::Causal) } else { Err("has a mask of switches that is not the causal one") })
    }

    /// The initializer that a value is, or is spread from.
    fn constant(&self, value: &'a str) -> Option<&'a TensorProto> {
        let value = match self.links.maker(value) {
            Some(n) if node::has_op(n, "Expand") => n.input.first()?,
            Some(_) => return None,
            None => value,
        };
        self.graph.initializer.iter().find(|tensor| tensor.name() == value)
    }

    /// Whether each row lets see itself and what is before it.
    fn is_causal(&self, mask: &TensorProto) -> Result<bool> {
        let (leading, size) = match mask.dims.as_slice() {
            [leading @ .., rows, columns] if rows == columns && *rows > 0 => (leading, *rows as usize),
            _ => return Ok(false),
        };
        if mask.data_type != Some(DataType::Bool as i32) || leading.iter().any(|size| *size != 1) {
            return Ok(false);
        }
        let bytes = self.model.source.bytes(mask)?;
        Ok(bytes.iter().enumerate().all(|(at, byte)| (*byte != 0) == (at % size <= at / size)))
    }
}

/// The parts of an attention in the form that exporters write.
struct Parts {
    /// Queries, keys and values [batch, tokens, heads · width].
    sources: Vec<String>,
    heads: i64,
    output: String,
    behind: [usize; 2],
}

/// What an attention may see.
enum Mask {
    None,
    Causal,
    /// By numbers that are added to the scores.
    Added(String),
}

/// Whether it swaps the second and third of four dimensions.
fn swaps_heads(n: &NodeProto) -> bool {
    node::has_op(n, "Transpose") && attribute::get_ints(n, "perm") == Some(&[0, 2, 1, 3])
}
