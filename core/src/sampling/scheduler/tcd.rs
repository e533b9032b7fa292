//! Trajectory consistency distillation: Zheng et al. 2024 (arXiv 2402.19159), algorithm 4; diffusers' `TCDScheduler`.

use super::prediction::Level;
use super::solver::Solver;
use super::training::Training;
use crate::model::manifest::PredictionType;

/// The coefficients of each step.
#[derive(Debug)]
pub(super) struct Tcd {
    prediction: PredictionType,
    steps: Vec<Step>,
}

/// Goes down to `to`, below the level of the next step, then adds noise up to that.
#[derive(Debug, Clone, Copy)]
struct Step {
    from: Level,
    to: Level,
    /// What is kept and how much noise is added; `None` in the last step, and where `eta` is 0.
    fresh: Option<(f32, f32)>,
}

impl Tcd {
    /// `eta` is 0 (no fresh noise) to 1 (as in LCM: each step begins with the clean latent anew).
    pub(super) fn new(training: &Training, prediction: PredictionType, timesteps: &[f64], eta: f64) -> Self {
        let alpha_bar = |t: f32| training.alpha_bar(f64::from(t));
        let step = |i: usize| {
            // PyTorch multiplies the whole timestep in float32.
            let next = timesteps.get(i + 1).copied().unwrap_or(0.0) as f32;
            let below = ((1.0 - eta) as f32 * next).floor();
            let kept = alpha_bar(next) / alpha_bar(below);
            let is_last = i + 1 == timesteps.len();
            Step {
                from: Level::from_alpha_bar(alpha_bar(timesteps[i] as f32)),
                to: Level::from_alpha_bar(alpha_bar(below)),
                fresh: (eta > 0.0 && !is_last).then(|| (kept.sqrt(), (1.0 - kept).sqrt())),
            }
        };
        Self { prediction, steps: (0..timesteps.len()).map(step).collect() }
    }
}

impl Solver for Tcd {
    fn mix(&self, index: usize) -> (f32, f32) {
        let Level { alpha, sigma } = self.steps[index].from;
        (alpha, sigma)
    }

    fn draws_noise(&self, index: usize) -> bool {
        self.steps[index].fresh.is_some()
    }

    fn step(&self, index: usize, model_output: &[f32], noise: &[f32], sample: &mut [f32], denoised: &mut [f32]) {
        let Step { from, to, fresh } = self.steps[index];
        for ((x, &output), clean) in sample.iter_mut().zip(model_output).zip(denoised) {
            *clean = from.clean(self.prediction, *x, output);
            *x = to.alpha * *clean + to.sigma * from.noise(self.prediction, *x, output);
        }
        if let Some((kept, added)) = fresh {
            for (x, noise) in sample.iter_mut().zip(noise) {
                *x = kept * *x + added * noise;
            }
        }
    }
}
