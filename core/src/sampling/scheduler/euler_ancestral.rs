//! Euler's method with fresh noise in each step: k-diffusion's `sample_euler_ancestral`; diffusers'
//! `EulerAncestralDiscreteScheduler`.

use super::euler::Ladder;
use super::solver::Solver;
use super::training::Training;
use crate::model::manifest::{NoiseSchedule, PredictionType};

/// Each step goes below the next noise level, then adds noise up to it.
#[derive(Debug)]
pub(super) struct EulerAncestral {
    ladder: Ladder,
}

impl EulerAncestral {
    pub(super) fn new(
        schedule: &NoiseSchedule,
        training: &Training,
        prediction: PredictionType,
        timesteps: &[f64],
    ) -> Self {
        Self { ladder: Ladder::new(schedule, training, prediction, timesteps) }
    }

    /// How far down the step goes and how much noise it then adds: σ_down, σ_up.
    fn split(&self, index: usize) -> (f32, f32) {
        let (from, to) = (self.ladder.sigmas[index], self.ladder.sigmas[index + 1]);
        let (from2, to2) = (from * from, to * to);
        let up = (to2 * (from2 - to2) / from2).sqrt();
        ((to2 - up * up).sqrt(), up)
    }
}

impl Solver for EulerAncestral {
    fn init_noise_sigma(&self) -> f32 {
        self.ladder.init_noise_sigma
    }

    fn input_divisor(&self, index: usize) -> f32 {
        self.ladder.input_divisor(index)
    }

    fn mix(&self, index: usize) -> (f32, f32) {
        (1.0, self.ladder.sigmas[index])
    }

    /// In the last step too, where it is multiplied by 0: diffusers draws it.
    fn draws_noise(&self, _: usize) -> bool {
        true
    }

    fn step(&self, index: usize, model_output: &[f32], noise: &[f32], sample: &mut [f32], denoised: &mut [f32]) {
        let from = self.ladder.sigmas[index];
        let (down, up) = self.split(index);
        for (((x, &output), clean), noise) in sample.iter_mut().zip(model_output).zip(denoised).zip(noise) {
            *clean = self.ladder.clean(index, *x, output);
            *x = *x + (*x - *clean) / from * (down - from) + noise * up;
        }
    }
}
