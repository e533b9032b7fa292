//! Embeddings in the place of prompts, from a file as diffusers' users have them.

use std::collections::HashMap;

use cones_core::{Bundle, Engine, EngineOptions, Picture, Request};
use half::f16;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::tool::{Desk, bundle};

const PROMPT: &str = "a dog on grass";

/// What the base model's own text encoder makes of the prompt and of nothing, in a file of float32.
fn embeds(desk: &Desk) -> (String, Vec<usize>) {
    let mut engine =
        Engine::new(Bundle::open(bundle()).expect("a bundle"), EngineOptions::default()).expect("an engine");
    let words = engine.positions(PROMPT, "dog", &[]).expect("positions");
    let text = engine.bundle().manifest().text;
    let shape = vec![1, text.max_length as usize, text.hidden_size as usize];
    let all = engine.embeddings(&Request::new(PROMPT)).expect("embeddings");
    let bytes: Vec<Vec<u8>> =
        all.iter().map(|one| one.iter().flat_map(|number| number.to_le_bytes()).collect()).collect();
    let view = |bytes| TensorView::new(Dtype::F32, shape.clone(), bytes).expect("a tensor");
    let tensors = HashMap::from([("negative_prompt_embeds", view(&bytes[0])), ("prompt_embeds", view(&bytes[1]))]);
    (desk.write("told.safetensors", safetensors::serialize(tensors, None).expect("a file")), words)
}

fn picture(path: &str) -> Picture {
    Picture::open(path.as_ref()).expect("a picture")
}

#[test]
fn a_file_of_embeddings_draws_what_the_words_draw_and_is_needed_again() {
    let desk = Desk::new();
    let (file, words) = embeds(&desk);
    let [said, told, again] = ["said.png", "told.png", "again.png"].map(|name| desk.path(name));
    let quick = ["--steps", "2", "--seed", "3", "--threads", "1", "--quiet"];
    desk.done(&[&["generate", "--prompt", PROMPT, "--out", &said][..], &quick].concat());
    desk.done(&[&["generate", "--prompt-embeds", &file, "--out", &told][..], &quick].concat());
    assert_eq!(picture(&said), picture(&told));

    let recipe = desk.done(&["recipe", &told]);
    assert!(recipe.contains("Prompt embeds: "), "{recipe}");
    let bare = desk.fails(2, &["generate", "--from", &told, "--out", &again]);
    assert!(bare.contains("--prompt-embeds FILE") && bare.contains("SHA-256"), "{bare}");
    desk.done(&["generate", "--from", &told, "--prompt-embeds", &file, "--out", &again, "--threads", "1"]);
    assert_eq!(desk.read("told.png"), desk.read("again.png"));

    // A subject, where its words are said to stand.
    let pack = desk.pack("rex", "1", &["--class", "dog", "--trigger", "dog", "--scope", "trigger"]);
    let at = format!("rex={}", words.iter().map(usize::to_string).collect::<Vec<_>>().join(","));
    desk.done(&[&["generate", "--prompt", PROMPT, "-s", &pack, "--out", &said][..], &quick].concat());
    let with_words = ["generate", "--prompt-embeds", &file, "--words", &at, "-s", &pack, "--out", &told];
    desk.done(&[&with_words[..], &quick].concat());
    assert_eq!(picture(&said), picture(&told));
}

#[test]
fn files_that_are_none_are_refused_with_the_reason() {
    let desk = Desk::new();
    let out = desk.path("x.png");
    let refused = |status: i32, file: &str, more: &[&str]| {
        desk.fails(status, &[&["generate", "--prompt-embeds", file, "--out", &out][..], more].concat())
    };
    assert!(refused(1, &desk.path("none"), &[]).contains("none"));
    assert!(refused(1, &desk.write("junk", "junk"), &[]).contains("no safetensors file"));
    let numbers = [f16::ONE; 4].map(f16::to_le_bytes).concat();
    let file = |name: &str, dtype: Dtype, shape: Vec<usize>| {
        let view = TensorView::new(dtype, shape, &numbers).expect("a tensor");
        desk.write("made", safetensors::serialize([(name, view)], None).expect("a file"))
    };
    assert!(refused(1, &file("embeds", Dtype::F16, vec![4]), &[]).contains("only embeds"));
    assert!(refused(1, &file("prompt_embeds", Dtype::I16, vec![4]), &[]).contains("I16"));
    assert!(refused(1, &file("prompt_embeds", Dtype::F16, vec![2, 1, 2]), &[]).contains("several prompts"));
    let short = refused(2, &file("prompt_embeds", Dtype::F16, vec![2, 2]), &[]);
    assert!(short.contains("hold 4 numbers") && short.contains("tokens of"), "{short}");
    refused(2, &file("prompt_embeds", Dtype::F16, vec![4]), &["--words", "rex=a"]);
    refused(2, &file("prompt_embeds", Dtype::F16, vec![4]), &["--clip-skip", "1"]);
    desk.fails(2, &["generate", "--prompt", "a dog", "--words", "rex=1", "--out", &out]);
}
