//! What is asked for: one required field, and documented defaults.

use crate::engine::hires::Hires;
use crate::engine::micro_conditions::MicroConditions;
use crate::engine::word_box::WordBox;
use crate::error::Result;
use crate::model::style::Style;
use crate::picture::Picture;
use crate::picture::inpaint::{Inpaint, Margins};
use crate::sampling::scheduler::choice::Scheduler;
use crate::sampling::variation::Variation;
use crate::subjects::places::{Places, Side};
use crate::subjects::prompt::{self, Filled};
use crate::subjects::subject::Subject;
use crate::text::GivenEmbeds;

/// A request for pictures. Only the prompt is required; what is `None` comes from the bundle.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Request {
    /// What to draw.
    pub prompt: String,
    /// What to stay away from; empty for nothing in particular.
    pub negative_prompt: String,
    /// Subjects switched on, in any order.
    pub subjects: Vec<Subject>,
    /// Every subject takes every occurrence of its trigger, also where several have the same and nothing says whose it is:
    /// their masks meet in its rows. Without it such a request is refused. Pictures from before that were drawn so.
    pub blend: bool,
    /// Denoising steps, 1 to the bundle's training steps.
    pub steps: Option<u32>,
    /// Classifier-free guidance scale. 1 or less switches guidance off and takes half the time. A U-Net that takes the scale as
    /// an input ([`Manifest::time_cond_proj_dim`](crate::model::manifest::Manifest::time_cond_proj_dim)) is told of it instead,
    /// and there is no negative prompt.
    pub guidance: Option<f32>,
    /// How far the guided prediction is brought back to the deviation of the prompt's own, 0 (not at all, as where this is
    /// `None`) to 1; against pictures that guidance makes too bright or too dark, as it does with zero-terminal SNR. diffusers'
    /// `guidance_rescale`, 0.7 by custom. Without guidance it changes nothing.
    pub guidance_rescale: Option<f32>,
    /// The scheduler.
    pub scheduler: Option<Scheduler>,
    /// How much of the noise in each step is fresh, 0 to 1, with `ddim` (0 where this is `None`) and `tcd` (0.3); diffusers'
    /// `eta`. Other schedulers refuse it.
    pub eta: Option<f32>,
    /// Seed of the first picture; picture `i` of several has seed `seed + i`, or with a `variation` this one, and the next
    /// variation seed.
    pub seed: u64,
    /// Mixes another seed's noise in: pictures a little like that of `seed`.
    pub variation: Option<Variation>,
    /// How many pictures, 1 to [`Request::MOST_PICTURES`].
    pub count: u32,
    /// Width in pixels; the bundle's own by default.
    pub width: Option<u32>,
    /// Height in pixels; the bundle's own by default.
    pub height: Option<u32>,
    /// Start from a picture instead of from noise alone (img2img).
    pub init: Option<Init>,
    /// Draws the picture larger in a second pass.
    pub hires: Option<Hires>,
    /// Brackets in both prompts weigh words, as in AUTOMATIC1111's web UI ([`emphasis`](crate::text::emphasis)), and prompts
    /// longer than the text encoder takes, or with `BREAK`, go in chunks. `{NAME}` is filled in before that: a trigger with
    /// brackets of its own is to be written out, with backslashes. Without it brackets are text, and what is too long is cut with
    /// a warning.
    pub prompt_weights: bool,
    /// The text encoder's last layers that are left out, up to the bundle's
    /// [`Text::clip_skip`](crate::model::manifest::Text::clip_skip): diffusers' `clip_skip`, and one less than "Clip skip" of
    /// AUTOMATIC1111's web UI. As there, it holds for both prompts with `prompt_weights`; without, for the prompt alone, as
    /// in diffusers.
    pub clip_skip: u32,
    /// What a U-Net of two text encoders is told of the picture's size; other bundles refuse it where it says anything.
    pub micro_conditions: MicroConditions,
    /// Embeddings in the place of both prompts, which then are words for people alone: they stand in the recipe, and nothing is
    /// encoded.
    pub prompt_embeds: Option<GivenEmbeds>,
    /// The picture that is to be changed as the prompt says, for a base model that takes one beside what it draws
    /// ([`Manifest::takes_image`](crate::model::manifest::Manifest::takes_image)), as DreamLite; others refuse it. Cut to the aspect of
    /// the request around its middle, and scaled to its size; diffusers' `image`.
    pub image: Option<Picture>,
    /// Where words of the prompt are drawn, [`WordBox::MOST`] at most; words without one are drawn anywhere, as they are without any.
    /// For the whole of what is drawn, so not where a part of a picture alone is
    /// ([`Inpaint::padding_mask_crop`](crate::Inpaint::padding_mask_crop)). The U-Net must have fused attention, as all that run on
    /// the CPU, XNNPACK and CUDA have; where boxes are asked for it is loaded in a form of its own, which takes longer to compute.
    pub boxes: Vec<WordBox>,
}

/// The picture to start from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Init {
    /// Cut to the aspect of the request around its middle, and scaled to its size, if it has another.
    pub picture: Picture,
    /// How much of it is redrawn: 0 (hardly anything) to 1 (everything); diffusers' `strength`, 0.8 by custom. With
    /// `inpaint` 1 by custom: the region is then drawn from noise alone.
    pub strength: f32,
    /// Draws a region of it anew, or strips around it, and keeps the bytes of all else (inpainting, outpainting).
    pub inpaint: Option<Inpaint>,
}

impl Request {
    /// Pictures of one request.
    pub const MOST_PICTURES: u32 = 1000;

    /// One picture of `prompt` with the bundle's defaults and seed 0.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self {
            prompt: prompt.into(),
            negative_prompt: String::new(),
            subjects: Vec::new(),
            blend: false,
            steps: None,
            guidance: None,
            guidance_rescale: None,
            scheduler: None,
            eta: None,
            seed: 0,
            variation: None,
            count: 1,
            width: None,
            height: None,
            init: None,
            hires: None,
            prompt_weights: false,
            clip_skip: 0,
            micro_conditions: MicroConditions::default(),
            prompt_embeds: None,
            image: None,
            boxes: Vec::new(),
        }
    }

    /// Stays away from this.
    #[must_use]
    pub fn with_negative_prompt(mut self, prompt: impl Into<String>) -> Self {
        self.negative_prompt = prompt.into();
        self
    }

    /// Switches one more subject on.
    #[must_use]
    pub fn with_subject(mut self, subject: Subject) -> Self {
        self.subjects.push(subject);
        self
    }

    /// Puts the triggers of its subjects in the place of each `{NAME}` of both prompts (`{{` and `}}` become braces), and
    /// keeps in mind who was named where: packs of one trigger are told apart by that. To be called once, with all
    /// subjects in place.
    ///
    /// # Errors
    /// As [`prompt::fill`](crate::subjects::prompt::fill).
    pub fn filled(mut self) -> Result<Self> {
        let filled = [&self.prompt, &self.negative_prompt].map(|prompt| prompt::fill(prompt, &self.subjects));
        let [prompt, negative] = filled;
        self.set_prompts(prompt?, negative?);
        Ok(self)
    }

    /// Takes prompts that are filled already, with who was named where.
    pub fn set_prompts(&mut self, prompt: Filled, negative: Filled) {
        (self.prompt, self.negative_prompt) = (prompt.text, negative.text);
        // A lone subject shares its words with none.
        let several = self.subjects.len() > 1;
        let (mut prompt, mut negative) = (prompt.starts.into_iter(), negative.starts.into_iter());
        for subject in &mut self.subjects {
            let (prompt, negative_prompt) = (prompt.next().unwrap_or_default(), negative.next().unwrap_or_default());
            subject.places = Some(Places { prompt, negative_prompt }).filter(|places| several && !places.is_empty());
        }
    }

    /// Whether a picture is encoded before it is drawn.
    pub(crate) fn starts_from_picture(&self) -> bool {
        self.init.is_some() || self.image.is_some()
    }

    /// One of the two prompts.
    pub(crate) fn prompt_of(&self, side: Side) -> &str {
        match side {
            Side::Prompt => &self.prompt,
            Side::Negative => &self.negative_prompt,
        }
    }

    /// The layers that are left out for one of the two prompts.
    pub(crate) fn clip_skip_of(&self, side: Side) -> u32 {
        if side == Side::Prompt || self.prompt_weights { self.clip_skip } else { 0 }
    }

    /// Takes a style: its words around both prompts, and its values where this request has none. To be called before
    /// [`filled`](Self::filled), for a style may name subjects.
    #[must_use]
    pub fn with_style(mut self, style: &Style) -> Self {
        self.prompt = style.prompt_of(&self.prompt);
        self.negative_prompt = style.negative_prompt_of(&self.negative_prompt);
        self.steps = self.steps.or(style.steps);
        self.guidance = self.guidance.or(style.guidance);
        self.guidance_rescale = self.guidance_rescale.or(style.guidance_rescale);
        self.scheduler = self.scheduler.or(style.scheduler);
        // With another scheduler its share of fresh noise means nothing.
        self.eta = self.eta.or(style.eta.filter(|_| self.scheduler == style.scheduler));
        (self.width, self.height) = (self.width.or(style.width), self.height.or(style.height));
        self.prompt_weights |= style.prompt_weights;
        if self.clip_skip == 0 {
            self.clip_skip = style.clip_skip;
        }
        self
    }

    /// Takes this many denoising steps.
    #[must_use]
    pub fn with_steps(mut self, steps: u32) -> Self {
        self.steps = Some(steps);
        self
    }

    /// Takes this guidance scale.
    #[must_use]
    pub fn with_guidance(mut self, guidance: f32) -> Self {
        self.guidance = Some(guidance);
        self
    }

    /// Brings the guided prediction back to the deviation of the prompt's own as far as this says, 0 to 1.
    #[must_use]
    pub fn with_guidance_rescale(mut self, rescale: f32) -> Self {
        self.guidance_rescale = Some(rescale);
        self
    }

    /// Takes this much fresh noise in each step of `ddim` or `tcd`, 0 to 1.
    #[must_use]
    pub fn with_eta(mut self, eta: f32) -> Self {
        self.eta = Some(eta);
        self
    }

    /// Takes this scheduler.
    #[must_use]
    pub fn with_scheduler(mut self, scheduler: Scheduler) -> Self {
        self.scheduler = Some(scheduler);
        self
    }

    /// Begins with this seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Mixes another seed's noise in.
    #[must_use]
    pub fn with_variation(mut self, variation: Variation) -> Self {
        self.variation = Some(variation);
        self
    }

    /// Draws larger pictures in a second pass.
    #[must_use]
    pub fn with_hires(mut self, hires: Hires) -> Self {
        self.hires = Some(hires);
        self
    }

    /// The seed that tells one of its pictures from the others.
    #[must_use]
    pub fn telling_seed(&self, picture: u32) -> u64 {
        let (seed, variation) = self.seeds_of(picture);
        variation.map_or(seed, |variation| variation.seed)
    }

    /// The seed of one of its pictures, and the variation.
    pub(crate) fn seeds_of(&self, picture: u32) -> (u64, Option<Variation>) {
        let next = |seed: u64| seed.wrapping_add(u64::from(picture));
        match self.variation {
            Some(variation) => (self.seed, Some(Variation { seed: next(variation.seed), ..variation })),
            None => (next(self.seed), None),
        }
    }

    /// Draws this many pictures.
    #[must_use]
    pub fn with_count(mut self, count: u32) -> Self {
        self.count = count;
        self
    }

    /// Draws pictures of this size, in pixels.
    #[must_use]
    pub fn with_size(mut self, width: u32, height: u32) -> Self {
        (self.width, self.height) = (Some(width), Some(height));
        self
    }

    /// Lets brackets in the prompts weigh words.
    #[must_use]
    pub fn with_prompt_weights(mut self) -> Self {
        self.prompt_weights = true;
        self
    }

    /// Leaves out this many of the text encoder's last layers.
    #[must_use]
    pub fn with_clip_skip(mut self, layers: u32) -> Self {
        self.clip_skip = layers;
        self
    }

    /// Tells a U-Net of two text encoders this of the picture's size.
    #[must_use]
    pub fn with_micro_conditions(mut self, conditions: MicroConditions) -> Self {
        self.micro_conditions = conditions;
        self
    }

    /// Takes these embeddings in the place of both prompts.
    #[must_use]
    pub fn with_prompt_embeds(mut self, embeds: GivenEmbeds) -> Self {
        self.prompt_embeds = Some(embeds);
        self
    }

    /// Changes this picture.
    #[must_use]
    pub fn with_image(mut self, image: Picture) -> Self {
        self.image = Some(image);
        self
    }

    /// Draws words of the prompt in a part of the picture.
    #[must_use]
    pub fn with_box(mut self, of_words: WordBox) -> Self {
        self.boxes.push(of_words);
        self
    }

    /// Starts from a picture.
    #[must_use]
    pub fn with_init(mut self, init: Init) -> Self {
        self.init = Some(init);
        self
    }
}

impl Init {
    /// A picture, and how much of it is redrawn, 0 to 1.
    #[must_use]
    pub fn new(picture: Picture, strength: f32) -> Self {
        Self { picture, strength, inpaint: None }
    }

    /// Draws a region of it anew.
    #[must_use]
    pub fn with_inpaint(mut self, inpaint: Inpaint) -> Self {
        self.inpaint = Some(inpaint);
        self
    }

    /// Width and height of the picture, with what is added around it.
    pub(crate) fn size(&self) -> (u64, u64) {
        self.inpaint.as_ref().map_or_else(Margins::default, |inpaint| inpaint.outpaint).around(&self.picture)
    }
}
