//! Latent consistency models: Luo et al. 2023 (arXiv 2310.04378), algorithm 3; diffusers' `LCMScheduler` with its defaults
//! (`original_inference_steps = 50`, `timestep_scaling = 10`). Takes no notice of the bundle's timestep spacing.

use super::prediction::Level;
use super::refused::too_many_steps;
use super::solver::Solver;
use super::training::Training;
use crate::error::{Error, Result};
use crate::model::manifest::PredictionType;

/// Steps of the schedule that the model was distilled on.
const ORIGINAL_STEPS: usize = 50;
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

/// The timesteps visited: `steps` of the original 50, evenly.
///
/// # Errors
/// Where there are more steps than original ones, or fewer training steps.
pub(super) fn timesteps(training: &Training, steps: usize) -> Result<Vec<f64>> {
    if training.len() < ORIGINAL_STEPS {
        let reason = format!("has fewer training steps than the {ORIGINAL_STEPS} of LCM");
        return Err(Error::request("noise_schedule", reason));
    }
    if steps > ORIGINAL_STEPS {
        return Err(too_many_steps(steps, ORIGINAL_STEPS));
    }
    let stride = training.len() / ORIGINAL_STEPS;
    let gap = ORIGINAL_STEPS as f64 / steps as f64;
    let at = |i: usize| {
        let skipped = ((i as f64 * gap) as usize).min(ORIGINAL_STEPS - 1);
        ((ORIGINAL_STEPS - skipped) * stride - 1) as f64
    };
    Ok((0..steps).map(at).collect())
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
