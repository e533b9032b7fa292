//! Telling which layer a projection is: by its values, and by what exporters note where values do not decide.

use cones_onnx::node;
use cones_onnx::proto::NodeProto;
use cones_onnx::source::Source;
use half::f16;

use crate::error::{Error, Result};
use crate::layers::{self, Layers};
use crate::projection::{Found, Index};

/// Quantised weights may be this far from the original ones (root mean square of the difference over that of the weights);
/// 4-bit rounding is about 0.1, another layer's weights about 1.4.
const QUANTISED_TOLERANCE: f64 = 0.35;
/// Converters to float16 move the smallest values away from zero; all others are what rounding makes of them.
const HALF_TOLERANCE: f64 = 1e-5;

/// For each layer, in order, the position in `found` of its projection. Every one has exactly one.
///
/// # Errors
/// Names the layer that is missing or there twice, or the node that is no layer.
pub(super) fn assign(
    layers: &Layers,
    found: &[Found],
    index: &Index<'_>,
    nodes: &[NodeProto],
    source: &Source,
) -> Result<Vec<usize>> {
    let mut assigned: Vec<Option<usize>> = vec![None; layers.projections.len()];
    for (position, one) in found.iter().enumerate() {
        let n = &nodes[one.node];
        let layer = identify(layers, one, n, index, source)?;
        if let Some(other) = assigned[layer].replace(position) {
            let (first, second) = (node::label(&nodes[found[other].node]), node::label(n));
            let reason = format!("is projected twice, by the nodes `{first}` and `{second}`");
            return Err(Error::layer(source.file(), &layers.projections[layer].layer.name, reason));
        }
    }
    let all = assigned.iter().zip(&layers.projections);
    all.map(|(position, layer)| {
        position.ok_or_else(|| {
            Error::layer(source.file(), &layer.layer.name, "is not found: no node multiplies the text by it")
        })
    })
    .collect()
}

fn identify(layers: &Layers, one: &Found, n: &NodeProto, index: &Index<'_>, source: &Source) -> Result<usize> {
    let (rows, columns) = one.weight.shape(index, source.file())?;
    let values = one.weight.values(index, source)?;
    let hash = layers::values_hash(values.iter().copied());
    let has_shape = |at: &usize| {
        let layer = &layers.projections[*at].layer;
        (u64::from(layer.rows), u64::from(layer.columns)) == (rows, columns)
    };
    let of_shape: Vec<usize> = (0..layers.projections.len()).filter(has_shape).collect();
    let same: Vec<usize> = of_shape.iter().copied().filter(|at| layers.projections[*at].hash == hash).collect();
    if let [only] = same[..] {
        return Ok(only);
    }
    let hinted = hinted(layers, one, n);
    if let Some(at) = hinted.filter(|at| same.contains(at)) {
        return Ok(at);
    }
    let candidates = hinted.map_or(of_shape, |at| vec![at]);
    let found = if one.weight.is_quantised() {
        nearest(layers, &candidates, &values, QUANTISED_TOLERANCE, |value| value)?
    } else if one.weight.is_half() {
        nearest(layers, &candidates, &values, HALF_TOLERANCE, |value| f16::from_f32(value).to_f32())?
    } else {
        None
    };
    if let Some(at) = found {
        return Ok(at);
    }
    Err(stranger(layers, hinted, &same, n, source))
}

/// Why a projection of the text is none of the layers.
fn stranger(layers: &Layers, hinted: Option<usize>, same: &[usize], n: &NodeProto, source: &Source) -> Error {
    let name = |at: usize| layers.projections[at].layer.name.as_str();
    let node = node::label(n);
    match (hinted, same) {
        (_, [first, second, ..]) => {
            let reason =
                format!("has the same weights as `{}`, and node `{node}` does not say which it is", name(*second));
            Error::layer(source.file(), name(*first), reason)
        }
        (Some(at), _) => {
            let weights = layers.file(&layers.projections[at]).display();
            let reason = format!("has other weights at node `{node}` than in `{weights}`");
            Error::layer(source.file(), name(at), reason)
        }
        (None, _) => {
            let reason = "projects the text by weights that are no attn2 layer's of the folder given as --weights";
            cones_onnx::Error::node(source.file(), n, reason).into()
        }
    }
}

/// The one layer whose name is in what the exporter noted at the node and on the weight's way.
fn hinted(layers: &Layers, one: &Found, n: &NodeProto) -> Option<usize> {
    let notes: Vec<String> = std::iter::once(n.name())
        .chain(n.output.iter().map(String::as_str))
        .chain(n.metadata_props.iter().map(|entry| entry.value()))
        .chain(one.weight.names.iter().map(String::as_str))
        .map(|note| note.replace('/', "."))
        .collect();
    let mentioned = |at: &usize| notes.iter().any(|note| mentions(note, &layers.projections[*at].layer.name));
    let mut matching = (0..layers.projections.len()).filter(mentioned);
    let first = matching.next()?;
    matching.next().is_none().then_some(first)
}

/// Whether `note` contains `name` as a whole path, not as a part of longer words.
fn mentions(note: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    note.match_indices(name).any(|(at, _)| {
        let before = note[..at].chars().next_back().is_none_or(|c| !is_word(c));
        let after = note[at + name.len()..].chars().next().is_none_or(|c| !is_word(c));
        before && after
    })
}

/// The candidate whose original values, `rounded`, have the least distance from these, if that is near enough.
fn nearest(
    layers: &Layers,
    candidates: &[usize],
    values: &[f32],
    tolerance: f64,
    rounded: impl Fn(f32) -> f32,
) -> Result<Option<usize>> {
    let mut best: Option<(f64, usize)> = None;
    for at in candidates {
        let mut original = layers.values(&layers.projections[*at])?;
        original.iter_mut().for_each(|value| *value = rounded(*value));
        if original.len() != values.len() {
            continue;
        }
        let square = |sum: f64, value: f32| sum + f64::from(value) * f64::from(value);
        let size = original.iter().copied().fold(0.0, square);
        let error = original.iter().zip(values).map(|(a, b)| a - b).fold(0.0, square);
        let distance = (error / size.max(f64::MIN_POSITIVE)).sqrt();
        if distance < tolerance && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, *at));
        }
    }
    Ok(best.map(|(_, at)| at))
}

#[cfg(test)]
mod tests {
    use super::mentions;

    #[test]
    fn a_name_is_found_only_as_a_whole() {
        let name = "blocks.1.attn2.to_k";
        assert!(mentions(".model.blocks.1.attn2.to_k.MatMul", name));
        assert!(mentions("blocks.1.attn2.to_k", name));
        assert!(mentions("['', 'blocks.1.attn2.to_k', 'x']", name));
        assert!(!mentions("down_blocks.1.attn2.to_k", name));
        assert!(!mentions("blocks.1.attn2.to_k_lora", name));
    }
}
