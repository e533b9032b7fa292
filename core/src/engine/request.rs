//! What is asked for: one required field, and documented defaults.

use crate::engine::hires::Hires;
use crate::error::{Error, Result};
use crate::model::bundle::TEXT_ENCODER;
use crate::picture::inpaint::{Inpaint, Margins};
use crate::picture::{LARGEST_SIDE, Picture};
use crate::sampling::scheduler::choice::Scheduler;
use crate::sampling::variation::Variation;
use crate::subjects::places::{Places, Side};
use crate::subjects::prompt::{self, Filled};
use crate::subjects::scope::Scope;
use crate::subjects::subject::Subject;

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
    /// Classifier-free guidance scale. 1 or less switches guidance off and takes half the time.
    pub guidance: Option<f32>,
    /// The scheduler.
    pub scheduler: Option<Scheduler>,
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
            scheduler: None,
            seed: 0,
            variation: None,
            count: 1,
            width: None,
            height: None,
            init: None,
            hires: None,
            prompt_weights: false,
            clip_skip: 0,
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

/// A request with every default filled in and every value checked.
#[derive(Debug, Clone)]
pub(crate) struct ResolvedRequest {
    pub(crate) steps: usize,
    pub(crate) guidance: f32,
    pub(crate) scheduler: Scheduler,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl ResolvedRequest {
    /// Checks `request` against what the bundle can do.
    pub(crate) fn new(request: &Request, bundle: &crate::model::bundle::Bundle) -> Result<Self> {
        let manifest = bundle.manifest();
        let steps = request.steps.unwrap_or(manifest.defaults.steps);
        let most = manifest.noise_schedule.num_train_timesteps;
        if steps == 0 || steps > most {
            return Err(Error::request("steps", format!("is {steps}; it must be 1 to {most}")));
        }
        let guidance = request.guidance.unwrap_or(manifest.defaults.guidance);
        if !guidance.is_finite() || guidance < 0.0 {
            return Err(Error::request("guidance", format!("is {guidance}; it must be 0 or more, and finite")));
        }
        if request.count == 0 || request.count > Request::MOST_PICTURES {
            let reason = format!("is {}; it must be 1 to {}", request.count, Request::MOST_PICTURES);
            return Err(Error::request("count", reason));
        }
        check_clip_skip(request.clip_skip, bundle)?;
        let scheduler = request.scheduler.unwrap_or(manifest.defaults.scheduler);
        let inpaint = request.init.as_ref().and_then(|init| Some((init, init.inpaint.as_ref()?)));
        if let Some((init, inpaint)) = inpaint {
            inpaint.check(&init.picture)?;
        }
        let own = (manifest.image.width, manifest.image.height);
        let (own_width, own_height) = match inpaint {
            Some((init, inpaint)) if request.width.is_none() && request.height.is_none() => {
                extended(init, inpaint, manifest.latent.multiple)?.unwrap_or(own)
            }
            _ => own,
        };
        let (width, height) = (request.width.unwrap_or(own_width), request.height.unwrap_or(own_height));
        if let Some(reason) = manifest.fixed.refuses(width, height) {
            return Err(Error::request("size", reason));
        }
        let width = side("width", width, manifest.latent.multiple)?;
        let height = side("height", height, manifest.latent.multiple)?;
        if let Some(init) = &request.init {
            unit("strength", init.strength, "of the init image")?;
        }
        if let Some(variation) = request.variation {
            unit("variation", variation.strength, "of the variation seed")?;
        }
        for subject in &request.subjects {
            check_subject(subject, bundle)?;
        }
        if !request.blend {
            check_twins(&request.subjects)?;
        }
        Ok(Self { steps: steps as usize, guidance, scheduler, width, height })
    }

    /// Whether the negative prompt takes part.
    pub(crate) fn guided(&self) -> bool {
        self.guidance > 1.0
    }
}

fn check_clip_skip(layers: u32, bundle: &crate::model::bundle::Bundle) -> Result<()> {
    let most = bundle.manifest().text.clip_skip;
    if layers > 0 && most == 0 {
        let reason = "it gives its last layer alone, and the request leaves layers out (`clip_skip`)";
        let hint = "import this base model again with this version, or leave out no layer";
        return Err(Error::bad_bundle(bundle.path().join(TEXT_ENCODER), reason, hint));
    }
    if layers > most {
        return Err(Error::request("clip_skip", format!("is {layers}; this bundle leaves out {most} layers at most")));
    }
    Ok(())
}

fn side(field: &'static str, pixels: u32, multiple: u32) -> Result<u32> {
    if pixels == 0 || pixels > LARGEST_SIDE || !pixels.is_multiple_of(multiple) {
        let reason = format!("is {pixels}; this bundle draws multiples of {multiple} up to {LARGEST_SIDE}");
        return Err(Error::request(field, reason));
    }
    Ok(pixels)
}

/// The size of a picture with strips around it, where it is drawn as a whole: that is what is to come out.
fn extended(init: &Init, inpaint: &Inpaint, multiple: u32) -> Result<Option<(u32, u32)>> {
    if inpaint.outpaint.is_none() || inpaint.padding_mask_crop.is_some() {
        return Ok(None);
    }
    let (width, height) = init.size();
    let multiple = u64::from(multiple.max(1));
    if !width.is_multiple_of(multiple) || !height.is_multiple_of(multiple) {
        let more = [width, height].map(|side| side.next_multiple_of(multiple) - side);
        let reason = format!(
            "makes {width} x {height} pixels of the picture, but this bundle draws multiples of {multiple}: \
             add {} more across and {} more down, or give width and height",
            more[0], more[1]
        );
        return Err(Error::request("outpaint", reason));
    }
    // Checked to be at most 16,384.
    Ok(Some((width as u32, height as u32)))
}

fn unit(field: &'static str, value: f32, of: &str) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(Error::request(field, format!("{of} is {value}; it must be 0 to 1")))
    }
}

fn check_subject(subject: &Subject, bundle: &crate::model::bundle::Bundle) -> Result<()> {
    unit("strength", subject.strength, &format!("of subject `{}`", subject.name))?;
    if !subject.mask.fits(&bundle.manifest().layers) {
        return Err(Error::WrongModel {
            subject: subject.name.clone(),
            reason: format!("its mask is over other layers than those of `{}`", bundle.manifest().name),
        });
    }
    if let Some(low_rank) = &subject.low_rank {
        if !low_rank.fits(&bundle.manifest().layers) {
            return Err(Error::WrongModel {
                subject: subject.name.clone(),
                reason: format!(
                    "its low-rank matrices are over other layers than those of `{}`",
                    bundle.manifest().name
                ),
            });
        }
        if subject.scope == Scope::Trigger {
            let reason =
                format!("of subject `{}` is `trigger`, but its low-rank matrices change all words", subject.name);
            return Err(Error::request("scope", reason));
        }
    }
    if subject.scope == Scope::Trigger && subject.trigger.trim().is_empty() {
        let reason = format!("of subject `{}` is empty, but its scope is `trigger`", subject.name);
        return Err(Error::request("trigger", reason));
    }
    Ok(())
}

/// One pack twice would apply twice: factors multiply.
fn check_twins(subjects: &[Subject]) -> Result<()> {
    let on: Vec<&Subject> = subjects.iter().filter(|subject| subject.strength > 0.0).collect();
    for (i, subject) in on.iter().enumerate() {
        let same = |other: &&&Subject| {
            let words = (&other.name, &other.trigger) == (&subject.name, &subject.trigger);
            let learned = other.embeddings == subject.embeddings && other.low_rank == subject.low_rank;
            words && learned && other.mask == subject.mask
        };
        if on.iter().take(i).any(|other| same(&other)) {
            let reason =
                format!("hold `{}` twice; give it once, and name it in the prompt as often as wanted", subject.name);
            return Err(Error::request("subjects", reason));
        }
    }
    Ok(())
}
