//! From a picture to its latent.

use std::time::{Duration, Instant};

use super::Engine;
use super::job::Job;
use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::model::bundle;
use crate::picture::Picture;
use crate::runtime::finite;
use crate::runtime::graphs::Purpose;

impl Engine {
    /// The scaled latent of the init image.
    pub(super) fn encode_init(&mut self, job: &mut Job<'_>) -> Result<Option<Vec<f32>>> {
        let Some(init) = &job.request.init else { return Ok(None) };
        if !init.picture.is_whole() {
            return Err(Error::request("init", "picture has another number of bytes than its size says"));
        }
        let (width, height) = (job.plan.width, job.plan.height);
        if u64::from(init.picture.width) * u64::from(height) != u64::from(init.picture.height) * u64::from(width) {
            let (own_width, own_height) = (init.picture.width, init.picture.height);
            job.warnings.push(format!(
                "the init picture has {own_width} x {own_height} pixels; its middle was cut to the aspect of {width} x {height}"
            ));
        }
        let picture = init.picture.fitted(width, height)?;
        let running = Instant::now();
        let (latent, loading) = self.encode(&picture, job.cancel)?;
        job.timings.loading += loading;
        job.timings.runtime += running.elapsed().saturating_sub(loading);
        self.release(|engine| &mut engine.vae_encoder);
        Ok(Some(latent))
    }

    /// The latent of a picture as the U-Net sees it, `channels × height / scale × width / scale`: the mean of the VAE's
    /// posterior, shifted and scaled.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the picture's sides are no multiples that the VAE takes; [`Error::BadBundle`] when the
    /// bundle has no VAE encoder; as [`generate`](Self::generate).
    pub fn encode_picture(&mut self, picture: &Picture, cancel: &CancelToken) -> Result<Vec<f32>> {
        let multiple = self.bundle.manifest().latent.multiple;
        if !picture.is_whole() || !picture.width.is_multiple_of(multiple) || !picture.height.is_multiple_of(multiple) {
            let reason =
                format!("has {} x {} pixels; both must be multiples of {multiple}", picture.width, picture.height);
            return Err(Error::request("picture", reason));
        }
        if let Some(reason) = self.bundle.manifest().fixed.refuses(picture.width, picture.height) {
            return Err(Error::request("picture", reason));
        }
        Ok(self.encode(picture, cancel)?.0)
    }

    /// The scaled latent, and how long loading the graph took.
    pub(super) fn encode(&mut self, picture: &Picture, cancel: &CancelToken) -> Result<(Vec<f32>, Duration)> {
        let (width, height) = (picture.width as usize, picture.height as usize);
        let loading = Instant::now();
        let dimensions = vec![("batch", 1), ("height", height), ("width", width)];
        let purpose = Purpose { name: bundle::VAE_ENCODER, form: self.arrangement.form, dimensions };
        let encoder = self.vae_encoder.get(&self.bundle, &self.place, purpose)?;
        let loading = loading.elapsed();
        let (shape, mut latent) = encoder.run("image", &[1, 3, height, width], picture.to_planes(), cancel)?;
        let manifest = self.bundle.manifest();
        let scale = manifest.latent.scale as usize;
        let expected = [1, manifest.latent.channels as usize, height / scale, width / scale];
        if shape != expected {
            let reason = format!("it gave shape {shape:?} instead of {expected:?}");
            return Err(Error::bundle(bundle::VAE_ENCODER, reason));
        }
        finite::check(bundle::VAE_ENCODER, &latent)?;
        for value in &mut latent {
            *value = (*value - manifest.vae.shift_factor as f32) * manifest.vae.scaling_factor as f32;
        }
        Ok((latent, loading))
    }
}
