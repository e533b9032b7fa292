//! Flow matching: Lipman et al. 2022 (arXiv 2210.02747); diffusers' `FlowMatchEulerDiscreteScheduler`, and
//! `DPMSolverMultistepScheduler` with `use_flow_sigmas`.

use super::choice::Scheduler;
use super::dpm_solver::DpmSolver;
use super::prediction::Level;
use super::solver::Solver;
use crate::error::{Error, Result};
use crate::model::manifest::{FlowMatching, NoiseSchedule, PredictionType};

/// Whether a schedule is of flow matching, which a prediction must agree with.
///
/// # Errors
/// [`Error::BadRequest`] naming `noise_schedule` where they do not.
pub(super) fn is_of_flow(schedule: &NoiseSchedule, prediction: PredictionType) -> Result<bool> {
    let is_flow = schedule.flow.is_some();
    if is_flow == (prediction == PredictionType::FlowPrediction) {
        return Ok(is_flow);
    }
    Err(Error::request("noise_schedule", "is of flow matching, or what the model predicts is, and not both"))
}

/// Timesteps and solver of a run.
///
/// # Errors
/// [`Error::BadRequest`] naming `scheduler` for one that takes away noise of another kind.
pub(super) fn solve(
    kind: Scheduler,
    flow: &FlowMatching,
    training_steps: u32,
    steps: usize,
    start: usize,
) -> Result<(Vec<f64>, Box<dyn Solver>)> {
    let (shift, training_steps) = (flow.resolved(), f64::from(training_steps));
    match kind {
        Scheduler::Euler => {
            let sigmas = euler_sigmas(flow, training_steps, steps);
            // diffusers rounds the levels before it makes timesteps of them, in float32.
            let timesteps = sigmas.iter().map(|&sigma| f64::from(sigma * training_steps as f32)).collect();
            Ok((timesteps, Box::new(FlowEuler::new(sigmas))))
        }
        Scheduler::DpmSolverPlusPlus2M => {
            let sigmas: Vec<f64> = dpm_sigmas(shift, training_steps, steps);
            // Whole ones: diffusers cuts off what is behind the point.
            let timesteps = sigmas.iter().map(|sigma| (sigma * training_steps).trunc()).collect();
            let solver = DpmSolver::of_flow(sigmas.into_iter().map(|sigma| sigma as f32).collect(), start)?;
            Ok((timesteps, Box::new(solver)))
        }
        other => {
            let reason =
                format!("cannot be {other}: this base model was trained by flow matching; take euler or dpm++2m");
            Err(Error::request("scheduler", reason))
        }
    }
}

fn shifted(sigma: f64, shift: f64) -> f64 {
    shift * sigma / (1.0 + (shift - 1.0) * sigma)
}

/// Where the shift is the same for every size, levels are spread from the noisiest to the least noisy of training, themselves
/// shifted, and then shifted; where it grows with the picture, pipelines give `linspace(1, 1 / steps, steps)`.
fn euler_sigmas(flow: &FlowMatching, training_steps: f64, steps: usize) -> Vec<f32> {
    let shift = flow.resolved();
    let last = match flow.dynamic {
        Some(_) => 1.0 / steps as f64,
        // As diffusers keeps it, in float32.
        None => f64::from(shifted(1.0 / training_steps, shift) as f32),
    };
    let along = |i: usize| if steps == 1 { 0.0 } else { i as f64 / (steps - 1) as f64 };
    (0..steps).map(|i| shifted(1.0 + (last - 1.0) * along(i), shift) as f32).collect()
}

/// Falling levels of `alphas = linspace(1, 1 / training_steps, steps + 1)`, without the last, which is no noise.
fn dpm_sigmas(shift: f64, training_steps: f64, steps: usize) -> Vec<f64> {
    let noisiest = 1.0 - 1.0 / training_steps;
    (1..=steps).rev().map(|i| shifted(noisiest * i as f64 / steps as f64, shift)).collect()
}

/// Euler steps along the flow: x ← x + (σ' - σ) · prediction.
#[derive(Debug)]
struct FlowEuler {
    /// σ of each step, then 0.
    sigmas: Vec<f32>,
}

impl FlowEuler {
    fn new(mut sigmas: Vec<f32>) -> Self {
        sigmas.push(0.0);
        Self { sigmas }
    }
}

impl Solver for FlowEuler {
    fn mix(&self, index: usize) -> (f32, f32) {
        let Level { alpha, sigma } = Level::of_flow(self.sigmas[index]);
        (alpha, sigma)
    }

    fn step(&self, index: usize, model_output: &[f32], _: &[f32], sample: &mut [f32], denoised: &mut [f32]) {
        let (from, to) = (Level::of_flow(self.sigmas[index]), self.sigmas[index + 1]);
        for ((x, &output), clean) in sample.iter_mut().zip(model_output).zip(denoised) {
            *clean = from.clean(PredictionType::FlowPrediction, *x, output);
            *x += (to - from.sigma) * output;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::manifest::BetaSchedule;
    use crate::sampling::noise::TorchGenerator;
    use crate::sampling::scheduler::plan;

    fn schedule(shift: f64) -> NoiseSchedule {
        let mut schedule = NoiseSchedule::new(1000, 0.0001, 0.02, BetaSchedule::Linear);
        schedule.flow = Some(FlowMatching::new(shift));
        schedule
    }

    /// A prediction that leads straight to the latent.
    #[test]
    fn a_straight_flow_is_followed_to_its_end() {
        let (clean, noise) = ([0.5f32, -2.0, 0.25], [1.0f32, 0.25, -3.0]);
        for kind in [Scheduler::Euler, Scheduler::DpmSolverPlusPlus2M] {
            for (steps, strength) in [(1, None), (4, None), (7, Some(0.5))] {
                let mut run =
                    plan(kind, &schedule(3.0), PredictionType::FlowPrediction, steps, strength).expect("a plan");
                let mut sample = [0.0; 3];
                run.add_noise(0, &clean, &noise, &mut sample).expect("mixed");
                let flow: Vec<f32> = clean.iter().zip(&noise).map(|(clean, noise)| noise - clean).collect();
                for i in 0..run.len() {
                    run.step(i, &flow, &mut sample, &mut TorchGenerator::new(0)).expect("a step");
                }
                let off = sample.iter().zip(&clean).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(off < 1e-5, "{kind}, {steps}: {sample:?}");
            }
        }
    }

    #[test]
    fn others_are_refused_with_those_that_fit() {
        for kind in Scheduler::all().iter().filter(|kind| !["euler", "dpm++2m"].contains(&kind.name())) {
            let error = plan(*kind, &schedule(3.0), PredictionType::FlowPrediction, 4, None).expect_err("other noise");
            assert!(error.to_string().contains("euler or dpm++2m"), "{error}");
        }
        for prediction in [PredictionType::Epsilon, PredictionType::VPrediction] {
            assert!(plan(Scheduler::Euler, &schedule(3.0), prediction, 4, None).is_err(), "{prediction:?}");
        }
        let usual = NoiseSchedule { flow: None, ..schedule(1.0) };
        assert!(plan(Scheduler::Euler, &usual, PredictionType::FlowPrediction, 4, None).is_err());
    }
}
