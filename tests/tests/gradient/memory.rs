//! Less memory: the same gradients, and less memory indeed.

use std::process::Command;

use cones_companion::gradient::{Batch, Footprint, Memory, Settings, Sizes, UnetGradient, unet};
use cones_companion::import::run;
use cones_core::{Bundle, CancelToken};
use cones_tests::base;

use crate::fixture::{DIALECTS, arguments, export, temporary};
use crate::golden::distance;
use crate::rules::case::{Range, draw};

/// Relative to a layer's largest gradient.
const SAME: f32 = 1e-6;

/// Large enough that values weigh more than weights.
const LARGE: Sizes = Sizes { batch: 8, height: 16, width: 16, tokens: 8 };

/// Says to a test that runs itself again what to measure.
const MEASURE: &str = "CONES_TESTS_MEASURE_GRADIENT";

fn settings(memory: Memory) -> Settings {
    Settings { threads: Some(1), memory, ..Settings::default() }
}

fn numbers(count: usize, seed: u64) -> Vec<f32> {
    draw(count, Range::Any, seed).into_iter().map(|value| value as f32).collect()
}

/// Runs one step on fixed random numbers, and returns loss and gradients.
fn step(bundle: &Bundle, sizes: Sizes, memory: Memory) -> (f32, Vec<Vec<f32>>) {
    let file = bundle.file("unet.onnx").expect("a graph");
    let mut unet =
        UnetGradient::of_file(bundle, &file, sizes, &settings(memory)).unwrap_or_else(|error| panic!("{error}"));
    let (layers, channels) = (&bundle.manifest().layers, bundle.manifest().latent.channels as usize);
    let latents = sizes.batch * channels * sizes.height * sizes.width;
    let rows = layers.iter().map(|layer| sizes.batch * sizes.tokens * layer.rows as usize);
    let keys_values: Vec<Vec<f32>> = rows.zip(3..).map(|(count, seed)| numbers(count, seed)).collect();
    let timesteps: Vec<f32> = (0..sizes.batch).map(|at| (at * 97 % 1000) as f32).collect();
    let batch = Batch {
        sample: &numbers(latents, 1),
        timesteps: &timesteps,
        keys_values: &keys_values,
        target: &numbers(latents, 2),
        weights: &vec![0.5; sizes.batch],
    };
    let loss = unet.step(&batch, &CancelToken::new()).unwrap_or_else(|error| panic!("{error}"));
    let gradients = (0..layers.len()).map(|layer| unet.gradient(layer).expect("a gradient").to_vec()).collect();
    (loss, gradients)
}

fn check_same(bundle: &Bundle, sizes: Sizes, name: &str) {
    let ((loss, gradients), (low_loss, low_gradients)) =
        (step(bundle, sizes, Memory::Normal), step(bundle, sizes, Memory::Low));
    assert!(distance(&[low_loss], &[loss]) <= SAME, "{name}: loss {low_loss}, not {loss}");
    let mut worst = 0f32;
    for ((low, normal), layer) in low_gradients.iter().zip(&gradients).zip(&bundle.manifest().layers) {
        let distance = distance(low, normal);
        assert!(distance <= SAME, "{name}: {} is {distance} from that with plenty of memory", layer.name);
        worst = worst.max(distance);
    }
    println!("{name}: with little memory {worst:.1e} from with plenty");
}

/// Whether some of the forward pass is computed again.
fn recomputes(bundle: &Bundle, sizes: Sizes) -> bool {
    let file = bundle.file("unet.onnx").expect("a graph");
    let derivative = unet::derivative(bundle, &file, sizes, Memory::Low).expect("a derivative");
    derivative.model.graph().expect("a graph").node.iter().any(|n| n.name().starts_with("again."))
}

#[test]
fn toybox_gives_the_same_gradients_with_little_memory() {
    let bundle = base::bundle();
    let sizes = Sizes { batch: 2, height: 8, width: 16, tokens: 5 };
    assert!(recomputes(&bundle, sizes), "nothing is computed again: this tests nothing");
    check_same(&bundle, sizes, "Toybox");
}

#[test]
fn every_dialect_gives_the_same_gradients_with_little_memory() {
    for dialect in DIALECTS {
        let (export, out) = (export(dialect), temporary());
        let args = arguments(export.path(), &out.path().join("bundle"));
        run(&args).unwrap_or_else(|error| panic!("{dialect}: {error}"));
        let bundle = Bundle::open(&args.out).expect("a bundle");
        let sizes = Sizes { batch: 2, height: 16, width: 8, tokens: 8 };
        assert!(recomputes(&bundle, sizes), "{dialect}: nothing is computed again: this tests nothing");
        check_same(&bundle, sizes, dialect);
    }
}

#[test]
fn estimates_grow_with_the_batch_and_shrink_with_less_memory() {
    let bundle = base::bundle();
    let of = |batch, memory| -> Footprint {
        unet::footprint(&bundle, Sizes { batch, ..LARGE }, &settings(memory)).expect("an estimate")
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
    step(&bundle, LARGE, memory);
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
        let estimate = unet::footprint(&bundle, LARGE, &settings(memory)).expect("an estimate");
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program)
            .args(["--ignored", "--exact", "memory::one_step", "--nocapture"])
            .env(MEASURE, name)
            .output()
            .expect("a process");
        let text = String::from_utf8_lossy(&output.stdout);
        let found = text.lines().find_map(|line| line.trim().strip_prefix("measured="));
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
