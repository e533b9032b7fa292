//! Classifiers in bundles and beside them.

use cones_core::Picture;
use cones_tests::classifier;
use cones_tests::hostile::Copy;

use crate::tool::{Desk, cones, fail, stderr, text};

/// A desk with the classifier of a few hundred bytes, to which nothing is safe, and a copy of the base model.
fn desk() -> (Desk, Copy) {
    let desk = Desk::new();
    desk.write("red.onnx", classifier::graph());
    desk.write("red.json", serde_json::to_vec(&classifier::red(0.0)).expect("JSON"));
    (desk, Copy::new())
}

fn draw(desk: &Desk, out: &str, more: &[&str]) -> std::process::Command {
    let first = ["generate", "--prompt", "a dog", "--steps", "2", "--threads", "1", "--out"];
    desk.cones(&[&first[..], &[&desk.path(out)], more].concat())
}

#[test]
fn a_bundle_that_brings_a_classifier_blurs_unless_told_otherwise() {
    let (desk, copy) = desk();
    let bundle = text(copy.path());
    let (onnx, description) = (desk.path("red.onnx"), desk.path("red.json"));
    let error = desk.fails(1, &["bundle", "add-safety", bundle, "--onnx", &onnx]);
    assert!(error.contains("--description"), "{error}");
    let add = ["bundle", "add-safety", bundle, "--onnx", &onnx, "--description", &description];
    assert_eq!(desk.done(&add).trim(), bundle);
    assert!(desk.fails(1, &add).contains("--force"));
    assert!(desk.done(&["bundle", "show", bundle, "--verify"]).contains("safety       red"));

    let drawn = |out: &str, more: &[&str]| {
        let output = draw(&desk, out, &[&["--bundle", bundle], more].concat()).output().expect("cones runs");
        assert!(output.status.success(), "{}", stderr(&output));
        (Picture::open(desk.path(out).as_ref()).expect("a picture"), stderr(&output))
    };
    let (plain, told) = drawn("plain.png", &["--safety", "off"]);
    assert!(!told.contains("classifier"), "{told}");
    let (reported, told) = drawn("reported.png", &["--safety", "report"]);
    assert!(reported == plain && told.contains("reported.png: found not safe by the safety classifier"), "{told}");
    let (blurred, told) = drawn("blurred.png", &["--preview", &desk.path("preview.png")]);
    assert!(blurred != plain && told.contains("blurred.png: blurred by the safety classifier: score"), "{told}");
    assert!(desk.done(&["recipe", &desk.path("blurred.png")]).contains("Safety: blurred"));

    let refuse = ["--bundle", bundle, "--safety", "refuse", "--count", "2", "--preview", &desk.path("none.png")];
    let error = fail(1, draw(&desk, "refused", &refuse));
    assert!(error.contains("was not written: refused by") && error.contains("2 of 2 pictures were refused"), "{error}");
    let left = std::fs::read_dir(desk.path("refused")).map_or(0, Iterator::count);
    assert!(left == 0 && !std::path::Path::new(&desk.path("none.png")).exists(), "{left} files");
    let output = draw(&desk, "x.png", &["--bundle", bundle, "--safety", "refuse", "--json"]).output().expect("cones");
    assert_eq!(output.status.code(), Some(1));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (&summary["pictures"], &summary["refused"][0]["verdict"]["treatment"]),
        (&serde_json::json!([]), &"refused".into())
    );
}

#[test]
fn a_folder_beside_bundles_is_asked_too_and_none_is_told() {
    let (desk, _copy) = desk();
    let beside = desk.path("beside");
    let (onnx, description) = (desk.path("red.onnx"), desk.path("red.json"));
    desk.done(&["bundle", "add-safety", &beside, "--beside", "--onnx", &onnx, "--description", &description]);
    let output = draw(&desk, "x.png", &["--safety-classifier", &beside]).output().expect("cones runs");
    assert!(stderr(&output).contains("x.png: blurred by the safety classifier"), "{}", stderr(&output));
    let error = fail(2, draw(&desk, "y.png", &["--safety", "blur"]));
    assert!(error.contains("comes without a classifier") && error.contains("add-safety"), "{error}");
    assert!(fail(2, cones(&["generate", "-p", "x", "-o", "x.png", "--safety", "maybe"])).contains("blur, refuse"));
}
