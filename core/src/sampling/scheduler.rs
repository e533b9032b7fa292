//! Schedulers: which noise levels a run visits and how one step leads to the next.
//!
//! [`plan`] turns a [`Scheduler`], a bundle's [`NoiseSchedule`] and a number of steps into a [`Run`], which holds all that
//! one picture's denoising needs. Everything is diffusers', coefficient by coefficient in float32, so that pictures can
//! be compared: `DDIMScheduler`, `DPMSolverMultistepScheduler`, `EulerDiscreteScheduler`,
//! `EulerAncestralDiscreteScheduler`, `LCMScheduler` and `TCDScheduler` with their defaults, except `clip_sample = False`
//! for DDIM as every Stable Diffusion model sets it; for models trained by flow matching, `FlowMatchEulerDiscreteScheduler` and
//! `DPMSolverMultistepScheduler` with `use_flow_sigmas`. TCD's `eta` is 0.3 as in `TCDScheduler.step`; diffusers' pipelines
//! give it 0 where they are not told another.
//!
//! Differences from diffusers, all on the side of refusing or of the obvious intent:
//! - `trailing` spacing gives exactly as many timesteps as asked for. diffusers gives one too many, the last being -1,
//!   for 62 step counts of 1000 (61, 103, 121, …), because of a rounding in `numpy.arange`.
//! - DPM-Solver++ with so many steps that two noise levels coincide is refused; diffusers divides 0 by 0 there.
//! - DDIM with a `leading` offset that leads past the last training step is refused; diffusers fails at run time.
//! - More steps than training steps are refused for all; diffusers lets some through.
//! - DDIM, LCM and TCD do not begin with noise alone (zero-terminal SNR) where the U-Net predicts noise; diffusers divides by
//!   0 there.
//! - img2img follows `StableDiffusionImg2ImgPipeline` for LCM too, not `LatentConsistencyModelImg2ImgPipeline`.
//!
//! ```
//! use cones_core::model::manifest::{BetaSchedule, NoiseSchedule, PredictionType};
//! use cones_core::sampling::{noise::TorchGenerator, scheduler};
//!
//! # fn main() -> cones_core::Result<()> {
//! let schedule = NoiseSchedule::new(1000, 0.00085, 0.012, BetaSchedule::ScaledLinear);
//! let mut run = scheduler::plan("dpm++2m".parse()?, &schedule, PredictionType::Epsilon, 20, None)?;
//! let mut generator = TorchGenerator::new(0);
//! let mut sample = generator.randn(4 * 8 * 8);
//! sample.iter_mut().for_each(|x| *x *= run.init_noise_sigma());
//! let mut input = vec![0.0; sample.len()];
//! for i in 0..run.len() {
//!     run.scale_model_input(i, &sample, &mut input)?;
//!     let timestep = run.timesteps()[i];
//!     let model_output = input.clone(); // the U-Net of `input` and `timestep`
//!     run.step(i, &model_output, &mut sample, &mut generator)?;
//! }
//! # Ok(())
//! # }
//! ```

pub(crate) mod choice;
mod consistency;
mod ddim;
mod diffusion;
mod dpm_solver;
mod euler;
mod euler_ancestral;
mod flow;
mod karras;
mod lcm;
mod prediction;
mod refused;
mod run;
mod solver;
mod spacing;
mod tcd;
mod training;

pub use choice::Scheduler;
pub use diffusion::Diffusion;
pub use run::Run;

use crate::error::{Error, Result};
use crate::model::manifest::{NoiseSchedule, PredictionType};
use crate::sampling::rounded;
use refused::{noise_alone, too_many_steps};
use solver::Solver;
use training::Training;

/// Plans a run of `steps` denoising steps from pure noise, or, given a `strength` in (0, 1], from a picture (img2img).
///
/// With a strength only about `steps · strength` steps are made, from the middle of the schedule on, as
/// `StableDiffusionImg2ImgPipeline.get_timesteps` has it; the start is then [`Run::add_noise`] instead of noise times
/// [`Run::init_noise_sigma`].
///
/// # Errors
/// [`Error::BadRequest`] naming `steps` (0, more than the training steps, or more than this scheduler can tell apart),
/// `strength` (outside 0..=1, not a number, or so small that no step is left), `scheduler` (one that cannot begin with noise
/// alone, where that is what the schedule has there, or takes away no noise of flow matching) or `noise_schedule` (betas that are not finite, not within (0, 1), or
/// that end in no usable noise level; a number of training steps out of range).
pub fn plan(
    kind: Scheduler,
    schedule: &NoiseSchedule,
    prediction: PredictionType,
    steps: usize,
    strength: Option<f32>,
) -> Result<Run> {
    plan_with_eta(kind, schedule, prediction, (steps, strength), None)
}

/// Plans a run as [`plan`] does, with as much fresh noise in each step as diffusers' `eta` says, 0 to 1; none for what
/// [the scheduler has](Scheduler::eta).
///
/// # Errors
/// As [`plan`], and naming `eta` where it is out of range or the scheduler takes none.
pub fn plan_with_eta(
    kind: Scheduler,
    schedule: &NoiseSchedule,
    prediction: PredictionType,
    (steps, strength): (usize, Option<f32>),
    eta: Option<f32>,
) -> Result<Run> {
    flow::is_of_flow(schedule, prediction)?;
    let training = Training::new(schedule)?;
    if steps == 0 {
        return Err(Error::request("steps", "must be at least 1"));
    }
    if steps > training.len() {
        return Err(too_many_steps(steps, training.len()));
    }
    let start = first_visited(steps, strength)?;
    let made = Made { schedule, training: &training, prediction, start, eta: checked_eta(kind, eta)? };
    let (timesteps, solver) = made.solve(kind, steps)?;
    if prediction == PredictionType::Epsilon && (start..timesteps.len()).any(|i| solver.mix(i).0 == 0.0) {
        return Err(noise_alone(kind));
    }
    Ok(Run::new(kind, timesteps, start, solver))
}

/// The share of fresh noise, as the decimal number that was meant.
fn checked_eta(kind: Scheduler, eta: Option<f32>) -> Result<f64> {
    match (eta, kind.eta()) {
        (Some(eta), Some(_)) if !(0.0..=1.0).contains(&eta) => {
            Err(Error::request("eta", format!("must be within 0 and 1, not {eta}")))
        }
        (Some(_), None) => Err(Error::request("eta", format!("is for ddim and tcd; {kind} takes none"))),
        (eta, own) => Ok(rounded::decimal(eta.or(own).unwrap_or(0.0))),
    }
}

/// What solvers are made of.
#[derive(Clone, Copy)]
struct Made<'a> {
    schedule: &'a NoiseSchedule,
    training: &'a Training,
    prediction: PredictionType,
    /// The first step made.
    start: usize,
    eta: f64,
}

impl Made<'_> {
    /// All timesteps of a whole run and the solver's coefficients for them.
    fn solve(self, kind: Scheduler, steps: usize) -> Result<(Vec<f64>, Box<dyn Solver>)> {
        let Self { schedule, training, prediction, start, eta } = self;
        if let Some(flow) = &schedule.flow {
            return flow::solve(kind, flow, schedule.num_train_timesteps, steps, start);
        }
        Ok(match kind {
            Scheduler::Ddim => {
                let timesteps = ddim::timesteps(schedule, steps)?;
                let solver = ddim::Ddim::new(schedule, training, prediction, &timesteps, eta);
                (timesteps, Box::new(solver))
            }
            Scheduler::DpmSolverPlusPlus2M => {
                let timesteps = dpm_solver::timesteps(schedule, steps);
                let sigmas = timesteps.iter().map(|&t| training.sigma_at(t)).collect();
                let solver = dpm_solver::DpmSolver::new(prediction, sigmas, start)?;
                (timesteps, Box::new(solver))
            }
            Scheduler::DpmSolverPlusPlus2MKarras => {
                let karras = karras::Karras::new(training, steps);
                let solver = dpm_solver::DpmSolver::new(prediction, karras.sigmas, start)?;
                (karras.timesteps, Box::new(solver))
            }
            Scheduler::Euler => {
                let timesteps = spacing::spaced(schedule, steps);
                let solver = euler::Euler::new(schedule, training, prediction, &timesteps);
                (timesteps, Box::new(solver))
            }
            Scheduler::EulerAncestral => {
                let timesteps = spacing::spaced(schedule, steps);
                let solver = euler_ancestral::EulerAncestral::new(schedule, training, prediction, &timesteps);
                (timesteps, Box::new(solver))
            }
            Scheduler::Lcm => {
                let timesteps = consistency::timesteps(schedule, training, steps)?;
                let solver = lcm::Lcm::new(training, prediction, &timesteps);
                (timesteps, Box::new(solver))
            }
            Scheduler::Tcd => {
                let timesteps = consistency::timesteps(schedule, training, steps)?;
                let solver = tcd::Tcd::new(training, prediction, &timesteps, eta);
                (timesteps, Box::new(solver))
            }
        })
    }
}

/// Index of the first step made; 0 without a strength.
fn first_visited(steps: usize, strength: Option<f32>) -> Result<usize> {
    let Some(strength) = strength else { return Ok(0) };
    if !(0.0..=1.0).contains(&strength) {
        return Err(Error::request("strength", format!("must be within 0 and 1, not {strength}")));
    }
    let made = ((steps as f64 * rounded::decimal(strength)) as usize).min(steps);
    if made == 0 {
        return Err(Error::request("strength", format!("{strength} of {steps} steps leaves no step to make")));
    }
    Ok(steps - made)
}

#[cfg(test)]
mod tests;
