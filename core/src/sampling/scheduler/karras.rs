//! The noise levels of Karras et al. 2022, equation 5, as diffusers' `use_karras_sigmas`.

use super::training::Training;
use crate::sampling::rounded;

/// ρ of the paper.
const RHO: f64 = 7.0;

/// The levels of a run, falling, and the training timesteps nearest to them.
#[derive(Debug)]
pub(super) struct Karras {
    pub(super) sigmas: Vec<f32>,
    pub(super) timesteps: Vec<f64>,
}

impl Karras {
    /// `steps` levels from the highest to the lowest that the model was trained on.
    pub(super) fn new(training: &Training, steps: usize) -> Self {
        let sigmas = levels(training, steps);
        let logs: Vec<f32> = training.sigmas().iter().map(|&sigma| rounded::ln(sigma)).collect();
        Self {
            timesteps: sigmas.iter().map(|&sigma| timestep_of(sigma, &logs).round_ties_even()).collect(),
            sigmas: sigmas.into_iter().map(|sigma| sigma as f32).collect(),
        }
    }
}

/// `_convert_to_karras`: evenly spaced in the ρ-th root.
fn levels(training: &Training, steps: usize) -> Vec<f64> {
    let sigmas = training.sigmas();
    let root = |sigma: f32| f64::from(sigma).powf(1.0 / RHO);
    let (low, high) = (root(sigmas[0]), root(sigmas[sigmas.len() - 1]));
    // One step alone is the highest level.
    let gap = 1.0 / (steps.max(2) - 1) as f64;
    (0..steps).map(|i| (high + i as f64 * gap * (low - high)).powf(RHO)).collect()
}

/// `_sigma_to_t`: the timestep of a level by linear interpolation between the logarithms of the trained levels.
fn timestep_of(sigma: f64, logs: &[f32]) -> f64 {
    let log = sigma.max(1e-10).ln();
    let below = logs.partition_point(|&l| f64::from(l) <= log).saturating_sub(1).min(logs.len() - 2);
    let (low, high) = (logs[below], logs[below + 1]);
    let along = ((f64::from(low) - log) / f64::from(low - high)).clamp(0.0, 1.0);
    (1.0 - along) * below as f64 + along * (below + 1) as f64
}
