//! `bundle.json`: what a bundle says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::disk::hash::Sha256;
use crate::model::form::Form;
use crate::sampling::scheduler::choice::Scheduler;

/// The schema version this crate reads and writes.
pub const SCHEMA: u32 = 1;

/// The whole of `bundle.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Short name of the base model, as `toybox`.
    pub name: String,
    /// Licence of the weights, as an SPDX expression or a sentence.
    pub licence: String,
    /// How many bits its graphs' weights and activations have; none for the exact bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
    /// The size of the pictures it was trained on.
    pub image: ImageSize,
    /// Channels of the latent and how many pixels one latent cell covers.
    pub latent: Latent,
    /// How the VAE's latents are scaled for the U-Net.
    pub vae: VaeScaling,
    /// What the U-Net predicts.
    pub prediction_type: PredictionType,
    /// The training noise schedule, with diffusers' names and values.
    pub noise_schedule: NoiseSchedule,
    /// What the text encoder takes.
    pub text: Text,
    /// What is used where a request is silent.
    pub defaults: Defaults,
    /// A linear map from latent to RGB, fitted at import, for cheap previews.
    pub preview: Option<Preview>,
    /// The cross-attention projections in the order of the U-Net's forward pass, `to_k` before `to_v`.
    pub layers: Vec<Layer>,
    /// Every other file of the bundle by name.
    pub files: BTreeMap<String, FileEntry>,
    /// SHA-256 over names, shapes and float16-rounded values of `attention.safetensors`.
    pub fingerprint: Sha256,
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSize {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// The latent's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latent {
    /// Channels, 4 for Stable Diffusion.
    pub channels: u32,
    /// Pixels per latent cell along one side, 8 for Stable Diffusion (diffusers' `vae_scale_factor`).
    pub scale: u32,
    /// Sizes of a request must be multiples of this many pixels: `scale` times the U-Net's own down-sampling.
    pub multiple: u32,
}

/// `latent = (vae_latent - shift_factor) * scaling_factor`, as in diffusers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaeScaling {
    /// diffusers' `scaling_factor`.
    pub scaling_factor: f64,
    /// diffusers' `shift_factor`; 0 for Stable Diffusion 1 and 2.
    pub shift_factor: f64,
}

/// What the U-Net's output means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PredictionType {
    /// The noise.
    Epsilon,
    /// The velocity of Salimans & Ho 2022.
    VPrediction,
}

/// How betas are spread over the training steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BetaSchedule {
    /// Evenly.
    Linear,
    /// Evenly in their square roots; Stable Diffusion's.
    ScaledLinear,
}

/// Which training steps an inference run visits; diffusers' `timestep_spacing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimestepSpacing {
    /// `numpy.linspace` from the first to the last.
    Linspace,
    /// Multiples counted from the start.
    Leading,
    /// Multiples counted from the end.
    Trailing,
}

/// The scheduler configuration of a diffusers pipeline, reduced to what changes pictures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseSchedule {
    /// Training steps, 1000 for Stable Diffusion.
    pub num_train_timesteps: u32,
    /// First beta.
    pub beta_start: f64,
    /// Last beta.
    pub beta_end: f64,
    /// How betas lie between the two.
    pub beta_schedule: BetaSchedule,
    /// Which steps are visited.
    pub timestep_spacing: TimestepSpacing,
    /// Added to the steps of `leading` spacing.
    pub steps_offset: u32,
    /// DDIM's last alpha is 1 instead of the first of the schedule.
    pub set_alpha_to_one: bool,
}

/// What the text encoder takes and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Tokens of a prompt with start and end, 77 for CLIP.
    pub max_length: u32,
    /// Width of the last hidden state.
    pub hidden_size: u32,
    /// Token before the prompt.
    pub bos_token_id: u32,
    /// Token after the prompt.
    pub eos_token_id: u32,
    /// Token that fills the rest.
    pub pad_token_id: u32,
}

/// Used where a request is silent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// Denoising steps.
    pub steps: u32,
    /// Classifier-free guidance scale.
    pub guidance: f32,
    /// The scheduler, by its name.
    pub scheduler: Scheduler,
}

/// `rgb[c] = bias[c] + Σ weight[channel][c] · latent[channel]`, with RGB in 0..1 and the latent as the U-Net sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preview {
    /// One RGB row for each latent channel.
    pub weight: Vec<[f32; 3]>,
    /// RGB of a zero latent.
    pub bias: [f32; 3],
}

/// One cross-attention projection W: `rows` outputs by `columns` inputs, row-major, as PyTorch stores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// diffusers' module name, as `down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k`.
    pub name: String,
    /// Width of K or V.
    pub rows: u32,
    /// Width of the text embedding.
    pub columns: u32,
}

/// Size and hash of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Length in bytes.
    pub bytes: u64,
    /// Its hash.
    pub sha256: Sha256,
}
