//! `cones bench`: times one thing on request, so that a bench can alternate with other programs.
//!
//! A line on standard input names what is wanted (`picture`, `step` or `switch`), a line of JSON on standard output
//! answers, and the end of the input ends it. `models/bench/README.md` tells what the answers hold.

mod dense;
mod picture;
mod switch;

use std::io::{BufRead, Write};

use clap::Args;
use cones_core::Request;
use cones_core::sampling::scheduler::Scheduler;

use super::engine_args::EngineArgs;
use crate::failure::Failure;

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
    scheduler: Option<Scheduler>,
    /// Guidance scale; the bundle's by default.
    #[arg(long)]
    guidance: Option<f32>,
    /// Share of the weights that are shut when subjects are switched on.
    #[arg(long, default_value_t = 0.01)]
    share: f64,
    /// Subjects that share them.
    #[arg(long, default_value_t = 1)]
    subjects: u32,
    #[command(flatten)]
    engine: EngineArgs,
}

impl BenchArgs {
    fn request(&self) -> Request {
        let mut request = Request::new(&self.prompt);
        request.seed = self.seed;
        request.steps = Some(self.steps);
        request.guidance = self.guidance;
        request.scheduler = self.scheduler;
        request
    }
}

/// Answers each line of the input.
pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    let mut engine = args.engine.open()?;
    let mut switch = None;
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let answer = match line?.trim() {
            "" => continue,
            "picture" => serde_json::to_string(&picture::whole(&mut engine, args.request())?)?,
            "step" => serde_json::to_string(&picture::step(&mut engine, args.request())?)?,
            "switch" => {
                let switch = match &mut switch {
                    Some(switch) => switch,
                    none => none.insert(switch::Switch::new(&mut engine, &args.prompt, args.subjects, args.share)?),
                };
                serde_json::to_string(&switch.time(&engine)?)?
            }
            other => return Err(format!("`{other}` cannot be timed: picture, step or switch").into()),
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
