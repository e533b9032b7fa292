//! The version of the standard operators that a graph asks for.

use cones_onnx::proto::{AttributeProto, GraphProto, NodeProto};
use cones_onnx::{Model, node};

/// The version whose QuantizeLinear every ONNX Runtime from 1.23 on has: 1.23 has no kernel for that of version 23.
const OLDEST: i64 = 21;
/// What came after [`OLDEST`], up to [`NEWEST`]; all other operators only took further types of tensors.
const NEWER: [&str; 5] = ["Attention", "RMSNormalization", "RotaryEmbedding", "Swish", "TensorScatter"];
/// Attributes that came with them to operators that were there before.
const NEWER_ATTRIBUTES: [&str; 2] = ["round_mode", "precision"];
/// The last version that this list was made from.
const NEWEST: i64 = 24;

/// Asks for the oldest version that has QuantizeLinear as it is written here, where the graph means the same in it.
pub(super) fn lower(model: &mut Model) {
    if (OLDEST + 1..=NEWEST).contains(&model.opset()) && model.proto.graph.as_ref().is_some_and(means_the_same) {
        model.set_opset(OLDEST);
    }
}

fn means_the_same(graph: &GraphProto) -> bool {
    let newer_attribute = |a: &AttributeProto| NEWER_ATTRIBUTES.contains(&a.name());
    let known = |n: &NodeProto| !NEWER.contains(&n.op_type()) && !n.attribute.iter().any(newer_attribute);
    graph.node.iter().all(|n| known(n) && node::subgraphs(n).all(means_the_same))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use cones_onnx::proto::{ModelProto, OperatorSetIdProto};
    use cones_onnx::source::Source;

    use super::*;

    fn lowered(version: i64, op: &str) -> i64 {
        let graph = GraphProto { node: vec![node::new(op, &["x"], "y")], ..GraphProto::default() };
        let set = |domain: &str, version| OperatorSetIdProto { domain: Some(domain.into()), version: Some(version) };
        let opset_import = vec![set("com.microsoft", 1), set("", version)];
        let proto = ModelProto { graph: Some(graph), opset_import, ..ModelProto::default() };
        let mut model = Model { proto, source: Source::new(Path::new("x.onnx")) };
        lower(&mut model);
        assert_eq!(model.proto.opset_import[0].version(), 1, "another domain's version stays");
        model.opset()
    }

    #[test]
    fn a_graph_asks_for_no_more_than_it_needs() {
        assert_eq!(lowered(23, "QuantizeLinear"), 21);
        assert_eq!(lowered(18, "QuantizeLinear"), 18);
        assert_eq!(lowered(23, "Attention"), 23);
        assert_eq!(lowered(99, "QuantizeLinear"), 99, "nobody knows what it brings");
    }
}
