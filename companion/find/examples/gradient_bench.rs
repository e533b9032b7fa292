//! Times steps of a bundle's differentiated U-Net on request; the Rust side of `cargo xtask bench gradient`.
//!
//! Answers each line `run` on standard input with one line of JSON; ends with the input. `--dump FILE` writes the
//! differentiated graph instead, to be looked at or profiled; its weights stay in the bundle. `--find` times whole steps
//! of `cones find`: the projections before the graph and behind it, and the mask's own step, on random pictures.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use cones_core::sampling::scheduler::Diffusion;
use cones_core::sampling::splitmix::SplitMix64;
use cones_core::{Bundle, CancelToken, Provider, Scope};
use cones_find::batch::{self, Mixture};
use cones_find::examples::{Caption, Example, Examples, Part};
use cones_find::graph_objective::GraphObjective;
use cones_find::method::{MethodKind, MethodTuning};
use cones_find::objective::Objective;
use cones_find::random::Random;
use cones_find::record::peak_memory;
use cones_find::timesteps::Timesteps;
use cones_find::weights::Weights;
use cones_gradient::{Batch, GradientOptions, Memory, Sizes, UnetGradient, unet};

type Failure = Box<dyn std::error::Error>;

#[derive(Parser)]
struct Arguments {
    /// The bundle whose U-Net is differentiated.
    #[arg(long)]
    bundle: PathBuf,
    /// The graph; the one that suits the provider by default.
    #[arg(long)]
    graph: Option<String>,
    /// Pictures in one step.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Side of a picture in pixels; the bundle's own by default.
    #[arg(long)]
    pixels: Option<usize>,
    /// Threads inside one node.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Where it runs.
    #[arg(long, default_value = "cpu")]
    provider: Provider,
    /// Takes less memory and more time.
    #[arg(long)]
    low_memory: bool,
    /// Whole steps of `cones find` by the default way.
    #[arg(long)]
    find: bool,
    /// Writes the graph there and ends.
    #[arg(long)]
    dump: Option<PathBuf>,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let bundle = Bundle::open(&arguments.bundle)?;
    let manifest = bundle.manifest();
    let scale = manifest.latent.scale as usize;
    let side = |pixels: u32| arguments.pixels.unwrap_or(pixels as usize) / scale;
    let sizes = Sizes {
        batch: arguments.batch,
        height: side(manifest.image.height),
        width: side(manifest.image.width),
        tokens: manifest.text.max_length as usize,
    };
    let graph = match &arguments.graph {
        Some(name) => bundle.file(name)?,
        None => bundle.file(cones_core::model::bundle::UNET)?,
    };
    let memory = if arguments.low_memory { Memory::Low } else { Memory::Normal };
    let settings =
        GradientOptions { provider: arguments.provider.resolve(None)?, threads: Some(arguments.threads), memory };
    if let Some(path) = &arguments.dump {
        return Ok(unet::derivative(&bundle, &graph, sizes, &settings)?.model.save(path)?);
    }
    if arguments.find {
        return find(&bundle, sizes, &settings);
    }
    let start = Instant::now();
    let mut unet = UnetGradient::of_file(&bundle, &graph, sizes, &settings)?;
    let load_seconds = start.elapsed().as_secs_f64();
    let latents = sizes.batch * manifest.latent.channels as usize * sizes.height * sizes.width;
    let (sample, target) = (noise(latents, 1), noise(latents, 2));
    let timesteps: Vec<f32> = (0..sizes.batch).map(|i| (i * 997 % 1000) as f32).collect();
    let count = |rows: u32| sizes.batch * sizes.tokens * rows as usize;
    let keys_values: Vec<Vec<f32>> =
        manifest.layers.iter().zip(3..).map(|(l, seed)| noise(count(l.rows), seed)).collect();
    let weights = vec![1.0 / sizes.batch as f32; sizes.batch];
    let pooled = manifest.text_2.map_or(0, |second| second.projection_dim as usize);
    let text_embeds = noise(sizes.batch * pooled, 3 + manifest.layers.len() as u64);
    let batch = Batch {
        sample: &sample,
        timesteps: &timesteps,
        keys_values: &keys_values,
        target: &target,
        text_embeds: &text_embeds,
        weights: &weights,
    };
    let planned = unet::footprint(&bundle, sizes, &settings)?.total();
    on_request(load_seconds, planned, || {
        let start = Instant::now();
        let loss = unet.step(&batch, &CancelToken::new())?;
        let seconds = start.elapsed().as_secs_f64();
        let mut squares = 0.0;
        for layer in 0..manifest.layers.len() {
            squares += unet.gradient(layer)?.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
        }
        Ok((seconds, f64::from(loss), squares.sqrt()))
    })
}

/// As `cones find` does it in its default way, on six random pictures with a prompt each.
fn find(bundle: &Bundle, sizes: Sizes, settings: &GradientOptions) -> Result<(), Failure> {
    let start = Instant::now();
    let manifest = bundle.manifest();
    let base = Weights::read(bundle.attention());
    let width = base.layers.first().map_or(0, |matrix| matrix.columns);
    let pooled = manifest.text_2.map_or(0, |second| second.projection_dim as usize);
    let caption = |n: u64| Caption {
        pooled: noise(pooled, 200 + n),
        text: format!("picture {n}"),
        embedding: noise(sizes.tokens * width, n),
        triggers: vec![vec![1, 2]],
    };
    let latent = manifest.latent.channels as usize * sizes.height * sizes.width;
    let picture = |n: u64| Example { part: Part::Subject, latent: noise(latent, 100 + n), caption: n as usize };
    let examples = Examples {
        captions: (0..6).map(caption).collect(),
        pictures: (0..6).map(picture).collect(),
        shape: [manifest.latent.channels as usize, sizes.height, sizes.width],
        tokens: sizes.tokens,
    };
    let diffusion = Diffusion::new(&manifest.noise_schedule, manifest.prediction_type)?;
    let (scope, cancel) = (Scope::Trigger, CancelToken::new());
    let mut objective = GraphObjective::new(bundle, &examples, &base, scope, sizes.batch, settings.clone())?;
    let mut method = MethodKind::Learned.start(&base, &MethodTuning::default());
    let (mut weights, mut gradient) = (base.clone(), base.filled(0.0));
    let mut step = 0;
    let planned = unet::footprint(bundle, sizes, settings)?.total();
    on_request(start.elapsed().as_secs_f64(), planned, || {
        let start = Instant::now();
        let mixture = Mixture::new(sizes.batch, scope, 1.0);
        let batch = batch::draw(&examples, &diffusion, mixture, Timesteps::Even, &mut Random::new(0, step as u64))?;
        method.place(&base, &mut weights);
        let loss = objective.gradient(&weights, &batch, &mut gradient, &cancel)?;
        method.learn(&base, &gradient, step, usize::MAX);
        step += 1;
        let seconds = start.elapsed().as_secs_f64();
        Ok((seconds, loss, gradient.values().map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt()))
    })
}

/// Answers each line `run` with the seconds, loss and norm of one step, the most memory so far, and what was planned.
fn on_request(
    load_seconds: f64,
    planned: u64,
    mut step: impl FnMut() -> Result<(f64, f64, f64), Failure>,
) -> Result<(), Failure> {
    for line in std::io::stdin().lock().lines() {
        if line?.trim() != "run" {
            continue;
        }
        let (seconds, loss, norm) = step()?;
        let peak = peak_memory().unwrap_or_default();
        let mut out = std::io::stdout();
        writeln!(
            out,
            "{{\"seconds\":{seconds},\"loss\":{loss},\"norm\":{norm},\"load_seconds\":{load_seconds},\
             \"peak_bytes\":{peak},\"planned_bytes\":{planned}}}"
        )?;
        out.flush()?;
    }
    Ok(())
}

/// Numbers of mean 0 and deviation 1, the same each time. What they are changes no time.
fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut random = SplitMix64::new(seed);
    let mut next = || (random.next_bits() >> 40) as f32 / (1u32 << 24) as f32;
    (0..count).map(|_| (next() - 0.5) * 12f32.sqrt()).collect()
}
