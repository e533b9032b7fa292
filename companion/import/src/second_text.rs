//! The second text encoder of Stable Diffusion XL and its kind, as a diffusers folder has it.

use std::path::Path;

use cones_core::MicroConditions;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::json::Json;
use crate::text_config::TextEncoder;

/// The numbers of `time_ids`: original size, crop and target size.
const TIME_IDS: u32 = MicroConditions::TIME_IDS as u32;

/// A second text encoder.
#[derive(Debug, Clone, Copy)]
pub(super) struct SecondEncoder {
    pub(super) encoder: TextEncoder,
    /// Width of its pooled embedding.
    pub(super) projection_dim: u32,
    /// Whether an empty negative prompt is zeros.
    pub(super) force_zeros_for_empty_prompt: bool,
}

/// Reads the second text encoder of a U-Net that takes one (`addition_embed_type` of `text_time`); none for other U-Nets.
///
/// # Errors
/// When the U-Net takes something else beside a text, or has not the sizes of what the encoder gives.
pub(super) fn read(folder: &Path, unet: &Json) -> Result<Option<SecondEncoder>> {
    if unet.get("addition_embed_type").and_then(Value::as_str) != Some("text_time") {
        unet.must_be_unset(&["addition_embed_type"])?;
        return Ok(None);
    }
    let [has_first, has_second] =
        ["text_encoder", "text_encoder_2"].map(|part| folder.join(part).join("config.json").is_file());
    if !has_second {
        let what = "as in Stable Diffusion XL: its U-Net takes a second text encoder's output too, and there is no \
                    `text_encoder_2` in this folder";
        return Err(unet.refused("addition_embed_type", what));
    }
    if !has_first {
        let what =
            "as in Stable Diffusion XL's refiner: it has no first text encoder, and its U-Net takes an aesthetic score";
        return Err(unet.refused("addition_embed_type", what));
    }
    let json = Json::read(&folder.join("text_encoder_2/config.json"))?;
    match json.get("architectures") {
        Some(Value::Array(classes)) if !classes.iter().any(|class| class == KNOWN) => {
            return Err(json.unknown_class("architectures", "a second text encoder", &[KNOWN]));
        }
        _ => {}
    }
    let projection_dim = json.u32("projection_dim")?;
    let expected =
        unet.u32("addition_time_embed_dim")?.checked_mul(TIME_IDS).and_then(|times| times.checked_add(projection_dim));
    if Some(unet.u32("projection_class_embeddings_input_dim")?) != expected {
        let what =
            format!("`projection_dim` of the second text encoder and {TIME_IDS} times `addition_time_embed_dim`");
        return Err(unet.wrong("projection_class_embeddings_input_dim", &what));
    }
    let index = Json::read_if_there(&folder.join("model_index.json"))?;
    let force_zeros_for_empty_prompt =
        index.map_or(Ok(true), |index| index.bool_or("force_zeros_for_empty_prompt", true))?;
    Ok(Some(SecondEncoder { encoder: TextEncoder::of(&json)?, projection_dim, force_zeros_for_empty_prompt }))
}

/// The class whose pooled embedding the U-Net was trained on.
const KNOWN: &str = "CLIPTextModelWithProjection";

/// Both text encoders must read prompts of one length.
///
/// # Errors
/// When they do not.
pub(super) fn same_length(folder: &Path, first: u32, second: u32) -> Result<()> {
    if first == second {
        return Ok(());
    }
    let file = folder.join("tokenizer_2/tokenizer_config.json");
    let reason = format!("it makes prompts of {second} tokens, the first tokenizer of {first}");
    Err(Error::config(&file, reason, "take both tokenizers from the same folder"))
}
