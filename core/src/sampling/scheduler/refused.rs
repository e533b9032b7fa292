//! Step counts that a scheduler cannot make.

use super::choice::Scheduler;
use crate::error::Error;

/// The refusal of a step count at which the timestep spacing leaves the schedule or makes two steps one.
pub(super) fn too_fine(steps: usize) -> Error {
    Error::request("steps", format!("of {steps} are too many for this scheduler and timestep spacing; take fewer"))
}

/// The refusal of a step count above `most`.
pub(super) fn too_many_steps(steps: usize, most: usize) -> Error {
    Error::request("steps", format!("must be at most {most} with this scheduler and model, not {steps}"))
}

/// The refusal of a scheduler that divides by the share of signal, where there is none.
pub(super) fn noise_alone(kind: Scheduler) -> Error {
    let reason =
        "here: the schedule begins with noise alone (zero-terminal SNR), and this base model's U-Net predicts noise";
    Error::request("scheduler", format!("cannot be {kind} {reason}; take euler, euler-a or dpm++2m"))
}
