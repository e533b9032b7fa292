//! Files of one kind where another is wanted: the message says what the file is and what takes it.

use std::fs;

use crate::tool::{Desk, golden, text};

/// A safetensors file with one number of this name.
fn tensors(name: &str) -> Vec<u8> {
    let header = format!(r#"{{"{name}":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}}"#);
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat()
}

fn assert_says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

#[test]
fn what_is_no_subject_is_named() {
    let desk = Desk::new();
    let lora = desk.write("style.safetensors", tensors("lora_unet_x.lora_down.weight"));
    let word = desk.write("word.pt", b"PK\x03\x04\0\0data.pkl string_to_param");
    let picture = desk.write("rex.cones", b"\x89PNG\r\n\x1a\n");
    let draw =
        |subject: &str| desk.fails(1, &["generate", "--out", "x.png", "--subject", subject, "--prompt", "a dog"]);
    assert_says(&draw(&lora), &["style.safetensors", "is a LoRA", "cones import-lora FILE", "--merge FILE"]);
    assert_says(&draw(&word), &["word.pt", "Textual-Inversion embedding pickled", "cones import-embedding"]);
    assert_says(&draw(&picture), &["rex.cones", "is a picture", "a subject pack", "cones find"]);
    assert_says(&desk.fails(1, &["packs", "install", &lora]), &["is a LoRA", "a subject pack"]);
    let mask = golden("binary.safetensors");
    assert_says(&desk.fails(1, &["packs", "install", text(&mask)]), &["is a mask", "cones import-mask FILE"]);
    let out = desk.path("x.cones");
    assert_says(&desk.fails(1, &["import-mask", &lora, "--out", &out, "--name", "x"]), &["is a LoRA", "a mask"]);
}

#[test]
fn what_is_no_base_model_is_named() {
    let desk = Desk::new();
    let ldm = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight";
    let checkpoint = desk.write("sd.safetensors", tensors(ldm));
    let folder = desk.path("pipeline");
    fs::create_dir_all(format!("{folder}/unet")).expect("a folder");
    fs::write(format!("{folder}/unet/config.json"), "{}").expect("a file");
    let draw = |bundle: &str| desk.fails(1, &["generate", "--out", "x.png", "--bundle", bundle, "--prompt", "a dog"]);
    assert_says(&draw(&checkpoint), &["single-file checkpoint", "`bundle.json`", "cones import --weights FILE"]);
    assert_says(&draw(&folder), &["is a diffusers folder", "cones import --weights DIR"]);
}
