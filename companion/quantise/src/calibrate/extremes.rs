//! The lowest and highest of each value, found by the graph itself.

use std::collections::HashMap;

use cones_core::CancelToken;
use cones_onnx::{Model, attribute, info, names, node};

use crate::calibrate::range::Range;
use crate::error::Result;
use crate::run::{Feed, Runner};

/// Of each of `values`, over all feeds.
pub(super) fn find(
    model: &Model,
    values: &[String],
    feeds: &[Feed],
    threads: Option<usize>,
    cancel: &CancelToken,
) -> Result<HashMap<String, Range>> {
    let mut runner = Runner::load(&probe(model, values)?, threads)?;
    let mut ranges = vec![Range::EMPTY; values.len()];
    for feed in feeds {
        let found = runner.run(feed, cancel)?;
        for (range, ends) in ranges.iter_mut().zip(found.as_chunks::<2>().0) {
            let end = |i: usize| ends[i].first().copied().unwrap_or(f32::NAN);
            let (low, high) = (end(0), end(1));
            // `min` would pass over a value that is no number.
            *range = if low.is_nan() || high.is_nan() {
                Range { low: f32::NAN, high: f32::NAN }
            } else {
                range.with(Range { low, high })
            };
        }
    }
    Ok(values.iter().cloned().zip(ranges).collect())
}

/// The graph with the extremes of each value as its outputs.
fn probe(model: &Model, values: &[String]) -> Result<Model> {
    let mut model = model.copied();
    let graph = model.graph_mut()?;
    graph.output.clear();
    for value in values {
        for end in ["Min", "Max"] {
            let name = names::free(graph, &format!("{value}.{end}"));
            let mut reduced = node::new(&format!("Reduce{end}"), &[value], &name);
            reduced.attribute.push(attribute::int("keepdims", 0));
            graph.node.push(reduced);
            graph.output.push(info::untyped(&name));
        }
    }
    Ok(model)
}
