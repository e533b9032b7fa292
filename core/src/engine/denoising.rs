//! The denoise loop, and the VAE behind it.

use std::time::{Duration, Instant};

use super::Engine;

use super::job::Job;
use super::prompt_tokens::PromptTokens;
use super::request::Request;
use super::resolved::ResolvedRequest;
use super::start::Start;
use super::unet::UNet;
use crate::attention::KeyValues;
use crate::attention::bias::AttentionBias;
use crate::error::{Error, Result};
use crate::model::bundle::{self, Bundle};
use crate::picture::Picture;
use crate::progress::Stage;
use crate::runtime::finite;
use crate::runtime::graphs::Purpose;
use crate::runtime::session::Graph;
use crate::safety::checker;
use crate::sampling::guidance;
use crate::sampling::noise::TorchGenerator;
use crate::sampling::scheduler::{self, Run};
use crate::sampling::variation;
use crate::subjects::places::Side;
use crate::text::shortened;

impl Engine {
    pub(super) fn schedule(&self, job: &Job<'_>) -> Result<Run> {
        self.schedule_of(&job.plan, job.request)
    }

    /// The schedule of a request, before there is a job of it.
    pub(super) fn schedule_of(&self, plan: &ResolvedRequest, request: &Request) -> Result<Run> {
        let manifest = self.bundle.manifest();
        let steps = (plan.steps, request.init.as_ref().map(|init| init.strength));
        let scale = manifest.latent.scale.max(1);
        let cells = (plan.width / scale).saturating_mul(plan.height / scale);
        let (schedule, prediction) = (manifest.noise_schedule.at(cells), manifest.prediction_type);
        scheduler::plan_with_eta(plan.scheduler, &schedule, prediction, steps, request.eta)
    }

    /// One picture's latent, from noise to the last step.
    pub(super) fn denoise(
        &mut self,
        job: &mut Job<'_>,
        branches: &[KeyValues],
        start: &Start,
        picture: u32,
    ) -> Result<Vec<f32>> {
        let mut schedule = self.schedule(job)?;
        let shape @ [channels, height, width] = job.latent(&self.bundle);
        let (seed, variation) = job.request.seeds_of(picture);
        let mut noise = TorchGenerator::new(seed);
        let mut drawn = noise.randn(channels * height * width);
        if let Some(variation) = variation {
            let other = TorchGenerator::new(variation.seed).randn(drawn.len());
            variation::turn(&mut drawn, &other, shape, variation.strength);
        }
        let mut sample = vec![0.0; drawn.len()];
        start.sample(&schedule, &drawn, &mut sample)?;
        let loading = Instant::now();
        let batch = self.bundle.manifest().fixed.samples(branches.len(), self.arrangement.apart);
        let dimensions = vec![("batch", batch), ("height", height), ("width", width), ("tokens", job.length)];
        let name = self.unet_graph();
        let form = self.arrangement.form;
        let is_biased = job.boxed.iter().any(|boxed| !boxed.is_empty());
        let purpose = Purpose { name, form, dimensions, is_biased };
        let graph = self.unet.get(&self.bundle, &self.place, purpose)?;
        job.timings.loading += loading.elapsed();
        if let Some(takes) = tokens_taken(graph, &self.bundle)?.filter(|takes| *takes != job.length) {
            return Err(self.does_not_fit(job, takes));
        }
        let branches: Vec<_> = branches.iter().collect();
        let downsamplings = if is_biased { graph.downsamplings() } else { Vec::new() };
        let bias = AttentionBias { branches: &job.boxed, latent: [height, width], tokens: job.length, downsamplings };
        let mut unet = UNet::new(graph, &self.bundle, (&branches, &bias), batch, (shape, &start.beside))?;
        if let Some(width) = job.plan.embedded {
            unet.tell_guidance(&guidance::embedding(job.plan.guidance, width))?;
        }
        if let Some(time_ids) = &job.plan.time_ids {
            unet.tell_size(time_ids)?;
        }
        let (mut input, mut output) = (vec![0.0; sample.len()], Vec::new());
        let timesteps = schedule.timesteps().to_vec();
        for (i, timestep) in timesteps.into_iter().enumerate() {
            schedule.scale_model_input(i, &sample, &mut input)?;
            job.observer.on_sample(&input, timestep);
            unet.predict(&input, timestep, &mut output, job.cancel)?;
            let done = u32::try_from(i + 1).unwrap_or(u32::MAX);
            finite::check_step(name, done, job.plan.guidance, &output)?;
            guidance::guide(&mut output, sample.len(), job.plan.guidance, job.plan.guidance_rescale);
            schedule.step(i, &output[..sample.len()], &mut sample, &mut noise)?;
            start.keep(&schedule, i + 1, &drawn, &mut sample)?;
            finite::check_step(name, done, job.plan.guidance, &sample)?;
            let preview = job.observer.wants_preview(done).then(|| self.bundle.manifest().preview.as_ref()).flatten();
            let preview = preview.map(|p| p.picture(schedule.denoised(), width as u32, height as u32));
            let looking = Instant::now();
            let shown = preview.map(|preview| checker::shown(self.checker.as_mut(), form, preview, job.cancel));
            job.timings.checking += self.checker.as_ref().map_or(Duration::ZERO, |_| looking.elapsed());
            job.report_preview(Stage::Denoising, picture, done, shown.transpose()?.unwrap_or_default());
        }
        job.timings.runtime += unet.inside;
        job.timings.unet += unet.inside;
        job.timings.steps += job.steps;
        Ok(sample)
    }

    pub(super) fn decode(&mut self, job: &mut Job<'_>, mut latent: Vec<f32>) -> Result<Picture> {
        let [channels, height, width] = job.latent(&self.bundle);
        let vae = self.bundle.manifest().vae;
        for value in &mut latent {
            *value = *value / vae.scaling_factor as f32 + vae.shift_factor as f32;
        }
        let loading = Instant::now();
        let dimensions = vec![("batch", 1), ("height", height), ("width", width)];
        let purpose = Purpose::new(bundle::VAE_DECODER, self.arrangement.form, dimensions);
        let decoder = self.vae_decoder.get(&self.bundle, &self.place, purpose)?;
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
        finite::check(bundle::VAE_DECODER, &planes)?;
        Ok(Picture::from_planes(&planes, job.plan.width, job.plan.height))
    }

    /// For prompts in more chunks than the U-Net was exported for.
    fn does_not_fit(&self, job: &Job<'_>, takes: usize) -> Error {
        if let Some(embeds) = &job.request.prompt_embeds {
            let given = embeds.tokens(self.bundle.manifest());
            let reason = format!("are of {given} tokens, and the U-Net of this base model takes {takes} alone");
            return Error::request("prompt_embeds", reason);
        }
        let text = self.bundle.manifest().text;
        let tokens = self.tokens(job.request, &job.plan).unwrap_or_default();
        let beyond = tokens.iter().find_map(|PromptTokens { side, tokens, .. }| {
            let beyond = tokens.beyond_one_chunk(job.request.prompt_of(*side), text)?;
            Some((*side, shortened(beyond.trim())))
        });
        let (side, beyond) = beyond.unwrap_or((Side::Prompt, "BREAK".into()));
        let reason =
            format!("is too long for this base model, whose U-Net takes {takes} tokens alone, up to `{beyond}`");
        Error::request(side.field(), reason)
    }

    /// The graph for the provider: fused nodes where it has them.
    pub(super) fn unet_graph(&self) -> &'static str {
        let plain = self.bundle.manifest().files.contains_key(bundle::UNET_PLAIN);
        if plain && !self.place.provider.takes_fused_graph() { bundle::UNET_PLAIN } else { bundle::UNET }
    }
}

/// The tokens of K and V that a loaded U-Net takes, where it does not take any number of them.
fn tokens_taken(graph: &Graph, bundle: &Bundle) -> Result<Option<usize>> {
    let Some(layer) = bundle.manifest().layers.first() else { return Ok(None) };
    let (_, shape) = graph.input(&layer.name)?;
    Ok(shape.get(1).and_then(|tokens| usize::try_from(*tokens).ok()))
}
