//! What a classifier is given, against Pillow and transformers' image processors.

use cones_core::Picture;
use cones_core::model::manifest::ImageSize;
use cones_core::model::safety::{ChannelOrder, Layout, Resample, Resize, SafetyClassifier};
use cones_tests::golden;
use safetensors::SafeTensors;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Cases {
    mean: [f32; 3],
    std: [f32; 3],
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    width: u32,
    height: u32,
    /// The shortest edge, or width and height.
    resize: Value,
    resample: Resample,
    crop: [u32; 2],
}

/// As `make_safety.py` makes it.
fn noise(width: u32, height: u32) -> Picture {
    let byte = |i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8;
    Picture { width, height, rgb: (0..3 * width * height).map(byte).collect() }
}

fn size(sides: [u32; 2]) -> ImageSize {
    ImageSize { width: sides[0], height: sides[1] }
}

fn expected(tensors: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let view = tensors.tensor(name).expect(name);
    view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn furthest(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn tensors_are_those_of_python() {
    let Cases { mean, std, cases } = golden::json("safety/tensors.json");
    let bytes = golden::read("safety/tensors.safetensors");
    let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
    for (i, case) in cases.iter().enumerate() {
        let mut how = SafetyClassifier::new("clip", case.crop[0], case.crop[1]);
        how.resize = match serde_json::from_value::<u32>(case.resize.clone()) {
            Ok(edge) => Resize::ShortestEdge(edge),
            Err(_) => Resize::Stretch(size(serde_json::from_value(case.resize.clone()).expect("two sides"))),
        };
        (how.resample, how.image_mean, how.image_std) = (case.resample, mean, std);
        assert_eq!(how.check(), Ok(()));
        let found = how.tensor(&noise(case.width, case.height)).expect("a tensor");
        let off = furthest(&found, &expected(&tensors, &i.to_string()));
        println!("case {i}: off by {off:.1e} at most");
        // A byte that differs by one is off by 0.014.
        assert!(off < 1e-5, "case {i}: {off}");
    }
    let mut how = SafetyClassifier::new("open_nsfw", 224, 224);
    (how.resize, how.channels, how.layout) = (Resize::Stretch(size([256, 256])), ChannelOrder::Bgr, Layout::Nhwc);
    (how.rescale_factor, how.image_mean) = (1.0, [104.0, 117.0, 123.0]);
    let found = how.tensor(&noise(48, 40)).expect("a tensor");
    let every = (0..14).flat_map(|y| (0..14).map(move |x| (y * 16 * 224 + x * 16) * 3));
    let found: Vec<f32> = every.flat_map(|at| found[at..at + 3].to_vec()).collect();
    assert_eq!(furthest(&found, &expected(&tensors, "open_nsfw")), 0.0);
}
