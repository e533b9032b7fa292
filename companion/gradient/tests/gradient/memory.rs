//! Less memory: the same gradients, and less memory indeed.

use std::collections::{BTreeMap, HashSet};
use std::process::Command;

use cones_core::{Bundle, CancelToken};
use cones_gradient::{
    DerivativeSpec, Differentiated, Footprint, GradientGraph, GradientOptions, Memory, Objective, Sizes, differentiate,
    unet,
};
use cones_onnx::proto::tensor_proto::DataType;
use cones_tests::base;

use crate::fixture::{DIALECTS, arguments, export, run, temporary};
use crate::golden::distance;
use crate::rules::case::{Range, case, draw};
use crate::rules::session::model;

/// Relative to a layer's largest gradient.
const NEAR: f32 = 1e-5;

/// Large enough that values weigh more than weights.
const LARGE: Sizes = Sizes { batch: 8, height: 16, width: 16, tokens: 8 };

/// Says to a test that runs itself again what to measure.
const MEASURE: &str = "CONES_TESTS_MEASURE_GRADIENT";

fn options(memory: Memory) -> GradientOptions {
    GradientOptions { threads: Some(1), memory, ..GradientOptions::default() }
}

fn numbers(count: usize, seed: u64) -> Vec<f32> {
    draw(count, Range::Any, seed).into_iter().map(|value| value as f32).collect()
}

/// Whether a node is one of the forward pass that is run a second time, or belongs to one.
fn is_again(name: &str) -> bool {
    name.starts_with("again.")
}

/// A derivative with nothing computed again: what would read a copy reads the original.
fn without_copies(derivative: &mut Differentiated) {
    let graph = derivative.model.graph_mut().expect("a graph");
    let made: HashSet<String> = graph.node.iter().flat_map(|n| &n.output).cloned().collect();
    graph.node.retain(|n| !is_again(n.output.first().expect("an output")));
    for input in graph.node.iter_mut().flat_map(|n| &mut n.input).filter(|input| is_again(input)) {
        // `again.NUMBER.NAME`, or `again.NUMBER.gate.after.NAME` where it is what a copied weight waits for.
        let name = input.splitn(3, '.').nth(2).expect("a name");
        let original = name.strip_prefix("gate.after.").unwrap_or(name).to_owned();
        assert!(made.contains(&original), "{original} is no value of the forward pass");
        *input = original;
    }
}

/// Runs one step on fixed random numbers, and returns every output: losses, then gradients.
fn step(derivative: &Differentiated, sizes: Sizes, memory: Memory) -> Vec<Vec<f32>> {
    let mut graph = GradientGraph::load(derivative, &options(memory)).unwrap_or_else(|error| panic!("{error}"));
    let inputs: Vec<(String, usize)> = graph.inputs().map(|port| (port.name.clone(), port.shape.count())).collect();
    for ((name, count), seed) in inputs.into_iter().zip(1..) {
        let timesteps = || (0..sizes.batch).map(|at| (at * 97 % 1000) as f32).collect();
        let values = if name == "timestep" { timesteps() } else { numbers(count, seed) };
        graph.set(&name, &values).unwrap_or_else(|error| panic!("{error}"));
    }
    graph.run(&CancelToken::new()).unwrap_or_else(|error| panic!("{error}"));
    let ports = derivative.outputs.iter().chain(&derivative.gradients);
    ports.map(|port| graph.output(&port.name).expect("an output").to_vec()).collect()
}

fn derivative(bundle: &Bundle, sizes: Sizes, memory: Memory) -> Differentiated {
    let file = bundle.file("unet.onnx").expect("a graph");
    unet::derivative(bundle, &file, sizes, &options(memory)).unwrap_or_else(|error| panic!("{error}"))
}

/// `exact`: to the bit, as long as the nodes are the same. ONNX Runtime fuses the many small nodes of the older exporter,
/// but not those with an inner value that the backward pass reads, and copies are other nodes then.
fn check_same(bundle: &Bundle, sizes: Sizes, name: &str, exact: bool) {
    let mut lean = derivative(bundle, sizes, Memory::Low);
    let low = step(&lean, sizes, Memory::Low);
    let nodes = lean.model.graph().expect("a graph").node.len();
    without_copies(&mut lean);
    let once = lean.model.graph().expect("a graph").node.len();
    assert!(once < nodes, "{name}: nothing is computed again: this tests nothing");
    let all_once = step(&lean, sizes, Memory::Low);
    if exact {
        assert!(low == all_once, "{name}: computing again changes the gradients");
    }
    let worst = low.iter().zip(&all_once).map(|(low, once)| distance(low, once)).fold(0.0, f32::max);
    assert!(worst <= NEAR, "{name}: {worst} from the gradients of computing all once");
    // ONNX Runtime takes other kernels where memory is plenty, so not every bit is the same.
    let normal = step(&derivative(bundle, sizes, Memory::Normal), sizes, Memory::Normal);
    let worst = low.iter().zip(&normal).map(|(low, normal)| distance(low, normal)).fold(0.0, f32::max);
    println!("{name}: {} of {nodes} nodes are copies; {worst:.1e} from with plenty of memory", nodes - once);
    assert!(worst <= NEAR, "{name}: {worst} from the gradients with plenty of memory");
}

#[test]
fn toybox_gives_the_same_gradients_with_little_memory() {
    check_same(&base::bundle(), Sizes { batch: 2, height: 16, width: 8, tokens: 5 }, "Toybox", true);
}

#[test]
fn every_dialect_gives_the_same_gradients_with_little_memory() {
    for dialect in DIALECTS {
        let (export, out) = (export(dialect), temporary());
        let args = arguments(export.path(), &out.path().join("bundle"));
        run(&args).unwrap_or_else(|error| panic!("{dialect}: {error}"));
        let bundle = Bundle::open(&args.out).expect("a bundle");
        check_same(&bundle, Sizes { batch: 2, height: 16, width: 8, tokens: 8 }, dialect, dialect != "torchscript");
    }
}

#[test]
fn attention_in_blocks_gives_the_same_gradients_in_less_memory() {
    // Scores of 2304 by 2304 are 21 MB.
    let dims = [1, 1, 2304, 8];
    let attention = case("Attention", "large").wanted("q", &dims).wanted("k", &dims).wanted("v", &dims);
    let folder = temporary();
    let of = |blocks| {
        let values = ["q", "k", "v"].map(str::to_owned).to_vec();
        let memory = Memory::Normal;
        let plan = DerivativeSpec { inputs: BTreeMap::new(), values, objective: Objective::Cotangent, memory, blocks };
        differentiate(model(attention.model(DataType::Float), folder.path()), &plan).expect("a derivative")
    };
    let blocks = options(Memory::Normal).blocks();
    assert!(blocks.is_some(), "the CPU takes attention in blocks");
    let (whole, cut) = (of(None), of(blocks));
    let scans = |derivative: &Differentiated| {
        let nodes = &derivative.model.graph().expect("a graph").node;
        nodes.iter().filter(|n| n.op_type() == "Scan").count()
    };
    assert_eq!((scans(&whole), scans(&cut)), (0, 2));
    let sizes = Sizes { batch: 1, height: 1, width: 1, tokens: 1 };
    let pairs = step(&cut, sizes, Memory::Normal).into_iter().zip(step(&whole, sizes, Memory::Normal));
    let worst = pairs.map(|(cut, whole)| distance(&cut, &whole)).fold(0.0, f32::max);
    assert!(worst <= NEAR, "{worst} from the gradients of attention in one");
    let of = |derivative| Footprint::new(derivative, Memory::Normal).expect("an estimate");
    let (cut, whole) = (of(&cut), of(&whole));
    assert!(cut.activations * 10 < whole.activations, "{cut:?}, and in one {whole:?}");
}

#[test]
fn estimates_grow_with_the_batch_and_shrink_with_less_memory() {
    let bundle = base::bundle();
    let of = |batch, memory| -> Footprint {
        unet::footprint(&bundle, Sizes { batch, ..LARGE }, &options(memory)).expect("an estimate")
    };
    let (two, eight, low) = (of(2, Memory::Normal), of(8, Memory::Normal), of(8, Memory::Low));
    assert_eq!(two.weights, eight.weights);
    let ratio = eight.activations as f64 / two.activations as f64;
    assert!((ratio - 4.0).abs() < 0.2, "four times the batch takes {ratio} times the memory");
    assert!(low.activations * 10 < eight.activations * 8, "{low:?}, and with plenty {eight:?}");
    assert!(low.weights <= eight.weights, "{low:?}, and with plenty {eight:?}");
    assert_eq!(eight.batch_within(eight.total(), 8), 8);
    assert!(eight.batch_within(eight.total() - 1, 8) < 8);
    assert_eq!(eight.batch_within(eight.weights, 8), 0);
    assert!(low.total() < eight.total());
}

/// Not a test: what [`the_peak_is_lower_and_near_the_estimate`] runs in a process of its own, for the system counts the
/// memory of whole processes.
#[test]
#[ignore = "run by another test"]
fn one_step() {
    let memory = match std::env::var(MEASURE).as_deref() {
        Ok("low") => Memory::Low,
        Ok("normal") => Memory::Normal,
        other => panic!("{MEASURE} is {other:?}"),
    };
    let bundle = base::bundle();
    let before = status("VmRSS:");
    step(&derivative(&bundle, LARGE, memory), LARGE, memory);
    println!("measured={}", status("VmHWM:").saturating_sub(before));
}

fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = text.lines().find_map(|line| line.strip_prefix(key)).expect("a line");
    line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).expect("kilobytes") * 1024
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "Linux alone tells a process's peak in /proc")]
fn the_peak_is_lower_and_near_the_estimate() {
    let bundle = base::bundle();
    let mut peaks = Vec::new();
    for (name, memory) in [("normal", Memory::Normal), ("low", Memory::Low)] {
        let estimate = unet::footprint(&bundle, LARGE, &options(memory)).expect("an estimate");
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program)
            .args(["--ignored", "--exact", "memory::one_step", "--nocapture"])
            .env(MEASURE, name)
            .output()
            .expect("a process");
        let text = String::from_utf8_lossy(&output.stdout);
        // On one processor it stands behind the test's name.
        let found = text.lines().find_map(|line| line.split_once("measured=")).map(|(_, number)| number.trim());
        let peak: u64 = found
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("no measure in {text}{}", String::from_utf8_lossy(&output.stderr)));
        let ratio = estimate.total() as f64 / peak as f64;
        let megabytes = |bytes: u64| bytes / 1_000_000;
        println!(
            "{name}: measured {} MB, estimated {} MB (weights {}, values {}), {ratio:.2} of it",
            megabytes(peak),
            megabytes(estimate.total()),
            megabytes(estimate.weights),
            megabytes(estimate.activations)
        );
        peaks.push((peak, ratio));
    }
    let ((normal, one), (low, other)) = (peaks[0], peaks[1]);
    assert!(low * 10 < normal * 9, "{low} bytes with little memory, {normal} with plenty");
    for ratio in [one, other] {
        assert!((0.5..1.5).contains(&ratio), "the estimate is {ratio} of what was measured");
    }
}
