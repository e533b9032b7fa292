//! One picture's way through a schedule.

use super::choice::Scheduler;
use super::solver::Solver;
use crate::error::{Error, Result};
use crate::sampling::noise::TorchGenerator;

/// A planned run and how far it has come. Made by [`plan`](super::plan), used once.
#[derive(Debug)]
pub struct Run {
    kind: Scheduler,
    solver: Box<dyn Solver>,
    /// Of the steps made, thus without those that img2img skips.
    timesteps: Vec<f32>,
    /// Steps that img2img skips.
    start: usize,
    /// The step to be made next.
    next: usize,
    /// The clean latent predicted last; DPM-Solver++ needs it again one step later.
    denoised: Vec<f32>,
    /// Scratch for fresh noise.
    noise: Vec<f32>,
}

impl Run {
    /// A run over `timesteps[start..]`.
    pub(super) fn new(kind: Scheduler, timesteps: Vec<f64>, start: usize, solver: Box<dyn Solver>) -> Self {
        let timesteps = timesteps.into_iter().skip(start).map(|t| t as f32).collect();
        Self { kind, solver, timesteps, start, next: 0, denoised: Vec::new(), noise: Vec::new() }
    }

    /// The scheduler.
    pub fn kind(&self) -> Scheduler {
        self.kind
    }

    /// Number of steps, at least 1; with a strength fewer than were asked for.
    pub fn len(&self) -> usize {
        self.timesteps.len()
    }

    /// Never true; a plan without steps is refused.
    pub fn is_empty(&self) -> bool {
        self.timesteps.is_empty()
    }

    /// What the U-Net is told at each step, falling; fractional for Euler schedulers with `linspace` spacing.
    pub fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    /// What standard normal noise is multiplied by to be the first sample. Not for img2img.
    pub fn init_noise_sigma(&self) -> f32 {
        self.solver.init_noise_sigma()
    }

    /// Writes what the U-Net sees at step `i` for this sample. `out` has the sample's length.
    ///
    /// # Errors
    /// [`Error::BadRequest`] naming `step` where there is no step `i`, or `sample` where the lengths differ.
    pub fn scale_model_input(&self, i: usize, sample: &[f32], out: &mut [f32]) -> Result<()> {
        self.check_step(i)?;
        check_length(sample.len(), out.len())?;
        let divisor = self.solver.input_divisor(self.start + i);
        if divisor == 1.0 {
            out.copy_from_slice(sample);
        } else {
            for (out, sample) in out.iter_mut().zip(sample) {
                *out = sample / divisor;
            }
        }
        Ok(())
    }

    /// Writes `latent` with as much of the standard normal `noise` as step `i` expects of its sample: for step 0 the first
    /// sample of img2img. All three have the same length.
    ///
    /// # Errors
    /// [`Error::BadRequest`] naming `step` where there is no step `i`, or `sample` where the lengths differ.
    pub fn add_noise(&self, i: usize, latent: &[f32], noise: &[f32], out: &mut [f32]) -> Result<()> {
        self.check_step(i)?;
        check_length(latent.len(), noise.len())?;
        check_length(latent.len(), out.len())?;
        let (signal, level) = self.solver.mix(self.start + i);
        for ((out, latent), noise) in out.iter_mut().zip(latent).zip(noise) {
            *out = signal * latent + level * noise;
        }
        Ok(())
    }

    /// Makes step `i`: `sample` becomes the sample of the next step, after the last one the finished latent.
    ///
    /// `model_output` is the U-Net's (guided) prediction for this step. `noise` is drawn from by `euler-a`, `lcm`, `tcd`
    /// and, with an `eta`, `ddim` only, one draw of the sample's length a step, as diffusers does. Allocates in the first step only.
    ///
    /// # Errors
    /// [`Error::BadRequest`] naming `step` unless steps are made in order, each once, or `sample` where lengths differ,
    /// also from those of the step before. The run is then as it was.
    pub fn step(
        &mut self,
        i: usize,
        model_output: &[f32],
        sample: &mut [f32],
        noise: &mut TorchGenerator,
    ) -> Result<()> {
        self.check_step(i)?;
        if i != self.next {
            return Err(Error::request("step", format!("must be {} next, not {i}", self.next)));
        }
        check_length(sample.len(), model_output.len())?;
        if i == 0 {
            self.denoised.resize(sample.len(), 0.0);
        } else {
            check_length(self.denoised.len(), sample.len())?;
        }
        let index = self.start + i;
        if self.solver.draws_noise(index) {
            self.noise.resize(sample.len(), 0.0);
            noise.fill_normal(&mut self.noise);
        }
        self.solver.step(index, model_output, &self.noise, sample, &mut self.denoised);
        self.next += 1;
        Ok(())
    }

    /// The clean latent as predicted in the last step made, for previews; empty before the first step.
    pub fn denoised(&self) -> &[f32] {
        &self.denoised
    }

    fn check_step(&self, i: usize) -> Result<()> {
        match i < self.len() {
            true => Ok(()),
            false => Err(Error::request("step", format!("must be less than {}, not {i}", self.len()))),
        }
    }
}

fn check_length(expected: usize, found: usize) -> Result<()> {
    match expected == found {
        true => Ok(()),
        false => Err(Error::request("sample", format!("has {expected} elements here and {found} there"))),
    }
}
