//! DDIM: Song et al. 2020, equation 12; diffusers' `DDIMScheduler` with `clip_sample = False`.

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
    /// In every step, also where it is multiplied by 0: diffusers draws it.
    draws_noise: bool,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    from: Level,
    to: Level,
    /// How much of the predicted noise leads there: all that `to` has, without fresh noise.
    towards: f32,
    /// How much fresh noise is added.
    fresh: f32,
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
        eta: f64,
    ) -> Self {
        let stride = (training.len() / timesteps.len()) as f64;
        let last = if schedule.set_alpha_to_one { 1.0 } else { training.alpha_bar(0.0) };
        let alpha_bar = |t: f64| if t < 0.0 { last } else { training.alpha_bar(t) };
        let steps = timesteps.iter().map(|&t| Step::new(alpha_bar(t), alpha_bar(t - stride), eta)).collect();
        Self { prediction, steps, draws_noise: eta > 0.0 }
    }
}

impl Step {
    /// Between levels with these ᾱ; `eta` times the noise of DDPM is fresh.
    fn new(from: f32, to: f32, eta: f64) -> Self {
        let (here, there) = (Level::from_alpha_bar(from), Level::from_alpha_bar(to));
        if eta == 0.0 {
            return Self { from: here, to: there, towards: there.sigma, fresh: 0.0 };
        }
        let variance = (1.0 - to) / (1.0 - from) * (1.0 - from / to);
        let fresh = eta as f32 * variance.max(0.0).sqrt();
        Self { from: here, to: there, towards: (1.0 - to - fresh * fresh).max(0.0).sqrt(), fresh }
    }
}

impl Solver for Ddim {
    fn mix(&self, index: usize) -> (f32, f32) {
        let Level { alpha, sigma } = self.steps[index].from;
        (alpha, sigma)
    }

    fn draws_noise(&self, _: usize) -> bool {
        self.draws_noise
    }

    fn step(&self, index: usize, model_output: &[f32], noise: &[f32], sample: &mut [f32], denoised: &mut [f32]) {
        let Step { from, to, towards, fresh } = self.steps[index];
        for ((x, &output), clean) in sample.iter_mut().zip(model_output).zip(denoised) {
            *clean = from.clean(self.prediction, *x, output);
            *x = to.alpha * *clean + towards * from.noise(self.prediction, *x, output);
        }
        // Empty where none is drawn.
        for (x, noise) in sample.iter_mut().zip(noise) {
            *x += fresh * noise;
        }
    }
}
