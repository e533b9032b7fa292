//! `cones bench`: times whole pictures on request, so that a bench can alternate with other programs.

use std::io::{BufRead, Write};
use std::time::Instant;

use clap::Args;
use cones_core::{CancelToken, ConceptMask, Request, Subject, scheduler::Kind};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::engine_args::EngineArgs;
use crate::cli::Failure;

/// Arguments of `cones bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to draw.
    #[arg(long, default_value = "a dog and an apple on grass")]
    prompt: String,
    /// Seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Denoising steps.
    #[arg(long, default_value_t = 20)]
    steps: u32,
    /// The scheduler; the bundle's by default.
    #[arg(long)]
    scheduler: Option<Kind>,
    /// Guidance scale; the bundle's by default.
    #[arg(long)]
    guidance: Option<f32>,
    /// Share of the weights that the subject whose switching is timed shuts.
    #[arg(long, default_value_t = 0.01)]
    share: f64,
    /// Accepted for clarity: lines of JSON are all there is.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

#[derive(Serialize)]
struct Line {
    /// One whole picture, prompt encoding included.
    seconds: f64,
    /// Inside ONNX Runtime's run calls, of `seconds`.
    ort_seconds: f64,
    /// Masks applied and K, V made for both branches, prompt already encoded.
    switch_seconds: f64,
    /// One U-Net step.
    step_seconds: f64,
    /// Of the picture's RGB bytes.
    sha256: String,
}

/// Answers each line `run` with one line of JSON; ends with the input.
pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    let mut engine = args.engine.open()?;
    let subject = Subject::new("bench", ConceptMask::random(&engine.bundle().manifest().layers, args.share, 1));
    let mut request = Request::new(&args.prompt);
    request.seed = args.seed;
    request.steps = Some(args.steps);
    request.guidance = args.guidance;
    request.scheduler = args.scheduler;
    let cancel = CancelToken::new();
    // Loads the graphs, as a worker of the other programs does before its first line.
    engine.generate(&request, &mut (), &cancel)?;
    for line in std::io::stdin().lock().lines() {
        if line?.trim() != "run" {
            continue;
        }
        engine.forget_prompts();
        let start = Instant::now();
        let generated = engine.generate(&request, &mut (), &cancel)?;
        let seconds = start.elapsed().as_secs_f64();
        let timings = generated.timings;
        let mut switched = request.clone();
        switched.subjects = vec![subject.clone()];
        switched.steps = Some(1);
        let switching = engine.generate(&switched, &mut (), &cancel)?.timings.switching;
        let rgb = generated.pictures.first().map(|d| d.picture.rgb.as_slice()).unwrap_or_default();
        let line = Line {
            seconds,
            ort_seconds: timings.runtime.as_secs_f64(),
            switch_seconds: switching.as_secs_f64(),
            step_seconds: timings.unet.as_secs_f64() / f64::from(timings.steps.max(1)),
            sha256: cones_core::fingerprint::hex(&Sha256::digest(rgb)),
        };
        let mut out = std::io::stdout();
        writeln!(out, "{}", serde_json::to_string(&line)?)?;
        out.flush()?;
    }
    Ok(())
}
