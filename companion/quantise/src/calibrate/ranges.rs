//! The range of what each layer reads and gives.

use std::collections::{BTreeMap, HashMap};

use cones_core::CancelToken;
use cones_onnx::Model;

use crate::calibrate::histogram::Histogram;
use crate::calibrate::method::Method;
use crate::calibrate::range::Range;
use crate::calibrate::{extremes, histograms};
use crate::error::{Error, Result};
use crate::layer::{Key, Layer};
use crate::run::Feed;

/// The ranges of one layer's input and output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerRange {
    /// What it reads.
    pub x: Range,
    /// What it gives.
    pub y: Range,
}

/// The ranges of every layer.
pub type Ranges = BTreeMap<Key, LayerRange>;

/// Runs `model` on all `feeds` and decides the range of what each of `layers` reads and gives.
///
/// # Errors
/// When a value is not finite; [`cones_core::Error::Cancelled`]; what ONNX Runtime says.
pub(crate) fn find(
    model: &Model,
    layers: &[Layer],
    feeds: &[Feed],
    method: Method,
    threads: Option<usize>,
    cancel: &CancelToken,
) -> Result<Ranges> {
    let values = values(model, layers)?;
    let seen = extremes::find(model, &values, feeds, threads, cancel)?;
    if let Some((value, _)) = seen.iter().find(|(_, range)| !range.low.is_finite() || !range.high.is_finite()) {
        let reason = format!("its value `{value}` is not finite while pictures are drawn");
        return Err(Error::graph(model.file(), reason, "the model is damaged; export and import it again"));
    }
    let taken: HashMap<String, Range> = if method.needs_extremes_only() {
        seen
    } else {
        let counted = histograms::find(model, &seen, feeds, threads, cancel)?;
        counted.into_iter().map(|(value, histogram): (String, Histogram)| (value, method.range(&histogram))).collect()
    };
    let of = |value: Option<&String>| value.and_then(|value| taken.get(value)).copied().unwrap_or(Range::EMPTY);
    let graph = model.graph()?;
    let range = |layer: &Layer| {
        let n = graph.node.get(layer.node);
        let (x, y) = (n.and_then(|n| n.input.first()), n.and_then(|n| n.output.first()));
        (layer.key, LayerRange { x: of(x), y: of(y) })
    };
    Ok(layers.iter().map(range).collect())
}

/// Every value that a layer reads or gives, once.
fn values(model: &Model, layers: &[Layer]) -> Result<Vec<String>> {
    let graph = model.graph()?;
    let nodes = layers.iter().filter_map(|layer| graph.node.get(layer.node));
    let mut values: Vec<String> =
        nodes.flat_map(|n| n.input.first().into_iter().chain(n.output.first())).cloned().collect();
    values.sort();
    values.dedup();
    Ok(values)
}
