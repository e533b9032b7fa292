//! How a picture was drawn.

use cones_core::picture::recipe;

use crate::{Hires, Margins, MicroConditions, Variation, Verdict, WordBox};

/// Everything that decided a picture's pixels.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Recipe {
    /// What drew it, as `cones 0.1.0`.
    pub software: String,
    /// The base model's name.
    pub bundle: String,
    /// The base model's fingerprint.
    pub fingerprint: String,
    /// The prompt.
    pub prompt: String,
    /// The negative prompt.
    pub negative_prompt: String,
    /// Denoising steps.
    pub steps: u32,
    /// Guidance scale.
    pub guidance: f32,
    /// The scheduler's name.
    pub scheduler: String,
    /// This picture's own seed.
    pub seed: u64,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The prompt as a request takes it, to draw the picture again: `{NAME}` where a subject was named.
    pub typed_prompt: String,
    /// The negative prompt as a request takes it.
    pub typed_negative_prompt: String,
    /// The subjects that were on.
    pub subjects: Vec<SubjectRecipe>,
    /// The picture it started from.
    pub init: Option<InitRecipe>,
    /// All of it as text, in the form that other image tools read.
    pub parameters: String,
    /// Whether brackets in the prompts weighed words, and long prompts went in chunks.
    pub prompt_weights: bool,
    /// Another seed's noise that was mixed in.
    pub variation: Option<Variation>,
    /// The second pass of a large picture; width and height are those of the first.
    pub hires: Option<Hires>,
    /// Layers of the text encoder that were left out.
    pub clip_skip: u32,
    /// What the safety classifier found, where the picture was blurred for it.
    pub safety: Option<Verdict>,
    /// How far the guided prediction was brought back to the deviation of the prompt's own.
    pub guidance_rescale: f32,
    /// How much of the noise in each step was fresh, where the request said so.
    pub eta: Option<f32>,
    /// What the base model was told of the picture's size, where the request said anything.
    pub micro_conditions: Option<MicroConditions>,
    /// SHA-256 of the embeddings that stood in the place of the prompts: then it is drawn again from them alone.
    pub prompt_embeds_sha256: Option<String>,
    /// SHA-256 of the RGB bytes of the picture that was changed, where one was.
    pub image_sha256: Option<String>,
    /// Where words of the prompt were drawn.
    pub boxes: Vec<WordBox>,
}

/// A subject in a recipe.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct SubjectRecipe {
    /// Its name.
    pub name: String,
    /// Its trigger words.
    pub trigger: String,
    /// `prompt` or `trigger`.
    pub scope: String,
    /// 0 to 1.
    pub strength: f32,
    /// SHA-256 of its mask.
    pub mask_sha256: String,
    /// SHA-256 of the pack's file, if it came from one.
    pub pack_sha256: Option<String>,
}

/// The picture that a generation started from.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct InitRecipe {
    /// 0 to 1.
    pub strength: f32,
    /// SHA-256 of its RGB bytes.
    pub rgb_sha256: String,
    /// What of it was drawn anew, where not all of it was.
    pub inpaint: Option<InpaintRecipe>,
}

/// What of a picture was drawn anew; the fields are those of a request's `Inpaint`.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct InpaintRecipe {
    /// SHA-256 of the mask picture's RGB bytes, where there was one.
    pub mask_image_sha256: Option<String>,
    /// Pixels that its white part grew.
    pub grow: u32,
    /// Pixels over which its edge was softened.
    pub feather: u32,
    /// Pixels around it that were drawn with it; none where the whole picture was.
    pub padding_mask_crop: Option<u32>,
    /// Strips that were added around the picture.
    pub outpaint: Margins,
}

impl From<&recipe::Recipe> for Recipe {
    fn from(recipe: &recipe::Recipe) -> Self {
        Self {
            software: recipe.software.clone(),
            bundle: recipe.bundle.clone(),
            fingerprint: recipe.fingerprint.to_string(),
            prompt: recipe.prompt.clone(),
            negative_prompt: recipe.negative_prompt.clone(),
            steps: recipe.steps,
            guidance: recipe.guidance,
            scheduler: recipe.scheduler.to_string(),
            seed: recipe.seed,
            width: recipe.width,
            height: recipe.height,
            typed_prompt: recipe.typed_prompt(),
            typed_negative_prompt: recipe.typed_negative_prompt(),
            subjects: recipe.subjects.iter().map(SubjectRecipe::from).collect(),
            init: recipe.init.as_ref().map(InitRecipe::from),
            parameters: recipe.parameters(),
            prompt_weights: recipe.prompt_weights,
            variation: recipe.variation.map(Into::into),
            hires: recipe.hires.map(Into::into),
            clip_skip: recipe.clip_skip,
            safety: recipe.safety.map(Verdict::from),
            guidance_rescale: recipe.guidance_rescale,
            eta: recipe.eta,
            micro_conditions: MicroConditions::of(recipe.micro_conditions),
            prompt_embeds_sha256: recipe.prompt_embeds_sha256.map(|hash| hash.to_string()),
            image_sha256: recipe.image_sha256.map(|hash| hash.to_string()),
            boxes: recipe.boxes.iter().map(WordBox::from).collect(),
        }
    }
}

impl From<&recipe::InitRecipe> for InitRecipe {
    fn from(init: &recipe::InitRecipe) -> Self {
        let inpaint = init.inpaint.as_ref().map(InpaintRecipe::from);
        Self { strength: init.strength, rgb_sha256: init.rgb_sha256.to_string(), inpaint }
    }
}

impl From<&recipe::InpaintRecipe> for InpaintRecipe {
    fn from(inpaint: &recipe::InpaintRecipe) -> Self {
        let cones_core::Margins { left, top, right, bottom } = inpaint.outpaint;
        Self {
            mask_image_sha256: inpaint.mask_image_sha256.map(|hash| hash.to_string()),
            grow: inpaint.grow,
            feather: inpaint.feather,
            padding_mask_crop: inpaint.padding_mask_crop,
            outpaint: Margins { left, top, right, bottom },
        }
    }
}

impl From<&recipe::SubjectRecipe> for SubjectRecipe {
    fn from(subject: &recipe::SubjectRecipe) -> Self {
        Self {
            name: subject.name.clone(),
            trigger: subject.trigger.clone(),
            scope: subject.scope.to_string(),
            strength: subject.strength,
            mask_sha256: subject.mask_sha256.to_string(),
            pack_sha256: subject.pack_sha256.map(|hash| hash.to_string()),
        }
    }
}
