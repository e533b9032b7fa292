//! Against onnxruntime's Python tools. Vectors: `tests/golden/make_quantise.py`.

use cones_quantise::calibrate::Range;
use cones_quantise::calibrate::histogram::Histogram;
use cones_quantise::{in_blocks, in_channels};
use cones_tests::golden;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    channels: Vec<Channels>,
    blocks: Vec<Blocks>,
    histograms: Vec<Counted>,
}

#[derive(Deserialize)]
struct Channels {
    shape: Vec<usize>,
    axis: usize,
    weights: Vec<f32>,
    scales: Vec<f32>,
    values: Vec<i8>,
}

#[derive(Deserialize)]
struct Blocks {
    inputs: usize,
    outputs: usize,
    weights: Vec<f32>,
    scales: Vec<f32>,
    values: Vec<u8>,
}

#[derive(Deserialize)]
struct Counted {
    counts: Vec<u64>,
    largest: f32,
    low: f32,
    high: f32,
    entropy: [f32; 2],
    percentile: [f32; 2],
    step: f32,
    zero: u8,
}

fn open() -> Golden {
    golden::json("quantise/golden.json")
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= 1e-6 * e.abs().max(1e-6), "{f} instead of {e}");
    }
}

#[test]
fn weights_by_channel_are_onnxruntimes() {
    for case in open().channels {
        let found = in_channels(&case.weights, &case.shape, case.axis);
        assert_eq!(found.values, case.values, "axis {}", case.axis);
        let zeros = case.weights.chunks(case.weights.len() / case.shape[0]).any(|part| part.iter().all(|w| *w == 0.0));
        assert!(zeros == (case.axis == 0), "the convolution has a channel of zeros");
        close(&found.scales, &case.scales);
    }
}

#[test]
fn weights_in_blocks_are_onnxruntimes() {
    for case in open().blocks {
        let found = in_blocks(&case.weights, case.inputs, case.outputs).expect("even blocks");
        assert_eq!(found.values, case.values);
        close(&found.scales, &case.scales);
    }
}

#[test]
fn ranges_are_onnxruntimes() {
    for case in open().histograms {
        let seen = Range { low: case.low, high: case.high };
        let (step, zero) = seen.steps();
        close(&[step], &[case.step]);
        assert_eq!(zero, case.zero);
        let histogram = Histogram { counts: case.counts, largest: case.largest, seen };
        let both = |range: Range| [range.low, range.high];
        // Its edges are rounded to float32 one by one.
        let near = |found: [f32; 2], expected: [f32; 2]| {
            found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-5 * case.largest)
        };
        let entropy = both(histogram.entropy());
        assert!(near(entropy, case.entropy), "{entropy:?} instead of {:?}", case.entropy);
        // As onnxruntime computes it: two of 40,000 values are a tie that rounding decides.
        let cut = both(histogram.percentile((100.0 - 99.99) / 100.0));
        assert!(near(cut, case.percentile), "{cut:?} instead of {:?}", case.percentile);
    }
}

#[test]
fn histograms_of_nothing_have_a_range() {
    let seen = Range { low: 0.0, high: 0.0 };
    let empty = Histogram { counts: vec![0; 1024], largest: 0.0, seen };
    assert_eq!((empty.entropy(), empty.percentile(0.5)), (seen, seen));
    let none = Histogram { counts: Vec::new(), largest: 1.0, seen };
    assert_eq!(none.entropy(), seen);
    assert!(none.percentile(0.1).low <= 0.0);
}
