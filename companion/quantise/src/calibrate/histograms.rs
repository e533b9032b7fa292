//! How often values occur, counted by the graph itself: it gives back a thousand numbers for each value, not the millions
//! that an activation has.

use std::collections::HashMap;

use cones_core::CancelToken;
use cones_onnx::proto::GraphProto;
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::{Model, attribute, info, names, node, tensor};

use crate::calibrate::histogram::{BINS, Histogram};
use crate::calibrate::range::Range;
use crate::error::Result;
use crate::run::{Feed, Runner};

/// Of each of the values in `seen`, over all feeds.
pub(super) fn find(
    model: &Model,
    seen: &HashMap<String, Range>,
    feeds: &[Feed],
    threads: Option<usize>,
    cancel: &CancelToken,
) -> Result<HashMap<String, Histogram>> {
    let empty = |range: &Range| {
        let largest = range.low.abs().max(range.high.abs());
        Histogram { counts: vec![0; BINS], largest, seen: *range }
    };
    let mut histograms: Vec<(&String, Histogram)> = seen.iter().map(|(value, range)| (value, empty(range))).collect();
    let mut runner = Runner::load(&probe(model, &histograms)?, threads)?;
    for feed in feeds {
        let found = runner.run(feed, cancel)?;
        for ((_, histogram), counts) in histograms.iter_mut().zip(&found) {
            // Counts of one run are whole numbers that float32 holds exactly up to sixteen million.
            histogram.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum += *count as u64);
        }
    }
    Ok(histograms.into_iter().map(|(value, histogram)| (value.clone(), histogram)).collect())
}

/// The graph with a histogram of each value as its outputs.
fn probe(model: &Model, histograms: &[(&String, Histogram)]) -> Result<Model> {
    let mut model = model.copied();
    let graph = model.graph_mut()?;
    graph.output.clear();
    let constants = Constants::add(graph);
    for (value, histogram) in histograms {
        count(graph, value, histogram.largest, &constants);
    }
    Ok(model)
}

/// Names of what all counts share.
struct Constants {
    flat: String,
    none: String,
    one: String,
    lowest: String,
    highest: String,
}

impl Constants {
    fn add(graph: &mut GraphProto) -> Self {
        let [flat, none, one, lowest, highest] =
            ["flat", "none", "one", "lowest", "highest"].map(|name| names::free(graph, &format!("histogram.{name}")));
        let last = i64::try_from(BINS - 1).unwrap_or(i64::MAX);
        graph.initializer.push(tensor::int64s(&flat, &[1], &[-1]));
        graph.initializer.push(tensor::raw(&none, DataType::Float as i32, &[last + 1], vec![0; 4 * BINS]));
        graph.initializer.push(float(&one, 1.0));
        graph.initializer.push(float(&lowest, 0.0));
        graph.initializer.push(float(&highest, BINS as f32 - 1.0));
        Self { flat, none, one, lowest, highest }
    }
}

/// bin = min(floor((value + largest) · bins / 2 largest), last); counts[bin] += 1.
fn count(graph: &mut GraphProto, value: &str, largest: f32, constants: &Constants) {
    let named = |graph: &GraphProto, part: &str| names::free(graph, &format!("{value}.histogram.{part}"));
    let [offset, factor] = ["offset", "factor"].map(|part| named(graph, part));
    // Values that are all zero lie in one bin, whichever.
    let width = if largest > 0.0 { BINS as f32 / (2.0 * largest) } else { 0.0 };
    graph.initializer.push(float(&offset, largest));
    graph.initializer.push(float(&factor, width));
    let mut last = value.to_owned();
    let steps: [(&str, Vec<&str>); 5] = [
        ("Reshape", vec![&constants.flat]),
        ("Add", vec![&offset]),
        ("Mul", vec![&factor]),
        ("Floor", vec![]),
        ("Clip", vec![&constants.lowest, &constants.highest]),
    ];
    for (op, others) in steps {
        let output = named(graph, op);
        let inputs: Vec<&str> = std::iter::once(last.as_str()).chain(others).collect();
        graph.node.push(node::new(op, &inputs, &output));
        last = output;
    }
    let [bins, shape, ones, counts] = ["bins", "shape", "ones", "counts"].map(|part| named(graph, part));
    graph.node.push(node::cast(&last, &bins, DataType::Int64 as i32));
    graph.node.push(node::new("Shape", &[&bins], &shape));
    graph.node.push(node::new("Expand", &[&constants.one, &shape], &ones));
    let mut scatter = node::new("ScatterElements", &[&constants.none, &bins, &ones], &counts);
    scatter.attribute.push(attribute::text("reduction", "add"));
    graph.node.push(scatter);
    graph.output.push(info::untyped(&counts));
}

fn float(name: &str, value: f32) -> cones_onnx::proto::TensorProto {
    tensor::raw(name, DataType::Float as i32, &[], value.to_le_bytes().to_vec())
}
