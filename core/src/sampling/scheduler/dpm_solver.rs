//! DPM-Solver++ (2M): Lu et al. 2022 (arXiv 2211.01095), algorithm 2; diffusers' `DPMSolverMultistepScheduler` with its
//! defaults (`dpmsolver++`, order 2, `midpoint`, `lower_order_final`, `final_sigmas_type = "zero"`).

use super::prediction::Level;
use super::refused::too_fine;
use super::solver::Solver;
use super::spacing::spaced;
use crate::error::Result;
use crate::model::manifest::{NoiseSchedule, PredictionType, TimestepSpacing};
use crate::sampling::rounded;

/// The coefficients of each step.
#[derive(Debug)]
pub(super) struct DpmSolver {
    prediction: PredictionType,
    steps: Vec<Step>,
}

/// x ← sample·x - clean·x₀ - slope·(x₀ - previous x₀)/r
#[derive(Debug, Clone, Copy)]
struct Step {
    from: Level,
    sample: f32,
    clean: f32,
    /// `None` in the first step made and in the last, which are of first order.
    second: Option<Second>,
}

#[derive(Debug, Clone, Copy)]
struct Second {
    slope: f32,
    inverse_r: f32,
}

/// The whole timesteps visited: of one more than asked for all but the lowest, except with `trailing` spacing.
pub(super) fn timesteps(schedule: &NoiseSchedule, steps: usize) -> Vec<f64> {
    let points = match schedule.timestep_spacing {
        TimestepSpacing::Trailing => steps,
        TimestepSpacing::Leading | TimestepSpacing::Linspace => steps + 1,
    };
    spaced(schedule, points).into_iter().take(steps).map(f64::round_ties_even).collect()
}

impl DpmSolver {
    /// For these falling ratios of noise to signal, then 0; `start` is the first step made.
    ///
    /// # Errors
    /// Where two of the ratios are the same, which leaves the second order undefined.
    pub(super) fn new(prediction: PredictionType, sigmas: Vec<f32>, start: usize) -> Result<Self> {
        Self::of_levels(prediction, sigmas, Level::from_ratio, start)
    }

    /// For these falling shares of noise, then 0.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(super) fn of_flow(sigmas: Vec<f32>, start: usize) -> Result<Self> {
        Self::of_levels(PredictionType::FlowPrediction, sigmas, Level::of_flow, start)
    }

    fn of_levels(
        prediction: PredictionType,
        mut sigmas: Vec<f32>,
        level: fn(f32) -> Level,
        start: usize,
    ) -> Result<Self> {
        let count = sigmas.len();
        if sigmas.windows(2).any(|pair| pair[0] <= pair[1]) {
            return Err(too_fine(count));
        }
        sigmas.push(0.0);
        let levels: Vec<Level> = sigmas.into_iter().map(level).collect();
        let step = |i: usize| {
            let before = (i > start && i + 1 < count).then(|| levels[i - 1]);
            Step::new(before, levels[i], levels[i + 1])
        };
        Ok(Self { prediction, steps: (0..count).map(step).collect() })
    }
}

impl Step {
    fn new(before: Option<Level>, from: Level, to: Level) -> Self {
        let h = to.lambda() - from.lambda();
        let clean = to.alpha * (rounded::exp(-h) - 1.0);
        let second = before.map(|before| {
            let r = (from.lambda() - before.lambda()) / h;
            Second { slope: 0.5 * clean, inverse_r: 1.0 / r }
        });
        Self { from, sample: to.sigma / from.sigma, clean, second }
    }
}

impl Solver for DpmSolver {
    fn mix(&self, index: usize) -> (f32, f32) {
        let Level { alpha, sigma } = self.steps[index].from;
        (alpha, sigma)
    }

    fn step(&self, index: usize, model_output: &[f32], _: &[f32], sample: &mut [f32], denoised: &mut [f32]) {
        let step = self.steps[index];
        for ((x, &output), denoised) in sample.iter_mut().zip(model_output).zip(denoised) {
            let before = *denoised;
            let clean = step.from.clean(self.prediction, *x, output);
            let first = step.sample * *x - step.clean * clean;
            *x = match step.second {
                None => first,
                Some(Second { slope, inverse_r }) => first - slope * (inverse_r * (clean - before)),
            };
            *denoised = clean;
        }
    }
}
