//! What the graphs see while real prompts are drawn by the engine's own denoise loop.

use cones_core::attention::KeyValues;
use cones_core::model::bundle::{TEXT_EMBEDS, TIME_IDS};
use cones_core::sampling::guidance;
use cones_core::{CancelToken, Engine, MicroConditions, Observer, Progress, Request};

use crate::error::Result;
use crate::run::{Feed, Values};

/// Samples of the U-Net and of the VAE's decoder.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// For the U-Net, one picture and one branch each.
    pub(crate) unet: Vec<Feed>,
    /// For the VAE's decoder.
    pub(crate) decoder: Vec<Feed>,
}

/// Steps that are kept of each prompt.
const STEPS: usize = 5;

/// Draws each prompt once, with a seed of its own, at the bundle's own size, steps and guidance. `told` is called with how
/// many are done.
///
/// Of each prompt some steps are kept, other ones each time, so that all timesteps occur; and of these every second with
/// the prompt, the others with the negative prompt, where there is guidance.
///
/// # Errors
/// As [`Engine::generate`].
pub(crate) fn draw(
    engine: &mut Engine,
    prompts: &[String],
    told: &mut dyn FnMut(usize),
    cancel: &CancelToken,
) -> Result<Samples> {
    let mut samples = Samples::default();
    let [channels, height, width] = latent(engine);
    let manifest = engine.bundle().manifest();
    let guided = manifest.is_guided(manifest.defaults.guidance);
    let negative = engine.key_values("", &[])?;
    for (i, prompt) in prompts.iter().enumerate() {
        let mut request = Request::new(prompt);
        request.seed = i as u64;
        let mut seen = Seen::default();
        engine.generate(&request, &mut seen, cancel)?;
        let positive = engine.key_values(prompt, &[])?;
        let every = seen.samples.len().div_ceil(STEPS).max(1);
        let kept = seen.samples.into_iter().skip(i % every).step_by(every);
        for (at, (sample, timestep)) in kept.enumerate() {
            let branch = if guided && (at + i) % 2 == 1 { &negative } else { &positive };
            samples.unet.push(unet(engine, [1, channels, height, width], sample, timestep, branch)?);
        }
        let shape = vec![1, channels, height, width];
        samples.decoder.extend(seen.latent.map(|latent| vec![("latent".to_owned(), Values::Real(shape, latent))]));
        told(i + 1);
    }
    Ok(samples)
}

fn latent(engine: &Engine) -> [usize; 3] {
    let manifest = engine.bundle().manifest();
    let cells = |pixels: u32| (pixels / manifest.latent.scale.max(1)) as usize;
    [manifest.latent.channels as usize, cells(manifest.image.height), cells(manifest.image.width)]
}

fn unet(engine: &Engine, shape: [usize; 4], sample: Vec<f32>, timestep: f32, branch: &KeyValues) -> Result<Feed> {
    let manifest = engine.bundle().manifest();
    let tokens = manifest.text.max_length as usize;
    let mut feed = vec![
        ("sample".to_owned(), Values::Real(shape.to_vec(), sample)),
        ("timestep".to_owned(), Values::Real(vec![1], vec![timestep])),
    ];
    if let Some(width) = manifest.time_cond_proj_dim.map(|width| width as usize) {
        let told = guidance::embedding(manifest.defaults.guidance, width);
        feed.push(("timestep_cond".to_owned(), Values::Real(vec![1, width], told)));
    }
    if manifest.text_2.is_some() {
        let pooled = branch.text_embeds.clone();
        feed.push((TEXT_EMBEDS.to_owned(), Values::Real(vec![1, pooled.len()], pooled)));
        let ids = MicroConditions::default().time_ids(manifest.image.width, manifest.image.height)?;
        feed.push((TIME_IDS.to_owned(), Values::Real(vec![1, ids.len()], ids.to_vec())));
    }
    for (layer, values) in manifest.layers.iter().zip(&branch.layers) {
        feed.push((layer.name.clone(), Values::Real(vec![1, tokens, layer.rows as usize], values.clone())));
    }
    Ok(feed)
}

/// What one picture's loop gave to the graphs.
#[derive(Default)]
struct Seen {
    samples: Vec<(Vec<f32>, f32)>,
    latent: Option<Vec<f32>>,
}

impl Observer for Seen {
    fn on_progress(&mut self, _: &Progress) {}

    fn on_sample(&mut self, sample: &[f32], timestep: f32) {
        self.samples.push((sample.to_vec(), timestep));
    }

    fn on_latent(&mut self, latent: &[f32]) {
        self.latent = Some(latent.to_vec());
    }
}
