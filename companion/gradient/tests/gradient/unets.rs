//! Whole U-Nets against PyTorch.

use std::path::Path;

use cones_core::{Bundle, CancelToken};
use cones_gradient::{Batch, GradientOptions, Memory, Sizes, UnetGradient};
use cones_import::Storage;
use cones_tests::{base, golden as vectors};

use crate::fixture::{DIALECTS, arguments, export, run, temporary};
use crate::golden::{Vectors, distance, keys_values};

/// Relative to a layer's largest gradient.
const NEAR: f32 = 1e-4;

#[test]
fn toybox_gives_the_gradients_of_pytorch() {
    let (bundle, golden) = (base::bundle(), Vectors::open("toybox"));
    vectors::check_weights(&golden.fingerprint(), &bundle);
    for graph in ["unet.onnx", "unet.plain.onnx"] {
        for memory in [Memory::Normal, Memory::Low] {
            check(&bundle, &bundle.file(graph).expect("a graph"), &golden, memory);
        }
    }
}

#[test]
fn every_dialect_gives_the_gradients_of_pytorch() {
    let golden = Vectors::open("tiny");
    for dialect in DIALECTS {
        for store in [Storage::Float32, Storage::Float16] {
            let (export, out) = (export(dialect), temporary());
            let mut args = arguments(export.path(), &out.path().join("bundle"));
            args.storage = store;
            run(&args).unwrap_or_else(|error| panic!("{dialect}: {error}"));
            let bundle = Bundle::open(&args.out).expect("a bundle");
            check(&bundle, &bundle.file("unet.onnx").expect("a graph"), &golden, Memory::Normal);
        }
    }
}

fn sizes(golden: &Vectors) -> Sizes {
    let (sample, text) = (golden.dims("sample"), golden.dims("encoder_hidden_states"));
    Sizes { batch: sample[0], height: sample[2], width: sample[3], tokens: text[1] }
}

fn check(bundle: &Bundle, graph: &Path, golden: &Vectors, memory: Memory) {
    let options = GradientOptions { threads: Some(1), memory, ..GradientOptions::default() };
    let mut unet =
        UnetGradient::of_file(bundle, graph, sizes(golden), &options).unwrap_or_else(|error| panic!("{error}"));
    let keys_values = keys_values(bundle, &golden.get("encoder_hidden_states"));
    let (sample, timesteps) = (golden.get("sample"), golden.get("timestep"));
    let (target, weights) = (golden.get("target"), golden.get("weights"));
    let batch = Batch {
        sample: &sample,
        timesteps: &timesteps,
        keys_values: &keys_values,
        target: &target,
        text_embeds: &[],
        weights: &weights,
    };
    let loss = unet.step(&batch, &CancelToken::new()).unwrap_or_else(|error| panic!("{error}"));
    let name = graph.display();
    assert!(distance(&[loss], &golden.get("loss")) < NEAR, "{name}: loss {loss}");
    assert!(distance(unet.losses().expect("losses"), &golden.get("losses")) < NEAR, "{name}: losses");
    let mut worst = 0f32;
    for (at, layer) in bundle.manifest().layers.iter().enumerate() {
        let found = unet.gradient(at).expect("a gradient");
        let distance = distance(found, &golden.get(&format!("gradient.{}", layer.name)));
        assert!(distance < NEAR, "{name}: {} is {distance} from PyTorch", layer.name);
        worst = worst.max(distance);
    }
    println!("{name}: largest distance {worst:.1e}");
}
