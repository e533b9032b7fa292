//! Kinds of safetensors files, told by the names of their tensors.

use std::path::Path;

use crate::kind::Kind;
use crate::safetensors_file::SafetensorsFile;

/// Parts of names that only LoRAs and their relatives have.
const LORA: [&str; 11] = [
    ".lora_down.",
    ".lora_up.",
    ".lora_A.",
    ".lora_B.",
    ".lora.down.",
    ".lora.up.",
    "_lora.down.",
    "_lora.up.",
    ".hada_w1",
    ".lokr_w1",
    ".oft_blocks",
];
/// Beginnings of the names of models with a transformer: Flux, Stable Diffusion 3 and their like.
const TRANSFORMER: [&str; 6] = [
    "double_blocks.",
    "joint_blocks.",
    "transformer_blocks.",
    "model.diffusion_model.double_blocks.",
    "model.diffusion_model.joint_blocks.",
    "model.diffusion_model.transformer_blocks.",
];
/// Stable Diffusion XL's two text encoders, or its U-Net's input for what the second gives.
const XL: [&str; 2] = ["conditioner.embedders.", "add_embedding."];
/// What that input takes in the U-Nets of XL and of its refiner; other models have it for other things.
const XL_WIDTHS: [usize; 2] = [2816, 2560];
const CONTROL: [&str; 3] = ["control_model.", "controlnet_", "input_hint_block."];
const VAE: [&str; 3] = ["first_stage_model.", "decoder.conv_in.", "encoder.conv_in."];

pub(super) fn kind(path: &Path) -> Kind {
    match SafetensorsFile::open(path) {
        Ok(file) => kind_of(&file),
        Err(_) => Kind::BrokenTensors,
    }
}

fn kind_of(file: &SafetensorsFile) -> Kind {
    let names = file.names();
    let has_part = |parts: &[&str]| names.iter().any(|name| parts.iter().any(|part| name.contains(part)));
    let begins = |parts: &[&str]| names.iter().any(|name| parts.iter().any(|part| name.starts_with(part)));
    let has_projection = names.iter().any(|name| name.ends_with(".attn2.to_k.weight"));
    if has_part(&LORA) {
        Kind::Lora
    } else if begins(&CONTROL) {
        Kind::ControlNet
    } else if begins(&XL) || has_label_of_xl(file) {
        Kind::CheckpointXl
    } else if has_projection && has_part(&["input_blocks."]) {
        Kind::Checkpoint
    } else if has_projection && has_part(&["down_blocks."]) {
        Kind::UnetWeights
    } else if begins(&TRANSFORMER) {
        Kind::OtherCheckpoint
    } else if is_mask(file, &names) {
        Kind::Mask
    } else if is_embedding(file, &names) {
        Kind::TextualInversion
    } else if begins(&VAE) {
        Kind::Vae
    } else if has_part(&["text_model.encoder."]) {
        Kind::TextEncoder
    } else {
        Kind::OtherTensors
    }
}

fn has_label_of_xl(file: &SafetensorsFile) -> bool {
    let names = ["label_emb.0.0.weight", "model.diffusion_model.label_emb.0.0.weight"];
    names.iter().any(|name| matches!(file.shape(name), Some([_, width]) if XL_WIDTHS.contains(width)))
}

fn is_mask(file: &SafetensorsFile, names: &[String]) -> bool {
    let layer = |name: &String| {
        let name = name.strip_suffix(".factors").unwrap_or(name);
        name.ends_with(".attn2.to_k") || name.ends_with(".attn2.to_v")
    };
    !names.is_empty() && names.iter().all(|name| layer(name) && file.shape(name).is_some_and(|shape| shape.len() == 1))
}

/// One or two words' rows: A1111 calls them `emb_params` or, for XL, `clip_l` and `clip_g`; diffusers by the word.
fn is_embedding(file: &SafetensorsFile, names: &[String]) -> bool {
    const MOST_ROWS: usize = 256;
    let is_row = |name: &String| match file.shape(name) {
        Some([width]) => *width >= 64,
        Some([rows, width]) => *rows <= MOST_ROWS && *width >= 64,
        _ => false,
    };
    let is_named = |name: &String| !name.contains('.');
    !names.is_empty() && names.len() <= 2 && names.iter().all(|name| is_named(name) && is_row(name))
}
