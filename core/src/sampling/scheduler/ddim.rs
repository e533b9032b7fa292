//! DDIM with η = 0: Song et al. 2020, equation 12; diffusers' `DDIMScheduler` with `clip_sample = False`.

use super::prediction::Level;
use super::refused::too_fine;
use super::solver::Solver;
use super::spacing::spaced;
use super::training::Training;
use crate::error::Result;
use crate::model::manifest::{NoiseSchedule, PredictionType};

/// Where each step comes from and leads to.
#[derive(Debug)]
pub(super) struct Ddim {
    prediction: PredictionType,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    from: Level,
    to: Level,
}

/// The whole timesteps visited.
///
/// # Errors
/// Where the offset leads past the last training step.
pub(super) fn timesteps(schedule: &NoiseSchedule, steps: usize) -> Result<Vec<f64>> {
    let timesteps: Vec<f64> = spaced(schedule, steps).into_iter().map(f64::round_ties_even).collect();
    if timesteps.iter().any(|&t| t >= f64::from(schedule.num_train_timesteps)) {
        return Err(too_fine(steps));
    }
    Ok(timesteps)
}

impl Ddim {
    /// As in diffusers a step leads to the level `train / steps` timesteps below, also where `trailing` or `linspace`
    /// spacing visits another one next.
    pub(super) fn new(
        schedule: &NoiseSchedule,
        training: &Training,
        prediction: PredictionType,
        timesteps: &[f64],
    ) -> Self {
        let stride = (training.len() / timesteps.len()) as f64;
        let last = if schedule.set_alpha_to_one { 1.0 } else { training.alpha_bar(0.0) };
        let level = |t: f64| Level::from_alpha_bar(if t < 0.0 { last } else { training.alpha_bar(t) });
        let steps = timesteps.iter().map(|&t| Step { from: level(t), to: level(t - stride) }).collect();
        Self { prediction, steps }
    }
}

impl Solver for Ddim {
    fn mix(&self, index: usize) -> (f32, f32) {
        let Level { alpha, sigma } = self.steps[index].from;
        (alpha, sigma)
    }

    fn step(&self, index: usize, model_output: &[f32], _: &[f32], sample: &mut [f32], denoised: &mut [f32]) {
        let Step { from, to } = self.steps[index];
        for ((x, &output), clean) in sample.iter_mut().zip(model_output).zip(denoised) {
            *clean = from.clean(self.prediction, *x, output);
            *x = to.alpha * *clean + to.sigma * from.noise(self.prediction, *x, output);
        }
    }
}
