//! Attributes of nodes: making and reading them.

use crate::proto::attribute_proto::AttributeType;
use crate::proto::{AttributeProto, GraphProto, NodeProto};

/// A whole number.
pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: Some(value), ..typed(name, AttributeType::Int) }
}

/// Whole numbers.
pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { ints: values.to_vec(), ..typed(name, AttributeType::Ints) }
}

/// A real number.
pub fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: Some(value), ..typed(name, AttributeType::Float) }
}

/// Text.
pub fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: Some(value.as_bytes().to_vec().into()), ..typed(name, AttributeType::String) }
}

/// The body of a control-flow node.
pub fn graph(name: &str, body: GraphProto) -> AttributeProto {
    AttributeProto { g: Some(body), ..typed(name, AttributeType::Graph) }
}

/// A node's whole numbers of that name.
pub fn get_ints<'a>(node: &'a NodeProto, name: &str) -> Option<&'a [i64]> {
    super::node::attribute(node, name).map(|attribute| attribute.ints.as_slice())
}

/// A node's text of that name.
pub fn get_text<'a>(node: &'a NodeProto, name: &str) -> Option<&'a str> {
    std::str::from_utf8(super::node::attribute(node, name)?.s.as_ref()?).ok()
}

fn typed(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), r#type: Some(kind as i32), ..AttributeProto::default() }
}
