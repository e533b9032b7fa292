//! What is asked for: one required field.

use std::sync::Arc;

use cones_core::Bundle;

use crate::{
    GivenEmbeds, Hires, Inpaint, MicroConditions, PackStore, Picture, Scheduler, Scope, Style, Variation, WordBox,
};

/// A request for pictures. Only the prompt is required; what is left out comes from the base model.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Request {
    /// What to draw. `{NAME}` stands for the trigger of the subject of that name, `{{` and `}}` for braces. Subjects of one
    /// trigger are told apart by that; a prompt with the bare words of such a trigger is refused.
    pub prompt: String,
    /// What to stay away from, written like the prompt; empty for nothing in particular.
    #[uniffi(default)]
    pub negative_prompt: String,
    /// Installed packs to switch on.
    #[uniffi(default)]
    pub subjects: Vec<SubjectChoice>,
    /// Denoising steps.
    #[uniffi(default)]
    pub steps: Option<u32>,
    /// Classifier-free guidance scale. 1 or less switches guidance off and takes half the time.
    #[uniffi(default)]
    pub guidance: Option<f32>,
    /// How noise becomes a picture.
    #[uniffi(default)]
    pub scheduler: Option<Scheduler>,
    /// Seed of the first picture; each further one adds 1.
    #[uniffi(default)]
    pub seed: u64,
    /// How many pictures, up to 1000.
    #[uniffi(default = 1)]
    pub count: u32,
    /// Pixels across.
    #[uniffi(default)]
    pub width: Option<u32>,
    /// Pixels down.
    #[uniffi(default)]
    pub height: Option<u32>,
    /// A picture to start from.
    #[uniffi(default)]
    pub init: Option<InitPicture>,
    /// A preview comes with every so many steps; 0 for none. It costs far below a thousandth of a step.
    #[uniffi(default)]
    pub preview_every: u32,
    /// Brackets in both prompts weigh words, as in AUTOMATIC1111's web UI: `(word)` 1.1 times, `[word]` by as much less,
    /// `(word:1.3)` 1.3 times; `\(` is a bracket. Long prompts go in chunks, and `BREAK` begins another one. Without it brackets are text,
    /// and what is too long is cut.
    #[uniffi(default)]
    pub prompt_weights: bool,
    /// Mixes another seed's noise in: pictures a little like that of `seed`.
    #[uniffi(default)]
    pub variation: Option<Variation>,
    /// Draws the picture larger in a second pass.
    #[uniffi(default)]
    pub hires: Option<Hires>,
    /// The last layers of the text encoder that are left out (diffusers' `clip_skip`; one less than "Clip skip" of AUTOMATIC1111's web
    /// UI), up to `BundleInfo.most_clip_skip`. For both prompts with `prompt_weights`, else for the prompt alone.
    #[uniffi(default)]
    pub clip_skip: u32,
    /// How far the guided prediction is brought back to the deviation of the prompt's own, 0 (as where it is left out) to 1: against
    /// pictures that guidance makes too bright or too dark. diffusers' `guidance_rescale`, 0.7 by custom.
    #[uniffi(default)]
    pub guidance_rescale: Option<f32>,
    /// How much of the noise in each step is fresh, 0 to 1, with `ddim` (0 where it is left out) and `tcd` (0.3); diffusers'
    /// `eta`. Other schedulers refuse it.
    #[uniffi(default)]
    pub eta: Option<f32>,
    /// Words around both prompts, and values where this request has none.
    #[uniffi(default)]
    pub style: Option<Style>,
    /// What Stable Diffusion XL and its kind are told of the picture's size (`BundleInfo.takes_micro_conditions`); other base models
    /// refuse it.
    #[uniffi(default)]
    pub micro_conditions: Option<MicroConditions>,
    /// Embeddings in the place of both prompts, which then are words for people alone: they stand in the recipe.
    #[uniffi(default)]
    pub prompt_embeds: Option<GivenEmbeds>,
    /// The picture that is to be changed as the prompt says, with a base model that takes one (`BundleInfo.takes_image`); others refuse
    /// it. Scaled to the size of the request if it has another.
    #[uniffi(default)]
    pub image: Option<Arc<Picture>>,
    /// Where words of the prompt are drawn, 32 at most. Not on Core ML and the Neural Networks API, whose U-Net is of another form.
    #[uniffi(default)]
    pub boxes: Vec<WordBox>,
}

/// An installed pack, switched on.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct SubjectChoice {
    /// The name it is installed by.
    pub name: String,
    /// 0 (off) to 1 (as the pack means it).
    #[uniffi(default = 1.0)]
    pub strength: f32,
    /// Which rows it changes; by default what the pack says.
    #[uniffi(default)]
    pub scope: Option<Scope>,
}

/// The picture to start from (img2img).
#[derive(Debug, Clone, uniffi::Record)]
pub struct InitPicture {
    /// Scaled to the size of the request if it has another.
    pub picture: Arc<Picture>,
    /// How much of it is redrawn, 0 to 1. With `inpaint` 1 by custom.
    #[uniffi(default = 0.8)]
    pub strength: f32,
    /// Draws a region of it anew, or strips around it; all else keeps its bytes.
    #[uniffi(default)]
    pub inpaint: Option<Inpaint>,
}

impl Request {
    /// The core's request, with the packs read from the store.
    ///
    /// # Errors
    /// [`cones_core::Error::NotFound`], [`BadPack`](cones_core::Error::BadPack), [`WrongModel`](cones_core::Error::WrongModel) of a
    /// subject; [`BadRequest`](cones_core::Error::BadRequest).
    pub(crate) fn resolve(
        &self,
        bundle: &Bundle,
        packs: Option<&PackStore>,
    ) -> cones_core::Result<cones_core::Request> {
        let mut subjects = Vec::new();
        for choice in &self.subjects {
            subjects.push(choice.resolve(bundle, packs)?);
        }
        let mut request = cones_core::Request::new(&self.prompt).with_negative_prompt(&self.negative_prompt);
        request.subjects = subjects;
        request.steps = self.steps;
        request.guidance = self.guidance;
        request.guidance_rescale = self.guidance_rescale;
        request.scheduler = self.scheduler.map(Into::into);
        request.eta = self.eta;
        request.seed = self.seed;
        request.prompt_weights = self.prompt_weights;
        request.variation = self.variation.map(Into::into);
        request.hires = self.hires.map(Into::into);
        request.clip_skip = self.clip_skip;
        request.micro_conditions = self.micro_conditions.map(Into::into).unwrap_or_default();
        request.prompt_embeds = self.prompt_embeds.as_ref().map(GivenEmbeds::resolve).transpose()?;
        request.image = self.image.as_ref().map(|image| image.pixels().clone());
        request.boxes = self.boxes.iter().map(Into::into).collect();
        request.count = self.count;
        (request.width, request.height) = (self.width, self.height);
        if let Some(style) = &self.style {
            request = request.with_style(&style.resolve());
        }
        request = request.filled()?;
        let init = self.init.as_ref();
        request.init = init.map(InitPicture::resolve);
        Ok(request)
    }
}

impl InitPicture {
    fn resolve(&self) -> cones_core::Init {
        let mut init = cones_core::Init::new(self.picture.pixels().clone(), self.strength);
        init.inpaint = self.inpaint.as_ref().map(Inpaint::resolve);
        init
    }
}

impl SubjectChoice {
    fn resolve(&self, bundle: &Bundle, packs: Option<&PackStore>) -> cones_core::Result<cones_core::Subject> {
        let packs = packs.ok_or_else(|| {
            cones_core::Error::request("subjects", "are given, but the engine was opened without a store of packs")
        })?;
        let mut subject = packs.subject(&self.name, bundle)?.with_strength(self.strength);
        if let Some(scope) = self.scope {
            subject.scope = scope.into();
        }
        Ok(subject)
    }
}
