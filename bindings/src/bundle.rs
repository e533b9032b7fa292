//! What a base model says of itself.

use crate::{ConesError, Style};

/// A base model, as an app shows it and as a request must fit it.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct BundleInfo {
    /// Short name, as `toybox`.
    pub name: String,
    /// Licence of the weights.
    pub licence: String,
    /// How many bits it has: `exact`, `int8`, `int8-static` or `int4`.
    pub form: String,
    /// The folder.
    pub path: String,
    /// What packs are bound to, 64 hex digits.
    pub fingerprint: String,
    /// All its files together.
    pub bytes: u64,
    /// Pixels across where a request is silent.
    pub width: u32,
    /// Pixels down where a request is silent.
    pub height: u32,
    /// Width and height of a request must be multiples of this.
    pub size_multiple: u32,
    /// Steps where a request is silent.
    pub steps: u32,
    /// The most steps a request may ask for.
    pub most_steps: u32,
    /// Guidance where a request is silent.
    pub guidance: f32,
    /// Scheduler where a request is silent, by its name.
    pub scheduler: String,
    /// Tokens of a prompt that are looked at.
    pub prompt_tokens: u32,
    /// Pixels of the picture along one side of a preview's pixel; `None` if this bundle has no previews.
    pub preview_scale: Option<u32>,
    /// The most layers of the text encoder that a request may leave out.
    pub most_clip_skip: u32,
    /// The name of the safety classifier that it brings, if it brings one.
    pub safety: Option<String>,
    /// Other ways to ask it that suit it, by name: presets, to be a request's `style`.
    pub presets: Vec<Style>,
    /// Whether it is told of the picture's size: Stable Diffusion XL and its kind, of two text encoders, and DreamLite.
    pub takes_micro_conditions: bool,
    /// Whether it changes pictures too (`Request.image`).
    pub takes_image: bool,
    /// Whether it reads prompts; else a request must bring embeddings (`Request.prompt_embeds`), of 1 to `text_length` tokens.
    pub reads_prompts: bool,
    /// Tokens of embeddings that stand in the place of a prompt (`Request.prompt_embeds`); a multiple of it does as well.
    pub text_length: u32,
    /// Numbers of each of these tokens.
    pub context_size: u32,
    /// Numbers of a prompt's pooled embedding; 0 for base models of one text encoder, which take none.
    pub pooled_size: u32,
}

impl From<&cones_core::Bundle> for BundleInfo {
    fn from(bundle: &cones_core::Bundle) -> Self {
        let manifest = bundle.manifest();
        Self {
            name: manifest.name.clone(),
            licence: manifest.licence.clone(),
            form: cones_core::model::form::name(manifest.form.as_ref()).to_owned(),
            path: bundle.path().display().to_string(),
            fingerprint: manifest.fingerprint.to_string(),
            bytes: manifest.files.values().map(|file| file.bytes).sum(),
            width: manifest.image.width,
            height: manifest.image.height,
            size_multiple: manifest.latent.multiple,
            steps: manifest.defaults.steps,
            most_steps: manifest.noise_schedule.num_train_timesteps,
            guidance: manifest.defaults.guidance,
            scheduler: manifest.defaults.scheduler.to_string(),
            // Start and end take two.
            prompt_tokens: manifest.text.max_length.saturating_sub(2),
            preview_scale: manifest.preview.as_ref().map(|_| manifest.latent.scale),
            most_clip_skip: manifest.text.clip_skip,
            safety: manifest.safety.as_ref().map(|classifier| classifier.name.clone()),
            presets: manifest.presets.iter().map(Style::of).collect(),
            takes_micro_conditions: manifest.text_2.is_some() || manifest.addition_embed_type.is_some(),
            text_length: manifest.text.max_length,
            context_size: manifest.embeds_size(),
            reads_prompts: manifest.given_text.is_none(),
            takes_image: manifest.takes_image(),
            pooled_size: manifest.text_2.map_or(0, |second| second.projection_dim),
        }
    }
}

/// Opens the base model in a folder and tells what it says of itself. Loads no graph and no runtime.
#[uniffi::export]
pub fn bundle_info(path: String) -> Result<BundleInfo, ConesError> {
    Ok(BundleInfo::from(&cones_core::Bundle::open(path)?))
}

/// Compares every file of a base model with the hashes it lists. Reads all of it: seconds for a large one.
#[uniffi::export]
pub fn verify_bundle(path: String) -> Result<(), ConesError> {
    Ok(cones_core::Bundle::open(path)?.verify()?)
}
