//! Subjects in prompts.

use std::path::Path;

use cones_core::Picture;
use cones_core::picture::recipe::Recipe;
use cones_core::picture::writing::save;

use crate::tool::{Desk, fail, golden, stderr, succeed, text};

#[test]
fn a_name_in_a_prompt_must_be_a_subject_that_is_on() {
    let desk = Desk::new();
    let out = desk.path("x.png");
    let mask = golden("binary.safetensors");
    let draw = |prompt| ["generate", "--out", &out, "--subject", text(&mask), "--prompt", prompt];
    let error = desk.fails(2, &draw("a {dog}"));
    assert!(error.contains("`{dog}`") && error.contains("`{golden}`"), "{error}");
    assert!(desk.fails(2, &draw("a } dog")).contains("`}}`"));
    assert!(!Path::new(&out).exists());
}

#[test]
fn a_subject_that_is_on_without_its_trigger_gives_a_warning() {
    let desk = Desk::new();
    let out = desk.path("x.png");
    let mask = golden("binary.safetensors");
    let draw = |prompt, subject| {
        let command = ["generate", "--out", &out, "--steps", "1", "--subject", subject, "--prompt", prompt];
        let output = desk.cones(&command).output().expect("cones runs");
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output)
    };
    let warning = draw("a cat", text(&mask));
    assert!(warning.contains("`golden`") && warning.contains("`<v1> dog`") && warning.contains("nothing"), "{warning}");
    assert_eq!(draw("a {golden}", text(&mask)), "");
    assert_eq!(draw("a cat", &format!("{}:0", text(&mask))), "", "a subject that is off need not be in the picture");
}

#[test]
fn two_packs_of_one_trigger_are_told_apart_and_their_picture_is_drawn_again() {
    let desk = Desk::new();
    let (rex, bob) = (desk.pack("rex", "1", &[]), format!("{}:0.5", desk.pack("bob", "1", &[])));
    let draw = |prompt: &str, name: &str| {
        let out = desk.path(name);
        let command =
            ["generate", "--prompt", prompt, "--steps", "2", "--subject", &rex, "--subject", &bob, "--out", &out];
        desk.cones(&command)
    };
    let error = fail(2, draw("a <v1> dog", "bare.png"));
    assert!(error.contains("`{rex}` or `{bob}`"), "{error}");
    succeed(draw("a {rex} and a {bob}", "both.png"));
    succeed(draw("a {bob} and a {rex}", "other.png"));
    assert_ne!(desk.read("both.png"), desk.read("other.png"));
    // The recipe knows whose words are whose.
    let (both, again) = (desk.path("both.png"), desk.path("again.png"));
    desk.done(&["generate", "--from", &both, "--subject", &rex, "--subject", &bob, "--out", &again]);
    assert_eq!(desk.read("both.png"), desk.read("again.png"));
}

#[test]
fn packs_of_one_name_are_refused_until_one_is_called_otherwise() {
    let desk = Desk::new();
    let (first, second) = (desk.pack("rex", "1", &[]), desk.pack("rex", "2", &["--trigger", "<v2> dog"]));
    let (out, again) = (desk.path("x.png"), desk.path("again.png"));
    let generate = ["generate", "--steps", "1", "--out", &out, "--subject", &first, "--subject"];
    let error = desk.fails(2, &[&generate[..], &[&second, "--prompt", "a {rex}"]].concat());
    assert!(error.contains("`{rex}`") && error.contains("2 subjects of that name"), "{error}");
    let error = desk.fails(2, &[&generate[..], &[&first, "--prompt", "a dog"]].concat());
    assert!(error.contains("`rex` twice"), "{error}");
    let tom = format!("tom={second}");
    desk.done(&[&generate[..], &[&tom, "--prompt", "a {rex} and a {tom}"]].concat());
    desk.done(&["generate", "--from", &out, "--subject", &first, "--subject", &second, "--out", &again]);
    assert_eq!(desk.read("x.png"), desk.read("again.png"));
}

#[test]
fn a_picture_from_before_triggers_were_told_apart_is_drawn_again() {
    let desk = Desk::new();
    let (rex, bob) = (desk.pack("rex", "1", &[]), format!("{}:0.5", desk.pack("bob", "1", &[])));
    let (named, old, again) = (desk.path("named.png"), desk.path("old.png"), desk.path("again.png"));
    let subjects = ["--subject", &rex, "--subject", &bob];
    let command = ["generate", "--prompt", "a {rex} and a {bob}", "--steps", "2", "--out", &named];
    desk.done(&[&command[..], &subjects].concat());
    // Its recipe says of nobody where it was named, as recipes did not.
    let mut recipe = serde_json::to_value(Recipe::read(named.as_ref()).expect("a recipe")).expect("JSON");
    for subject in recipe["subjects"].as_array_mut().expect("subjects") {
        subject.as_object_mut().expect("a subject").remove("places").expect("it was named");
    }
    let recipe: Recipe = serde_json::from_value(recipe).expect("a recipe");
    save(&Picture::open(named.as_ref()).expect("a picture"), &recipe, old.as_ref()).expect("saved");
    desk.done(&[&["generate", "--from", &old, "--out", &again][..], &subjects].concat());
    assert_eq!(Recipe::read(again.as_ref()).expect("a recipe"), recipe);
    let pixels = |path: &str| Picture::open(path.as_ref()).expect("a picture").rgb;
    assert_ne!(pixels(&again), pixels(&named), "both masks met in the rows of both");
}
