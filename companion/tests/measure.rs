//! The measure of `cones evaluate` against the same rules in numpy with ONNX Runtime in Python
//! (`tests/golden/make_measure.py`).

use std::path::{Path, PathBuf};

use cones_companion::evaluate::measure::Measure;
use cones_core::{CancelToken, Picture};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    picture: String,
    prompt: String,
    whole: String,
    around: String,
    objects: bool,
    context: bool,
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn cases() -> Vec<Case> {
    let file = root("tests/golden/measure/subjects.json");
    serde_json::from_slice(&std::fs::read(file).expect("golden vectors")).expect("golden vectors")
}

fn measure() -> Measure {
    Measure::open(&root("models/toybox/measure"), Some(1)).expect("Toybox's measure")
}

fn pictures(cases: &[Case]) -> Vec<Picture> {
    cases.iter().map(|c| Picture::open(&root("models/subjects").join(&c.picture)).expect("a picture")).collect()
}

#[test]
fn every_picture_is_judged_as_in_python() {
    let (cases, mut measure, cancel) = (cases(), measure(), CancelToken::new());
    let scenes: Vec<_> = cases.iter().map(|case| measure.labels.scene(&case.prompt)).collect();
    for (i, (case, picture)) in cases.iter().zip(pictures(&cases)).enumerate() {
        let class = case.prompt.split(' ').nth(1).expect("a class word");
        let one = |measure: &mut Measure, classes: &[&str]| {
            let judged = measure.judge(std::slice::from_ref(&picture), &scenes[i..=i], classes, &cancel);
            judged.expect("judges").pop().expect("one picture")
        };
        let whole = one(&mut measure, &[class]);
        assert_eq!(whole.nearest, [Some(case.whole.clone())], "{}", case.picture);
        assert_eq!((whole.objects, whole.context), (Some(case.objects), Some(case.context)), "{}", case.picture);
        // With several classes asked for, each is looked for around the places that resemble it.
        let around = one(&mut measure, &[class, class]);
        assert_eq!(around.nearest[0], Some(case.around.clone()), "{}", case.picture);
    }
}

#[test]
fn a_batch_is_judged_as_its_pictures_are() {
    let (cases, mut measure, cancel) = (cases(), measure(), CancelToken::new());
    let pictures = pictures(&cases);
    let scenes: Vec<_> = cases.iter().map(|case| measure.labels.scene(&case.prompt)).collect();
    let together = measure.judge(&pictures, &scenes, &["dog"], &cancel).expect("judges");
    for (i, judged) in together.iter().enumerate().step_by(7) {
        let alone = measure.judge(&pictures[i..=i], &scenes[i..=i], &["dog"], &cancel).expect("judges");
        assert_eq!(&alone[0], judged, "{}", cases[i].picture);
    }
}

#[test]
fn what_the_measure_does_not_know_is_named() {
    let measure = measure();
    assert_eq!(measure.instances.find("dog", "fluent-dog").expect("known"), "fluent");
    let class = measure.instances.find("unicorn", "rex").expect_err("unknown").to_string();
    assert!(class.contains("no class `unicorn`") && class.contains("dog"), "{class}");
    let instance = measure.instances.find("dog", "rex").expect_err("unknown").to_string();
    assert!(instance.contains("`rex`") && instance.contains("fluent-dog"), "{instance}");
}

#[test]
fn a_folder_that_is_no_measure_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = Measure::open(folder.path(), None).expect_err("empty").to_string();
    assert!(missing.contains("embedding.onnx"), "{missing}");
    for (file, text) in [("embedding.onnx", "no network"), ("classifier.onnx", "{}")] {
        std::fs::write(folder.path().join(file), text).expect("a file");
    }
    let bad = Measure::open(folder.path(), None).expect_err("no network").to_string();
    assert!(bad.contains("embedding.onnx` is no network that looks at pictures"), "{bad}");
    for file in ["embedding.onnx", "classifier.onnx"] {
        std::fs::copy(root("models/toybox/measure").join(file), folder.path().join(file)).expect("a copy");
    }
    std::fs::write(folder.path().join("references.safetensors"), b"\x08\0\0\0\0\0\0\0{}      ").expect("a file");
    std::fs::write(folder.path().join("labels.json"), "[]").expect("a file");
    let bad = Measure::open(folder.path(), None).expect_err("no labels").to_string();
    assert!(bad.contains("labels.json` is no labels"), "{bad}");
}
