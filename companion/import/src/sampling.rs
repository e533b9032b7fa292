//! What a model's scheduler says of how it is drawn with.

use cones_core::model::manifest::{NoiseSchedule, PredictionType, TimestepSpacing};
use cones_core::sampling::scheduler::Scheduler;

/// What a model's scheduler says of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sampling {
    /// The noise it was trained on.
    pub(super) noise_schedule: NoiseSchedule,
    /// What the U-Net predicts.
    pub(super) prediction_type: PredictionType,
    /// What it is drawn with where nobody says otherwise: its own, or the one most like it.
    pub(super) scheduler: Scheduler,
}

impl Sampling {
    /// Whether it is what models of one to four steps come with (SD-Turbo, Lightning, Hyper-SD): Euler's method from the very
    /// last training step on. Models with zero-terminal SNR begin there too, and are guided.
    pub(super) fn is_turbo(&self) -> bool {
        let own = [Scheduler::Euler, Scheduler::EulerAncestral].contains(&self.scheduler);
        own && self.noise_schedule.timestep_spacing == TimestepSpacing::Trailing
            && !self.noise_schedule.rescale_betas_zero_snr
            && self.prediction_type == PredictionType::Epsilon
    }
}
