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
use super::trigger_embedding::TriggerEmbedding;
use super::weights::Weights;
use crate::cli::Failure;

/// What the finder is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The way of finding.
    pub method: method::Kind,
    /// What the ways can be told.
    pub tuning: method::Settings,
    /// The steps.
    pub schedule: Schedule,
    /// Noisy pictures of each part to measure on.
    pub held_out: usize,
    /// Shares of neurons (0 to 1) that are tried beside the method's own; ascending.
    pub shares: Vec<f64>,
    /// The share to take, instead of the best on held-out noise.
    pub share: Option<f64>,
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
    /// The neurons; with factors where the method changes weights instead of shutting them.
    pub mask: ConceptMask,
    /// The losses of the base model.
    pub base: Losses,
    /// The masks that were tried, by number of neurons.
    pub curve: Vec<Point>,
    /// Which of them was taken.
    pub chosen: Point,
    /// With the trigger's learned embedding and no mask, where one was learned.
    pub trigger: Option<Losses>,
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
#[derive(Debug, Clone, Copy)]
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

/// The steps of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// How many.
    pub steps: usize,
    /// What goes into a batch.
    pub mixture: Mixture,
    /// Decides all that is random.
    pub seed: u64,
    /// Which layers may hold neurons.
    pub selection: Selection,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress {
    /// Training loss of each step made.
    pub history: Vec<f64>,
    /// Seconds spent on them.
    pub seconds: f64,
}

/// Seconds between two checkpoints: what is lost by a power cut.
const BETWEEN_CHECKPOINTS: f64 = 20.0;

/// A problem with the means to work on it.
pub struct Finder<'a> {
    /// What is worked on.
    pub problem: Problem<'a>,
    /// The loss.
    pub objective: &'a mut dyn Objective,
    /// Is told how far it is.
    pub watch: &'a mut dyn Watch,
    /// Stops it.
    pub cancel: &'a CancelToken,
}

impl Finder<'_> {
    /// Finds the neurons. With a checkpoint it goes on where an interrupted run stopped, and the result is the same.
    ///
    /// # Errors
    /// What running the model says; [`cones_core::Error::Cancelled`], after the checkpoint was written.
    pub fn find(&mut self, settings: &Settings, checkpoint: Option<&Checkpoint>) -> Result<Found, Failure> {
        let mut method = settings.method.start(self.problem.base, &settings.tuning);
        let progress = self.learn(method.as_mut(), &settings.schedule, checkpoint)?;
        if let Some(trigger) = self.objective.trigger() {
            trigger.keep();
        }
        self.choose(settings, method.as_ref(), progress)
    }

    /// Lets a method learn.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn learn(
        &mut self,
        method: &mut dyn Method,
        schedule: &Schedule,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<Progress, Failure> {
        let mut progress = match checkpoint {
            Some(checkpoint) => {
                let mut state = method.state_mut();
                state.extend(self.objective.trigger().into_iter().flat_map(TriggerEmbedding::state_mut));
                checkpoint.load(state)?
            }
            None => Progress::default(),
        };
        let learned = self.steps(method, schedule, &mut progress, checkpoint);
        if let Some(checkpoint) = checkpoint {
            self.save(checkpoint, method, &progress)?;
        }
        learned.map(|()| progress)
    }

    fn save(&mut self, checkpoint: &Checkpoint, method: &dyn Method, progress: &Progress) -> Result<(), Failure> {
        let mut state = method.state();
        state.extend(self.objective.trigger().into_iter().flat_map(|trigger| trigger.state()));
        checkpoint.save(state, progress)
    }

    fn steps(
        &mut self,
        method: &mut dyn Method,
        schedule: &Schedule,
        progress: &mut Progress,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<(), Failure> {
        let Problem { base, examples, diffusion, .. } = self.problem;
        let (mut weights, mut gradient) = (base.clone(), base.filled(0.0));
        let mut saved = progress.seconds;
        for step in progress.history.len()..schedule.steps {
            self.cancel.check()?;
            let start = Instant::now();
            let mut random = Random::new(schedule.seed, step as u64);
            let batch = batch::draw(examples, diffusion, schedule.mixture, &mut random)?;
            method.place(base, &mut weights);
            let loss = self.objective.gradient(&weights, &batch, &mut gradient, self.cancel)?;
            schedule.selection.keep_gradient(&mut gradient);
            method.learn(base, &gradient, step, schedule.steps);
            if let Some(trigger) = self.objective.trigger() {
                trigger.learn(step, schedule.steps);
            }
            progress.history.push(loss);
            progress.seconds += start.elapsed().as_secs_f64();
            self.watch.step(step + 1, schedule.steps, loss);
            if let Some(checkpoint) = checkpoint
                && progress.seconds - saved > BETWEEN_CHECKPOINTS
            {
                self.save(checkpoint, method, progress)?;
                saved = progress.seconds;
            }
        }
        Ok(())
    }

    /// What masks are measured on: noise and timesteps that `schedule` does not train on.
    ///
    /// # Errors
    /// When the latents do not fit.
    pub fn held_out(&self, count: usize, schedule: &Schedule) -> Result<HeldOut, Failure> {
        let size = schedule.mixture.size();
        HeldOut::new(self.problem.examples, self.problem.diffusion, count, size, !schedule.seed)
    }

    /// Measures masks of several sizes and takes the best.
    fn choose(&mut self, settings: &Settings, method: &dyn Method, progress: Progress) -> Result<Found, Failure> {
        let Problem { base: weights, layers, .. } = self.problem;
        let held_out = self.held_out(settings.held_out, &settings.schedule)?;
        let candidates = candidates(settings, method, weights, layers)?;
        let (base, trigger) = self.without_mask(&held_out)?;
        self.watch.measured(1, candidates.len() + 1);
        let (mut curve, mut best) = (Vec::new(), None::<(f64, usize)>);
        let wanted = settings.share.map(|share| share * weights.count() as f64);
        for (i, mask) in candidates.iter().enumerate() {
            let losses = held_out.measure(self.objective, &weights.masked(mask), self.cancel)?;
            let neurons = mask.count();
            curve.push(Point { neurons, share: neurons as f64 / weights.count().max(1) as f64, losses });
            let cost = match wanted {
                Some(wanted) => (neurons as f64 - wanted).abs(),
                None => losses.cost(&base, f64::from(settings.schedule.mixture.prior)),
            };
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, i));
            }
            self.watch.measured(i + 2, candidates.len() + 1);
        }
        let chosen = best.and_then(|(_, i)| Some((candidates.get(i)?, curve.get(i)?)));
        let (mask, chosen) = chosen.ok_or("no mask was tried: give at least one share")?;
        let (mask, chosen) = (mask.clone(), *chosen);
        Ok(Found { mask, base, chosen, curve, trigger, history: progress.history, seconds: progress.seconds })
    }

    /// The base model, and the base model with the trigger's learned embedding where there is one.
    fn without_mask(&mut self, held_out: &HeldOut) -> Result<(Losses, Option<Losses>), Failure> {
        let weights = self.problem.base;
        if let Some(trigger) = self.objective.trigger() {
            trigger.switch(false);
        }
        let base = held_out.measure(self.objective, weights, self.cancel)?;
        let Some(trigger) = self.objective.trigger() else { return Ok((base, None)) };
        trigger.switch(true);
        Ok((base, Some(held_out.measure(self.objective, weights, self.cancel)?)))
    }
}

/// The masks to try: those of the ladder, the method's own, and the one asked for; smallest first.
fn candidates(
    settings: &Settings,
    method: &dyn Method,
    base: &Weights,
    layers: &[Layer],
) -> Result<Vec<ConceptMask>, Failure> {
    if let Some(factors) = method.factors(base) {
        let all = factors.layers.iter().map(|m| (0..m.values.len()).collect()).collect::<Vec<_>>();
        let factors = factors.layers.into_iter().map(|m| m.values).collect();
        return Ok(vec![ConceptMask::from_indices(layers, &all)?.with_factors(factors)?]);
    }
    let mut scores = method.scores(base);
    let available = settings.schedule.selection.keep_scores(&mut scores);
    let sizes = sizes(settings, base.count(), available, method.natural());
    sizes.into_iter().map(|neurons| Ok(scores.highest(layers, neurons)?)).collect()
}

/// The mask sizes to try.
fn sizes(settings: &Settings, count: usize, available: usize, natural: Option<usize>) -> Vec<usize> {
    let of = |share: f64| (share.clamp(0.0, 1.0) * count as f64).round() as usize;
    let mut sizes: Vec<usize> = settings.shares.iter().copied().chain(settings.share).map(of).chain(natural).collect();
    sizes.iter_mut().for_each(|size| *size = (*size).min(available));
    sizes.retain(|size| *size > 0);
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

#[cfg(test)]
mod tests;
