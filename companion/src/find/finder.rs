//! The loop: gradients at the weights a method asks for, then the mask that does best on held-out noise.

use std::time::Instant;

use cones_core::manifest::Layer;
use cones_core::scheduler::Diffusion;
use cones_core::{CancelToken, ConceptMask};
use serde::{Deserialize, Serialize};

use super::batch::{self, Mixture};
use super::checkpoint::Checkpoint;
use super::examples::Examples;
use super::held_out::{HeldOut, Losses};
use super::method::{self, Method};
use super::objective::Objective;
use super::random::Random;
use super::selection::Selection;
use super::weights::Weights;
use crate::cli::Failure;

/// What the finder is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The way of finding.
    pub method: method::Kind,
    /// What the ways can be told.
    pub tuning: method::Settings,
    /// Steps.
    pub steps: usize,
    /// What goes into a batch.
    pub mixture: Mixture,
    /// Decides all that is random.
    pub seed: u64,
    /// Noisy pictures of each part to measure on.
    pub held_out: usize,
    /// Shares of neurons (0 to 1) that are tried beside the method's own; ascending.
    pub shares: Vec<f64>,
    /// The share to take, instead of the best on held-out noise.
    pub share: Option<f64>,
    /// Which layers may hold neurons.
    pub selection: Selection,
}

/// One mask that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Neurons shut.
    pub neurons: usize,
    /// The same as a share of all weights.
    pub share: f64,
    /// How good it is on held-out noise.
    pub losses: Losses,
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The neurons.
    pub mask: ConceptMask,
    /// The losses of the base model.
    pub base: Losses,
    /// The masks that were tried, by number of neurons.
    pub curve: Vec<Point>,
    /// Which of them was taken.
    pub chosen: Point,
    /// Training loss by step.
    pub history: Vec<f64>,
    /// Seconds spent on steps, those before an interruption included.
    pub seconds: f64,
}

/// Is told how far the finder is.
pub trait Watch {
    /// A step was made.
    fn step(&mut self, step: usize, steps: usize, loss: f64);
    /// A mask was measured.
    fn measured(&mut self, done: usize, of: usize);
}

impl Watch for () {
    fn step(&mut self, _: usize, _: usize, _: f64) {}
    fn measured(&mut self, _: usize, _: usize) {}
}

/// What is worked on.
pub struct Problem<'a> {
    /// The bundle's layers.
    pub layers: &'a [Layer],
    /// The base weights.
    pub base: &'a Weights,
    /// The pictures.
    pub examples: &'a Examples,
    /// The forward process.
    pub diffusion: &'a Diffusion,
}

/// Finds the neurons. With a checkpoint it goes on where an interrupted run stopped, and the result is the same.
///
/// # Errors
/// What running the model says; [`cones_core::Error::Cancelled`], after the checkpoint was written.
pub fn find(
    problem: &Problem<'_>,
    objective: &mut dyn Objective,
    settings: &Settings,
    checkpoint: Option<&Checkpoint>,
    watch: &mut dyn Watch,
    cancel: &CancelToken,
) -> Result<Found, Failure> {
    let mut method = settings.method.start(problem.base, &settings.tuning);
    let mut progress = match checkpoint {
        Some(checkpoint) => checkpoint.load(method.as_mut())?,
        None => Progress::default(),
    };
    let learned = learn(problem, objective, settings, method.as_mut(), &mut progress, checkpoint, watch, cancel);
    if let Some(checkpoint) = checkpoint {
        checkpoint.save(method.as_ref(), &progress)?;
    }
    learned?;
    choose(problem, objective, settings, method.as_ref(), progress, watch, cancel)
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Training loss of each step made.
    pub history: Vec<f64>,
    /// Seconds spent on them.
    pub seconds: f64,
}

/// Seconds between two checkpoints: what is lost by a power cut.
const BETWEEN_CHECKPOINTS: f64 = 20.0;

#[allow(clippy::too_many_arguments)]
fn learn(
    problem: &Problem<'_>,
    objective: &mut dyn Objective,
    settings: &Settings,
    method: &mut dyn Method,
    progress: &mut Progress,
    checkpoint: Option<&Checkpoint>,
    watch: &mut dyn Watch,
    cancel: &CancelToken,
) -> Result<(), Failure> {
    let (mut weights, mut gradient) = (problem.base.clone(), problem.base.filled(0.0));
    let mut saved = progress.seconds;
    for step in progress.history.len()..settings.steps {
        cancel.check()?;
        let start = Instant::now();
        let mut random = Random::new(settings.seed, step as u64);
        let batch = batch::draw(problem.examples, problem.diffusion, settings.mixture, &mut random)?;
        method.place(problem.base, &mut weights);
        let loss = objective.gradient(&weights, &batch, &mut gradient, cancel)?;
        settings.selection.keep_gradient(&mut gradient);
        method.learn(problem.base, &gradient, step, settings.steps);
        progress.history.push(loss);
        progress.seconds += start.elapsed().as_secs_f64();
        watch.step(step + 1, settings.steps, loss);
        if let Some(checkpoint) = checkpoint
            && progress.seconds - saved > BETWEEN_CHECKPOINTS
        {
            checkpoint.save(method, progress)?;
            saved = progress.seconds;
        }
    }
    Ok(())
}

/// Measures masks of several sizes and takes the best.
fn choose(
    problem: &Problem<'_>,
    objective: &mut dyn Objective,
    settings: &Settings,
    method: &dyn Method,
    progress: Progress,
    watch: &mut dyn Watch,
    cancel: &CancelToken,
) -> Result<Found, Failure> {
    let size = settings.mixture.subject + settings.mixture.class;
    let held_out = HeldOut::new(problem.examples, problem.diffusion, settings.held_out, size, !settings.seed)?;
    let mut scores = method.scores(problem.base);
    let available = settings.selection.keep_scores(&mut scores);
    let sizes = sizes(settings, problem.base.count(), available, method.natural());
    let base = held_out.measure(objective, problem.base, cancel)?;
    watch.measured(1, sizes.len() + 1);
    let mut curve = Vec::new();
    for (i, &neurons) in sizes.iter().enumerate() {
        let mask = scores.highest(problem.layers, neurons)?;
        let losses = held_out.measure(objective, &problem.base.masked(&mask), cancel)?;
        curve.push(Point { neurons, share: neurons as f64 / problem.base.count().max(1) as f64, losses });
        watch.measured(i + 2, sizes.len() + 1);
    }
    let prior = f64::from(settings.mixture.prior);
    let cost = |p: &Point| p.losses.cost(&base, prior);
    let wanted = settings.share.map(|share| (share * problem.base.count() as f64) as usize);
    let chosen = match wanted {
        Some(wanted) => curve.iter().min_by_key(|p| p.neurons.abs_diff(wanted)),
        None => curve.iter().min_by(|a, b| cost(a).total_cmp(&cost(b))),
    };
    let chosen = *chosen.ok_or("no mask was tried: give at least one share")?;
    let mask = scores.highest(problem.layers, chosen.neurons)?;
    Ok(Found { mask, base, curve, chosen, history: progress.history, seconds: progress.seconds })
}

/// The mask sizes to try: those of the ladder, the method's own, and the one asked for.
fn sizes(settings: &Settings, count: usize, available: usize, natural: Option<usize>) -> Vec<usize> {
    let of = |share: f64| (share.clamp(0.0, 1.0) * count as f64).round() as usize;
    let mut sizes: Vec<usize> = settings.shares.iter().copied().chain(settings.share).map(of).chain(natural).collect();
    sizes.iter_mut().for_each(|size| *size = (*size).min(available));
    sizes.retain(|size| *size > 0);
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}
