//! Subjects in prompts.

use std::path::Path;

use crate::tool::{Desk, golden, stderr, text};

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
