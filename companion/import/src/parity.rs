//! The last check: one step and one decode with the new graphs, beside the same with the export they were made of.

mod beside;
mod halves;
mod texts;

use std::fmt;

use cones_core::model::bundle::{
    ATTENTION, ENCODER_ATTENTION_MASK, TEXT_EMBEDS, TIME_IDS, UNET, UNET_PLAIN, VAE_DECODER, VAE_ENCODER,
};
use cones_core::model::manifest::TimestepSpacing;
use cones_core::sampling::guidance;
use cones_core::sampling::noise::TorchGenerator;
use cones_core::sampling::scheduler::{self, Run, Scheduler};

pub(super) use self::beside::Beside;
use self::beside::{Pair, Stop, loaded, output, run};
use self::texts::Text;
use crate::distance::psnr;
use crate::error::Result;
use crate::interface;
use crate::pictures;
use crate::projection::TEXT;
use crate::runner::Given;
use crate::safetensors_file::SafetensorsFile;

/// How near a bundle's graphs are to the export they were made of.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Parity {
    /// Of the text encoder's hidden state, or of what two give, whichever is further off: the root mean square of the difference over that of the export's.
    pub text: f64,
    /// Of what the U-Net says in one step, as a share of the export's like `text`, with K and V computed outside of it;
    /// the plain graph's where that is further off.
    pub step: f64,
    /// Of the latent of a picture, as a share of the export's like `text`; `None` where the export draws it with noise, so
    /// that it is another each time.
    pub latent: Option<f64>,
    /// Peak signal-to-noise ratio in dB of the picture that is decoded after the step; infinite for equal pictures.
    pub picture: f64,
}

impl fmt::Display for Parity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.picture.is_infinite() {
            true => f.write_str("one step and one decode give the export's picture to the bit")?,
            false => write!(f, "one step and one decode give a picture {:.1} dB from the export's", self.picture)?,
        }
        write!(f, "; text encoder off by {:.0e}, U-Net by {:.0e}", self.text, self.step)?;
        match self.latent {
            Some(latent) => write!(f, ", VAE encoder by {latent:.0e}"),
            None => f.write_str(", VAE encoder not compared: the export's draws with noise"),
        }
    }
}

/// What a comparison found.
pub(super) struct Found {
    pub(super) parity: Parity,
    /// Samples of a run, where the U-Net leaves their number free and takes no other.
    pub(super) batch: Option<u32>,
}

impl Beside<'_> {
    /// Draws one step with both; a reason instead, where the export itself does not run.
    ///
    /// # Errors
    /// When a graph gives numbers that are not finite; when a new one does not run or computes something else.
    pub(super) fn compare(&self) -> Result<Result<Found, String>> {
        match self.step() {
            Ok(found) => Ok(Ok(found)),
            Err(Stop::Export(reason)) => Ok(Err(reason)),
            Err(Stop::Fault(error)) => Err(error),
        }
    }

    fn step(&self) -> Result<Found, Stop> {
        let Text { embedding: Pair { expected: hidden, found: own_hidden, off: text }, pooled } =
            if self.manifest.given_text.is_some() { self.given_text()? } else { self.text()? };
        let tokens = self.manifest.text.max_length as usize;
        let [channels, rows, columns] = self.latent();
        let run = self.schedule()?;
        let mut sample = vec![0.0; channels * rows * columns];
        TorchGenerator::new(0).fill_normal(&mut sample);
        sample.iter_mut().for_each(|value| *value *= run.init_noise_sigma());
        let mut input = vec![0.0; sample.len()];
        run.scale_model_input(0, &sample, &mut input)?;
        let shape = [1, channels, rows, columns];
        let taken = self.manifest.unet_channels() as usize;
        // A region and the picture around it, where the U-Net takes these.
        let mut beside = vec![0.0; (taken - channels) * rows * columns];
        TorchGenerator::new(1).fill_normal(&mut beside);
        input.extend(beside);
        let mut noisy = vec![
            Given::new("sample", &[1, taken, rows, columns], input),
            Given::new("timestep", &[1], vec![run.timesteps().first().copied().unwrap_or(0.0)]),
        ];
        if let Some(width) = self.manifest.time_cond_proj_dim.map(|width| width as usize) {
            let told = guidance::embedding(self.manifest.defaults.guidance, width);
            noisy.push(Given::new(interface::GUIDANCE, &[1, width], told));
        }
        let mut with_text = noisy.clone();
        with_text.push(Given::new(TEXT, &[1, tokens, hidden.len() / tokens.max(1)], hidden));
        let mut with_keys = noisy;
        with_keys.extend(self.keys_values(&own_hidden, tokens)?);
        if self.manifest.takes_mask() {
            // The last token fills up.
            let mask: Vec<f32> = (0..tokens).map(|token| if token + 1 < tokens { 1.0 } else { 0.0 }).collect();
            let mask = Given::new(ENCODER_ATTENTION_MASK, &[1, tokens], mask);
            with_text.push(mask.clone());
            with_keys.push(mask);
        }
        if self.manifest.addition_embed_type.is_some() {
            let size = Given::new(TIME_IDS, &[1, 2], vec![1024.0, 960.0]);
            with_text.push(size.clone());
            with_keys.push(size);
        }
        if self.denoiser.is_side_by_side() {
            with_text.iter_mut().filter(|given| given.name == "sample").for_each(halves::side_by_side);
        }
        if let Some(Pair { expected, found, .. }) = pooled {
            // A picture that was cut: no two numbers are the same.
            let sizes = Given::new(TIME_IDS, &[1, 6], [1024, 960, 64, 32, 768, 832].map(|size| size as f32).to_vec());
            with_text.extend([Given::new(TEXT_EMBEDS, &[1, expected.len()], expected), sizes.clone()]);
            with_keys.extend([Given::new(TEXT_EMBEDS, &[1, found.len()], found), sizes]);
        }
        let mut batch = self.only_batch(&with_text)?;
        let given: [&[Given]; 2] = [&with_text, &with_keys];
        let said = match self.pair(self.onnx, UNET, given, batch.unwrap_or(1)) {
            // The export may have made something of one sample by broadcasting, where the new graph cannot.
            Err(Stop::Fault(error)) if batch.is_none() && self.manifest.fixed.batch.is_none() => {
                batch = Some(2);
                self.pair(self.onnx, UNET, given, 2).map_err(|_| error)?
            }
            said => said?,
        };
        let samples = batch.unwrap_or(1);
        let mut step = said.off;
        if let Some(plain) = self.plain {
            step = step.max(self.pair(plain, UNET_PLAIN, given, samples)?.off);
        }

        let clean = [Given::new("latent", &shape, self.denoised(run, &said.expected, &sample)?)];
        let own_clean = [Given::new("latent", &shape, self.denoised(self.schedule()?, &said.found, &sample)?)];
        let decoded = self.pair(self.onnx, VAE_DECODER, [&clean, &own_clean], 1)?;
        let latent = self.encode(&shape)?;
        let picture = psnr(&decoded.expected, &decoded.found);
        let batch = batch.and_then(|batch| u32::try_from(batch).ok());
        Ok(Found { parity: Parity { text, step, latent, picture }, batch })
    }

    /// How many samples the export's U-Net takes, where it says any number and takes one of 1 and 2 alone: some exporters
    /// write the example's into reshapes.
    fn only_batch(&self, given: &[Given]) -> Result<Option<usize>, Stop> {
        if self.manifest.fixed.batch.is_some() {
            return Ok(None);
        }
        let file = self.graph_file(self.onnx, UNET)?;
        let mut runner = loaded(&file)?;
        let mut runs = |samples| runner.run(given, output(UNET), samples);
        match (runs(1), runs(2)) {
            (Ok(_), Ok(_)) => Ok(None),
            (Ok(_), Err(_)) => Ok(Some(1)),
            (Err(_), Ok(_)) => Ok(Some(2)),
            (Err(error), Err(_)) => Err(Stop::Export(error.to_string())),
        }
    }

    /// Two steps of DDIM, or of flow matching along the flow, of which the first is made: from the middle of the schedule.
    fn schedule(&self) -> Result<Run> {
        let manifest = self.manifest;
        let steps = manifest.noise_schedule.num_train_timesteps.min(2) as usize;
        // Steps counted from the end would begin with noise alone, or nearly so.
        let mut schedule = manifest.noise_schedule;
        schedule.timestep_spacing = TimestepSpacing::Leading;
        let kind = if schedule.flow.is_some() { Scheduler::Euler } else { Scheduler::Ddim };
        Ok(scheduler::plan(kind, &schedule, manifest.prediction_type, steps, None)?)
    }

    /// What the U-Net takes for a clean latent, as the VAE decodes it.
    fn denoised(&self, mut run: Run, said: &[f32], sample: &[f32]) -> Result<Vec<f32>> {
        let mut sample = sample.to_vec();
        run.step(0, said, &mut sample, &mut TorchGenerator::new(0))?;
        let vae = self.manifest.vae;
        let unscaled = |value: &f32| *value / vae.scaling_factor as f32 + vae.shift_factor as f32;
        Ok(run.denoised().iter().map(unscaled).collect())
    }

    /// K and V of every layer, from the weights that the bundle keeps of it.
    fn keys_values(&self, hidden: &[f32], tokens: usize) -> Result<Vec<Given>> {
        let weights = SafetensorsFile::open(&self.folder.join(ATTENTION))?;
        let each = self.manifest.layers.iter().map(|layer| {
            let values = product(hidden, &weights.values(&layer.name)?, layer.columns as usize);
            Ok(Given::new(&layer.name, &[1, tokens, layer.rows as usize], values))
        });
        each.collect()
    }

    /// How far the latent of a picture is off.
    fn encode(&self, latent: &[usize; 4]) -> Result<Option<f64>, Stop> {
        let scale = self.manifest.latent.scale as usize;
        let (height, width) = (latent[2] * scale, latent[3] * scale);
        let signed = pictures::picture(2, height, width).into_iter().map(|value| 2.0 * value - 1.0).collect();
        let given = [Given::new("image", &[1, 3, height, width], signed)];
        let output = interface::VAE_ENCODER.output.name;
        let expected = {
            let file = self.graph_file(self.onnx, VAE_ENCODER)?;
            let mut runner = loaded(&file)?;
            let first = run(&mut runner, &file, &given, output, 1)?;
            if first != run(&mut runner, &file, &given, output, 1)? {
                return Ok(None);
            }
            // The mean comes before the log variance.
            first.into_iter().take(latent.iter().product()).collect::<Vec<_>>()
        };
        Ok(Some(self.nearest(VAE_ENCODER, output, &given, &expected, 1)?.1))
    }
}

/// Each row of `embedding` with each row of `weight`, both of so many columns.
fn product(embedding: &[f32], weight: &[f32], columns: usize) -> Vec<f32> {
    let columns = columns.max(1);
    let of = |token: &[f32], row: &[f32]| token.iter().zip(row).map(|(a, b)| a * b).sum();
    let rows = |token| weight.chunks_exact(columns).map(move |row| of(token, row));
    embedding.chunks_exact(columns).flat_map(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_near_they_are() {
        let parity = Parity { text: 0.0, step: 1.26e-6, latent: Some(2e-7), picture: 91.26 };
        let line = "one step and one decode give a picture 91.3 dB from the export's; text encoder off by 0e0, \
                    U-Net by 1e-6, VAE encoder by 2e-7";
        assert_eq!(parity.to_string(), line);
        let same = Parity { picture: f64::INFINITY, latent: None, ..parity };
        assert!(same.to_string().starts_with("one step and one decode give the export's picture to the bit"));
    }
}
