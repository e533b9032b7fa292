//! Whole U-Nets against PyTorch.

use std::path::Path;

use cones_companion::gradient::{Batch, Settings, Sizes, UnetGradient};
use cones_core::{Bundle, CancelToken};
use cones_tests::{base, golden as vectors};

use crate::golden::{Vectors, distance, keys_values};

/// Relative to a layer's largest gradient.
const NEAR: f32 = 1e-4;

#[test]
fn toybox_gives_the_gradients_of_pytorch() {
    let (bundle, golden) = (base::bundle(), Vectors::open("toybox"));
    vectors::check_weights(&golden.fingerprint(), &bundle);
    for graph in ["unet.onnx", "unet.plain.onnx"] {
        check(&bundle, &bundle.file(graph).expect("a graph"), &golden);
    }
}

fn sizes(golden: &Vectors) -> Sizes {
    let (sample, text) = (golden.dims("sample"), golden.dims("encoder_hidden_states"));
    Sizes { batch: sample[0], height: sample[2], width: sample[3], tokens: text[1] }
}

fn check(bundle: &Bundle, graph: &Path, golden: &Vectors) {
    let settings = Settings { threads: Some(1), ..Settings::default() };
    let mut unet =
        UnetGradient::of_file(bundle, graph, sizes(golden), &settings).unwrap_or_else(|error| panic!("{error}"));
    let keys_values = keys_values(bundle, &golden.get("encoder_hidden_states"));
    let (sample, timesteps) = (golden.get("sample"), golden.get("timestep"));
    let (target, weights) = (golden.get("target"), golden.get("weights"));
    let batch =
        Batch { sample: &sample, timesteps: &timesteps, keys_values: &keys_values, target: &target, weights: &weights };
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
