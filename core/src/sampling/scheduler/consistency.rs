//! Which timesteps models distilled for few steps visit: those of the schedule that they were distilled on, evenly; diffusers'
//! `LCMScheduler` and `TCDScheduler` alike. Takes no notice of the bundle's timestep spacing.

use super::refused::too_many_steps;
use super::training::Training;
use crate::error::{Error, Result};
use crate::model::manifest::NoiseSchedule;

/// The timesteps visited: `steps` of the original ones (`original_inference_steps`), evenly.
///
/// # Errors
/// Where there are more steps than original ones, or more of these than training steps, or none.
pub(super) fn timesteps(schedule: &NoiseSchedule, training: &Training, steps: usize) -> Result<Vec<f64>> {
    let original = schedule.original_inference_steps as usize;
    if original == 0 || training.len() < original {
        let reason = format!("has {original} original_inference_steps with {} training steps", training.len());
        return Err(Error::request("noise_schedule", reason));
    }
    if steps > original {
        return Err(too_many_steps(steps, original));
    }
    let stride = training.len() / original;
    let gap = original as f64 / steps as f64;
    let at = |i: usize| {
        let skipped = ((i as f64 * gap) as usize).min(original - 1);
        ((original - skipped) * stride - 1) as f64
    };
    Ok((0..steps).map(at).collect())
}
