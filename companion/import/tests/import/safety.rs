//! A classifier goes into a bundle, and the real one gives the scores that it gives in Python.

use std::path::{Path, PathBuf};

use cones_core::safety::classifier::{Classifier, DESCRIPTION};
use cones_core::{Bundle, CancelToken, Engine, Picture, Treatment};
use cones_import::safety;
use cones_tests::hostile::Copy;
use cones_tests::{base, classifier, golden};
use serde_json::Value;

/// The graph of a few hundred bytes and its description, in a folder.
fn red(threshold: f32) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let (graph, description) = (folder.path().join("red.onnx"), folder.path().join("red.json"));
    std::fs::write(&graph, classifier::graph()).expect("written");
    std::fs::write(&description, serde_json::to_vec(&classifier::red(threshold)).expect("JSON")).expect("written");
    (folder, graph, description)
}

#[test]
fn it_is_put_into_a_bundle_and_asked_from_then_on() {
    let (copy, (_folder, graph, description)) = (Copy::new(), red(0.0));
    let made = safety::add(copy.path(), &graph, Some(&description), false).expect("added");
    assert_eq!(made.schema, 3);
    let memory = made.safety.as_ref().and_then(|it| it.memory.clone()).expect("counted");
    assert!(memory.points.iter().all(|point| point.batch == 1 && point.fast > 0), "{memory:?}");
    let bundle = Bundle::open(copy.path()).expect("a bundle");
    bundle.verify().expect("hashes");
    assert_eq!(bundle.manifest(), &made);
    let mut engine = Engine::new(bundle, base::options()).expect("an engine");
    let mut request = cones_core::Request::new("a dog");
    request.steps = Some(2);
    let drawn = engine.generate(&request, &mut (), &CancelToken::new()).expect("drawn");
    assert_eq!(drawn.pictures[0].verdict.map(|verdict| verdict.treatment), Some(Treatment::Blurred));

    let (_folder, graph, description) = red(2.0);
    let there = safety::add(copy.path(), &graph, Some(&description), false).expect_err("there is one");
    assert!(
        there.to_string().contains("already") && there.hint().is_some_and(|hint| hint.contains("--force")),
        "{there}"
    );
    let made = safety::add(copy.path(), &graph, Some(&description), true).expect("replaced");
    assert_eq!(made.safety.map(|it| it.threshold), Some(2.0));
}

#[test]
fn what_is_no_classifier_leaves_the_bundle_as_it_was() {
    let copy = Copy::new();
    let before = copy.read("bundle.json");
    let (folder, graph, description) = red(0.5);
    let refused = |graph: &Path, description: Option<&Path>, why: &str| {
        let error = safety::add(copy.path(), graph, description, false).expect_err(why);
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(copy.read("bundle.json"), before);
        assert!(!copy.file("safety.onnx").exists());
    };
    refused(&graph, None, "known by their hash");
    refused(&base::folder().join("vae_decoder.onnx"), Some(&description), "vae_decoder.onnx");
    let mut other = classifier::red(0.5);
    other.outputs = vec![7];
    std::fs::write(&description, serde_json::to_vec(&other).expect("JSON")).expect("written");
    refused(&graph, Some(&description), "3 outputs");
    std::fs::write(&description, "{\"name\": 1}").expect("written");
    refused(&graph, Some(&description), "red.json");
    refused(&folder.path().join("gone.onnx"), Some(&description), "gone.onnx");
}

#[test]
fn a_folder_beside_bundles_opens() {
    let (folder, graph, description) = red(0.5);
    let out = folder.path().join("beside");
    safety::write_folder(&out, &graph, Some(&description)).expect("written");
    let mut opened = Classifier::open(&out).expect("a classifier");
    assert!(out.join(DESCRIPTION).is_file() && opened.description().memory.is_some());
    let red = Picture { width: 3, height: 2, rgb: [255, 0, 0].repeat(6) };
    assert!((opened.score(&red, &CancelToken::new()).expect("a score") - 1.0).abs() < 1e-6);
}

/// As `make_safety.py` makes it.
fn picture(of: &Value) -> Picture {
    let numbers = |value: &Value| -> Vec<i64> { serde_json::from_value(value.clone()).expect("numbers") };
    if let Some(file) = of["file"].as_str() {
        return Picture::open(&golden::path("../..").join(file)).expect("a picture");
    }
    if of["noise"].is_array() {
        let [width, height] = numbers(&of["noise"])[..] else { panic!("{of}") };
        let byte = |i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8;
        let rgb = (0..3 * (width * height) as u32).map(byte).collect();
        return Picture { width: width as u32, height: height as u32, rgb };
    }
    let [width, height, seed] = numbers(&of["shape"])[..] else { panic!("{of}") };
    let ground = [90 + 10 * (seed % 3), 60 + 7 * (seed % 5), 50];
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let light = |i: i64| {
                let (cx, cy) = ((seed * 37 + i * 53) % width, (seed * 29 + i * 71) % height);
                let radius = 20 + (seed * 13 + i * 17) % 60;
                (radius * radius - (x - cx).pow(2) - (y - cy).pow(2)).max(0) * 100 / (radius * radius)
            };
            let lit = |add: i64| (0..4).map(|i| light(i) * add / 100).sum::<i64>();
            let colour = ground.iter().zip([120, 90, 70]).map(|(own, add)| (own + lit(add)).clamp(0, 255) as u8);
            rgb.extend(colour);
        }
    }
    Picture { width: width as u32, height: height as u32, rgb }
}

/// open_nsfw, where `cargo xtask setup` or `test` fetched it.
fn open_nsfw() -> Option<PathBuf> {
    let fetched = || golden::path("../../target/open-nsfw/0.1.0/any/open-nsfw.onnx");
    let file = std::env::var_os("CONES_OPEN_NSFW").map_or_else(fetched, PathBuf::from);
    file.is_file().then_some(file)
}

#[test]
fn the_real_classifier_gives_its_real_scores() {
    let Some(graph) = open_nsfw() else {
        println!("SKIPPED: no open_nsfw; `cargo xtask setup` fetches it");
        return;
    };
    // Known by its hash, without a description.
    let it = safety::classifier(&graph, None).expect("a classifier");
    let memory = it.memory.clone().expect("counted");
    println!("{} MB of weights, {} MB of values", memory.folded / 1_000_000, memory.points[0].fast / 1_000_000);
    assert!((20_000_000..30_000_000).contains(&memory.folded), "{memory:?}");
    let mut classifier = Classifier::new(&graph, it).expect("a classifier");
    let cases: Vec<Value> = golden::json("safety/scores.json");
    for case in &cases {
        let expected = case["nsfw"].as_f64().expect("a score") as f32;
        let found = classifier.score(&picture(case), &CancelToken::new()).expect("a score");
        println!("{case}: {found}");
        assert!((found - expected).abs() < 1e-4, "{case}: {found}");
    }
}
