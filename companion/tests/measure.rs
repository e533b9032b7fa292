//! The measure of `cones evaluate` against the same rules in numpy with ONNX Runtime in Python
//! (`tests/golden/make_measure.py`).

use std::path::{Path, PathBuf};

use cones_companion::evaluate::measure::{Judged, Measure};
use cones_companion::evaluate::recolour::{TURNS, turned};
use cones_companion::evaluate::wanted::Wanted;
use cones_core::{CancelToken, Picture};
use cones_find::looks::Looks;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    picture: String,
    prompt: String,
    whole: String,
    part: String,
    part_alike: f64,
    objects: bool,
    context: bool,
    alike: f64,
    real: f64,
    others: f64,
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
        let wanted = Wanted::known(&measure.instances, class, "fluent");
        let one = |measure: &mut Measure, wanted: &[&Wanted]| {
            let judged = measure.judge(std::slice::from_ref(&picture), &scenes[i..=i], wanted, &cancel);
            judged.expect("judges").pop().expect("one picture")
        };
        let whole = one(&mut measure, &[&wanted]);
        assert_eq!(whole.nearest, [Some(case.whole.clone())], "{}", case.picture);
        assert_eq!((whole.objects, whole.context), (Some(case.objects), Some(case.context)), "{}", case.picture);
        let marks = wanted.marks();
        let pairs = [(Some(whole.likeness[0]), case.alike), (marks.real, case.real), (marks.others, case.others)];
        for (found, expected) in pairs {
            assert!(
                found.is_some_and(|found| (found - expected).abs() < 1e-4),
                "{}: {found:?} {expected}",
                case.picture
            );
        }
        // With several subjects asked for, each is looked for in the parts of the picture.
        let part = one(&mut measure, &[&wanted, &wanted]);
        assert_eq!(part.nearest[0], Some(case.part.clone()), "{}", case.picture);
        // Lanczos here and in Pillow differ by a level at most.
        let (found, expected) = (part.likeness[0], case.part_alike);
        assert!((found - expected).abs() < 2e-3, "{}: {found} {expected}", case.picture);
    }
}

#[test]
fn a_batch_is_judged_as_its_pictures_are() {
    let (cases, mut measure, cancel) = (cases(), measure(), CancelToken::new());
    let pictures = pictures(&cases);
    let scenes: Vec<_> = cases.iter().map(|case| measure.labels.scene(&case.prompt)).collect();
    let dog = Wanted::known(&measure.instances, "dog", "fluent");
    let together = measure.judge(&pictures, &scenes, &[&dog], &cancel).expect("judges");
    for (i, judged) in together.iter().enumerate().step_by(7) {
        let alone = measure.judge(&pictures[i..=i], &scenes[i..=i], &[&dog], &cancel).expect("judges");
        let whole = |judged: &Judged| (judged.nearest.clone(), judged.objects, judged.context);
        assert_eq!(whole(&alone[0]), whole(judged), "{}", cases[i].picture);
        assert!((alone[0].likeness[0] - judged.likeness[0]).abs() < 1e-5, "{}", cases[i].picture);
    }
}

#[test]
fn what_the_measure_does_not_know_is_named() {
    let measure = measure();
    assert_eq!(measure.instances.find("dog", "fluent-dog").expect("known"), "fluent");
    let class = measure.instances.find("wombat", "rex").expect_err("unknown").to_string();
    assert!(class.contains("no class `wombat`") && class.contains("dog"), "{class}");
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

#[test]
fn another_subject_does_not_pass_for_the_right_one() {
    // Of the class's first three drawings it is the nearest in its colours; among all that the measure knows it is not.
    let (mut measure, cancel) = (measure(), CancelToken::new());
    let wanted = Wanted::known(&measure.instances, "dog", "fluent");
    let dog = |picture: &Picture, measure: &mut Measure| {
        let scene = measure.labels.scene("a dog");
        measure.judge(std::slice::from_ref(picture), &[scene], &[&wanted], &cancel).expect("judges").remove(0)
    };
    for file in 0..6 {
        let own = Picture::open(&root(&format!("models/subjects/fluent-dog/{file}.png"))).expect("a picture");
        let right = dog(&own, &mut measure);
        assert_eq!(right.nearest, [Some("fluent".into())]);
        for turn in TURNS {
            let twin = dog(&turned(&own, turn), &mut measure);
            assert_ne!(twin.nearest, [Some("fluent".into())], "picture {file} turned by {turn}");
            assert!(twin.likeness[0] < right.likeness[0] - 0.3, "{twin:?}");
        }
    }
}

#[test]
fn a_subject_is_known_by_its_own_pictures() {
    let (mut measure, cancel) = (measure(), CancelToken::new());
    let open = |name: &str| -> Vec<Picture> {
        let of = |file: usize| Picture::open(&root(&format!("models/subjects/{name}/{file}.png"))).expect("a picture");
        (0..6).map(of).collect()
    };
    let (dog, robot) = (open("fluent-dog"), open("fluent-robot"));
    let looks = measure.looks(&dog[..5], &dog[5..], &cancel).expect("looks");
    assert!(measure.saw(&looks));
    assert!(!measure.saw(&Looks { network: "another".into(), ..looks.clone() }));
    assert!(!measure.saw(&Looks { pictures: vec![vec![1.0]], ..looks.clone() }));
    let wanted = Wanted::own(&looks, "rex", "dog", &measure.instances, Some("fluent"));
    let marks = wanted.marks();
    assert!(marks.real.expect("held back") > 0.9 && marks.others.expect("others") < 0.5, "{marks:?}");
    let scenes = vec![measure.labels.scene("a dog"); 2];
    let judged = measure.judge(&[dog[5].clone(), robot[0].clone()], &scenes, &[&wanted], &cancel).expect("judges");
    assert_eq!(judged[0].nearest, [Some(wanted.name.clone())]);
    assert_ne!(judged[1].nearest, judged[0].nearest);
    // A class that the measure does not know: anything else is what it could be.
    let strange = Wanted::own(&looks, "rex", "wombat", &measure.instances, None);
    assert!(strange.candidates().len() > 300);
    let judged = measure.judge(&dog[5..], &scenes[..1], &[&strange], &cancel).expect("judges");
    assert!(judged[0].likeness[0] > 0.9);
}
