//! Small parts of nodes that several passes write.

use std::collections::HashMap;

use cones_onnx::attribute;
use cones_onnx::proto::{AttributeProto, NodeProto};

/// Why a graph, or a node, is not of the form that is understood, as a predicate.
pub(super) type Reason = String;

/// The attributes of a node but those of these names, and others in their place.
pub(super) fn attributes_with(n: &NodeProto, replaced: HashMap<&str, AttributeProto>) -> Vec<AttributeProto> {
    let mut kept: Vec<_> = n.attribute.iter().filter(|a| !replaced.contains_key(a.name())).cloned().collect();
    kept.extend(replaced.into_values());
    kept
}

/// A convolution's pads, in the order of the operator: above, left, below, right.
pub(super) fn pads([above, left, below, right]: [i64; 4]) -> AttributeProto {
    attribute::ints("pads", &[above, left, below, right])
}
