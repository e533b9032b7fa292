//! Requests saved by name.

use crate::{ConesError, Scheduler};

/// A request saved by name: words around the prompts, and values where a request has none.
#[derive(Debug, Clone, Default, PartialEq, uniffi::Record)]
pub struct Style {
    /// What it is called by.
    pub name: String,
    /// The prompt, in which `{prompt}` stands for the request's own; without that it stands behind it and a comma, as in
    /// AUTOMATIC1111's web UI.
    #[uniffi(default)]
    pub prompt: String,
    /// The negative prompt, likewise.
    #[uniffi(default)]
    pub negative_prompt: String,
    /// Denoising steps.
    #[uniffi(default)]
    pub steps: Option<u32>,
    /// Guidance scale.
    #[uniffi(default)]
    pub guidance: Option<f32>,
    /// How far the guided prediction is brought back to the deviation of the prompt's own.
    #[uniffi(default)]
    pub guidance_rescale: Option<f32>,
    /// How noise becomes a picture.
    #[uniffi(default)]
    pub scheduler: Option<Scheduler>,
    /// How much of the noise in each step is fresh; passed over where the request has another scheduler.
    #[uniffi(default)]
    pub eta: Option<f32>,
    /// Pixels across.
    #[uniffi(default)]
    pub width: Option<u32>,
    /// Pixels down.
    #[uniffi(default)]
    pub height: Option<u32>,
    /// Whether brackets in the prompts weigh words.
    #[uniffi(default)]
    pub prompt_weights: bool,
    /// Layers of the text encoder that are left out.
    #[uniffi(default)]
    pub clip_skip: u32,
}

/// The styles in a file: a list in JSON, or the `styles.csv` of AUTOMATIC1111's web UI.
#[uniffi::export]
pub fn read_styles(path: String) -> Result<Vec<Style>, ConesError> {
    let styles = cones_core::library::styles::open(path.as_ref())?;
    Ok(styles.iter().map(Style::of).collect())
}

impl Style {
    pub(crate) fn of(style: &cones_core::Style) -> Self {
        Self {
            name: style.name.clone(),
            prompt: style.prompt.clone(),
            negative_prompt: style.negative_prompt.clone(),
            steps: style.steps,
            guidance: style.guidance,
            guidance_rescale: style.guidance_rescale,
            scheduler: style.scheduler.and_then(Scheduler::of),
            eta: style.eta,
            width: style.width,
            height: style.height,
            prompt_weights: style.prompt_weights,
            clip_skip: style.clip_skip,
        }
    }

    pub(crate) fn resolve(&self) -> cones_core::Style {
        let mut style = cones_core::Style::new(&self.name);
        style.prompt.clone_from(&self.prompt);
        style.negative_prompt.clone_from(&self.negative_prompt);
        style.steps = self.steps;
        style.guidance = self.guidance;
        style.guidance_rescale = self.guidance_rescale;
        style.scheduler = self.scheduler.map(Into::into);
        style.eta = self.eta;
        (style.width, style.height) = (self.width, self.height);
        style.prompt_weights = self.prompt_weights;
        style.clip_skip = self.clip_skip;
        style
    }
}
