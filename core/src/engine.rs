//! The engine: a bundle with its graphs, drawing pictures.

mod conditioning;
mod denoising;
mod encoding;
pub(crate) mod hires;
mod job;
pub(crate) mod micro_conditions;
pub(crate) mod options;
pub(crate) mod outcome;
mod preview;
mod prompt_tokens;
pub(crate) mod request;
pub(crate) mod resolved;
mod start;
mod two_passes;
mod unet;
pub(crate) mod word_box;

use std::time::{Duration, Instant};

use crate::attention::conditioning::Prompts;
use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::memory::arrangement::{Arrangement, Sizes};
use crate::memory::heap;
use crate::memory::planner::Planner;
use crate::memory::{MemoryPlan, Profile};
use crate::model::bundle::{self, Bundle};
use crate::picture::canvas::Canvas;
use crate::picture::recipe::Recipe;
use crate::progress::{Observer, Stage};
use crate::runtime::execution_provider::ExecutionProvider;
use crate::runtime::graphs::{Place, Purpose, Slot};
use crate::runtime::threads::most_threads;
use crate::safety::checker::{self, Checker, Shown};
use crate::text::tokenizer::Tokenizer;

use job::{Audience, Job};
use options::EngineOptions;
use outcome::{Drawn, Generated, Refused, Timings};
use prompt_tokens::PromptTokens;
use request::Request;
use resolved::ResolvedRequest;

/// Latents that wait for the VAE where graphs are dropped in turn: loading it takes as long as a part of a step.
const LATENTS_HELD: u32 = 8;

/// A bundle ready to draw.
pub struct Engine {
    bundle: Bundle,
    tokenizer: Tokenizer,
    tokenizer_2: Option<Tokenizer>,
    options: EngineOptions,
    place: Place,
    prompts: Prompts,
    text_encoder: Slot,
    text_encoder_2: Slot,
    encoder_hid_proj: Slot,
    unet: Slot,
    vae_decoder: Slot,
    vae_encoder: Slot,
    /// Who looks at pictures before anybody sees them.
    checker: Option<Checker>,
    profile: Option<Profile>,
    /// How the request at hand is carried out, or the last one was.
    arrangement: Arrangement,
}

impl Engine {
    /// Makes an engine. Checks the provider and reads the tokenizer; graphs are loaded when first needed.
    ///
    /// # Errors
    /// [`Error::RuntimeMissing`], [`Error::ProviderUnavailable`], [`Error::BadBundle`]; [`Error::BadRequest`] for a
    /// safety policy without a classifier, a budget of 0, or threads that are none or more than [`most_threads`](crate::runtime::most_threads).
    pub fn new(bundle: Bundle, options: EngineOptions) -> Result<Self> {
        crate::runtime::environment::environment()?;
        let provider = options.provider.resolve(bundle.manifest().form.as_ref())?;
        let most = most_threads();
        if let Some(threads) = options.threads.filter(|threads| !(1..=most).contains(threads)) {
            let reason = format!("is {threads}; it must be 1 to {most}, 16 for each of this device's cores");
            return Err(Error::request("threads", reason));
        }
        if options.budget == Some(0) {
            return Err(Error::request("budget", "is 0; leave it out to let the system say how much memory there is"));
        }
        let profile = Profile::read(&bundle)?;
        let checker = Checker::new(&bundle, &options)?;
        let classifier = checker.as_ref().map(|checker| checker.classifier.memory());
        let planner = Planner::new(&bundle, profile.as_ref(), provider, &options);
        let arrangement = planner.with_classifier(classifier.as_ref()).first_arrangement();
        let place = Place { provider, threads: options.threads, cache: options.cache.clone() };
        let text = bundle.manifest().text;
        let tokenizer = match bundle.manifest().given_text {
            None => Tokenizer::open(&bundle.file(bundle::TOKENIZER)?, text)?,
            Some(_) => Tokenizer::absent(text),
        };
        let second = bundle.manifest().text_2.map(|second| text.of_second(&second));
        let second = second.map(|text| Tokenizer::open(&bundle.file(bundle::TOKENIZER_2)?, text));
        let tokenizer_2 = second.transpose()?;
        Ok(Self {
            bundle,
            tokenizer,
            tokenizer_2,
            options,
            place,
            prompts: Prompts::default(),
            text_encoder: Slot::default(),
            text_encoder_2: Slot::default(),
            encoder_hid_proj: Slot::default(),
            unet: Slot::default(),
            vae_decoder: Slot::default(),
            vae_encoder: Slot::default(),
            checker,
            profile,
            arrangement,
        })
    }

    /// What a request will take of memory, and how it will be carried out. Nothing is loaded.
    ///
    /// # Errors
    /// [`Error::BadRequest`] and [`Error::WrongModel`] as [`generate`](Self::generate); [`Error::OutOfMemory`] where it
    /// does not fit, with what would.
    pub fn memory_plan(&self, request: &Request) -> Result<MemoryPlan> {
        if let Some(hires) = &request.hires {
            return self.memory_plan(&self.larger_pass(request, hires)?);
        }
        let plan = ResolvedRequest::new(request, &self.bundle)?;
        self.plan_memory(request, &plan, &self.tokens(request, &plan)?)
    }

    fn plan_memory(&self, request: &Request, plan: &ResolvedRequest, tokens: &[PromptTokens]) -> Result<MemoryPlan> {
        let chunks = tokens.first().map_or(1, |tokens| tokens.chunks(self.bundle.manifest()));
        let (width, height, guided) = (plan.width, plan.height, plan.guided);
        let chunks = u32::try_from(chunks).unwrap_or(u32::MAX);
        let (from_picture, boxed) = (request.starts_from_picture(), !request.boxes.is_empty());
        let sizes = Sizes { width, height, guided, from_picture, chunks, boxed };
        let classifier = self.checker.as_ref().map(|checker| checker.classifier.memory());
        let planner = Planner::new(&self.bundle, self.profile.as_ref(), self.place.provider, &self.options);
        planner.with_classifier(classifier.as_ref()).plan(sizes, self.held())
    }

    /// What the loaded graphs hold, about.
    fn held(&self) -> u64 {
        let text = [&self.text_encoder, &self.text_encoder_2, &self.encoder_hid_proj];
        let others = [&self.unet, &self.vae_decoder, &self.vae_encoder];
        let loaded = text.into_iter().chain(others).filter_map(Slot::loaded);
        let held = |purpose: &Purpose| {
            Some(
                self.profile
                    .as_ref()?
                    .graphs
                    .get(purpose.name)?
                    .held(purpose.form, self.bundle.in_fixed_ranges(purpose.name)),
            )
        };
        let classifier = self.checker.as_ref().map(|checker| &checker.classifier);
        let classifier = classifier.and_then(|it| Some(it.memory().held(it.loaded()?, false)));
        loaded.filter_map(held).sum::<u64>() + classifier.unwrap_or(0)
    }

    /// Where its graphs run.
    #[must_use]
    pub fn provider(&self) -> ExecutionProvider {
        self.place.provider
    }

    /// The bundle it draws with.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Its tokenizer; of a base model without a text encoder one that refuses every prompt.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Its second text encoder's tokenizer, where it has two.
    pub fn tokenizer_2(&self) -> Option<&Tokenizer> {
        self.tokenizer_2.as_ref()
    }

    /// Draws the pictures of a request. The observer is called on this thread.
    ///
    /// # Errors
    /// [`Error::BadRequest`], [`Error::WrongModel`] and [`Error::OutOfMemory`] before any work; [`Error::Cancelled`] within a step of a
    /// cancel; [`Error::BadBundle`] and [`Error::Runtime`] from ONNX Runtime. After any of them the engine is usable.
    pub fn generate(
        &mut self,
        request: &Request,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<Generated> {
        match &request.hires {
            Some(hires) => self.generate_in_two_passes(request, hires, observer, cancel),
            None => self.generate_at_once(request, Audience::Everybody, observer, cancel),
        }
    }

    /// Draws the pictures of a request of one pass.
    fn generate_at_once(
        &mut self,
        request: &Request,
        audience: Audience,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<Generated> {
        let plan = ResolvedRequest::new(request, &self.bundle)?;
        let tokens = self.tokens(request, &plan)?;
        let memory = self.plan_memory(request, &plan, &tokens)?;
        if memory.arrangement != self.arrangement {
            self.unload();
        }
        self.arrangement = memory.arrangement;
        if self.arrangement.sequential {
            heap::be_tidy();
        }
        log::info!("memory: {}", memory.reason);
        let length = tokens.first().map_or(0, |tokens| tokens.tokens.ids.len());
        let mut job = Job {
            plan,
            request,
            audience,
            tokens,
            boxed: Vec::new(),
            length,
            observer,
            cancel,
            steps: 0,
            timings: Timings::default(),
            warnings: Vec::new(),
            refused: Vec::new(),
        };
        let start = Instant::now();
        let pictures = self.draw(&mut job);
        // Whatever happened, a sequential engine holds nothing between requests.
        if self.arrangement.sequential {
            self.unload();
        }
        job.timings.total = start.elapsed();
        let Job { warnings, refused, timings, .. } = job;
        Ok(Generated { pictures: pictures?, refused, warnings, timings, memory })
    }

    /// Drops every graph; the next request loads what it needs again.
    pub fn unload(&mut self) {
        let text = [&mut self.text_encoder, &mut self.text_encoder_2, &mut self.encoder_hid_proj];
        let others = [&mut self.unet, &mut self.vae_decoder, &mut self.vae_encoder];
        text.into_iter().chain(others).for_each(Slot::unload);
        self.unload_classifier();
    }

    fn unload_classifier(&mut self) {
        if let Some(checker) = &mut self.checker {
            checker.classifier.unload();
        }
    }

    fn draw(&mut self, job: &mut Job<'_>) -> Result<Vec<Drawn>> {
        job.cancel.check()?;
        // A bad combination of scheduler, steps and strength shows before any graph is loaded.
        let schedule = self.schedule(job)?;
        job.steps = u32::try_from(schedule.len()).unwrap_or(u32::MAX);
        if self.bundle.manifest().whole_timesteps && schedule.timesteps().iter().any(|timestep| timestep.fract() != 0.0)
        {
            let scheduler = job.plan.scheduler;
            job.warnings.push(format!(
                "scheduler `{scheduler}` has timesteps between whole ones, which this base model's U-Net rounds; \
                 `ddim` and `dpm++2m` have none"
            ));
        }
        self.check_boxes(job.request)?;
        job.report(Stage::Preparing, 0, 0);
        let canvas = Self::canvas(job)?;
        let branches = self.condition(job)?;
        let start = self.start(job, canvas.as_ref())?;
        // Graphs that are dropped in turn draw several latents before the VAE is loaded; else each picture is done at once.
        let at_once = if self.arrangement.sequential { LATENTS_HELD } else { 1 };
        let mut drawn = Vec::new();
        let mut picture = 0;
        while picture < job.request.count {
            let first = picture;
            let mut latents = Vec::new();
            while picture < job.request.count.min(first.saturating_add(at_once)) {
                latents.push(self.denoise(job, &branches, &start, picture)?);
                picture += 1;
            }
            self.release(|engine| &mut engine.unet);
            self.release_classifier();
            for (picture, latent) in (first..).zip(latents) {
                drawn.extend(self.finish(job, canvas.as_ref(), picture, latent)?);
            }
            self.release(|engine| &mut engine.vae_decoder);
        }
        Ok(drawn)
    }

    /// Boxes want attention as one node.
    fn check_boxes(&self, request: &Request) -> Result<()> {
        if request.boxes.is_empty() || self.unet_graph() == bundle::UNET {
            return Ok(());
        }
        let provider = self.place.provider;
        Err(Error::request(
            "boxes",
            format!("cannot be had on `{provider}`, which runs the U-Net without fused attention; take the CPU"),
        ))
    }

    /// Decodes a latent and hands the picture over; gives what the observer does not keep.
    fn finish(
        &mut self,
        job: &mut Job<'_>,
        canvas: Option<&Canvas>,
        picture: u32,
        latent: Vec<f32>,
    ) -> Result<Option<Drawn>> {
        job.report(Stage::Decoding, picture, job.steps);
        let mut pixels = self.decode(job, latent)?;
        if let Some(canvas) = canvas {
            pixels = canvas.pasted(&pixels)?;
        }
        let seed = job.request.telling_seed(picture);
        let looking = Instant::now();
        let checker = self.checker.as_mut().filter(|_| job.audience == Audience::Everybody);
        let checked = checker.is_some();
        let shown = checker::shown(checker, self.arrangement.form, pixels, job.cancel)?;
        job.timings.checking += if checked { looking.elapsed() } else { Duration::ZERO };
        let left = match shown {
            Shown { picture: Some(pixels), verdict } => {
                let recipe = Recipe::of(job.request, &job.plan, &self.bundle, picture).with_verdict(verdict);
                job.observer.on_picture(Drawn { picture: pixels, recipe, verdict })
            }
            Shown { picture: None, verdict } => {
                let refused = verdict.map(|verdict| Refused { picture, seed, verdict });
                refused.iter().for_each(|refused| job.observer.on_refused(refused));
                job.refused.extend(refused);
                None
            }
        };
        job.report(Stage::Finished, picture, job.steps);
        Ok(left)
    }

    /// Drops the classifier, when memory is to be saved.
    fn release_classifier(&mut self) {
        if self.arrangement.sequential {
            self.unload_classifier();
        }
    }

    /// Drops a graph that is no longer needed, when memory is to be saved.
    fn release(&mut self, slot: impl FnOnce(&mut Self) -> &mut Slot) {
        if self.arrangement.sequential {
            slot(self).unload();
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("bundle", &self.bundle.path()).field("options", &self.options).finish()
    }
}
