//! The device's U-Net with its cross-attention probabilities as outputs.
//!
//! In a graph without fused nodes the probabilities are there: the output of the softmax behind the product of queries
//! and keys. It is found by following K, an input of the graph, and made an output. Nothing else changes.

use cones_core::attention::KeyValues;
use cones_core::model::bundle::{UNET, UNET_PLAIN};
use cones_core::{Bundle, CancelToken};
use cones_gradient::shapes::Shapes;
use cones_gradient::{Differentiated, GradientGraph, GradientOptions, Port, Sizes, unet};
use cones_onnx::info::{self, Shape};
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{GraphProto, NodeProto};
use cones_onnx::{Model, graph, names, node};

use crate::failure::Failure;

/// Nodes between K and the softmax, at most; exporters write about ten.
const DEPTH: usize = 24;

/// A U-Net, loaded for one sample at a time, that tells its cross-attention probabilities.
#[derive(Debug)]
pub struct AttentionGraph {
    graph: GradientGraph,
    /// The names of the K and V inputs, in the bundle's order.
    layers: Vec<String>,
    taps: Vec<Tap>,
}

/// One layer's probabilities in the graph.
#[derive(Debug, Clone)]
struct Tap {
    output: String,
    grid: Grid,
}

/// How one layer sees the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Places across.
    pub width: usize,
    /// Places down.
    pub height: usize,
}

impl AttentionGraph {
    /// Loads the graph of a bundle that shows its probabilities; none where every graph hides them in fused nodes.
    ///
    /// # Errors
    /// When a graph is damaged or ONNX Runtime refuses it.
    pub fn load(bundle: &Bundle, sizes: Sizes, options: &GradientOptions) -> Result<Option<Self>, Failure> {
        for name in [UNET_PLAIN, UNET] {
            if !bundle.manifest().files.contains_key(name) {
                continue;
            }
            let mut model = Model::open(&bundle.file(name)?)?;
            let Some(softmaxes) = softmaxes(bundle, model.graph()?) else { continue };
            let inputs = unet::inputs(&model, bundle, sizes)?;
            let shapes = Shapes::infer(&model, &inputs)?;
            let Some(taps) = taps(&mut model, &shapes, &softmaxes, sizes)? else { continue };
            let port = |name: &String| Some(Port { name: name.clone(), shape: shapes.get(name)?.clone() });
            let inputs = inputs.keys().filter_map(port).collect();
            let (outputs, taps) = taps.into_iter().unzip();
            let mut loaded =
                GradientGraph::load(&Differentiated { model, inputs, outputs, gradients: vec![] }, options)?;
            unet::tell_size(&mut loaded, bundle, sizes)?;
            let layers = bundle.manifest().layers.iter().map(|layer| layer.name.clone()).collect();
            return Ok(Some(Self { graph: loaded, layers, taps }));
        }
        Ok(None)
    }

    /// The grids of its layers.
    pub fn grids(&self) -> impl Iterator<Item = Grid> + '_ {
        self.taps.iter().map(|tap| tap.grid)
    }

    /// Runs it on a noisy latent. Gives for each layer how much each place looks at the tokens at `positions`: the
    /// probability (0 to 1), row by row, averaged over heads and summed over the tokens.
    ///
    /// # Errors
    /// When sizes do not fit; [`cones_core::Error::Cancelled`]; what ONNX Runtime says.
    pub fn run(
        &mut self,
        sample: &[f32],
        timestep: usize,
        keys_values: &KeyValues,
        positions: &[usize],
        cancel: &CancelToken,
    ) -> Result<Vec<Vec<f32>>, Failure> {
        self.graph.set("sample", sample)?;
        self.graph.set("timestep", &[timestep as f32])?;
        unet::tell_pooled(&mut self.graph, &keys_values.text_embeds)?;
        for (layer, values) in self.layers.iter().zip(&keys_values.layers) {
            self.graph.set(layer, values)?;
        }
        self.graph.run(cancel)?;
        let tokens = self.tokens(keys_values);
        let mut maps = Vec::with_capacity(self.taps.len());
        for tap in &self.taps {
            let values = self.graph.output(&tap.output)?;
            maps.push(at_tokens(values, tap.grid.width * tap.grid.height, tokens, positions));
        }
        Ok(maps)
    }

    fn tokens(&self, keys_values: &KeyValues) -> usize {
        let rows = |port: &&Port| self.layers.first() == Some(&port.name);
        let rows = self.graph.inputs().find(rows).and_then(|port| port.shape.dims.last()).copied().unwrap_or(0);
        keys_values.layers.first().map_or(0, Vec::len).checked_div(rows).unwrap_or(0)
    }
}

/// Of `heads × places × tokens` the mean over heads of the sum over some tokens.
fn at_tokens(values: &[f32], places: usize, tokens: usize, positions: &[usize]) -> Vec<f32> {
    let mut map = vec![0.0; places];
    let heads = values.len().checked_div(places * tokens).unwrap_or(0).max(1);
    for head in values.chunks_exact((places * tokens).max(1)) {
        for (sum, row) in map.iter_mut().zip(head.chunks_exact(tokens.max(1))) {
            *sum += positions.iter().filter_map(|position| row.get(*position)).sum::<f32>() / heads as f32;
        }
    }
    map
}

/// The value behind the softmax of every K; none if one of them has none, as where it is inside a fused node.
fn softmaxes(bundle: &Bundle, graph: &GraphProto) -> Option<Vec<String>> {
    let keys = bundle.manifest().layers.iter().filter(|layer| layer.name.ends_with("to_k"));
    let found = keys.map(|layer| softmax(graph, &layer.name)).collect::<Option<Vec<String>>>()?;
    (!found.is_empty()).then_some(found)
}

/// Follows K through what only reshapes or scales it, through the product with the queries, up to the softmax.
fn softmax(graph: &GraphProto, key: &str) -> Option<String> {
    let mut values = vec![(key.to_owned(), false)];
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for (value, multiplied) in values {
            for reader in graph::readers(graph, &value).into_iter().filter_map(|i| graph.node.get(i)) {
                if node::has_op(reader, "Softmax") {
                    return reader.output.first().cloned();
                }
                let product = node::has_op(reader, "MatMul");
                // A second product is that with the values, behind a softmax of another form.
                if (product && !multiplied || carries(reader, &value))
                    && let Some(output) = reader.output.first()
                {
                    next.push((output.clone(), multiplied || product));
                }
            }
        }
        values = next;
    }
    None
}

/// Whether a node hands the value on, scaled or in another shape.
fn carries(reader: &NodeProto, value: &str) -> bool {
    let first = reader.input.first().is_some_and(|input| input == value);
    match reader.op_type() {
        "Mul" | "Div" | "Add" | "Where" => true,
        "Reshape" | "Transpose" | "Cast" | "Identity" | "Unsqueeze" | "Squeeze" | "Expand" => first,
        _ => false,
    }
}

/// Makes the probabilities outputs; none if one does not have the shape of probabilities of these sizes.
fn taps(
    model: &mut Model,
    shapes: &Shapes,
    softmaxes: &[String],
    sizes: Sizes,
) -> Result<Option<Vec<(Port, Tap)>>, Failure> {
    let graph = model.graph_mut()?;
    let mut taps = Vec::new();
    for value in softmaxes {
        let Some(shape) = shapes.get(value) else { return Ok(None) };
        let [.., places, tokens] = shape.dims.as_slice() else { return Ok(None) };
        let Some(grid) = grid(*places, sizes).filter(|_| *tokens == sizes.tokens) else { return Ok(None) };
        let float = Shape { element: DataType::Float as i32, dims: shape.dims.clone() };
        let mut output = value.clone();
        if shape.element != float.element {
            output = names::free(graph, &format!("{value}_float"));
            graph.node.push(node::cast(value, &output, float.element));
        }
        graph.output.push(info::tensor(&output, &float));
        taps.push((Port { name: output.clone(), shape: float }, Tap { output, grid }));
    }
    Ok(Some(taps))
}

/// The grid of so many places over a latent: the U-Net halves both sides, rounding up.
fn grid(places: usize, sizes: Sizes) -> Option<Grid> {
    let (mut width, mut height) = (sizes.width, sizes.height);
    while width * height > places && (width > 1 || height > 1) {
        (width, height) = (width.div_ceil(2), height.div_ceil(2));
    }
    (places > 0 && width * height == places).then_some(Grid { width, height })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(nodes: &[(&str, &[&str], &str)]) -> GraphProto {
        let node = nodes.iter().map(|(op, inputs, output)| node::new(op, inputs, output)).collect();
        GraphProto { node, ..GraphProto::default() }
    }

    #[test]
    fn the_softmax_is_found_behind_the_product() {
        let plain = graph(&[
            ("Reshape", &["k", "shape"], "heads"),
            ("Shape", &["heads"], "size"),
            ("Transpose", &["heads"], "turned"),
            ("Mul", &["turned", "root"], "scaled"),
            ("MatMul", &["q", "scaled"], "scores"),
            ("Softmax", &["scores"], "p"),
            ("MatMul", &["p", "v"], "out"),
        ]);
        assert_eq!(softmax(&plain, "k").as_deref(), Some("p"));
        assert_eq!(softmax(&plain, "v"), None);
        let fused = graph(&[
            ("Reshape", &["k", "shape"], "heads"),
            ("Attention", &["q", "heads", "v"], "out"),
            ("MatMul", &["out", "w"], "next"),
            ("Softmax", &["next"], "other"),
        ]);
        assert_eq!(softmax(&fused, "k"), None);
    }

    #[test]
    fn places_form_the_halved_grid() {
        let sizes = Sizes { batch: 1, height: 16, width: 24, tokens: 32 };
        assert_eq!(grid(96, sizes), Some(Grid { width: 12, height: 8 }));
        assert_eq!(grid(384, sizes), Some(Grid { width: 24, height: 16 }));
        assert_eq!(grid(95, sizes), None);
        assert_eq!(grid(0, sizes), None);
    }

    #[test]
    fn probabilities_are_averaged_over_heads_and_summed_over_tokens() {
        // Two heads, two places, three tokens.
        let values = [0.5, 0.25, 0.25, 0.0, 0.5, 0.5, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        assert_eq!(at_tokens(&values, 2, 3, &[1, 2]), [0.25, 1.0]);
    }
}
