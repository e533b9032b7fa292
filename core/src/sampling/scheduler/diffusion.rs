//! The forward process: what a model is shown in training, and what it is to answer.

use super::prediction::Level;
use super::training::Training;
use crate::error::{Error, Result};
use crate::model::manifest::{NoiseSchedule, PredictionType};

/// Adds noise to clean latents as in training: diffusers' `add_noise` and `get_velocity` of `DDPMScheduler`, or of flow matching
/// `scale_noise` of `FlowMatchEulerDiscreteScheduler`, without a shift.
#[derive(Debug)]
pub struct Diffusion {
    training: Training,
    prediction: PredictionType,
}

impl Diffusion {
    /// The forward process of a bundle.
    ///
    /// # Errors
    /// [`Error::BadRequest`] naming `noise_schedule`.
    pub fn new(schedule: &NoiseSchedule, prediction: PredictionType) -> Result<Self> {
        super::flow::is_of_flow(schedule, prediction)?;
        Ok(Self { training: Training::new(schedule)?, prediction })
    }

    /// Number of training timesteps, at least 2.
    pub fn timesteps(&self) -> usize {
        self.training.len()
    }

    /// Writes the noisy sample `α·clean + σ·noise` of a timestep, and what the model is to predict for it: the noise, or
    /// the velocity `α·noise - σ·clean`, or of flow matching `noise - clean`. All four have the same length; noise is standard normal.
    ///
    /// # Errors
    /// [`Error::BadRequest`] naming `timestep` or `sample`.
    pub fn mix(
        &self,
        timestep: usize,
        clean: &[f32],
        noise: &[f32],
        sample: &mut [f32],
        target: &mut [f32],
    ) -> Result<()> {
        if timestep >= self.timesteps() {
            let reason = format!("must be less than {}, not {timestep}", self.timesteps());
            return Err(Error::request("timestep", reason));
        }
        if [noise.len(), sample.len(), target.len()].iter().any(|&len| len != clean.len()) {
            return Err(Error::request("sample", "and noise must have the same length as the clean latent"));
        }
        let Level { alpha, sigma } = self.level(timestep);
        let outputs = sample.iter_mut().zip(target);
        for ((&clean, &noise), (sample, target)) in clean.iter().zip(noise).zip(outputs) {
            *sample = alpha * clean + sigma * noise;
            *target = match self.prediction {
                PredictionType::Epsilon => noise,
                PredictionType::VPrediction => alpha * noise - sigma * clean,
                PredictionType::FlowPrediction => noise - clean,
            };
        }
        Ok(())
    }

    fn level(&self, timestep: usize) -> Level {
        match self.prediction {
            PredictionType::FlowPrediction => Level::of_flow(timestep as f32 / self.timesteps() as f32),
            _ => Level::from_alpha_bar(self.training.alpha_bar(timestep as f64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::manifest::{BetaSchedule, FlowMatching};

    fn schedule() -> NoiseSchedule {
        NoiseSchedule::new(1000, 0.00085, 0.012, BetaSchedule::ScaledLinear)
    }

    #[test]
    fn the_target_gives_the_clean_latent_back() {
        let (clean, noise) = ([0.5f32, -2.0, 0.0], [1.0f32, 0.25, -3.0]);
        let mut flow = schedule();
        flow.flow = Some(FlowMatching::new(3.0));
        let usual = schedule();
        for (prediction, schedule) in [
            (PredictionType::Epsilon, usual),
            (PredictionType::VPrediction, usual),
            (PredictionType::FlowPrediction, flow),
        ] {
            let diffusion = Diffusion::new(&schedule, prediction).expect("a usual schedule");
            for timestep in [0, 500, 900] {
                let (mut sample, mut target) = ([0.0; 3], [0.0; 3]);
                diffusion.mix(timestep, &clean, &noise, &mut sample, &mut target).expect("fits");
                let level = diffusion.level(timestep);
                for i in 0..3 {
                    let back = level.clean(prediction, sample[i], target[i]);
                    assert!((back - clean[i]).abs() < 1e-4, "{back} instead of {}", clean[i]);
                }
            }
            assert!(diffusion.mix(1000, &clean, &noise, &mut [0.0; 3], &mut [0.0; 3]).is_err());
            assert!(diffusion.mix(0, &clean, &noise[..2], &mut [0.0; 3], &mut [0.0; 3]).is_err());
        }
    }
}
