//! Step counts that a scheduler cannot make.

use crate::error::Error;

/// The refusal of a step count at which the timestep spacing leaves the schedule or makes two steps one.
pub(super) fn too_fine(steps: usize) -> Error {
    Error::request("steps", format!("of {steps} are too many for this scheduler and timestep spacing; take fewer"))
}

/// The refusal of a step count above `most`.
pub(super) fn too_many_steps(steps: usize, most: usize) -> Error {
    Error::request("steps", format!("must be at most {most} with this scheduler and model, not {steps}"))
}
