//! The noise levels a model was trained on.

use crate::error::{Error, Result};
use crate::model::manifest::{BetaSchedule, NoiseSchedule};

/// More training steps than any model has; keeps a hostile bundle from asking for gigabytes.
const MOST_STEPS: u32 = 100_000;
/// ᾱ of the last step under zero-terminal SNR where a ratio of noise to signal is taken of it: as diffusers has it, the
/// smallest subnormal of float16, for with 0 there is no ratio.
const NEARLY_NOISE_ALONE: f32 = 1.0 / 16_777_216.0;

/// diffusers' `alphas_cumprod` and what follows from it, by training timestep.
#[derive(Debug)]
pub(super) struct Training {
    alpha_bars: Vec<f32>,
    sigmas: Vec<f32>,
}

impl Training {
    /// Computes the tables in float32 as diffusers does.
    ///
    /// # Errors
    /// [`Error::BadRequest`] naming `noise_schedule`.
    pub(super) fn new(schedule: &NoiseSchedule) -> Result<Self> {
        check(schedule)?;
        let mut betas = betas(schedule);
        if schedule.rescale_betas_zero_snr {
            betas = rescaled(&betas);
        }
        let alpha_bars = alpha_bars(&betas);
        let mut sigmas: Vec<f32> = alpha_bars.iter().map(|&a| ratio(a)).collect();
        if let Some(last) = sigmas.last_mut().filter(|_| schedule.rescale_betas_zero_snr) {
            *last = ratio(NEARLY_NOISE_ALONE);
        }
        if sigmas.iter().any(|sigma| !(sigma.is_finite() && *sigma > 0.0)) {
            return Err(Error::request("noise_schedule", "has betas that lead to no usable noise level"));
        }
        Ok(Self { alpha_bars, sigmas })
    }

    /// Number of training steps, at least 2.
    pub(super) fn len(&self) -> usize {
        self.alpha_bars.len()
    }

    /// ᾱ at a whole timestep; one past the end counts as the last. 0 at the last under zero-terminal SNR.
    pub(super) fn alpha_bar(&self, timestep: f64) -> f32 {
        self.alpha_bars[(timestep.max(0.0) as usize).min(self.len() - 1)]
    }

    /// σ = √((1 - ᾱ) / ᾱ) of all timesteps, rising; finite also where ᾱ is 0.
    pub(super) fn sigmas(&self) -> &[f32] {
        &self.sigmas
    }

    /// σ at a timestep that may be fractional, as `numpy.interp` has it; constant beyond the ends.
    pub(super) fn sigma_at(&self, timestep: f64) -> f32 {
        let below = (timestep.max(0.0) as usize).min(self.len() - 2);
        let (low, high) = (f64::from(self.sigmas[below]), f64::from(self.sigmas[below + 1]));
        let along = (timestep - below as f64).clamp(0.0, 1.0);
        ((high - low) * along + low) as f32
    }
}

/// The ratio of noise to signal.
fn ratio(alpha_bar: f32) -> f32 {
    ((1.0 - alpha_bar) / alpha_bar).sqrt()
}

/// Refuses what no table can be made of.
fn check(schedule: &NoiseSchedule) -> Result<()> {
    let steps = schedule.num_train_timesteps;
    if !(2..=MOST_STEPS).contains(&steps) {
        let reason = format!("must have 2 to {MOST_STEPS} training steps, not {steps}");
        return Err(Error::request("noise_schedule", reason));
    }
    if schedule.steps_offset >= steps {
        let reason = format!("has a steps_offset of {} with {steps} training steps", schedule.steps_offset);
        return Err(Error::request("noise_schedule", reason));
    }
    for beta in [schedule.beta_start, schedule.beta_end] {
        // Also false for NaN.
        if !(beta > 0.0 && beta < 1.0) {
            return Err(Error::request("noise_schedule", format!("must have betas between 0 and 1, not {beta}")));
        }
    }
    Ok(())
}

/// β by timestep.
fn betas(schedule: &NoiseSchedule) -> Vec<f32> {
    let steps = schedule.num_train_timesteps as usize;
    let (start, end) = (schedule.beta_start, schedule.beta_end);
    match schedule.beta_schedule {
        BetaSchedule::Linear => linspace(start as f32, end as f32, steps),
        BetaSchedule::ScaledLinear => {
            linspace(start.sqrt() as f32, end.sqrt() as f32, steps).into_iter().map(|root| root * root).collect()
        }
    }
}

/// Betas with which the last step is noise alone: Lin et al. 2023 (arXiv 2305.08891), algorithm 1; diffusers'
/// `rescale_zero_terminal_snr`.
fn rescaled(betas: &[f32]) -> Vec<f32> {
    let roots: Vec<f32> = alpha_bars(betas).into_iter().map(f32::sqrt).collect();
    let (first, last) = (roots.first().copied().unwrap_or(1.0), roots.last().copied().unwrap_or(0.0));
    let scale = first / (first - last);
    let mut before = 1.0;
    let beta = |root: f32| {
        let shifted = (root - last) * scale;
        let alpha_bar = shifted * shifted;
        let alpha = alpha_bar / before;
        before = alpha_bar;
        1.0 - alpha
    };
    roots.into_iter().map(beta).collect()
}

/// `torch.linspace` in float32, which counts from both ends to the middle.
fn linspace(start: f32, end: f32, steps: usize) -> Vec<f32> {
    let step = (end - start) / (steps - 1) as f32;
    let at = |i: usize| match i < steps / 2 {
        true => step.mul_add(i as f32, start),
        false => (-step).mul_add((steps - 1 - i) as f32, end),
    };
    (0..steps).map(at).collect()
}

/// `torch.cumprod(1 - betas)`: float32 values, accumulated in float64.
fn alpha_bars(betas: &[f32]) -> Vec<f32> {
    let mut product = 1.0f64;
    betas
        .iter()
        .map(|beta| {
            product *= f64::from(1.0 - beta);
            product as f32
        })
        .collect()
}
