//! Making room for learned words: what is added to the tokens' embeddings becomes an input of the text encoder.

use cones_core::model::bundle::EMBEDDING_OFFSETS;
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::tensor_shape_proto::{Dimension, dimension};
use cones_onnx::proto::type_proto::{self, Tensor};
use cones_onnx::proto::{GraphProto, TensorShapeProto, TypeProto, ValueInfoProto};
use cones_onnx::{Model, element, lookup, names, node};

use crate::error::Result;

/// The encoder's other input.
const INPUT_IDS: &str = "input_ids";

/// Adds the input, float32 [batch, tokens, width], right behind the table that the tokens are looked up in. A graph that
/// looks them up in no table of floating-point numbers, as a quantised one, stays as it is.
///
/// Zeros give what the encoder gave before, bit for bit; an input with a default value instead would keep ONNX Runtime
/// from inferring shapes behind it, and so from fusing nodes.
///
/// # Errors
/// When the model has no graph.
pub(super) fn add_input(model: &mut Model) -> Result<bool> {
    let graph = model.graph_mut()?;
    let found = lookup::embedding_table(graph, INPUT_IDS).and_then(|(at, table)| {
        let width = *table.dims.get(1)?;
        let kind = element_of(graph, graph.node.get(at)?.input.first()?)?;
        let embeddings = graph.node.get(at)?.output.first()?.clone();
        element::is_float(kind).then_some((at, width, kind, embeddings))
    });
    let Some((at, width, kind, embeddings)) = found else { return Ok(false) };
    names::vacate(graph, EMBEDDING_OFFSETS);
    let sum = names::free(graph, &format!("{embeddings}.with_offsets"));
    names::redirect(graph, &embeddings, &sum);
    let mut nodes = Vec::new();
    let mut offsets = EMBEDDING_OFFSETS.to_owned();
    if kind != DataType::Float as i32 {
        offsets = names::free(graph, &format!("{EMBEDDING_OFFSETS}.cast"));
        nodes.push(node::cast(EMBEDDING_OFFSETS, &offsets, kind));
    }
    nodes.push(node::new("Add", &[&embeddings, &offsets], &sum));
    graph.node.splice(at + 1..at + 1, nodes);
    let input = input(graph, width);
    graph.input.push(input);
    Ok(true)
}

/// The element type of the table as it is looked up in.
fn element_of(graph: &GraphProto, name: &str) -> Option<i32> {
    if let Some(table) = graph.initializer.iter().find(|tensor| tensor.name() == name) {
        return table.data_type;
    }
    let maker = graph.node.iter().find(|n| n.output.iter().any(|output| output == name))?;
    if node::has_op(maker, "Cast") {
        return node::int(maker, "to").and_then(|to| i32::try_from(to).ok());
    }
    // The way is the one on which the table was found, so it ends there.
    maker.input.first().and_then(|before| element_of(graph, before))
}

/// With the batch and the tokens of `input_ids`.
fn input(graph: &GraphProto, width: i64) -> ValueInfoProto {
    let named =
        |name: &str| Dimension { value: Some(dimension::Value::DimParam(name.to_owned())), ..Dimension::default() };
    let ids = graph.input.iter().find(|input| input.name() == INPUT_IDS);
    let shape = ids.and_then(super::interface::tensor_type).and_then(|tensor| tensor.shape.as_ref());
    let mut dim = shape.map(|shape| shape.dim.clone()).filter(|dim| dim.len() == 2);
    let dim = dim.get_or_insert_with(|| vec![named("batch"), named("tokens")]);
    dim.push(Dimension { value: Some(dimension::Value::DimValue(width)), ..Dimension::default() });
    let shape = TensorShapeProto { dim: std::mem::take(dim) };
    let tensor = Tensor { elem_type: Some(DataType::Float as i32), shape: Some(shape) };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: Some(EMBEDDING_OFFSETS.to_owned()), r#type: Some(kind), ..ValueInfoProto::default() }
}
