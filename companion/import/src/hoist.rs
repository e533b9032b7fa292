//! Taking the text's projections out of a U-Net: K and V become inputs.

use std::path::Path;

use cones_core::model::manifest::Layer;
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::tensor_shape_proto::{Dimension, dimension};
use cones_onnx::proto::type_proto::{self, Tensor};
use cones_onnx::proto::{GraphProto, NodeProto, TensorShapeProto, TypeProto, ValueInfoProto};
use cones_onnx::{Model, graph, names, node, tensor};

use crate::error::{Error, Result};
use crate::identify;
use crate::layers::Layers;
use crate::projection::{self, Found, Index, TEXT};

/// What stands in for the text's shape: the first layer's K with the text's own width.
const SHAPE: &str = "cones.text_shape";

/// Replaces every projection of `encoder_hidden_states` by an input [batch, tokens, rows], float32, named as the layer, and
/// drops `encoder_hidden_states`.
///
/// # Errors
/// When a layer is not found exactly once, or anything else depends on the text.
pub(super) fn hoist(model: &mut Model, layers: &Layers) -> Result<()> {
    let file = model.file().to_path_buf();
    let (uses, assigned) = {
        let index = Index::new(model.graph()?);
        let uses = projection::find(&index, &file)?;
        let assigned = identify::assign(layers, &uses.projections, &index, &model.graph()?.node, &model.source)?;
        (uses, assigned)
    };
    let graph = model.graph_mut()?;
    let (batch, tokens) = leading_dimensions(graph, &file)?;
    for projection in &layers.projections {
        names::vacate(graph, &projection.layer.name);
    }
    let layer_of =
        |position: usize| assigned.iter().position(|at| *at == position).map(|at| &layers.projections[at].layer);
    let mut replacements: Vec<(usize, Vec<NodeProto>)> = Vec::new();
    for (position, found) in uses.projections.iter().enumerate() {
        if let Some(layer) = layer_of(position) {
            replacements.push((found.node, stand_in(graph, found, layer)));
        }
    }
    replacements.extend(replace_shapes(graph, &uses.shapes, &layers.projections[0].layer));
    splice(graph, replacements);
    graph.input.retain(|input| input.name() != TEXT);
    graph.input.extend(layers.projections.iter().map(|p| input(&p.layer, &batch, &tokens)));
    graph::prune(graph);
    check_gone(graph, &file, layers)
}

/// The nodes that turn a layer's input into what the projection gave: usually none, then readers read the input itself.
fn stand_in(graph: &mut GraphProto, found: &Found, layer: &Layer) -> Vec<NodeProto> {
    let output = graph.node[found.node].output.first().cloned().unwrap_or_default();
    let mut nodes: Vec<NodeProto> = Vec::new();
    let mut value = layer.name.clone();
    let mut step = |value: &mut String, made: NodeProto| {
        *value = made.output.first().cloned().unwrap_or_default();
        nodes.push(made);
    };
    if found.weight.element != DataType::Float as i32 {
        let made = node::cast(&value, &format!("{}.cast", layer.name), found.weight.element);
        step(&mut value, made);
    }
    if found.is_flat {
        let shape = format!("{}.flat_shape", layer.name);
        graph.initializer.push(tensor::int64s(&shape, &[2], &[-1, i64::from(layer.rows)]));
        let made = node::new("Reshape", &[&value, &shape], &format!("{}.flat", layer.name));
        step(&mut value, made);
    }
    if let Some(bias) = &found.bias {
        let made = node::new("Add", &[&value, bias], &format!("{}.biased", layer.name));
        step(&mut value, made);
    }
    names::redirect(graph, &output, &value);
    nodes
}

/// Lets nodes that ask for the text's shape ask a layer's input instead; its width is another, so that is put in.
fn replace_shapes(graph: &mut GraphProto, shapes: &[usize], layer: &Layer) -> Vec<(usize, Vec<NodeProto>)> {
    let Some(first) = shapes.first().copied() else { return Vec::new() };
    let (leading, width) = (format!("{SHAPE}.leading"), format!("{SHAPE}.width"));
    let (own, indices) = (format!("{SHAPE}.own"), format!("{SHAPE}.indices"));
    graph.initializer.push(tensor::int64s(&indices, &[2], &[0, 1]));
    graph.initializer.push(tensor::int64s(&width, &[1], &[i64::from(layer.columns)]));
    let common = vec![
        node::new("Shape", &[&layer.name], &own),
        node::new("Gather", &[&own, &indices], &leading),
        node::with_int(node::new("Concat", &[&leading, &width], SHAPE), "axis", 0),
    ];
    let mut replacements = vec![(first, common)];
    for (count, position) in shapes.iter().enumerate() {
        let n = &graph.node[*position];
        let output = n.output.first().cloned().unwrap_or_default();
        let (start, end) = (node::int(n, "start").unwrap_or(0), node::int(n, "end").unwrap_or(3));
        if start == 0 && end == 3 {
            names::redirect(graph, &output, SHAPE);
            replacements.push((*position, Vec::new()));
        } else {
            // `Shape` clamps its bounds and counts negative ones from the end.
            let clamp = |at: i64| if at < 0 { (at + 3).max(0) } else { at.min(3) };
            let wanted: Vec<i64> = (clamp(start)..clamp(end)).collect();
            let part = format!("{SHAPE}.part_{count}");
            graph.initializer.push(tensor::int64s(&part, &[wanted.len() as i64], &wanted));
            replacements.push((*position, vec![node::new("Gather", &[SHAPE, &part], &output)]));
        }
    }
    replacements
}

/// Puts nodes in the places of others. Positions are those before any change.
fn splice(graph: &mut GraphProto, replacements: Vec<(usize, Vec<NodeProto>)>) {
    let mut at: std::collections::BTreeMap<usize, Vec<NodeProto>> = std::collections::BTreeMap::new();
    for (position, nodes) in replacements {
        at.entry(position).or_default().extend(nodes);
    }
    let old = std::mem::take(&mut graph.node);
    for (position, n) in old.into_iter().enumerate() {
        match at.remove(&position) {
            Some(nodes) => graph.node.extend(nodes),
            None => graph.node.push(n),
        }
    }
}

/// The first two dimensions of the text, which K and V share.
fn leading_dimensions(graph: &GraphProto, file: &Path) -> Result<(Dimension, Dimension)> {
    let text = graph.input.iter().find(|input| input.name() == TEXT);
    let text = text.ok_or_else(|| Error::interface(file, format!("the U-Net has no input `{TEXT}`")))?;
    let shape = match text.r#type.as_ref().and_then(|t| t.value.as_ref()) {
        Some(type_proto::Value::TensorType(tensor)) => tensor.shape.as_ref(),
        _ => None,
    };
    match shape.map(|shape| shape.dim.as_slice()) {
        Some([batch, tokens, _]) => Ok((batch.clone(), tokens.clone())),
        _ => Err(Error::interface(file, format!("`{TEXT}` is not of shape [batch, tokens, width]"))),
    }
}

fn input(layer: &Layer, batch: &Dimension, tokens: &Dimension) -> ValueInfoProto {
    let rows = Dimension { value: Some(dimension::Value::DimValue(i64::from(layer.rows))), ..Dimension::default() };
    let shape = TensorShapeProto { dim: vec![batch.clone(), tokens.clone(), rows] };
    let tensor = Tensor { elem_type: Some(DataType::Float as i32), shape: Some(shape) };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: Some(layer.name.clone()), r#type: Some(kind), ..ValueInfoProto::default() }
}

/// The point of it all, looked at once more in the finished graph.
fn check_gone(graph: &GraphProto, file: &Path, layers: &Layers) -> Result<()> {
    if let Some(position) = graph::readers(graph, TEXT).first() {
        return Err(cones_onnx::Error::node(file, &graph.node[*position], format!("still depends on `{TEXT}`")).into());
    }
    for layer in layers.projections.iter().map(|p| &p.layer) {
        if graph::readers(graph, &layer.name).is_empty() {
            return Err(Error::layer(file, &layer.name, "is projected, but nothing uses the result"));
        }
    }
    Ok(())
}
