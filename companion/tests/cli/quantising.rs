//! Small forms: made, compared, published beside the exact bundle, and taken by the one that asks.

use crate::tool::{Desk, Served, bundle, models, text};

#[test]
fn a_small_form_is_made_compared_published_and_installed() {
    let desk = Desk::new();
    let (toybox, small) = (bundle(), desk.path("small"));
    let toybox = text(&toybox);
    let printed = desk.done(&["quantise", toybox, "--out", &small, "--weights", "int8", "--threads", "1"]);
    assert!(printed.contains("form         int8") && printed.contains("unet.onnx"), "{printed}");
    assert!(desk.done(&["bundle", "show", &small, "--verify"]).contains("form         int8, by cones "));
    assert!(desk.done(&["bundle", "show", toybox]).contains("form         exact"));
    let manifest = desk.json(&["bundle", "show", &small, "--json"]);
    assert_eq!(manifest["form"]["weights"], "int8");

    let prompts = desk.path("prompts.txt");
    std::fs::write(&prompts, "a dog on grass\n").expect("written");
    let compare =
        ["compare", small.as_str(), "--bundle", toybox, "--prompts", &prompts, "--steps", "3", "--threads", "1"];
    let measure = models("toybox/measure");
    let found = desk.json(&[&compare[..], &["--count", "2", "--json", "--measure", text(&measure)]].concat());
    assert_eq!((&found[0]["form"], &found[1]["form"]), (&"exact".into(), &"int8".into()));
    assert!(found[0]["psnr"].is_null() && found[1]["pictures"] == 2);
    assert_eq!(found[1]["psnr"]["each"].as_array().map(Vec::len), Some(2));
    let least = found[1]["psnr"]["least"].as_f64().expect("a number");
    assert!((25.0..99.0).contains(&least), "{least}");
    assert!(found[1]["score"]["objects"].is_number());
    let same = ["compare", toybox, "--bundle", toybox, "--prompts", &prompts, "--steps", "1", "--threads", "1"];
    assert!(desk.done(&same).contains("99.0 dB"), "a bundle is like itself");

    let (key, out) = (desk.key("a.key"), desk.path("public"));
    let listed = desk.done(&["publish", "--bundle", toybox, "--bundle", &small, "--out", &out, "--key", &key]);
    assert!(listed.contains("\tbundle\texact\t") && listed.contains("\tbundle\tint8\t"), "{listed}");
    let server = Served::new(&out);
    let public = format!("{key}.pub");
    let install = |form: &str| {
        let catalog = ["--catalog", &server.url, "--key", &public, "--form", form];
        [&["bundle", "install", "toybox"], &catalog[..]].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let typed = |words: &[String]| desk.done(&words.iter().map(String::as_str).collect::<Vec<_>>());
    typed(&install("int8"));
    assert!(desk.done(&["bundle", "list"]).trim_end().ends_with("\tint8"));
    typed(&install("exact"));
    assert!(desk.done(&["bundle", "list"]).trim_end().ends_with("\texact"), "one form of a name is installed");
    let none = install("int4");
    let error = desk.fails(1, &none.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(error.contains("int4") && error.contains("`exact`, `int8`"), "{error}");
}

#[test]
fn what_cannot_be_is_refused_before_any_work() {
    let desk = Desk::new();
    let (toybox, small) = (bundle(), desk.path("small"));
    let fails = |status: i32, more: &[&str]| {
        desk.fails(status, &[&["quantise", text(&toybox), "--out", &small, "--weights"], more].concat())
    };
    let prompts = desk.path("prompts.txt");
    std::fs::write(&prompts, "# none\n").expect("written");
    let error = fails(2, &["int8", "--activations", "int8"]);
    assert!(error.contains("needs --calibrate PROMPTS") && error.contains("hint:"), "{error}");
    assert!(fails(2, &["int8", "--calibrate", &prompts]).contains("--activations int8"));
    let four = ["int4", "--activations", "int8", "--calibrate", &prompts];
    assert!(fails(2, &four).contains("goes with --weights int8"));
    assert!(fails(1, &["int8", "--activations", "int8", "--calibrate", &prompts]).contains("holds no prompt"));
    assert!(fails(2, &["int8", "--keep-float", "101"]).contains("0 to 100"));
    assert!(!std::path::Path::new(&small).exists());
}
