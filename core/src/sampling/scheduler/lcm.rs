//! Latent consistency models: Luo et al. 2023 (arXiv 2310.04378), algorithm 3; diffusers' `LCMScheduler` with
//! `timestep_scaling = 10`.

use super::prediction::Level;
use super::solver::Solver;
use super::training::Training;
use crate::model::manifest::PredictionType;

/// diffusers' `timestep_scaling`.
const TIMESTEP_SCALING: f32 = 10.0;
/// Square of `sigma_data` = 0.5.
const DATA_VARIANCE: f32 = 0.25;

/// The coefficients of each step.
#[derive(Debug)]
pub(super) struct Lcm {
    prediction: PredictionType,
    steps: Vec<Step>,
}

/// Predicts the clean latent, then adds noise up to the next level.
#[derive(Debug, Clone, Copy)]
struct Step {
    from: Level,
    /// `None` in the last step.
    to: Option<Level>,
    skip: f32,
    out: f32,
}

impl Lcm {
    pub(super) fn new(training: &Training, prediction: PredictionType, timesteps: &[f64]) -> Self {
        let level = |t: f64| Level::from_alpha_bar(training.alpha_bar(t));
        let step = |i: usize| {
            let scaled = timesteps[i] as f32 * TIMESTEP_SCALING;
            let sum = scaled * scaled + DATA_VARIANCE;
            let to = timesteps.get(i + 1).map(|&t| level(t));
            Step { from: level(timesteps[i]), to, skip: DATA_VARIANCE / sum, out: scaled / sum.sqrt() }
        };
        Self { prediction, steps: (0..timesteps.len()).map(step).collect() }
    }
}

impl Solver for Lcm {
    fn mix(&self, index: usize) -> (f32, f32) {
        let Level { alpha, sigma } = self.steps[index].from;
        (alpha, sigma)
    }

    fn draws_noise(&self, index: usize) -> bool {
        self.steps[index].to.is_some()
    }

    fn step(&self, index: usize, model_output: &[f32], noise: &[f32], sample: &mut [f32], denoised: &mut [f32]) {
        let step = self.steps[index];
        for ((x, &output), clean) in sample.iter_mut().zip(model_output).zip(denoised.iter_mut()) {
            *clean = step.out * step.from.clean(self.prediction, *x, output) + step.skip * *x;
            *x = *clean;
        }
        if let Some(to) = step.to {
            for (x, noise) in sample.iter_mut().zip(noise) {
                *x = to.alpha * *x + to.sigma * noise;
            }
        }
    }
}
