//! Which training steps are visited: diffusers' `timestep_spacing`.
//!
//! Source: table 2 of Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps are Flawed".

use crate::model::manifest::{NoiseSchedule, TimestepSpacing};

/// `points` timesteps in falling order, not yet rounded for `linspace`, whole for the others.
pub(super) fn spaced(schedule: &NoiseSchedule, points: usize) -> Vec<f64> {
    let train = schedule.num_train_timesteps;
    match schedule.timestep_spacing {
        TimestepSpacing::Linspace => linspace(f64::from(train - 1), points),
        TimestepSpacing::Leading => {
            let ratio = train as usize / points;
            (0..points).rev().map(|i| (i * ratio) as f64 + f64::from(schedule.steps_offset)).collect()
        }
        TimestepSpacing::Trailing => trailing(f64::from(train), points),
    }
}

/// `numpy.linspace(0, last, points)` reversed. One point is 0, as in numpy.
fn linspace(last: f64, points: usize) -> Vec<f64> {
    let step = last / (points.max(2) - 1) as f64;
    let at = |i: usize| if i > 0 && i + 1 == points { last } else { i as f64 * step };
    (0..points).rev().map(at).collect()
}

/// `numpy.arange(train, 0, -train / points).round() - 1`, with numpy's way of taking the increment from the first two
/// values; but never more than `points` values.
fn trailing(train: f64, points: usize) -> Vec<f64> {
    let increment = (train - train / points as f64) - train;
    (0..points).map(|i| (train + i as f64 * increment).round_ties_even() - 1.0).collect()
}
