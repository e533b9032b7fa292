//! Euler's method: Karras et al. 2022, algorithm 2 without churn; diffusers' `EulerDiscreteScheduler`.

use super::solver::Solver;
use super::training::Training;
use crate::model::manifest::{NoiseSchedule, PredictionType, TimestepSpacing};

/// Euler steps between noise levels, in the variance-exploding form x = x₀ + σ·ε.
#[derive(Debug)]
pub(super) struct Euler {
    ladder: Ladder,
}

impl Euler {
    pub(super) fn new(
        schedule: &NoiseSchedule,
        training: &Training,
        prediction: PredictionType,
        timesteps: &[f64],
    ) -> Self {
        Self { ladder: Ladder::new(schedule, training, prediction, timesteps) }
    }
}

impl Solver for Euler {
    fn init_noise_sigma(&self) -> f32 {
        self.ladder.init_noise_sigma
    }

    fn input_divisor(&self, index: usize) -> f32 {
        self.ladder.input_divisor(index)
    }

    fn mix(&self, index: usize) -> (f32, f32) {
        (1.0, self.ladder.sigmas[index])
    }

    fn step(&self, index: usize, model_output: &[f32], _: &[f32], sample: &mut [f32], denoised: &mut [f32]) {
        let (from, to) = (self.ladder.sigmas[index], self.ladder.sigmas[index + 1]);
        for ((x, &output), clean) in sample.iter_mut().zip(model_output).zip(denoised) {
            *clean = self.ladder.clean(index, *x, output);
            *x += (*x - *clean) / from * (to - from);
        }
    }
}

/// The noise levels of a run and what both Euler schedulers do with them.
#[derive(Debug)]
pub(super) struct Ladder {
    /// σ of each step, then 0.
    pub(super) sigmas: Vec<f32>,
    pub(super) init_noise_sigma: f32,
    prediction: PredictionType,
}

impl Ladder {
    /// The levels at these timesteps, which may be fractional.
    pub(super) fn new(
        schedule: &NoiseSchedule,
        training: &Training,
        prediction: PredictionType,
        timesteps: &[f64],
    ) -> Self {
        // diffusers rounds the timesteps to float32 before it looks up their levels.
        let mut sigmas: Vec<f32> = timesteps.iter().map(|&t| training.sigma_at(f64::from(t as f32))).collect();
        let highest = sigmas.iter().copied().fold(0.0, f32::max);
        sigmas.push(0.0);
        let init_noise_sigma = match schedule.timestep_spacing {
            TimestepSpacing::Linspace | TimestepSpacing::Trailing => highest,
            TimestepSpacing::Leading => (highest * highest + 1.0).sqrt(),
        };
        Self { sigmas, init_noise_sigma, prediction }
    }

    /// √(σ² + 1).
    pub(super) fn input_divisor(&self, index: usize) -> f32 {
        let sigma = self.sigmas[index];
        (sigma * sigma + 1.0).sqrt()
    }

    /// The predicted clean value x₀.
    pub(super) fn clean(&self, index: usize, sample: f32, model_output: f32) -> f32 {
        let sigma = self.sigmas[index];
        let square = sigma * sigma + 1.0;
        match self.prediction {
            PredictionType::Epsilon => sample - sigma * model_output,
            PredictionType::VPrediction => model_output * (-sigma / square.sqrt()) + sample / square,
            PredictionType::FlowPrediction => sample - sigma * model_output,
        }
    }
}
