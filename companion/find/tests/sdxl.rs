//! Finding on a model of two text encoders: the gradient at K and V against differences, and a whole finding, on a tiny one of Stable
//! Diffusion XL's kind (`models/export/make_sdxl_fixtures.py`).

#![allow(clippy::print_stdout, reason = "a test that is asked to talk tells its figures")]

use std::path::{Path, PathBuf};

use cones_core::sampling::scheduler::Diffusion;
use cones_core::{Bundle, CancelToken, Engine, EngineOptions, Picture, Request, Scope, Subject};
use cones_find::batch::{Mixture, draw};
use cones_find::examples::Part;
use cones_find::graph_objective::GraphObjective;
use cones_find::objective::Objective;
use cones_find::prepare::{ExampleSpec, draw_shared, encode_own};
use cones_find::random::Random;
use cones_find::timesteps::Timesteps;
use cones_find::weights::Weights;
use cones_find::{FindObserver, FindOptions, find};
use cones_gradient::GradientOptions;
use cones_import::ImportOptions;
use cones_tests::fixtures;

struct Nobody;

impl FindObserver for Nobody {}

/// The tiny bundle, and three pictures to find neurons for.
fn desk() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (bundle, photos) = (folder.path().join("bundle"), folder.path().join("photos"));
    let fixture = fixtures::sdxl();
    let options = ImportOptions::new(fixture.join("onnx"), fixture.join("diffusers"), &bundle);
    cones_import::import(&options, &mut |_| (), &CancelToken::new()).unwrap_or_else(|error| panic!("{error}"));
    std::fs::create_dir(&photos).expect("a folder");
    for photo in 0..3u32 {
        let byte = |at: u32| ((at * 7 + photo * 31) % 256) as u8;
        let picture = Picture { width: 32, height: 32, rgb: (0..3 * 32 * 32).map(byte).collect() };
        write(&picture, &photos.join(format!("{photo}.png")));
    }
    (folder, bundle, photos)
}

fn write(picture: &Picture, path: &Path) {
    let pixels = image::RgbImage::from_raw(picture.width, picture.height, picture.rgb.clone()).expect("pixels");
    pixels.save(path).expect("a picture");
}

#[test]
fn the_gradient_at_every_layer_agrees_with_differences() {
    let (_folder, bundle, photos) = desk();
    let cancel = CancelToken::new();
    let mut engine =
        Engine::new(Bundle::open(&bundle).expect("a bundle"), EngineOptions::default()).expect("an engine");
    let spec = ExampleSpec {
        folder: &photos,
        class: "dog",
        trigger: "v1 dog",
        hold_back: 0,
        flip: false,
        class_pictures: 2,
        other_pictures: 0,
        company: 0,
        seed: 1,
    };
    let mut examples = encode_own(&mut engine, &spec, &mut Nobody, &cancel).unwrap_or_else(|error| panic!("{error}"));
    examples.append(draw_shared(&mut engine, &spec, &mut Nobody, &cancel).unwrap_or_else(|error| panic!("{error}")));
    assert!(examples.fit(engine.bundle().manifest()) && !examples.of_part(Part::Class).is_empty());
    let pooled: Vec<&[f32]> = examples.captions.iter().map(|caption| caption.pooled.as_slice()).collect();
    assert!(pooled.iter().all(|pooled| pooled.len() == 12) && pooled[0] != pooled[1], "one for each prompt");
    let (bundle, base) = (engine.bundle(), Weights::read(engine.bundle().attention()));
    let manifest = bundle.manifest();
    let diffusion = Diffusion::new(&manifest.noise_schedule, manifest.prediction_type).expect("a schedule");
    let mixture = Mixture { subject: 2, class: 1, company: 0, prior: 0.7 };
    let batch = draw(&examples, &diffusion, mixture, Timesteps::Even, &mut Random::new(9, 0)).expect("a batch");
    let settings = GradientOptions { threads: Some(1), ..GradientOptions::default() };
    for scope in [Scope::Trigger, Scope::Prompt] {
        let objective = GraphObjective::new(bundle, &examples, &base, scope, batch.len(), settings.clone());
        let mut objective = objective.unwrap_or_else(|error| panic!("{error}"));
        let mut gradient = base.filled(0.0);
        objective.gradient(&base, &batch, &mut gradient, &cancel).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(gradient.layers.len(), 36);
        assert!(gradient.layers.iter().all(|layer| layer.values.iter().any(|slope| *slope != 0.0)), "every layer");
        let length = gradient.values().map(|slope| f64::from(slope).powi(2)).sum::<f64>().sqrt();
        let step = 0.002;
        let mut loss = |sign: f64| -> f64 {
            let mut moved = base.clone();
            for (weight, slope) in moved.values_mut().zip(gradient.values()) {
                *weight += (sign * step * f64::from(slope) / length) as f32;
            }
            let losses = objective.losses(&moved, &batch, &cancel).unwrap_or_else(|error| panic!("{error}"));
            losses.iter().zip(&batch.weights).map(|(loss, weight)| loss * f64::from(*weight)).sum()
        };
        let rise = (loss(1.0) - loss(-1.0)) / (2.0 * step);
        println!("{scope}: differences {rise:.6}, gradient {length:.6}");
        assert!((rise / length - 1.0).abs() < 0.02, "{scope}: the loss rises by {rise}, the gradient says {length}");
    }
}

#[test]
fn neurons_are_found_in_every_part_and_switched() {
    let (folder, path, photos) = desk();
    let bundle = Bundle::open(&path).expect("a bundle");
    let mut options = FindOptions::new(&photos, "dog", folder.path());
    options.trigger = "v1 dog".into();
    options.drawn = 2;
    options.gradient.threads = Some(1);
    (options.search.schedule.steps, options.search.held_out) = (6, 4);
    let found = find(&bundle, &options, &mut Nobody, &CancelToken::new()).unwrap_or_else(|error| panic!("{error}"));
    let neurons: usize = (0..found.mask.layers()).map(|layer| found.mask.neurons(layer).count()).sum();
    println!("{neurons} neurons in {} layers", found.mask.layers());
    assert!(neurons > 0 && found.mask.fits(&bundle.manifest().layers));
    let mut engine = Engine::new(bundle, EngineOptions::default()).expect("an engine");
    let mut draw = |prompt: &str, on: bool| {
        let mut request = Request::new(prompt).with_steps(2).with_seed(4);
        if on {
            request = request.with_subject(Subject::new("rex", found.mask.clone()).on_trigger("v1 dog"));
        }
        engine.generate(&request, &mut (), &CancelToken::new()).expect("a picture").pictures.swap_remove(0).picture
    };
    assert_ne!(draw("a v1 dog on grass", true), draw("a v1 dog on grass", false));
    assert_eq!(
        draw("a cat on grass", true),
        draw("a cat on grass", false),
        "a prompt without the trigger is the base model's"
    );
    // A word is learned for one text encoder alone.
    options.trigger_rate = Some(0.1);
    let bundle = Bundle::open(&path).expect("a bundle");
    let refused = find(&bundle, &options, &mut Nobody, &CancelToken::new()).err().map(|error| error.to_string());
    assert!(refused.as_ref().is_some_and(|refused| refused.contains("two text encoders")), "{refused:?}");
}
