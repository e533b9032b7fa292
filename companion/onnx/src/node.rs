//! Nodes: making them and reading their attributes.

use crate::proto::attribute_proto::AttributeType;
use crate::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// What to call a node in a message: its name, or its first output where it has none.
pub fn label(node: &NodeProto) -> &str {
    match node.name() {
        "" => node.output.first().map_or("(nameless)", String::as_str),
        name => name,
    }
}

/// A node of the standard operators, named after its output.
pub fn new(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: Some(op.to_owned()),
        name: Some(format!("{output}/{op}")),
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

/// A cast to an element type.
pub fn cast(input: &str, output: &str, to: i32) -> NodeProto {
    with_int(new("Cast", &[input], output), "to", i64::from(to))
}

/// The node with one more whole-number attribute.
pub fn with_int(mut node: NodeProto, name: &str, value: i64) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(AttributeType::Int as i32),
        i: Some(value),
        ..AttributeProto::default()
    });
    node
}

/// Whether it is this operator of the standard set.
pub fn has_op(node: &NodeProto, op: &str) -> bool {
    node.op_type() == op && matches!(node.domain(), "" | "ai.onnx")
}

/// Whether it gives its input in another shape, which takes no memory of its own.
pub fn is_view(node: &NodeProto) -> bool {
    ["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"].iter().any(|op| has_op(node, op))
}

/// An attribute by name.
pub fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name() == name)
}

/// A whole-number attribute.
pub fn int(node: &NodeProto, name: &str) -> Option<i64> {
    attribute(node, name)?.i
}

/// A floating-point attribute.
pub fn float(node: &NodeProto, name: &str) -> Option<f32> {
    attribute(node, name)?.f
}

/// A tensor attribute, as `value` of `Constant`.
pub fn tensor<'a>(node: &'a NodeProto, name: &str) -> Option<&'a TensorProto> {
    attribute(node, name)?.t.as_ref()
}

/// The bodies of control-flow nodes.
pub fn subgraphs(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs))
}

/// The bodies of control-flow nodes, to change.
pub fn subgraphs_mut(node: &mut NodeProto) -> impl Iterator<Item = &mut GraphProto> {
    node.attribute.iter_mut().flat_map(|attribute| attribute.g.iter_mut().chain(&mut attribute.graphs))
}

/// Everything a node reads by name: its inputs, and what its bodies take from outside.
pub fn reads(node: &NodeProto) -> Vec<&str> {
    let mut names: Vec<&str> = node.input.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    for body in subgraphs(node) {
        // Names are unique across nested graphs, so inner names among these do no harm.
        names.extend(body.node.iter().flat_map(reads));
        names.extend(body.output.iter().map(|output| output.name()));
    }
    names
}
