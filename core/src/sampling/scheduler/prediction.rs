//! From what the U-Net predicts to the clean picture, in the form x = α·x₀ + σ·ε: with α² + σ² = 1, or of flow
//! matching with α + σ = 1.

use crate::model::manifest::PredictionType;
use crate::sampling::rounded;

/// α and σ of one noise level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub(super) alpha: f32,
    pub(super) sigma: f32,
}

impl Level {
    /// The level with this ᾱ = α².
    pub(super) fn from_alpha_bar(alpha_bar: f32) -> Self {
        Self { alpha: alpha_bar.sqrt(), sigma: (1.0 - alpha_bar).sqrt() }
    }

    /// The level with this ratio of noise to signal; diffusers' `_sigma_to_alpha_sigma_t`.
    pub(super) fn from_ratio(ratio: f32) -> Self {
        let alpha = 1.0 / (ratio * ratio + 1.0).sqrt();
        Self { alpha, sigma: ratio * alpha }
    }

    /// The level of flow matching with so much noise, 0 to 1.
    pub(super) fn of_flow(sigma: f32) -> Self {
        Self { alpha: 1.0 - sigma, sigma }
    }

    /// Half the logarithm of the signal-to-noise ratio, λ of Lu et al. 2022; infinite without noise.
    pub(super) fn lambda(self) -> f32 {
        rounded::ln(self.alpha) - rounded::ln(self.sigma)
    }

    /// The predicted clean value x₀.
    pub(super) fn clean(self, prediction: PredictionType, sample: f32, model_output: f32) -> f32 {
        match prediction {
            PredictionType::Epsilon => (sample - self.sigma * model_output) / self.alpha,
            PredictionType::VPrediction => self.alpha * sample - self.sigma * model_output,
            PredictionType::FlowPrediction => sample - self.sigma * model_output,
        }
    }

    /// The predicted noise ε.
    pub(super) fn noise(self, prediction: PredictionType, sample: f32, model_output: f32) -> f32 {
        match prediction {
            PredictionType::Epsilon => model_output,
            PredictionType::VPrediction => self.alpha * model_output + self.sigma * sample,
            PredictionType::FlowPrediction => sample + self.alpha * model_output,
        }
    }
}
