//! The noise that a model was trained on.

use serde::{Deserialize, Serialize};

use super::flow_matching::FlowMatching;

/// How betas are spread over the training steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BetaSchedule {
    /// Evenly.
    Linear,
    /// Evenly in their square roots; Stable Diffusion's.
    ScaledLinear,
}

/// Which training steps an inference run visits; diffusers' `timestep_spacing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimestepSpacing {
    /// `numpy.linspace` from the first to the last.
    Linspace,
    /// Multiples counted from the start.
    Leading,
    /// Multiples counted from the end.
    Trailing,
}

/// The scheduler configuration of a diffusers pipeline, reduced to what changes pictures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoiseSchedule {
    /// Training steps, 1000 for Stable Diffusion.
    pub num_train_timesteps: u32,
    /// First beta.
    pub beta_start: f64,
    /// Last beta.
    pub beta_end: f64,
    /// How betas lie between the two.
    pub beta_schedule: BetaSchedule,
    /// Which steps are visited.
    pub timestep_spacing: TimestepSpacing,
    /// Added to the steps of `leading` spacing.
    pub steps_offset: u32,
    /// DDIM's last alpha is 1 instead of the first of the schedule.
    pub set_alpha_to_one: bool,
    /// The betas are rescaled until the last training step is noise alone (zero-terminal SNR). Needs schema 4.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rescale_betas_zero_snr: bool,
    /// Steps of the schedule that a consistency model was distilled on, of which LCM and TCD take some. Others than 50 need
    /// schema 4.
    #[serde(default = "original_inference_steps", skip_serializing_if = "is_usual")]
    pub original_inference_steps: u32,
    /// The model was trained by flow matching, and none of the betas above count. Needs schema 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowMatching>,
}

impl NoiseSchedule {
    /// A schedule with diffusers' `leading` timesteps from 1 on, and the schedule's first alpha at the end, as Stable
    /// Diffusion has them.
    #[must_use]
    pub fn new(num_train_timesteps: u32, beta_start: f64, beta_end: f64, beta_schedule: BetaSchedule) -> Self {
        Self {
            num_train_timesteps,
            beta_start,
            beta_end,
            beta_schedule,
            timestep_spacing: TimestepSpacing::Leading,
            steps_offset: 1,
            set_alpha_to_one: false,
            rescale_betas_zero_snr: false,
            original_inference_steps: ORIGINAL_INFERENCE_STEPS,
            flow: None,
        }
    }

    /// The schedule of a picture whose latent has so many cells: only a shift that grows with it is another.
    #[must_use]
    pub fn at(mut self, cells: u32) -> Self {
        self.flow = self.flow.map(|flow| flow.at(cells));
        self
    }

    /// Whether it says what readers before schema 4 do not know.
    pub(super) fn is_newer(&self) -> bool {
        self.rescale_betas_zero_snr || !is_usual(&self.original_inference_steps)
    }
}

/// What LCM and TCD have in diffusers where nobody says otherwise.
const ORIGINAL_INFERENCE_STEPS: u32 = 50;

fn original_inference_steps() -> u32 {
    ORIGINAL_INFERENCE_STEPS
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_usual(steps: &u32) -> bool {
    *steps == ORIGINAL_INFERENCE_STEPS
}
