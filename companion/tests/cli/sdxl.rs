//! A model of Stable Diffusion XL's kind from its export to a picture of a subject, as one types it.

use cones_tests::fixtures;
use image::GenericImageView as _;

use crate::tool::{Desk, text};

#[test]
fn an_export_is_imported_a_subject_found_and_drawn() {
    let desk = Desk::new();
    let (fixture, bundle) = (fixtures::sdxl(), desk.path("xl"));
    let (onnx, weights) = (fixture.join("onnx"), fixture.join("diffusers"));
    desk.done(&[
        "import",
        "--onnx",
        text(&onnx),
        "--weights",
        text(&weights),
        "--out",
        &bundle,
        "--licence",
        "CC0-1.0",
    ]);
    let draw = |name: &str, more: &[&str]| {
        let out = desk.path(name);
        let command = ["generate", "--bundle", &bundle, "--steps", "3", "--seed", "5", "--out", &out];
        desk.done(&[&command[..], more].concat());
        desk.read(name)
    };
    let plain = draw("plain.png", &["--prompt", "a v1 dog"]);
    let size = image::load_from_memory(&plain).expect("a picture").dimensions();
    assert_eq!(size, (32, 32));
    let told = ["--original-size", "64x24", "--crops-coords-top-left", "3,5", "--target-size", "48x40"];
    let other = draw("told.png", &[&["--prompt", "a v1 dog"], &told[..]].concat());
    assert_ne!(other, plain);
    // The recipe holds what the model was told.
    assert_eq!(draw("again.png", &["--from", &desk.path("told.png")]), other);
    let recipe = desk.json(&["recipe", &desk.path("told.png"), "--json"]);
    let conditions = &recipe["micro_conditions"];
    assert_eq!((&conditions["crop_left"], &conditions["original_size"]["height"]), (&5.into(), &24.into()), "{recipe}");

    std::fs::create_dir(desk.path("photos")).expect("a folder");
    desk.write("photos/one.png", &plain);
    let pack = desk.path("rex.cones");
    let quick = ["--steps", "3", "--batch", "2", "--held-out", "2", "--drawn", "1", "--threads", "1", "--show", "0"];
    let photos = desk.path("photos");
    let find =
        ["find", "--bundle", &bundle, "--images", &photos, "--class", "dog", "--trigger", "v1 dog", "--out", &pack];
    desk.done(&[&find[..], &quick].concat());
    let with = draw("rex.png", &["--prompt", "a {rex}", "--subject", &pack]);
    let (with, plain) = (image::load_from_memory(&with), image::load_from_memory(&plain));
    assert_ne!(with.expect("a picture").to_rgb8(), plain.expect("a picture").to_rgb8());
    let learn = desk.fails(1, &[&find[..], &quick, &["--learn-trigger"]].concat());
    assert!(learn.contains("two text encoders"), "{learn}");
    let toybox = desk.fails(1, &[&["generate", "--prompt", "a dog", "--out", &desk.path("x.png")], &told[..]].concat());
    assert!(toybox.contains("told of no size"), "{toybox}");
}
