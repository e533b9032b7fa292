//! The engine: a bundle with its graphs, drawing pictures.

use std::time::{Duration, Instant};

use crate::attention::KeyValues;
use crate::bundle::{self, Bundle};
use crate::conditioning::Prompts;
use crate::graphs::{self, Slot, Wanted};
use crate::job::Job;
use crate::memory::{self, Arrangement, MemoryPlan, Profile, Sizes};
use crate::noise::TorchGenerator;
use crate::offsets::Offsets;
use crate::progress::{Observer, Stage};
use crate::recipe::Recipe;
use crate::request::Plan;
use crate::scheduler;
use crate::text_encoder::Prompt;
use crate::tokenizer::{Tokenizer, Tokens};
use crate::unet::UNet;
use crate::{CancelToken, Drawn, EngineOptions, Error, Generated, Picture, Request, Result, Scope, Subject, Timings};

/// A bundle ready to draw.
pub struct Engine {
    bundle: Bundle,
    tokenizer: Tokenizer,
    options: EngineOptions,
    prompts: Prompts,
    text_encoder: Slot,
    unet: Slot,
    vae_decoder: Slot,
    vae_encoder: Slot,
    profile: Option<Profile>,
    /// How the request at hand is carried out, or the last one was.
    arrangement: Arrangement,
}

impl Engine {
    /// Makes an engine. Checks the provider and reads the tokenizer; graphs are loaded when first needed.
    ///
    /// # Errors
    /// [`Error::RuntimeMissing`], [`Error::ProviderUnavailable`], [`Error::BadBundle`]; [`Error::BadRequest`] for threads
    /// or a budget of 0.
    pub fn new(bundle: Bundle, mut options: EngineOptions) -> Result<Self> {
        options.provider = options.provider.for_form(bundle.manifest().form.as_ref())?;
        options.provider.available()?;
        if options.threads == Some(0) {
            return Err(Error::request("threads", "is 0; it must be 1 or more"));
        }
        if options.budget == Some(0) {
            return Err(Error::request("budget", "is 0; leave it out to let the system say how much memory there is"));
        }
        let profile = Profile::of(&bundle)?;
        let arrangement = memory::first_arrangement(&bundle, profile.as_ref(), &options);
        let tokenizer = Tokenizer::open(&bundle.file(bundle::TOKENIZER)?, bundle.manifest().text)?;
        Ok(Self {
            bundle,
            tokenizer,
            options,
            prompts: Prompts::default(),
            text_encoder: Slot::default(),
            unet: Slot::default(),
            vae_decoder: Slot::default(),
            vae_encoder: Slot::default(),
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
        self.plan_memory(&Plan::of(request, &self.bundle)?, request.init.is_some())
    }

    fn plan_memory(&self, plan: &Plan, from_picture: bool) -> Result<MemoryPlan> {
        let sizes = Sizes { width: plan.width, height: plan.height, guided: plan.guided(), from_picture };
        memory::plan_with(&self.bundle, self.profile.as_ref(), &self.options, sizes, self.held())
    }

    /// What the loaded graphs hold, about.
    fn held(&self) -> u64 {
        let slots = [&self.text_encoder, &self.unet, &self.vae_decoder, &self.vae_encoder];
        let loaded = slots.into_iter().filter_map(Slot::loaded);
        let form = self.bundle.manifest().form.as_ref();
        let packed = |graph: &str| form.is_some_and(|form| form.in_fixed_ranges(graph));
        let graphs = self.profile.as_ref().map(|profile| &profile.graphs);
        let held = |wanted: &Wanted| Some(graphs?.get(wanted.name)?.held(wanted.form, packed(wanted.name)));
        loaded.filter_map(held).sum()
    }

    /// The bundle it draws with.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Its tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The text encoder's last hidden state for a prompt, `max_length × hidden_size`.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn embed(&mut self, prompt: &str) -> Result<Vec<f32>> {
        self.embed_with(prompt, &[])
    }

    /// The same with what subjects have learned of their triggers' tokens; their masks play no part.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn embed_with(&mut self, prompt: &str, subjects: &[Subject]) -> Result<Vec<f32>> {
        let prompt = self.prompt(self.tokenizer.encode(prompt)?, subjects)?;
        let encoder =
            self.text_encoder.get(&self.bundle, &self.options, graphs::text(&self.bundle, self.arrangement.form))?;
        crate::text_encoder::embed(&self.bundle, encoder, &prompt, &CancelToken::new())
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
        let plan = Plan::of(request, &self.bundle)?;
        let memory = self.plan_memory(&plan, request.init.is_some())?;
        if memory.arrangement != self.arrangement {
            self.unload();
        }
        self.arrangement = memory.arrangement;
        if self.arrangement.sequential {
            memory::heap::be_tidy();
        }
        log::info!("memory: {}", memory.reason);
        let mut job =
            Job { plan, request, observer, cancel, steps: 0, timings: Timings::default(), warnings: Vec::new() };
        let start = Instant::now();
        let pictures = self.draw(&mut job);
        // Whatever happened, a sequential engine holds nothing between requests.
        if self.arrangement.sequential {
            self.unload();
        }
        job.timings.total = start.elapsed();
        Ok(Generated { pictures: pictures?, warnings: job.warnings, timings: job.timings, memory })
    }

    /// Drops every graph; the next request loads what it needs again.
    pub fn unload(&mut self) {
        for slot in [&mut self.text_encoder, &mut self.unet, &mut self.vae_decoder, &mut self.vae_encoder] {
            slot.unload();
        }
    }

    fn draw(&mut self, job: &mut Job<'_>) -> Result<Vec<Drawn>> {
        job.cancel.check()?;
        // A bad combination of scheduler, steps and strength shows before any graph is loaded.
        job.steps = u32::try_from(self.schedule(job)?.len()).unwrap_or(u32::MAX);
        job.report(Stage::Preparing, 0, 0, None);
        let branches = self.condition(job)?;
        let start = self.encode_init(job)?;
        let mut latents = Vec::new();
        for picture in 0..job.request.count {
            latents.push(self.denoise(job, &branches, start.as_deref(), picture)?);
        }
        self.release(|engine| &mut engine.unet);
        let mut drawn = Vec::new();
        for (picture, latent) in (0..).zip(latents) {
            job.report(Stage::Decoding, picture, job.steps, None);
            let pixels = self.decode(job, latent)?;
            let seed = job.request.seed.wrapping_add(u64::from(picture));
            drawn.push(Drawn { picture: pixels, recipe: Recipe::of(job.request, &job.plan, &self.bundle, seed) });
            job.report(Stage::Finished, picture, job.steps, None);
        }
        Ok(drawn)
    }

    fn schedule(&self, job: &Job<'_>) -> Result<scheduler::Run> {
        let manifest = self.bundle.manifest();
        let strength = job.request.init.as_ref().map(|init| init.strength);
        scheduler::plan(
            job.plan.scheduler,
            &manifest.noise_schedule,
            manifest.prediction_type,
            job.plan.steps,
            strength,
        )
    }

    /// K and V of each branch, negative prompt first.
    fn condition(&mut self, job: &mut Job<'_>) -> Result<Vec<KeyValues>> {
        let mut tokens = Vec::new();
        if job.plan.guided() {
            tokens.push(self.tokens(job, &job.request.negative_prompt)?);
        }
        tokens.push(self.tokens(job, &job.request.prompt)?);
        self.warn_of_absent_triggers(job, &tokens)?;
        let prompts = tokens.into_iter().map(|tokens| self.prompt(tokens, &job.request.subjects));
        let prompts = prompts.collect::<Result<Vec<_>>>()?;
        let fresh = prompts.iter().any(|prompt| !self.prompts.holds(prompt));
        if fresh {
            let wanted = graphs::text(&self.bundle, self.arrangement.form);
            let loading = Instant::now();
            let encoder = self.text_encoder.get(&self.bundle, &self.options, wanted)?;
            job.timings.loading += loading.elapsed();
            for prompt in &prompts {
                self.prompts.encode(&self.bundle, encoder, prompt, job.cancel, &mut job.timings)?;
            }
            self.release(|engine| &mut engine.text_encoder);
        }
        let switching = Instant::now();
        let branches = prompts
            .iter()
            .map(|prompt| self.prompts.key_values(&self.bundle, &self.tokenizer, prompt, &job.request.subjects))
            .collect();
        job.timings.switching += switching.elapsed();
        branches
    }

    /// A prompt with what the subjects' learned embeddings make of it.
    fn prompt(&self, tokens: Tokens, subjects: &[Subject]) -> Result<Prompt> {
        let offsets = Offsets::of(&self.tokenizer, &tokens, subjects)?;
        Ok(Prompt { tokens, offsets })
    }

    fn tokens(&self, job: &mut Job<'_>, prompt: &str) -> Result<Tokens> {
        let tokens = self.tokenizer.encode(prompt)?;
        if let Some(cut) = &tokens.cut {
            let room = self.bundle.manifest().text.max_length.saturating_sub(2);
            job.warnings.push(format!("the prompt is longer than {room} tokens; this was cut: `{cut}`"));
        }
        Ok(tokens)
    }

    /// A subject is usually switched on to be in the picture, so its trigger should be in a prompt.
    fn warn_of_absent_triggers(&self, job: &mut Job<'_>, prompts: &[Tokens]) -> Result<()> {
        for subject in job.request.subjects.iter().filter(|s| s.strength > 0.0 && !s.trigger.trim().is_empty()) {
            let mut found = false;
            for tokens in prompts {
                found |= !self.tokenizer.positions(tokens, &subject.trigger)?.is_empty();
            }
            if !found {
                let effect = if subject.scope == Scope::Trigger { "; so it changes nothing" } else { "" };
                let (name, trigger) = (&subject.name, &subject.trigger);
                job.warnings.push(format!(
                    "subject `{name}` is on, but its trigger `{trigger}` is not in the prompt{effect} \
                     (`{{{name}}}` in a prompt stands for it)"
                ));
            }
        }
        Ok(())
    }

    /// The scaled latent of the init image.
    fn encode_init(&mut self, job: &mut Job<'_>) -> Result<Option<Vec<f32>>> {
        let Some(init) = &job.request.init else { return Ok(None) };
        if !init.picture.is_whole() {
            return Err(Error::request("init", "picture has another number of bytes than its size says"));
        }
        let picture = init.picture.resized(job.plan.width, job.plan.height)?;
        let running = Instant::now();
        let (latent, loading) = self.encode(&picture, job.cancel)?;
        job.timings.loading += loading;
        job.timings.runtime += running.elapsed().saturating_sub(loading);
        self.release(|engine| &mut engine.vae_encoder);
        Ok(Some(latent))
    }

    /// The latent of a picture as the U-Net sees it, `channels × height / scale × width / scale`: the mean of the VAE's
    /// posterior, shifted and scaled.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the picture's sides are no multiples that the VAE takes; [`Error::BadBundle`] when the
    /// bundle has no VAE encoder; as [`generate`](Self::generate).
    pub fn encode_picture(&mut self, picture: &Picture, cancel: &CancelToken) -> Result<Vec<f32>> {
        let multiple = self.bundle.manifest().latent.multiple;
        if !picture.is_whole() || !picture.width.is_multiple_of(multiple) || !picture.height.is_multiple_of(multiple) {
            let reason =
                format!("has {} x {} pixels; both must be multiples of {multiple}", picture.width, picture.height);
            return Err(Error::request("picture", reason));
        }
        Ok(self.encode(picture, cancel)?.0)
    }

    /// The scaled latent, and how long loading the graph took.
    fn encode(&mut self, picture: &Picture, cancel: &CancelToken) -> Result<(Vec<f32>, Duration)> {
        let (width, height) = (picture.width as usize, picture.height as usize);
        let loading = Instant::now();
        let dimensions = vec![("batch", 1), ("height", height), ("width", width)];
        let wanted = Wanted { name: bundle::VAE_ENCODER, form: self.arrangement.form, dimensions };
        let encoder = self.vae_encoder.get(&self.bundle, &self.options, wanted)?;
        let loading = loading.elapsed();
        let (shape, mut latent) = encoder.run("image", &[1, 3, height, width], picture.to_planes(), cancel)?;
        let manifest = self.bundle.manifest();
        let scale = manifest.latent.scale as usize;
        let expected = [1, manifest.latent.channels as usize, height / scale, width / scale];
        if shape != expected {
            let reason = format!("it gave shape {shape:?} instead of {expected:?}");
            return Err(Error::bundle(bundle::VAE_ENCODER, reason));
        }
        for value in &mut latent {
            *value = (*value - manifest.vae.shift_factor as f32) * manifest.vae.scaling_factor as f32;
        }
        Ok((latent, loading))
    }

    /// One picture's latent, from noise to the last step.
    fn denoise(
        &mut self,
        job: &mut Job<'_>,
        branches: &[KeyValues],
        start: Option<&[f32]>,
        picture: u32,
    ) -> Result<Vec<f32>> {
        let mut schedule = self.schedule(job)?;
        let shape @ [channels, height, width] = job.latent(&self.bundle);
        let mut noise = TorchGenerator::new(job.request.seed.wrapping_add(u64::from(picture)));
        let mut drawn = vec![0.0; channels * height * width];
        noise.fill_normal(&mut drawn);
        let mut sample = vec![0.0; drawn.len()];
        match start {
            Some(latent) => schedule.add_noise(latent, &drawn, &mut sample)?,
            None => {
                let sigma = schedule.init_noise_sigma();
                sample.iter_mut().zip(&drawn).for_each(|(s, n)| *s = n * sigma);
            }
        }
        let loading = Instant::now();
        let batch = if self.arrangement.apart { 1 } else { branches.len() };
        let dimensions =
            vec![("batch", batch), ("height", height), ("width", width), ("tokens", self.tokens_per_prompt())];
        let wanted = Wanted { name: self.unet_graph(), form: self.arrangement.form, dimensions };
        let graph = self.unet.get(&self.bundle, &self.options, wanted)?;
        job.timings.loading += loading.elapsed();
        let branches: Vec<_> = branches.iter().collect();
        let mut unet = UNet::new(graph, &self.bundle, &branches, batch, shape)?;
        let (mut input, mut output) = (vec![0.0; sample.len()], Vec::new());
        let timesteps = schedule.timesteps().to_vec();
        for (i, timestep) in timesteps.into_iter().enumerate() {
            schedule.scale_model_input(i, &sample, &mut input)?;
            job.observer.on_sample(&input, timestep);
            unet.predict(&input, timestep, &mut output, job.cancel)?;
            guide(&mut output, sample.len(), job.plan.guidance);
            schedule.step(i, &output[..sample.len()], &mut sample, &mut noise)?;
            let done = u32::try_from(i + 1).unwrap_or(u32::MAX);
            let preview = job.observer.wants_preview(done).then(|| self.bundle.manifest().preview.as_ref()).flatten();
            let preview = preview.map(|p| p.picture(schedule.denoised(), width as u32, height as u32));
            job.report(Stage::Denoising, picture, done, preview);
        }
        job.timings.runtime += unet.inside;
        job.timings.unet += unet.inside;
        job.timings.steps += job.steps;
        Ok(sample)
    }

    fn decode(&mut self, job: &mut Job<'_>, mut latent: Vec<f32>) -> Result<Picture> {
        let [channels, height, width] = job.latent(&self.bundle);
        let vae = self.bundle.manifest().vae;
        for value in &mut latent {
            *value = *value / vae.scaling_factor as f32 + vae.shift_factor as f32;
        }
        let loading = Instant::now();
        let dimensions = vec![("batch", 1), ("height", height), ("width", width)];
        let wanted = Wanted { name: bundle::VAE_DECODER, form: self.arrangement.form, dimensions };
        let decoder = self.vae_decoder.get(&self.bundle, &self.options, wanted)?;
        job.timings.loading += loading.elapsed();
        job.observer.on_latent(&latent);
        let running = Instant::now();
        let (shape, planes) = decoder.run("latent", &[1, channels, height, width], latent, job.cancel)?;
        let running = running.elapsed();
        job.timings.runtime += running;
        job.timings.decoding += running;
        let expected = [1, 3, job.plan.height as usize, job.plan.width as usize];
        if shape != expected {
            let reason = format!("it gave shape {shape:?} instead of {expected:?}");
            return Err(Error::bundle(bundle::VAE_DECODER, reason));
        }
        Ok(Picture::from_planes(&planes, job.plan.width, job.plan.height))
    }

    /// K and V of one prompt as the U-Net would get them; for inspection and tests.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn key_values(&mut self, prompt: &str, subjects: &[Subject]) -> Result<KeyValues> {
        let prompt = self.prompt(self.tokenizer.encode(prompt)?, subjects)?;
        let encoder =
            self.text_encoder.get(&self.bundle, &self.options, graphs::text(&self.bundle, self.arrangement.form))?;
        self.prompts.encode(&self.bundle, encoder, &prompt, &CancelToken::new(), &mut Timings::default())?;
        self.prompts.key_values(&self.bundle, &self.tokenizer, &prompt, subjects)
    }

    /// Forgets encoded prompts, so that the next request encodes its own again.
    pub fn forget_prompts(&mut self) {
        self.prompts = Prompts::default();
    }

    fn tokens_per_prompt(&self) -> usize {
        self.bundle.manifest().text.max_length as usize
    }

    /// The graph for the provider: fused nodes where it has them.
    fn unet_graph(&self) -> &'static str {
        let plain = self.bundle.manifest().files.contains_key(bundle::UNET_PLAIN);
        if plain && !self.options.provider.takes_fused_graph() { bundle::UNET_PLAIN } else { bundle::UNET }
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

/// Classifier-free guidance in place: the first `size` values become the guided prediction.
fn guide(output: &mut [f32], size: usize, guidance: f32) {
    let (negative, positive) = output.split_at_mut(size);
    for (n, p) in negative.iter_mut().zip(positive) {
        *n += guidance * (*p - *n);
    }
}
