//! From a picture to its latent.

use std::time::{Duration, Instant};

use super::Engine;
use super::job::Job;
use super::start::Start;
use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::model::bundle;
use crate::picture::Picture;
use crate::picture::canvas::Canvas;
use crate::runtime::finite;
use crate::runtime::graphs::Purpose;

impl Engine {
    /// What is put before the model of an init picture that is drawn anew in part.
    pub(super) fn canvas(job: &mut Job<'_>) -> Result<Option<Canvas>> {
        let Some(init) = &job.request.init else { return Ok(None) };
        if !init.picture.is_whole() {
            return Err(Error::request("init", "picture has another number of bytes than its size says"));
        }
        let whole = init.inpaint.as_ref().is_none_or(|inpaint| inpaint.padding_mask_crop.is_none());
        let (own_width, own_height) = init.size();
        let (width, height) = (job.plan.width, job.plan.height);
        if whole && own_width * u64::from(height) != own_height * u64::from(width) {
            job.warnings.push(format!(
                "the init picture has {own_width} x {own_height} pixels; its middle was cut to the aspect of {width} x {height}"
            ));
        }
        init.inpaint.as_ref().map(|inpaint| Canvas::new(&init.picture, inpaint, width, height)).transpose()
    }

    /// Where denoising begins.
    pub(super) fn start(&mut self, job: &mut Job<'_>, canvas: Option<&Canvas>) -> Result<Start> {
        let Some(init) = &job.request.init else { return Ok(Start::default()) };
        let redrawn = canvas.map(|canvas| canvas.cells(self.bundle.manifest().latent.scale)).transpose()?;
        let latent = match canvas {
            Some(canvas) => self.encode_one(job, &canvas.picture)?,
            None => self.encode_one(job, &init.picture.fitted(job.plan.width, job.plan.height)?)?,
        };
        self.release(|engine| &mut engine.vae_encoder);
        let from_noise = redrawn.is_some() && init.strength >= 1.0;
        Ok(Start { latent: Some(latent), redrawn, from_noise })
    }

    fn encode_one(&mut self, job: &mut Job<'_>, picture: &Picture) -> Result<Vec<f32>> {
        let running = Instant::now();
        let (latent, loading) = self.encode(picture, job.cancel)?;
        job.timings.loading += loading;
        job.timings.runtime += running.elapsed().saturating_sub(loading);
        Ok(latent)
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
