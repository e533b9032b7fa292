//! The loop: gradients at the weights a method asks for, then the mask that does best on held-out noise.

use std::time::Instant;

use cones_core::model::manifest::Layer;
use cones_core::sampling::scheduler::Diffusion;
use cones_core::{CancelToken, ConceptMask, Scope};
use serde::{Deserialize, Serialize};

use crate::batch::{self, Mixture};
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::examples::Examples;
use crate::held_out::{HeldOut, Losses};
use crate::method::{Method, MethodKind, MethodTuning};
use crate::objective::Objective;
use crate::observer::FindObserver;
use crate::progress::Progress;
use crate::random::Random;
use crate::selection::Selection;
use crate::timesteps::Timesteps;
use crate::trigger_embedding::TriggerEmbedding;
use crate::weights::Weights;

/// Shares of all weights that are tried beside the method's own.
const SHARES: [f64; 8] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2];

/// How neurons are searched for.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchOptions {
    /// The way of finding.
    pub method: MethodKind,
    /// What the ways of finding can be told.
    pub tuning: MethodTuning,
    /// The steps.
    pub schedule: Schedule,
    /// Noisy pictures of each part to measure on.
    pub held_out: usize,
    /// Shares of neurons (0 to 1) that are tried beside the method's own; ascending.
    pub shares: Vec<f64>,
    /// The share to take, instead of the best on held-out noise.
    pub share: Option<f64>,
}

impl SearchOptions {
    /// The defaults for a scope: 300 steps of twelve pictures by the method `Learned` in the layers of [`Selection::of_scope`], and the share of weights that does
    /// best on 48 held-out noisy pictures of each part.
    pub fn new(scope: Scope) -> Self {
        Self {
            method: MethodKind::default(),
            tuning: MethodTuning { pressure: MethodTuning::pressure(scope), ..MethodTuning::default() },
            schedule: Schedule {
                steps: 300,
                mixture: Mixture::new(12, scope, 1.0),
                timesteps: Timesteps::of(MethodKind::default(), scope),
                seed: 0,
                selection: Selection::of_scope(scope),
            },
            held_out: 48,
            shares: SHARES.to_vec(),
            share: None,
        }
    }
}

/// One mask that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Neurons shut.
    pub neurons: usize,
    /// Neurons shut, as a share (0 to 1) of all weights.
    pub share: f64,
    /// How good it is on held-out noise.
    pub losses: Losses,
}

/// The mask that was chosen, with the figures that led to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
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

/// The weights, pictures and noise that neurons are searched with.
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
    /// How many steps are made.
    pub steps: usize,
    /// What goes into a batch.
    pub mixture: Mixture,
    /// How often each timestep is learned from.
    pub timesteps: Timesteps,
    /// Decides all that is random.
    pub seed: u64,
    /// Which layers may hold neurons.
    pub selection: Selection,
}

/// Seconds between two checkpoints: what is lost by a power cut. The first is written after the first step, so that a
/// place that cannot be written to is known at once.
const BETWEEN_CHECKPOINTS: f64 = 20.0;

/// A problem with the means to work on it.
pub struct Finder<'a> {
    /// The weights, pictures and noise.
    pub problem: Problem<'a>,
    /// The loss.
    pub objective: &'a mut dyn Objective,
    /// Is told how far the work is.
    pub observer: &'a mut dyn FindObserver,
    /// Stops it.
    pub cancel: &'a CancelToken,
}

impl Finder<'_> {
    /// Finds the neurons. With a checkpoint it goes on where an interrupted run stopped, and the result is the same.
    ///
    /// # Errors
    /// What running the model says; [`cones_core::Error::Cancelled`], after the checkpoint was written.
    pub fn find(&mut self, options: &SearchOptions, checkpoint: Option<&Checkpoint>) -> Result<Chosen> {
        let mut method = options.method.start(self.problem.base, &options.tuning);
        let progress = self.learn(method.as_mut(), &options.schedule, checkpoint)?;
        if let Some(trigger) = self.objective.trigger() {
            trigger.keep();
        }
        self.choose(options, method.as_ref(), progress)
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
    ) -> Result<Progress> {
        let mut progress = match checkpoint {
            Some(checkpoint) => {
                let mut state = method.state_mut();
                state.extend(self.objective.trigger().into_iter().flat_map(TriggerEmbedding::state_mut));
                checkpoint.load(state)?
            }
            None => Progress::default(),
        };
        if !progress.history.is_empty() {
            self.observer.resumed(&progress.history, progress.seconds);
        }
        let learned = self.steps(method, schedule, &mut progress, checkpoint);
        if let Some(checkpoint) = checkpoint {
            self.save(checkpoint, method, &progress)?;
        }
        learned.map(|()| progress)
    }

    fn save(&mut self, checkpoint: &Checkpoint, method: &dyn Method, progress: &Progress) -> Result<()> {
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
    ) -> Result<()> {
        let Problem { base, examples, diffusion, .. } = self.problem;
        let (mut weights, mut gradient) = (base.clone(), base.filled(0.0));
        let mut saved = f64::NEG_INFINITY;
        for step in progress.history.len()..schedule.steps {
            self.cancel.check()?;
            let start = Instant::now();
            let mut random = Random::new(schedule.seed, step as u64);
            let batch = batch::draw(examples, diffusion, schedule.mixture, schedule.timesteps, &mut random)?;
            method.place(base, &mut weights);
            let loss = self.objective.gradient(&weights, &batch, &mut gradient, self.cancel)?;
            schedule.selection.keep_gradient(&mut gradient);
            method.learn(base, &gradient, step, schedule.steps);
            if let Some(trigger) = self.objective.trigger() {
                trigger.learn(step, schedule.steps);
            }
            progress.history.push(loss);
            progress.seconds += start.elapsed().as_secs_f64();
            self.observer.step(step + 1, schedule.steps, loss);
            if self.observer.wants_mask(step + 1) {
                let mask = mask_so_far(method, schedule, base, self.problem.layers)?;
                self.observer.mask(step + 1, &mask);
            }
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
    pub fn held_out(&self, count: usize, schedule: &Schedule) -> Result<HeldOut> {
        let size = schedule.mixture.size();
        HeldOut::new(self.problem.examples, self.problem.diffusion, count, size, !schedule.seed)
    }

    /// Measures masks of several sizes and takes the best.
    fn choose(&mut self, options: &SearchOptions, method: &dyn Method, progress: Progress) -> Result<Chosen> {
        let Problem { base: weights, layers, .. } = self.problem;
        let held_out = self.held_out(options.held_out, &options.schedule)?;
        let candidates = candidates(options, method, weights, layers)?;
        let (base, trigger) = self.without_mask(&held_out)?;
        self.observer.measured(1, candidates.len() + 1);
        let (mut curve, mut best) = (Vec::new(), None::<(f64, usize)>);
        let wanted = options.share.map(|share| share * weights.count() as f64);
        for (i, mask) in candidates.iter().enumerate() {
            let losses = held_out.measure(self.objective, &weights.masked(mask), self.cancel)?;
            let neurons = mask.count();
            curve.push(Point { neurons, share: neurons as f64 / weights.count().max(1) as f64, losses });
            let cost = match wanted {
                Some(wanted) => (neurons as f64 - wanted).abs(),
                None => losses.cost(&base, f64::from(options.schedule.mixture.prior)),
            };
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, i));
            }
            self.observer.measured(i + 2, candidates.len() + 1);
        }
        let chosen = best.and_then(|(_, i)| Some((candidates.get(i)?, curve.get(i)?)));
        let (mask, chosen) = chosen.ok_or(Error::NoMask)?;
        let (mask, chosen) = (mask.clone(), *chosen);
        Ok(Chosen { mask, base, chosen, curve, trigger, history: progress.history, seconds: progress.seconds })
    }

    /// The base model, and the base model with the trigger's learned embedding where there is one.
    fn without_mask(&mut self, held_out: &HeldOut) -> Result<(Losses, Option<Losses>)> {
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

/// What a method would shut by itself, as far as it has learned.
fn mask_so_far(method: &dyn Method, schedule: &Schedule, base: &Weights, layers: &[Layer]) -> Result<ConceptMask> {
    if let Some(factors) = method.factors(base) {
        return every_weight(factors, layers);
    }
    let mut scores = method.scores(base);
    let available = schedule.selection.keep_scores(&mut scores);
    match method.natural().unwrap_or(0).min(available) {
        0 => Ok(ConceptMask::empty(layers)),
        neurons => Ok(scores.highest(layers, neurons)?),
    }
}

/// A mask of all weights, each with its factor.
fn every_weight(factors: Weights, layers: &[Layer]) -> Result<ConceptMask> {
    let all = factors.layers.iter().map(|m| (0..m.values.len()).collect()).collect::<Vec<_>>();
    let factors = factors.layers.into_iter().map(|m| m.values).collect();
    Ok(ConceptMask::from_indices(layers, &all)?.with_factors(factors)?)
}

/// The masks to try: those of the ladder, the method's own, and the one asked for; smallest first.
fn candidates(
    options: &SearchOptions,
    method: &dyn Method,
    base: &Weights,
    layers: &[Layer],
) -> Result<Vec<ConceptMask>> {
    if let Some(factors) = method.factors(base) {
        return Ok(vec![every_weight(factors, layers)?]);
    }
    let mut scores = method.scores(base);
    let available = options.schedule.selection.keep_scores(&mut scores);
    let sizes = sizes(options, base.count(), available, method.natural());
    sizes.into_iter().map(|neurons| Ok(scores.highest(layers, neurons)?)).collect()
}

/// The mask sizes to try.
fn sizes(options: &SearchOptions, count: usize, available: usize, natural: Option<usize>) -> Vec<usize> {
    let neurons = |share: f64| (share.clamp(0.0, 1.0) * count as f64).round() as usize;
    let mut sizes: Vec<usize> =
        options.shares.iter().copied().chain(options.share).map(neurons).chain(natural).collect();
    sizes.iter_mut().for_each(|size| *size = (*size).min(available));
    sizes.retain(|size| *size > 0);
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

#[cfg(test)]
mod tests;
