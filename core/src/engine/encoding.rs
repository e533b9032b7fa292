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
    ///
    /// A U-Net that takes a region gets all of the picture as one where there is none, as AUTOMATIC1111's web UI has it.
    pub(super) fn start(&mut self, job: &mut Job<'_>, canvas: Option<&Canvas>) -> Result<Start> {
        let (request, takes_region) = (job.request, self.bundle.manifest().takes_region());
        let redrawn = canvas.map(|canvas| canvas.cells(self.bundle.manifest().latent.scale)).transpose()?;
        let mut start = Start { redrawn, ..Start::default() };
        if let Some(init) = &request.init {
            start.from_noise = canvas.is_some() && init.strength >= 1.0;
            let fitted = canvas.is_none().then(|| init.picture.fitted(job.plan.width, job.plan.height)).transpose()?;
            let picture = canvas.map(|canvas| &canvas.picture).or(fitted.as_ref());
            // A U-Net that takes a region needs nothing of it to start from noise.
            let needed = !(takes_region && start.from_noise);
            start.latent = picture.filter(|_| needed).map(|p| self.encode_one(job, p.to_planes())).transpose()?;
        }
        if takes_region {
            start.beside = self.beside(job, canvas, start.redrawn.as_deref())?;
            start.tells_region = true;
        }
        if self.bundle.manifest().takes_image() {
            start.beside = self.image_latents(job)?;
        }
        self.release(|engine| &mut engine.vae_encoder);
        Ok(start)
    }

    /// What a U-Net that takes a region is given beside the noisy latent.
    fn beside(&mut self, job: &mut Job<'_>, canvas: Option<&Canvas>, redrawn: Option<&[f32]>) -> Result<Vec<f32>> {
        let [_, height, width] = job.latent(&self.bundle);
        let mut beside = redrawn.map_or_else(|| vec![1.0; height * width], <[f32]>::to_vec);
        let pixels = job.plan.width as usize * job.plan.height as usize;
        let kept = canvas.map_or_else(|| vec![0.0; 3 * pixels], Canvas::kept_planes);
        beside.extend(self.encode_one(job, kept)?);
        Ok(beside)
    }

    /// The latent of the picture that is to be changed; zeros where there is none.
    fn image_latents(&mut self, job: &mut Job<'_>) -> Result<Vec<f32>> {
        let Some(image) = &job.request.image else { return Ok(vec![0.0; job.latent(&self.bundle).iter().product()]) };
        let fitted = image.fitted(job.plan.width, job.plan.height)?;
        self.encode_one(job, fitted.to_planes())
    }

    /// The latent of a picture of the request's size, as `3 × height × width` in -1..1.
    fn encode_one(&mut self, job: &mut Job<'_>, planes: Vec<f32>) -> Result<Vec<f32>> {
        let running = Instant::now();
        let (latent, loading) = self.encode(planes, (job.plan.width, job.plan.height), job.cancel)?;
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
        Ok(self.encode(picture.to_planes(), (picture.width, picture.height), cancel)?.0)
    }

    /// The scaled latent of `3 × height × width` in -1..1, and how long loading the graph took.
    fn encode(
        &mut self,
        planes: Vec<f32>,
        (width, height): (u32, u32),
        cancel: &CancelToken,
    ) -> Result<(Vec<f32>, Duration)> {
        let (width, height) = (width as usize, height as usize);
        let loading = Instant::now();
        let dimensions = vec![("batch", 1), ("height", height), ("width", width)];
        let purpose = Purpose::new(bundle::VAE_ENCODER, self.arrangement.form, dimensions);
        let encoder = self.vae_encoder.get(&self.bundle, &self.place, purpose)?;
        let loading = loading.elapsed();
        let (shape, mut latent) = encoder.run("image", &[1, 3, height, width], planes, cancel)?;
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
