//! A model whose prompts a language model elsewhere reads, as its users have it: imported, described, drawn with, made small.

use cones_core::Picture;
use cones_tests::psnr::psnr;
use cones_tests::{fixtures, golden};

use crate::tool::Desk;

#[test]
fn sana_goes_from_its_export_to_a_picture_and_into_fewer_bits() {
    let desk = Desk::new();
    let [bundle, small, out] = ["sana", "small", "out.png"].map(|name| desk.path(name));
    let path = |part: &str| fixtures::flow().join("sana").join(part).display().to_string();
    desk.done(&[
        "import",
        "--onnx",
        &path("onnx"),
        "--weights",
        &path("diffusers"),
        "--out",
        &bundle,
        "--dtype",
        "float32",
    ]);
    let described = desk.done(&["bundle", "show", &bundle, "--verify"]);
    assert!(described.contains("as embeddings: up to 300 tokens of 24 numbers"), "{described}");
    assert!(described.contains("euler, 20 steps, guidance 4.5"), "{described}");

    let file = golden::path("flow/sana.safetensors").display().to_string();
    let sizes = ["--width", "64", "--height", "32", "--steps", "4", "--seed", "7", "--threads", "1", "--quiet"];
    let draw = |bundle: &str, status: i32, more: &[&str]| {
        let words = [&["generate", "--bundle", bundle, "--out", &out][..], more, &sizes].concat();
        if status == 0 { desk.done(&words) } else { desk.fails(status, &words) }
    };
    draw(&bundle, 0, &["--prompt-embeds", &file]);
    let expected = Picture::open(&golden::path("flow/sana-euler.png")).expect("a golden picture");
    let drawn = |file: &str| Picture::open(file.as_ref()).expect("a picture");
    assert!(psnr(&drawn(&out), &expected) > 60.0);
    let words = draw(&bundle, 2, &["--prompt", "a dog"]);
    assert!(words.contains("has no text encoder") && words.contains("24 numbers"), "{words}");
    let other = draw(&bundle, 2, &["--prompt-embeds", &file, "--scheduler", "ddim"]);
    assert!(other.contains("flow matching"), "{other}");

    desk.done(&["quantise", &bundle, "--weights", "int8", "--out", &small]);
    draw(&small, 0, &["--prompt-embeds", &file]);
    assert!(psnr(&drawn(&out), &expected) > 20.0);
}
