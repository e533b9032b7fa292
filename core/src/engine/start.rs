//! Where denoising begins: noise alone, a picture, or a picture of which a region is drawn anew.

use crate::error::Result;
use crate::sampling::scheduler::Run;

/// Where denoising begins.
#[derive(Debug, Default)]
pub(super) struct Start {
    /// The scaled latent of the picture that it starts from.
    pub(super) latent: Option<Vec<f32>>,
    /// Of a picture that is drawn anew in part: 1 for each cell of the latent that is redrawn, 0 for one that is kept.
    pub(super) redrawn: Option<Vec<f32>>,
    /// What the U-Net takes beside the noisy latent, if it was trained for that: the cells that are redrawn, and the latent
    /// of the picture without them; or the latent of a picture that is to be changed.
    pub(super) beside: Vec<f32>,
    /// Whether the U-Net is told of the region.
    pub(super) tells_region: bool,
    /// Whether the first sample is noise alone all the same: `StableDiffusionInpaintPipeline` with strength 1.
    pub(super) from_noise: bool,
}

impl Start {
    /// The first sample, of this noise.
    pub(super) fn sample(&self, schedule: &Run, noise: &[f32], sample: &mut [f32]) -> Result<()> {
        match &self.latent {
            Some(latent) if !self.from_noise => schedule.add_noise(0, latent, noise, sample),
            _ => {
                let sigma = schedule.init_noise_sigma();
                sample.iter_mut().zip(noise).for_each(|(s, n)| *s = n * sigma);
                Ok(())
            }
        }
    }

    /// Puts the cells that are kept back into the sample after a step: as they would be before step `next` with the same
    /// noise, and behind the last step as they are. A U-Net that is told of the region draws them itself.
    pub(super) fn keep(&self, schedule: &Run, next: usize, noise: &[f32], sample: &mut [f32]) -> Result<()> {
        let (Some(latent), Some(redrawn), true) = (&self.latent, &self.redrawn, !self.tells_region) else {
            return Ok(());
        };
        let mut own = latent.clone();
        if next < schedule.len() {
            schedule.add_noise(next, latent, noise, &mut own)?;
        }
        let cells = redrawn.len().max(1);
        for (sample, own) in sample.chunks_exact_mut(cells).zip(own.chunks_exact(cells)) {
            for ((sample, own), redrawn) in sample.iter_mut().zip(own).zip(redrawn) {
                *sample = (1.0 - redrawn) * own + redrawn * *sample;
            }
        }
        Ok(())
    }
}
