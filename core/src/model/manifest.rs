//! `bundle.json`: what a bundle says of itself.
//!
//! # How it grows
//! A reader passes over fields that it does not know. So a later version may add a field without which an older app still
//! draws the same picture, and `schema` stays as it is. What an older app must not overlook (another way to come to a picture,
//! another meaning of a field) raises `schema`, and that app says that it wants to be updated. A value that is new in a field
//! that is known, as another [`PredictionType`], is refused by its name and raises nothing. A manifest is written with the lowest
//! schema that says all of it.
//!
//! Schema 2 came with `in_channels`: an app that overlooks it gives the U-Net too little. Schema 3 came with `safety`: an app
//! that overlooks it shows pictures that were to be blurred. Schema 4 came with `time_cond_proj_dim`,
//! `noise_schedule.rescale_betas_zero_snr` and `noise_schedule.original_inference_steps`: an app that overlooks the first leaves
//! the U-Net without an input, and with the others it draws other pictures. Schema 5 came with `text_2`: an app that overlooks it
//! gives K and V half of the text. Schema 6 came with `given_text`, `addition_embed_type` and `noise_schedule.flow`: an app that
//! overlooks them looks for a text encoder, leaves the U-Net without an input, and takes noise away that is not there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::disk::hash::Sha256;
pub use crate::model::flow_matching::{DynamicShift, FlowMatching};
use crate::model::form::Form;
pub use crate::model::given_text::GivenText;
pub use crate::model::image_size::ImageSize;
pub use crate::model::noise_schedule::{BetaSchedule, NoiseSchedule, TimestepSpacing};
use crate::model::safety::SafetyClassifier;
pub use crate::model::second_text::SecondText;
use crate::model::style::Style;
use crate::sampling::scheduler::choice::Scheduler;

/// The newest schema version that this crate reads and writes.
pub const SCHEMA: u32 = 6;
/// The oldest.
pub const OLDEST_SCHEMA: u32 = 1;

/// The whole of `bundle.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// [`OLDEST_SCHEMA`] to [`SCHEMA`].
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
    /// Channels that the U-Net takes where these are not the latent's alone (diffusers' `in_channels`). 9 in models for inpainting:
    /// those of the noisy latent, one that says which cells are redrawn, and those of the latent of the picture without them; needs
    /// schema 2. 8 in models that change pictures: those of the noisy latent, and of the picture's; needs schema 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_channels: Option<u32>,
    /// Width of the embedding in which the U-Net takes the guidance scale as an input of its own (`timestep_cond`), as latent
    /// consistency models do; diffusers' `time_cond_proj_dim`. Such a model is never guided by a negative prompt. Needs
    /// schema 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_cond_proj_dim: Option<u32>,
    /// How the VAE's latents are scaled for the U-Net.
    pub vae: VaeScaling,
    /// What the U-Net predicts.
    pub prediction_type: PredictionType,
    /// The training noise schedule, with diffusers' names and values.
    pub noise_schedule: NoiseSchedule,
    /// What the text encoder takes.
    pub text: Text,
    /// The second text encoder of Stable Diffusion XL and its kind, whose U-Net is told of the picture's size too (diffusers'
    /// `addition_embed_type` of `text_time`). Needs schema 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_2: Option<SecondText>,
    /// It has no text encoder: `text` says what embeddings an app is to bring, and this what becomes of them. Needs schema 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_text: Option<GivenText>,
    /// What the U-Net is told beside text and timestep where there is one text encoder or none (diffusers' name). Needs schema 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addition_embed_type: Option<AdditionEmbedType>,
    /// What is used where a request is silent.
    pub defaults: Defaults,
    /// Other ways to ask it that suit it, by name: presets that apps show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub presets: Vec<Style>,
    /// What its graphs were exported for, where they take nothing else.
    #[serde(default, skip_serializing_if = "Fixed::is_free")]
    pub fixed: Fixed,
    /// Whether the U-Net takes whole timesteps alone, and rounds others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole_timesteps: bool,
    /// A linear map from latent to RGB, fitted at import, for cheap previews.
    pub preview: Option<Preview>,
    /// The classifier that pictures are shown to, `safety.onnx`; needs schema 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety: Option<SafetyClassifier>,
    /// The cross-attention projections in the order of the U-Net's forward pass, `to_k` before `to_v`.
    pub layers: Vec<Layer>,
    /// Every other file of the bundle by name.
    pub files: BTreeMap<String, FileEntry>,
    /// SHA-256 over names, shapes and float16-rounded values of `attention.safetensors`.
    pub fingerprint: Sha256,
}

impl Manifest {
    /// A manifest of these cross-attention layers and no files yet. All else is as in Stable Diffusion 1.5: set what differs.
    pub fn new(name: impl Into<String>, fingerprint: Sha256, layers: Vec<Layer>) -> Self {
        Self {
            schema: OLDEST_SCHEMA,
            name: name.into(),
            licence: "unspecified".into(),
            form: None,
            image: ImageSize { width: 512, height: 512 },
            latent: Latent { channels: 4, scale: 8, multiple: 64 },
            in_channels: None,
            time_cond_proj_dim: None,
            vae: VaeScaling { scaling_factor: 0.18215, shift_factor: 0.0 },
            prediction_type: PredictionType::Epsilon,
            noise_schedule: NoiseSchedule::new(1000, 0.00085, 0.012, BetaSchedule::ScaledLinear),
            text: Text::new(77, 768, [49406, 49407, 49407]),
            text_2: None,
            given_text: None,
            addition_embed_type: None,
            defaults: Defaults::new(20, 7.5, Scheduler::DpmSolverPlusPlus2M),
            presets: Vec::new(),
            fixed: Fixed::default(),
            whole_timesteps: false,
            preview: None,
            safety: None,
            layers,
            files: BTreeMap::new(),
            fingerprint,
        }
    }
}

impl Manifest {
    /// The lowest schema that says all of it: what it is to be written with.
    #[must_use]
    pub fn lowest_schema(&self) -> u32 {
        if self.given_text.is_some() || self.addition_embed_type.is_some() || self.noise_schedule.flow.is_some() {
            6
        } else if self.text_2.is_some() {
            5
        } else if self.time_cond_proj_dim.is_some() || self.noise_schedule.is_newer() {
            4
        } else if self.safety.is_some() {
            3
        } else if self.in_channels.is_some() {
            2
        } else {
            OLDEST_SCHEMA
        }
    }

    /// Whether a guidance scale has the U-Net draw a negative prompt beside the prompt: above 1, and where the U-Net does not take
    /// the scale as an input.
    #[must_use]
    pub fn is_guided(&self, guidance: f32) -> bool {
        guidance > 1.0 && self.time_cond_proj_dim.is_none()
    }

    /// A preset by its name.
    #[must_use]
    pub fn preset(&self, name: &str) -> Option<&Style> {
        self.presets.iter().find(|preset| preset.name == name)
    }

    /// Width of a token's embedding: of both text encoders together where there are two.
    #[must_use]
    pub fn embeds_size(&self) -> u32 {
        self.text.hidden_size.saturating_add(self.text_2.map_or(0, |second| second.hidden_size))
    }

    /// Width of what K and V of a token are made from: its embedding, or what the model first projects that to.
    #[must_use]
    pub fn context_size(&self) -> u32 {
        self.given_text.and_then(|given| given.cross_attention_dim).unwrap_or_else(|| self.embeds_size())
    }

    /// Whether the U-Net is told which tokens of a prompt there are.
    #[must_use]
    pub fn takes_mask(&self) -> bool {
        self.given_text.is_some_and(|given| given.encoder_attention_mask)
    }

    /// Whether the model first projects embeddings, before K and V are made of them.
    #[must_use]
    pub fn projects_text(&self) -> bool {
        self.given_text.is_some_and(|given| given.cross_attention_dim.is_some())
    }

    /// Channels that the U-Net takes.
    #[must_use]
    pub fn unet_channels(&self) -> u32 {
        self.in_channels.unwrap_or(self.latent.channels)
    }

    /// Whether the U-Net takes a region and the picture around it (inpainting) beside the noisy latent.
    #[must_use]
    pub fn takes_region(&self) -> bool {
        self.unet_channels() == self.latent.channels.saturating_mul(2).saturating_add(1)
    }

    /// Whether the U-Net takes the latent of a picture that it is to change beside the noisy one; zeros where it draws from words
    /// alone.
    #[must_use]
    pub fn takes_image(&self) -> bool {
        self.unet_channels() == self.latent.channels.saturating_mul(2)
    }
}

impl Text {
    /// Tokens of a prompt with start and end, width of the last hidden state, and the tokens before, after and behind it.
    #[must_use]
    pub fn new(max_length: u32, hidden_size: u32, [bos_token_id, eos_token_id, pad_token_id]: [u32; 3]) -> Self {
        Self { max_length, hidden_size, bos_token_id, eos_token_id, pad_token_id, clip_skip: 0 }
    }

    /// As a second text encoder takes it: prompts are as long as this one's.
    #[must_use]
    pub fn of_second(self, second: &SecondText) -> Self {
        let ids = [second.bos_token_id, second.eos_token_id, second.pad_token_id];
        Self { clip_skip: self.clip_skip, ..Self::new(self.max_length, second.hidden_size, ids) }
    }
}

impl Defaults {
    /// Denoising steps, guidance scale and scheduler.
    #[must_use]
    pub fn new(steps: u32, guidance: f32, scheduler: Scheduler) -> Self {
        Self { steps, guidance, scheduler }
    }
}

/// The latent's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
pub struct VaeScaling {
    /// diffusers' `scaling_factor`.
    pub scaling_factor: f64,
    /// diffusers' `shift_factor`; 0 for Stable Diffusion 1 and 2.
    pub shift_factor: f64,
}

/// What the U-Net's output means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PredictionType {
    /// The noise.
    Epsilon,
    /// The velocity of Salimans & Ho 2022.
    VPrediction,
    /// The noise less the latent, of models trained by flow matching.
    FlowPrediction,
}

/// What a U-Net is told beside text and timestep, in diffusers' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AdditionEmbedType {
    /// The picture's width and height, in `time_ids`.
    Time,
}

/// What the text encoder takes and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Text {
    /// Tokens of a prompt with start and end, 77 for CLIP.
    pub max_length: u32,
    /// Width of its hidden states.
    pub hidden_size: u32,
    /// Token before the prompt.
    pub bos_token_id: u32,
    /// Token after the prompt.
    pub eos_token_id: u32,
    /// Token that fills the rest.
    pub pad_token_id: u32,
    /// How many of the text encoder's last layers can be left out, at most: it has an output for each number of them. 0 in
    /// bundles from before that.
    #[serde(default, skip_serializing_if = "crate::units::is_zero")]
    pub clip_skip: u32,
}

/// Used where a request is silent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Defaults {
    /// Denoising steps.
    pub steps: u32,
    /// Classifier-free guidance scale.
    pub guidance: f32,
    /// The scheduler, by its name.
    pub scheduler: Scheduler,
}

/// Sizes that an export has fixed; what is `None` is free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fixed {
    /// Samples in one run of the U-Net.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// Width of the pictures in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height of the pictures in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

impl Fixed {
    /// Whether nothing is fixed.
    #[must_use]
    pub fn is_free(&self) -> bool {
        *self == Self::default()
    }

    /// Samples in one run of the U-Net for so many branches of guidance: as many as were exported, else all branches, or
    /// one after another where they are to run `apart`.
    #[must_use]
    pub fn samples(self, branches: usize, apart: bool) -> usize {
        let free = if apart { 1 } else { branches };
        self.batch.and_then(|batch| usize::try_from(batch).ok()).unwrap_or(free)
    }

    /// What is wrong with a size in pixels, as a predicate; `None` where nothing is.
    #[must_use]
    pub fn refuses(self, width: u32, height: u32) -> Option<String> {
        let (wide, high) = (self.width.unwrap_or(width), self.height.unwrap_or(height));
        if (wide, high) == (width, height) {
            return None;
        }
        Some(format!("is {width} x {height}; the graphs of this base model were exported for {} alone", self.pixels()))
    }

    fn pixels(self) -> String {
        match (self.width, self.height) {
            (Some(width), Some(height)) => format!("{width} x {height} pixels"),
            (Some(width), None) => format!("a width of {width} pixels"),
            (None, Some(height)) => format!("a height of {height} pixels"),
            (None, None) => "any size".into(),
        }
    }
}

/// `rgb[c] = bias[c] + Σ weight[channel][c] · latent[channel]`, with RGB in 0..1 and the latent as the U-Net sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// One RGB row for each latent channel.
    pub weight: Vec<[f32; 3]>,
    /// RGB of a zero latent.
    pub bias: [f32; 3],
}

/// One cross-attention projection W: `rows` outputs by `columns` inputs, row-major, as PyTorch stores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
pub struct FileEntry {
    /// Length in bytes.
    pub bytes: u64,
    /// Its hash.
    pub sha256: Sha256,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_exported_decides_how_branches_run_and_which_sizes_work() {
        let free = Fixed::default();
        assert_eq!((free.samples(2, false), free.samples(2, true), free.samples(1, false)), (2, 1, 1));
        assert_eq!(free.refuses(8, 16), None);
        let one = Fixed { batch: Some(1), width: Some(64), height: Some(96) };
        assert_eq!((one.samples(2, false), one.samples(2, true), one.samples(1, false)), (1, 1, 1));
        assert_eq!(Fixed { batch: Some(2), ..free }.samples(1, true), 2);
        assert_eq!(one.refuses(64, 96), None);
        let reason = one.refuses(96, 96).expect("another width");
        assert_eq!(reason, "is 96 x 96; the graphs of this base model were exported for 64 x 96 pixels alone");
        assert!(Fixed { height: Some(96), ..free }.refuses(8, 8).is_some_and(|r| r.contains("a height of 96 pixels")));
    }

    #[test]
    fn a_manifest_says_nothing_of_what_is_free() {
        let layer = Layer { name: "a.attn2.to_k".into(), rows: 2, columns: 3 };
        let mut manifest = Manifest::new("m", Sha256::digest(b""), vec![layer]);
        let json = serde_json::to_string(&manifest).expect("JSON");
        assert!(!json.contains("fixed") && !json.contains("whole_timesteps"), "{json}");
        manifest.fixed.batch = Some(1);
        manifest.whole_timesteps = true;
        let json = serde_json::to_string(&manifest).expect("JSON");
        assert!(json.contains(r#""fixed":{"batch":1}"#), "{json}");
        assert_eq!(serde_json::from_str::<Manifest>(&json).expect("a manifest"), manifest);
    }
}
