//! Values of a manifest that later arithmetic relies on.

use std::collections::BTreeSet;

use crate::model::manifest::{Manifest, PredictionType};
use crate::model::safety::SafetyClassifier;
use crate::picture::LARGEST_SIDE;
use crate::sampling::scheduler;
use crate::subjects::pack::metadata::check_text;

/// Wider than any matrix of a text encoder or U-Net.
const WIDEST: u32 = 1 << 16;
/// More layers than any text encoder has.
const MOST_LAYERS: u32 = 256;
/// Branches of guidance are two; exports have some more at most.
const LARGEST_BATCH: u32 = 64;
/// More than anybody would choose from.
const MOST_PRESETS: usize = 64;
/// Stable Diffusion's latents have 4 channels, later models' up to 128.
const MOST_CHANNELS: u32 = 256;

/// What is wrong with the manifest's values, if anything.
pub(super) fn check(manifest: &Manifest) -> Result<(), String> {
    check_sizes(manifest)?;
    check_fixed(manifest)?;
    check_form(manifest)?;
    check_scaling(manifest)?;
    check_second_text(manifest)?;
    check_given_text(manifest)?;
    check_flow(manifest)?;
    check_layers(manifest)?;
    check_preview(manifest)?;
    check_safety(manifest)?;
    check_guidance_input(manifest)?;
    check_presets(manifest)?;
    check_defaults(manifest)
}

fn within(name: &str, value: u32, low: u32, high: u32) -> Result<(), String> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(format!("`{name}` is {value}; it must be {low} to {high}")) }
}

/// The form's maker is shown to people.
fn check_form(manifest: &Manifest) -> Result<(), String> {
    manifest.form.as_ref().map_or(Ok(()), |form| check_text("form.tool", &form.tool))
}

fn check_sizes(manifest: &Manifest) -> Result<(), String> {
    let (image, latent) = (manifest.image, manifest.latent);
    within("latent.channels", latent.channels, 1, MOST_CHANNELS)?;
    if let Some(channels) = manifest.in_channels {
        // The latent, one channel for the region, and the latent of the picture around it.
        let region = 2 * latent.channels + 1;
        // The latent, and that of a picture that is to be changed.
        let image = 2 * latent.channels;
        let schema = [(latent.channels, 2), (region, 2), (image, 6)].into_iter().find(|(taken, _)| *taken == channels);
        if schema.is_none_or(|(_, schema)| manifest.schema < schema) {
            let latent = latent.channels;
            return Err(format!(
                "`in_channels` is {channels}; it must be {latent}, or {region} with schema 2, or {image} with schema 6"
            ));
        }
    }
    within("latent.scale", latent.scale, 1, LARGEST_SIDE)?;
    within("latent.multiple", latent.multiple, 1, LARGEST_SIDE)?;
    within("text.max_length", manifest.text.max_length, 3, WIDEST)?;
    within("text.hidden_size", manifest.text.hidden_size, 1, WIDEST)?;
    within("text.clip_skip", manifest.text.clip_skip, 0, MOST_LAYERS)?;
    if !latent.multiple.is_multiple_of(latent.scale) {
        return Err(format!("`latent.multiple` {} is no multiple of `latent.scale` {}", latent.multiple, latent.scale));
    }
    for (name, side) in [("image.width", image.width), ("image.height", image.height)] {
        within(name, side, 1, LARGEST_SIDE)?;
        if !side.is_multiple_of(latent.multiple) {
            return Err(format!("`{name}` {side} is no multiple of `latent.multiple` {}", latent.multiple));
        }
    }
    Ok(())
}

/// What was exported is what it draws where a request is silent.
fn check_fixed(manifest: &Manifest) -> Result<(), String> {
    let (fixed, image) = (manifest.fixed, manifest.image);
    within("fixed.batch", fixed.batch.unwrap_or(1), 1, LARGEST_BATCH)?;
    for (name, fixed, side) in [("width", fixed.width, image.width), ("height", fixed.height, image.height)] {
        if let Some(fixed) = fixed.filter(|fixed| *fixed != side) {
            return Err(format!("`fixed.{name}` is {fixed}, and `image.{name}` {side}"));
        }
    }
    Ok(())
}

fn check_scaling(manifest: &Manifest) -> Result<(), String> {
    let vae = manifest.vae;
    // As they are used: a float64 may be too small or too large for float32.
    let (factor, shift) = (vae.scaling_factor as f32, vae.shift_factor as f32);
    if !(factor.is_normal() && factor > 0.0 && factor.recip().is_finite()) {
        return Err(format!("`vae.scaling_factor` is {}", vae.scaling_factor));
    }
    if !shift.is_finite() {
        return Err(format!("`vae.shift_factor` is {}", vae.shift_factor));
    }
    Ok(())
}

/// What came with schema 5.
fn check_second_text(manifest: &Manifest) -> Result<(), String> {
    let Some(second) = &manifest.text_2 else { return Ok(()) };
    if manifest.schema < 5 {
        return Err("`text_2` needs schema 5".into());
    }
    within("text_2.hidden_size", second.hidden_size, 1, WIDEST)?;
    within("text_2.projection_dim", second.projection_dim, 1, WIDEST)
}

/// What came with schema 6.
fn check_given_text(manifest: &Manifest) -> Result<(), String> {
    if manifest.schema < 6 && manifest.lowest_schema() >= 6 {
        return Err("`given_text`, `addition_embed_type` and `noise_schedule.flow` need schema 6".into());
    }
    if manifest.text_2.is_some() && (manifest.given_text.is_some() || manifest.addition_embed_type.is_some()) {
        return Err("it has `text_2`, and `given_text` or `addition_embed_type`, which are of other models".into());
    }
    let projected = manifest.given_text.and_then(|given| given.cross_attention_dim);
    within("given_text.cross_attention_dim", projected.unwrap_or(1), 1, WIDEST)
}

/// More than any model's; what is to come of it must be a number.
const LARGEST_SHIFT: f64 = 1000.0;

fn check_flow(manifest: &Manifest) -> Result<(), String> {
    let flow = manifest.noise_schedule.flow;
    if flow.is_some() != (manifest.prediction_type == PredictionType::FlowPrediction) {
        return Err("`noise_schedule.flow` and the `prediction_type` of `flow_prediction` belong together".into());
    }
    let Some(flow) = flow else { return Ok(()) };
    if !(flow.shift > 0.0 && flow.shift <= LARGEST_SHIFT) {
        return Err(format!(
            "`noise_schedule.flow.shift` is {}; it must be above 0, {LARGEST_SHIFT} at most",
            flow.shift
        ));
    }
    let Some(dynamic) = flow.dynamic else { return Ok(()) };
    let (base, most) = (dynamic.base_image_seq_len, dynamic.max_image_seq_len);
    let shifts = [dynamic.base_shift, dynamic.max_shift];
    if base >= most || shifts.iter().any(|shift| !(0.0..=LARGEST_SHIFT.ln()).contains(shift)) || shifts[0] > shifts[1] {
        return Err("`noise_schedule.flow.dynamic` does not rise from one size to a larger one".into());
    }
    Ok(())
}

fn check_layers(manifest: &Manifest) -> Result<(), String> {
    if manifest.layers.is_empty() {
        return Err("it lists no cross-attention layer".into());
    }
    let mut names = BTreeSet::new();
    for layer in &manifest.layers {
        within(&layer.name, layer.rows, 1, WIDEST)?;
        if layer.columns != manifest.context_size() {
            let given = manifest.context_size();
            let whose = match (manifest.text_2, manifest.given_text) {
                (Some(_), _) => "both text encoders give",
                (None, Some(_)) => "the text that is given has",
                (None, None) => "the text encoder gives",
            };
            return Err(format!("layer `{}` takes {} columns, {whose} {given}", layer.name, layer.columns));
        }
        if !names.insert(&layer.name) {
            return Err(format!("it lists layer `{}` twice", layer.name));
        }
    }
    Ok(())
}

fn check_preview(manifest: &Manifest) -> Result<(), String> {
    let channels = manifest.latent.channels;
    match &manifest.preview {
        Some(preview) if preview.weight.len() != channels as usize => {
            Err(format!("`preview` has {} channels instead of {channels}", preview.weight.len()))
        }
        _ => Ok(()),
    }
}

fn check_safety(manifest: &Manifest) -> Result<(), String> {
    let Some(safety) = &manifest.safety else { return Ok(()) };
    if manifest.schema < 3 {
        return Err("`safety` needs schema 3".into());
    }
    if !manifest.files.contains_key(SafetyClassifier::FILE) {
        return Err(format!("it has `safety`, and does not list `{}`", SafetyClassifier::FILE));
    }
    safety.check()
}

/// What came with schema 4.
fn check_guidance_input(manifest: &Manifest) -> Result<(), String> {
    if let Some(width) = manifest.time_cond_proj_dim {
        // A sine and a cosine of two frequencies at least: of one there is no ratio between them.
        within("time_cond_proj_dim", width, 4, WIDEST)?;
    }
    if manifest.schema < 4 && manifest.lowest_schema() >= 4 {
        return Err(
            "`time_cond_proj_dim`, `rescale_betas_zero_snr` and `original_inference_steps` need schema 4".into()
        );
    }
    Ok(())
}

/// Each is to be one that can be drawn, and is shown to people.
fn check_presets(manifest: &Manifest) -> Result<(), String> {
    if manifest.presets.len() > MOST_PRESETS {
        return Err(format!("it has {} presets; {MOST_PRESETS} are the most", manifest.presets.len()));
    }
    let mut names = BTreeSet::new();
    for preset in &manifest.presets {
        let name = &preset.name;
        check_text("presets.name", name)?;
        if name.trim().is_empty() || !names.insert(name) {
            return Err(format!("`presets` has the name `{name}` twice, or no name"));
        }
        let wrong = |reason: String| format!("its preset `{name}` cannot be drawn with: {reason}");
        if preset.guidance.is_some_and(|guidance| !(guidance.is_finite() && guidance >= 0.0)) {
            return Err(wrong("`guidance` must be 0 or more".into()));
        }
        if preset.guidance_rescale.is_some_and(|rescale| !(0.0..=1.0).contains(&rescale)) {
            return Err(wrong("`guidance_rescale` must be 0 to 1".into()));
        }
        let scheduler = preset.scheduler.unwrap_or(manifest.defaults.scheduler);
        let steps = (preset.steps.unwrap_or(manifest.defaults.steps) as usize, None);
        let (schedule, prediction) = (&manifest.noise_schedule, manifest.prediction_type);
        scheduler::plan_with_eta(scheduler, schedule, prediction, steps, preset.eta)
            .map_err(|error| wrong(error.to_string()))?;
    }
    Ok(())
}

/// A request that is silent about everything must be one that can be drawn.
fn check_defaults(manifest: &Manifest) -> Result<(), String> {
    let defaults = &manifest.defaults;
    if !(defaults.guidance.is_finite() && defaults.guidance >= 0.0) {
        return Err(format!("`defaults.guidance` is {}", defaults.guidance));
    }
    let (schedule, steps) = (&manifest.noise_schedule, defaults.steps as usize);
    let run = scheduler::plan(defaults.scheduler, schedule, manifest.prediction_type, steps, None);
    run.map(drop).map_err(|error| format!("its defaults cannot be drawn with: {error}"))
}
