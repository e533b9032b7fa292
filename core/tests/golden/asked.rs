//! What the cases of golden pictures have in common.

use cones_core::Request;
use serde::Deserialize;

/// Lowest likeness to diffusers' picture that is allowed, in dB.
pub(super) const LEAST: f64 = 45.0;

/// What a case asks for, as the scripts write it.
#[derive(Deserialize)]
pub(super) struct Asked {
    pub(super) prompt: String,
    negative_prompt: String,
    seed: u64,
    pub(super) scheduler: String,
    steps: u32,
}

impl Asked {
    pub(super) fn request(&self, guidance: f32) -> Request {
        Request::new(&self.prompt)
            .with_negative_prompt(&self.negative_prompt)
            .with_seed(self.seed)
            .with_guidance(guidance)
            .with_steps(self.steps)
            .with_scheduler(self.scheduler.parse().expect("a scheduler"))
    }
}
