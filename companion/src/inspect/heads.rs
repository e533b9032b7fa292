//! How the rows of a projection are split over attention heads: the U-Net's graph tells.

use cones_core::Bundle;
use cones_core::model::bundle;
use cones_core::model::manifest::Layer;
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{GraphProto, NodeProto};
use cones_onnx::source::Source;
use cones_onnx::{Model, graph, node};

use crate::failure::Failure;

/// Groups where the number of heads is unknown: Stable Diffusion 1 has eight heads.
const GROUPS: u32 = 8;

/// How one layer's rows are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    /// How many groups of equal size; the last one takes what is left over.
    pub groups: u32,
    /// Whether they are attention heads, or merely groups because the graph does not tell.
    pub heads: bool,
}

/// For each layer of the bundle how its rows are grouped.
pub fn group_rows(bundle: &Bundle) -> Result<Vec<Rows>, Failure> {
    let model = Model::open(&bundle.file(bundle::UNET)?)?;
    let graph = model.graph()?;
    Ok(bundle.manifest().layers.iter().map(|layer| rows(graph, &model.source, layer)).collect())
}

fn rows(graph: &GraphProto, source: &Source, layer: &Layer) -> Rows {
    let fits = |heads: &u32| *heads > 0 && layer.rows.is_multiple_of(*heads);
    match heads(graph, source, &layer.name, 3).filter(fits) {
        Some(groups) => Rows { groups, heads: true },
        None => Rows { groups: GROUPS.min(layer.rows), heads: false },
    }
}

/// What the readers of K or V say, looking through at most `depth` nodes that keep its shape.
fn heads(graph: &GraphProto, source: &Source, value: &str, depth: u32) -> Option<u32> {
    let readers = graph::readers(graph, value);
    readers.into_iter().filter_map(|i| graph.node.get(i)).find_map(|n| match n.op_type() {
        // ONNX Runtime's fused node, and the standard one.
        "MultiHeadAttention" => u32::try_from(node::int(n, "num_heads")?).ok(),
        "Attention" => u32::try_from(node::int(n, "kv_num_heads")?).ok(),
        // [batch, tokens, rows] to [batch, tokens, heads, rows of a head].
        "Reshape" => u32::try_from(*shape(graph, source, n)?.get(2)?).ok(),
        "Cast" | "Identity" if depth > 0 => heads(graph, source, n.output.first()?, depth - 1),
        _ => None,
    })
}

/// The shape that a reshape is given: a constant, or joined from constants and what is known at run time only (-1).
fn shape(graph: &GraphProto, source: &Source, reshape: &NodeProto) -> Option<Vec<i64>> {
    let name = reshape.input.get(1)?;
    if let Some(values) = constant(graph, source, name) {
        return Some(values).filter(|shape| shape.len() == 4);
    }
    let joined = graph.node.iter().find(|n| n.output.contains(name)).filter(|n| node::has_op(n, "Concat"))?;
    if joined.input.len() != 4 {
        return None;
    }
    let part = |name: &String| match constant(graph, source, name)?.as_slice() {
        [value] => Some(*value),
        _ => None,
    };
    Some(joined.input.iter().map(|name| part(name).unwrap_or(-1)).collect())
}

fn constant(graph: &GraphProto, source: &Source, name: &str) -> Option<Vec<i64>> {
    let value = graph.initializer.iter().find(|t| t.name() == name)?;
    if value.data_type != Some(DataType::Int64 as i32) {
        return None;
    }
    let bytes = source.bytes(value).ok()?;
    Some(bytes.as_chunks::<8>().0.iter().map(|number| i64::from_le_bytes(*number)).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use cones_onnx::node::with_int;
    use cones_onnx::tensor::int64s;

    const LAYER: &str = "attn2.to_k";

    fn found(nodes: Vec<NodeProto>, constants: &[(&str, &[i64])]) -> Rows {
        let initializer = constants.iter().map(|(name, v)| int64s(name, &[v.len() as i64], v)).collect();
        let graph = GraphProto { node: nodes, initializer, ..GraphProto::default() };
        let layer = Layer { name: LAYER.into(), rows: 20, columns: 3 };
        rows(&graph, &Source::new(Path::new("unet.onnx")), &layer)
    }

    #[test]
    fn fused_nodes_and_reshapes_tell_the_heads() {
        let five = Rows { groups: 5, heads: true };
        let fused = node::new("MultiHeadAttention", &["q", LAYER, "v"], "o");
        assert_eq!(found(vec![with_int(fused, "num_heads", 5)], &[]), five);
        let standard = node::new("Attention", &["q", LAYER, "v"], "o");
        assert_eq!(found(vec![with_int(standard, "kv_num_heads", 5)], &[]), five);
        let reshape = node::new("Reshape", &[LAYER, "shape"], "o");
        assert_eq!(found(vec![reshape.clone()], &[("shape", &[2, 77, 5, 4])]), five);
        let cast = node::cast(LAYER, "half", 10);
        let joined = node::new("Concat", &["batch", "any", "heads", "width"], "shape");
        let after = node::new("Reshape", &["half", "shape"], "o");
        let constants: [(&str, &[i64]); 3] = [("any", &[-1]), ("heads", &[5]), ("width", &[4])];
        assert_eq!(found(vec![cast, joined, after], &constants), five);
    }

    #[test]
    fn what_tells_nothing_gives_groups_of_rows() {
        let unknown = Rows { groups: GROUPS, heads: false };
        assert_eq!(found(vec![], &[]), unknown);
        let fused = |heads| vec![with_int(node::new("MultiHeadAttention", &["q", LAYER], "o"), "num_heads", heads)];
        for heads in [0, -4, 3, i64::MAX] {
            assert_eq!(found(fused(heads), &[]), unknown, "{heads} heads of 20 rows");
        }
        let reshape = vec![node::new("Reshape", &[LAYER, "shape"], "o")];
        assert_eq!(found(reshape.clone(), &[("shape", &[2, 77, 20])]), unknown);
        assert_eq!(found(reshape, &[]), unknown);
    }
}
