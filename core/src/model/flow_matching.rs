//! What a model learned that was trained by flow matching.

use serde::{Deserialize, Serialize};

/// How far a flow-matching model's noise levels are pushed towards noise: diffusers' `FlowMatchEulerDiscreteScheduler`.
///
/// A noise level σ, 0 to 1, mixes `(1 - σ) · latent + σ · noise`, and the model predicts `noise - latent`; the timestep that it is
/// told is σ times the training steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FlowMatching {
    /// `shift · σ / (1 + (shift - 1) · σ)` stands in the place of evenly spread σ; diffusers' `shift` or `flow_shift`. 1 leaves them.
    pub shift: f64,
    /// The shift grows with the picture, and [`shift`](Self::shift) says nothing; diffusers' `use_dynamic_shifting`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic: Option<DynamicShift>,
}

/// A shift that grows with the picture: `exp(mu)`, with mu on a straight line over the number of patches of 2 x 2 latent cells.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DynamicShift {
    /// mu at `base_image_seq_len` patches.
    pub base_shift: f64,
    /// mu at `max_image_seq_len` patches.
    pub max_shift: f64,
    /// Patches of a small picture.
    pub base_image_seq_len: u32,
    /// Patches of a large picture.
    pub max_image_seq_len: u32,
    /// Patches of the picture at hand; of a large one where nobody says. No part of a manifest.
    #[serde(skip)]
    pub image_seq_len: Option<u32>,
}

impl FlowMatching {
    /// Levels that are pushed in the same way at every size.
    #[must_use]
    pub fn new(shift: f64) -> Self {
        Self { shift, dynamic: None }
    }

    /// Levels that are pushed by the picture's size.
    #[must_use]
    pub fn with_dynamic(mut self, dynamic: DynamicShift) -> Self {
        self.dynamic = Some(dynamic);
        self
    }

    /// For a latent of so many cells.
    #[must_use]
    pub fn at(mut self, cells: u32) -> Self {
        if let Some(dynamic) = &mut self.dynamic {
            dynamic.image_seq_len = Some(cells / PATCH);
        }
        self
    }

    /// The shift of the picture at hand.
    #[must_use]
    pub fn resolved(&self) -> f64 {
        self.dynamic.map_or(self.shift, |dynamic| dynamic.mu().exp())
    }
}

/// Cells of a patch, 2 x 2.
const PATCH: u32 = 4;

impl DynamicShift {
    /// mu at two numbers of patches.
    #[must_use]
    pub fn new([base_shift, max_shift]: [f64; 2], [base_image_seq_len, max_image_seq_len]: [u32; 2]) -> Self {
        Self { base_shift, max_shift, base_image_seq_len, max_image_seq_len, image_seq_len: None }
    }

    /// diffusers' `calculate_shift`.
    #[must_use]
    pub fn mu(&self) -> f64 {
        let (base, most) = (f64::from(self.base_image_seq_len), f64::from(self.max_image_seq_len));
        let slope = (self.max_shift - self.base_shift) / (most - base);
        f64::from(self.image_seq_len.unwrap_or(self.max_image_seq_len)) * slope + (self.base_shift - slope * base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_picture_is_pushed_further() {
        let flow = FlowMatching::new(3.0).with_dynamic(DynamicShift::new([0.5, 1.16], [256, 4096]));
        assert!((flow.at(4 * 256).resolved() - 0.5f64.exp()).abs() < 1e-12);
        assert!((flow.at(4 * 4096).resolved() - 1.16f64.exp()).abs() < 1e-12);
        assert_eq!(flow.resolved(), flow.at(4 * 4096).resolved(), "silence is the largest");
        let fixed = FlowMatching::new(3.0);
        assert_eq!((fixed.resolved(), fixed.at(64).resolved()), (3.0, 3.0));
    }
}
