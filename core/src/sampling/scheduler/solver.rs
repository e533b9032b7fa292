//! What a scheduler is to a run.

use std::fmt;

/// A scheduler's coefficients for each step of a whole run. Holds no state: that is the run's.
///
/// `index` counts from the first step of a whole run, also where img2img starts later, and is in range; all slices have
/// the length of the latent.
pub(super) trait Solver: fmt::Debug + Send + Sync {
    /// What pure noise is multiplied by to start from; diffusers' `init_noise_sigma`.
    fn init_noise_sigma(&self) -> f32 {
        1.0
    }

    /// What the sample is divided by before the U-Net sees it; diffusers' `scale_model_input`.
    fn input_divisor(&self, _index: usize) -> f32 {
        1.0
    }

    /// Factors of latent and noise that make the sample at this step; diffusers' `add_noise`.
    fn mix(&self, index: usize) -> (f32, f32);

    /// Whether this step takes fresh noise.
    fn draws_noise(&self, _index: usize) -> bool {
        false
    }

    /// One step in place.
    ///
    /// `noise` is empty unless [`Self::draws_noise`]. `denoised` holds the clean latent predicted in the step before (zeros
    /// in the first) and takes this step's.
    fn step(&self, index: usize, model_output: &[f32], noise: &[f32], sample: &mut [f32], denoised: &mut [f32]);
}
