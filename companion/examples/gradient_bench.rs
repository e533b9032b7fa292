//! Times steps of a bundle's differentiated U-Net on request; the Rust side of `cargo xtask bench gradient`.
//!
//! Answers each line `run` on standard input with one line of JSON; ends with the input. `--dump FILE` writes the
//! differentiated graph instead, to be looked at or profiled; its weights stay in the bundle. `--find` times whole steps
//! of `cones find`: the projections before the graph and behind it, and the mask's own step, on random pictures.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use cones_companion::cli::Failure;
use cones_companion::find::batch::{self, Mixture};
use cones_companion::find::examples::{Caption, Example, Examples, Part};
use cones_companion::find::graph_objective::GraphObjective;
use cones_companion::find::method::{self, Kind};
use cones_companion::find::objective::Objective;
use cones_companion::find::random::Random;
use cones_companion::find::weights::Weights;
use cones_companion::gradient::{self, Batch, Memory, Settings, Sizes, UnetGradient};
use cones_core::scheduler::Diffusion;
use cones_core::{Bundle, CancelToken, Provider, Scope};

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
        None => bundle.file(cones_core::bundle::UNET)?,
    };
    let memory = if arguments.low_memory { Memory::Low } else { Memory::Normal };
    let settings = Settings { provider: arguments.provider, threads: Some(arguments.threads), memory };
    if let Some(path) = &arguments.dump {
        return Ok(gradient::unet::derivative(&bundle, &graph, sizes, &settings)?.model.save(path)?);
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
    let batch =
        Batch { sample: &sample, timesteps: &timesteps, keys_values: &keys_values, target: &target, weights: &weights };
    let planned = gradient::unet::footprint(&bundle, sizes, &settings)?.total();
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
fn find(bundle: &Bundle, sizes: Sizes, settings: &Settings) -> Result<(), Failure> {
    let start = Instant::now();
    let manifest = bundle.manifest();
    let base = Weights::read(bundle.attention());
    let width = base.layers.first().map_or(0, |matrix| matrix.columns);
    let caption = |n: u64| Caption {
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
    let mut method = Kind::Learned.start(&base, &method::Settings::default());
    let (mut weights, mut gradient) = (base.clone(), base.filled(0.0));
    let mut step = 0;
    let planned = gradient::unet::footprint(bundle, sizes, settings)?.total();
    on_request(start.elapsed().as_secs_f64(), planned, || {
        let start = Instant::now();
        let mixture = Mixture::of(sizes.batch, scope, 1.0);
        let batch = batch::draw(&examples, &diffusion, mixture, &mut Random::new(0, step as u64))?;
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
        let peak = peak_bytes().unwrap_or_default();
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
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u32 << 24) as f32
    };
    (0..count).map(|_| (next() - 0.5) * 12f32.sqrt()).collect()
}

/// The most memory this process has held, as Linux counts it.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}
