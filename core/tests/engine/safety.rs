//! Pictures and previews are shown to the classifier, and nobody sees what it finds not safe.

use cones_core::memory::LoadForm;
use cones_core::picture::recipe::Recipe;
use cones_core::picture::writing::save;
use cones_core::{
    Bundle, CancelToken, Drawn, Engine, EngineOptions, Error, Generated, Hires, MemoryMode, Observer, Picture,
    Progress, Refused, SafetyPolicy, Treatment, Verdict,
};
use cones_tests::hostile::Copy;
use cones_tests::{base, classifier};

use super::request;

/// Above every score, and below.
const SAFE: f32 = 2.0;
const UNSAFE: f32 = 0.0;

/// What an observer gets.
#[derive(Default)]
struct Eye {
    previews: Vec<(Option<Picture>, Option<Verdict>)>,
    pictures: u32,
    refused: Vec<Refused>,
}

impl Observer for Eye {
    fn on_progress(&mut self, progress: &Progress) {
        if progress.step > 0 && progress.stage == cones_core::Stage::Denoising {
            self.previews.push((progress.preview.clone(), progress.verdict));
        }
    }

    fn wants_preview(&mut self, _: u32) -> bool {
        true
    }

    fn on_picture(&mut self, drawn: Drawn) -> Option<Drawn> {
        self.pictures += 1;
        Some(drawn)
    }

    fn on_refused(&mut self, refused: &Refused) {
        self.refused.push(*refused);
    }
}

/// An engine, and the folder of its bundle, to be held as long.
fn engine(threshold: f32, options: EngineOptions) -> (Engine, Copy) {
    let copy = classifier::bundle(threshold);
    (Engine::new(Bundle::open(copy.path()).expect("a bundle"), options).expect("an engine"), copy)
}

fn draw(engine: &mut Engine) -> (Generated, Eye) {
    let mut eye = Eye::default();
    let generated = engine.generate(&request("a red apple"), &mut eye, &CancelToken::new()).expect("drawn");
    (generated, eye)
}

fn draw_once(threshold: f32, options: EngineOptions) -> (Generated, Eye) {
    let (mut engine, _folder) = engine(threshold, options);
    draw(&mut engine)
}

/// What the base model draws when nobody looks.
fn plain() -> (Generated, Eye) {
    draw(&mut base::shared())
}

fn red(picture: &Picture) -> f32 {
    let reds = picture.rgb.iter().step_by(3).map(|byte| f64::from(*byte)).sum::<f64>();
    (reds / (picture.rgb.len() / 3) as f64 / 255.0) as f32
}

#[test]
fn what_is_safe_is_as_it_was_and_comes_with_its_score() {
    let (generated, eye) = draw_once(SAFE, base::options());
    let (expected, _) = plain();
    let (drawn, plain) = (&generated.pictures[0], &expected.pictures[0]);
    assert_eq!((&drawn.picture, &drawn.recipe), (&plain.picture, &plain.recipe));
    assert_eq!(plain.verdict, None, "without a classifier there is no verdict");
    let verdict = drawn.verdict.expect("a verdict");
    assert_eq!((verdict.treatment, verdict.threshold), (Treatment::Passed, SAFE));
    assert!((verdict.score - red(&plain.picture)).abs() < 0.01, "{verdict:?} {}", red(&plain.picture));
    assert!(eye.previews.iter().all(|(preview, verdict)| preview.is_some() && verdict.is_some_and(|v| v.is_safe())));
}

#[test]
fn by_default_what_is_not_safe_is_blurred_with_its_previews_and_says_so() {
    let (generated, eye) = draw_once(UNSAFE, base::options());
    let (expected, seen) = plain();
    let (drawn, plain) = (&generated.pictures[0], &expected.pictures[0].picture);
    assert_eq!(drawn.verdict.map(|verdict| verdict.treatment), Some(Treatment::Blurred));
    assert_eq!((drawn.picture.width, drawn.picture.height), (plain.width, plain.height));
    assert!(detail(&drawn.picture) * 2.0 < detail(plain), "{} {}", detail(&drawn.picture), detail(plain));
    assert!((red(&drawn.picture) - red(plain)).abs() < 0.05, "its colours are its own");
    for ((preview, verdict), (sharp, _)) in eye.previews.iter().zip(&seen.previews) {
        assert_eq!(verdict.map(|verdict| verdict.treatment), Some(Treatment::Blurred));
        assert!(preview.is_some() && preview != sharp, "a preview is blurred too");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("blurred.png");
    save(&drawn.picture, &drawn.recipe, &path).expect("saved");
    let recipe = Recipe::read(&path).expect("a recipe");
    assert_eq!(recipe.safety, drawn.verdict);
    assert!(recipe.parameters().contains(", Safety: blurred,"), "{}", recipe.parameters());
}

/// How much neighbours differ.
fn detail(picture: &Picture) -> f64 {
    let row = 3 * picture.width as usize;
    let steps = picture.rgb.chunks_exact(row).flat_map(|row| row.windows(4).map(|w| f64::from(w[0].abs_diff(w[3]))));
    steps.sum::<f64>() / picture.rgb.len() as f64
}

#[test]
fn what_is_refused_gives_no_pixels_and_the_engine_goes_on() {
    let (mut engine, _folder) = engine(UNSAFE, base::options().with_safety(SafetyPolicy::Refuse));
    let mut wanted = request("a red apple");
    (wanted.count, wanted.seed) = (2, 40);
    let mut eye = Eye::default();
    let generated = engine.generate(&wanted, &mut eye, &CancelToken::new()).expect("drawn");
    assert!(generated.pictures.is_empty() && eye.pictures == 0);
    let seeds: Vec<_> = generated.refused.iter().map(|it| (it.picture, it.seed, it.verdict.treatment)).collect();
    assert_eq!(seeds, [(0, 40, Treatment::Refused), (1, 41, Treatment::Refused)]);
    assert_eq!(eye.refused, generated.refused);
    assert!(eye.previews.iter().all(|(preview, verdict)| preview.is_none() && verdict.is_some_and(|v| !v.is_safe())));
}

#[test]
fn a_report_changes_nothing_and_off_asks_nobody() {
    let (expected, _) = plain();
    for (policy, treatment) in [(SafetyPolicy::Report, Some(Treatment::Reported)), (SafetyPolicy::Off, None)] {
        let (generated, _) = draw_once(UNSAFE, base::options().with_safety(policy));
        let drawn = &generated.pictures[0];
        assert_eq!((&drawn.picture, &drawn.recipe), (&expected.pictures[0].picture, &expected.pictures[0].recipe));
        assert_eq!(drawn.verdict.map(|verdict| verdict.treatment), treatment);
        assert_eq!(generated.timings.checking.is_zero(), policy == SafetyPolicy::Off);
    }
}

#[test]
fn a_classifier_beside_the_bundle_goes_before_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let description = serde_json::to_vec(&classifier::red(SAFE)).expect("JSON");
    std::fs::write(folder.path().join("safety.onnx"), classifier::graph()).expect("written");
    std::fs::write(folder.path().join("safety.json"), description).expect("written");
    let options = || base::options().with_safety_classifier(folder.path());
    let (generated, _) = draw_once(UNSAFE, options());
    assert_eq!(generated.pictures[0].verdict.map(|verdict| verdict.treatment), Some(Treatment::Passed));
    // And for a bundle that brings none.
    let (generated, _) = draw(&mut Engine::new(base::bundle(), options()).expect("an engine"));
    assert!(generated.pictures[0].verdict.is_some());
    std::fs::write(folder.path().join("safety.json"), "{}").expect("written");
    let damaged = Engine::new(base::bundle(), options()).expect_err("no description");
    assert!(damaged.to_string().contains("safety.json"), "{damaged}");
}

#[test]
fn who_asks_for_a_policy_without_a_classifier_is_told() {
    for policy in [SafetyPolicy::Blur, SafetyPolicy::Refuse, SafetyPolicy::Report] {
        let error = Engine::new(base::bundle(), base::options().with_safety(policy)).expect_err("no classifier");
        assert!(matches!(error, Error::BadRequest { field: "safety", .. }), "{error}");
    }
    assert!(Engine::new(base::bundle(), base::options().with_safety(SafetyPolicy::Off)).is_ok());
}

#[test]
fn where_nobody_can_look_nothing_is_shown() {
    let copy = classifier::bundle(SAFE);
    copy.replace("safety.onnx", b"no graph");
    let mut engine = Engine::new(Bundle::open(copy.path()).expect("a bundle"), base::options()).expect("an engine");
    let mut eye = Eye::default();
    let error = engine.generate(&request("a dog"), &mut eye, &CancelToken::new()).expect_err("nobody looked");
    assert!(error.to_string().contains("safety.onnx") && eye.pictures == 0, "{error}");

    let copy = classifier::bundle(SAFE);
    copy.edit(|manifest| manifest["safety"]["outputs"] = serde_json::json!([3]));
    let mut engine = Engine::new(Bundle::open(copy.path()).expect("a bundle"), base::options()).expect("an engine");
    let error = engine.generate(&request("a dog"), &mut (), &CancelToken::new()).expect_err("no such output");
    assert!(error.to_string().contains("3 outputs"), "{error}");
}

#[test]
fn the_plan_counts_it_and_every_memory_mode_asks_it() {
    let (with, without) = (classifier::bundle(SAFE), base::bundle());
    let large = 50_000_000u64;
    with.edit(|manifest| {
        let point = serde_json::json!([{ "batch": 1, "cells": 0, "mapped": 1000, "fast": 1000 }]);
        let memory = serde_json::json!({ "mapped": 0, "constants": large, "folded": large, "points": point });
        manifest["safety"]["memory"] = memory;
    });
    let mut without = Engine::new(without, base::options().with_memory(MemoryMode::Least)).expect("an engine");
    for memory in [MemoryMode::Resident, MemoryMode::Sequential, MemoryMode::Least] {
        let options = base::options().with_memory(memory).with_budget(u64::MAX);
        let mut engine = Engine::new(Bundle::open(with.path()).expect("a bundle"), options).expect("an engine");
        let plan = engine.memory_plan(&request("a dog")).expect("a plan");
        assert_eq!(plan.stages.last().map(|stage| stage.graph), Some("safety.onnx"), "{memory:?}");
        let least = without.memory_plan(&request("a dog")).expect("a plan").peak.expect("a peak");
        assert!(plan.peak.is_some_and(|peak| peak > least + large), "{memory:?}");
        let (generated, eye) = draw(&mut engine);
        assert!(generated.pictures[0].verdict.is_some() && eye.previews.iter().all(|(_, verdict)| verdict.is_some()));
        if plan.arrangement.form == LoadForm::Mapped {
            assert_eq!(generated.pictures[0].picture, draw(&mut without).0.pictures[0].picture);
        }
    }
}

#[test]
fn of_two_passes_the_large_picture_is_looked_at() {
    let wanted = request("a red apple").with_hires(Hires::new(1.5)).with_count(2);
    let draw = |safety: SafetyPolicy| {
        let (mut engine, _folder) = engine(UNSAFE, base::options().with_safety(safety));
        let mut eye = Eye::default();
        (engine.generate(&wanted, &mut eye, &CancelToken::new()).expect("drawn"), eye)
    };
    let (blurred, _) = draw(SafetyPolicy::Blur);
    let plain = base::shared().generate(&wanted, &mut (), &CancelToken::new()).expect("drawn");
    for (blurred, plain) in blurred.pictures.iter().zip(&plain.pictures) {
        // A second pass that began with a blurred picture would have other colours.
        assert!((red(&blurred.picture) - red(&plain.picture)).abs() < 0.05, "its colours are its own");
        assert_eq!(blurred.recipe.safety.map(|verdict| verdict.treatment), Some(Treatment::Blurred));
        assert!(blurred.recipe.hires.is_some());
    }
    let (refused, eye) = draw(SafetyPolicy::Refuse);
    assert!(refused.pictures.is_empty() && eye.pictures == 0);
    for refused in [&refused.refused, &eye.refused] {
        assert_eq!(
            refused.iter().map(|refused| (refused.picture, refused.seed)).collect::<Vec<_>>(),
            [(0, 11), (1, 12)]
        );
    }
    assert!(eye.previews.iter().all(|(preview, verdict)| preview.is_none() && verdict.is_some()));
}
