//! Edges. That trajectories are diffusers' is tested against golden vectors in `core/tests/golden/schedulers.rs`.

use super::*;
use crate::model::manifest::{BetaSchedule, TimestepSpacing};
use crate::sampling::noise::TorchGenerator;

fn schedule() -> NoiseSchedule {
    NoiseSchedule::new(1000, 0.00085, 0.012, BetaSchedule::ScaledLinear)
}

fn refused(result: Result<Run>) -> &'static str {
    match result {
        Err(Error::BadRequest { field, .. }) => field,
        other => panic!("not refused: {other:?}"),
    }
}

fn plan_with(kind: Scheduler, schedule: &NoiseSchedule, steps: usize, strength: Option<f32>) -> Result<Run> {
    plan(kind, schedule, PredictionType::Epsilon, steps, strength)
}

#[test]
fn names_go_both_ways() {
    for &kind in Scheduler::all() {
        assert_eq!(kind.to_string().parse::<Scheduler>().ok(), Some(kind));
    }
}

#[test]
fn unknown_names_list_the_known_ones() {
    let message = "plms".parse::<Scheduler>().err().map(|e| e.to_string()).unwrap_or_default();
    assert!(message.contains("`scheduler`") && message.contains("plms"), "{message}");
    assert!(Scheduler::all().iter().all(|kind| message.contains(kind.name())), "{message}");
}

#[test]
fn steps_out_of_range_are_refused() {
    for &kind in Scheduler::all() {
        for steps in [0, 1001, usize::MAX] {
            assert_eq!(refused(plan_with(kind, &schedule(), steps, None)), "steps", "{kind} {steps}");
        }
    }
    assert_eq!(refused(plan_with(Scheduler::Lcm, &schedule(), 51, None)), "steps");
    assert_eq!(refused(plan_with(Scheduler::Tcd, &schedule(), 51, None)), "steps");
    assert_eq!(refused(plan_with(Scheduler::Ddim, &schedule(), 1000, None)), "steps");
    assert_eq!(refused(plan_with(Scheduler::DpmSolverPlusPlus2M, &schedule(), 1000, None)), "steps");
}

#[test]
fn bad_strengths_are_refused() {
    for strength in [-0.1, 1.1, f32::NAN, f32::INFINITY, 0.0, 0.04] {
        let result = plan_with(Scheduler::Ddim, &schedule(), 20, Some(strength));
        assert_eq!(refused(result), "strength", "{strength}");
    }
}

#[test]
fn strength_counts_in_decimal() {
    for (steps, strength, made) in [(10, 0.7, 7), (5, 0.6, 3), (20, 1.0, 20), (100, 0.29, 28), (1, 1.0, 1)] {
        let run = plan_with(Scheduler::Euler, &schedule(), steps, Some(strength)).expect("a plan");
        assert_eq!(run.len(), made, "{steps} · {strength}");
    }
}

#[test]
fn bad_schedules_are_refused() {
    let sound = schedule();
    let broken = [
        NoiseSchedule { beta_start: f64::NAN, ..sound },
        NoiseSchedule { beta_end: f64::INFINITY, ..sound },
        NoiseSchedule { beta_start: 0.0, ..sound },
        NoiseSchedule { beta_start: 1e-30, beta_end: 1e-30, ..sound },
        NoiseSchedule { beta_end: 1.0, ..sound },
        NoiseSchedule { beta_start: 0.9, beta_end: 0.9, ..sound },
        NoiseSchedule { num_train_timesteps: 0, ..sound },
        NoiseSchedule { num_train_timesteps: 1, ..sound },
        NoiseSchedule { num_train_timesteps: u32::MAX, ..sound },
        NoiseSchedule { steps_offset: 1000, ..sound },
        NoiseSchedule { steps_offset: u32::MAX, ..sound },
    ];
    for schedule in &broken {
        for &kind in Scheduler::all() {
            assert_eq!(refused(plan_with(kind, schedule, 1, None)), "noise_schedule", "{kind} {schedule:?}");
        }
    }
    for few in [
        NoiseSchedule { num_train_timesteps: 49, ..sound },
        NoiseSchedule { original_inference_steps: 0, ..sound },
        NoiseSchedule { original_inference_steps: u32::MAX, ..sound },
    ] {
        for kind in [Scheduler::Lcm, Scheduler::Tcd] {
            assert_eq!(refused(plan_with(kind, &few, 1, None)), "noise_schedule", "{kind} {few:?}");
        }
    }
}

#[test]
fn noise_alone_is_begun_with_where_no_signal_is_divided_by() {
    let mut zero = NoiseSchedule { rescale_betas_zero_snr: true, ..schedule() };
    zero.timestep_spacing = TimestepSpacing::Trailing;
    for &kind in Scheduler::all() {
        let divides = [Scheduler::Ddim, Scheduler::Lcm, Scheduler::Tcd].contains(&kind);
        match plan_with(kind, &zero, 4, None) {
            Err(Error::BadRequest { field: "scheduler", .. }) if divides => {}
            found => assert!(found.is_ok() && !divides, "{kind}: {found:?}"),
        }
        let velocity = plan(kind, &zero, PredictionType::VPrediction, 4, None).expect("a plan");
        assert_eq!(velocity.timesteps()[0], 999.0, "{kind}");
    }
    // From a picture it begins further down.
    assert!(plan_with(Scheduler::Ddim, &zero, 4, Some(0.5)).is_ok());
}

#[test]
fn fresh_noise_is_for_those_that_take_it() {
    for &kind in Scheduler::all() {
        for (eta, field) in [(0.5, None), (-0.1, Some("eta")), (1.1, Some("eta")), (f32::NAN, Some("eta"))] {
            let planned = plan_with_eta(kind, &schedule(), PredictionType::Epsilon, (4, None), Some(eta));
            let field = if kind.eta().is_none() { Some("eta") } else { field };
            match field {
                Some(field) => assert_eq!(refused(planned), field, "{kind} {eta}"),
                None => drop(planned.expect("a plan")),
            }
        }
    }
}

#[test]
fn every_plan_that_is_accepted_runs_to_finite_numbers() {
    for spacing in [TimestepSpacing::Leading, TimestepSpacing::Trailing, TimestepSpacing::Linspace] {
        for num_train_timesteps in [2, 3, 50, 1000] {
            let schedule = NoiseSchedule { timestep_spacing: spacing, num_train_timesteps, ..schedule() };
            for steps in [1, 2, 3, 7, 49, 50, 61, 103, 499, 500, 999, 1000] {
                for &kind in Scheduler::all() {
                    for strength in [None, Some(0.5)] {
                        finishes(kind, &schedule, steps, strength);
                    }
                    finishes(kind, &NoiseSchedule { rescale_betas_zero_snr: true, ..schedule }, steps, None);
                }
            }
        }
    }
}

fn finishes(kind: Scheduler, schedule: &NoiseSchedule, steps: usize, strength: Option<f32>) {
    let Ok(mut run) = plan_with(kind, schedule, steps, strength) else { return };
    assert_eq!(run.len(), strength.map_or(steps, |s| (steps as f32 * s) as usize));
    let mut noise = TorchGenerator::new(1);
    let mut sample = noise.randn(4);
    for i in 0..run.len() {
        let output = [0.5, -0.5, 0.1, 0.0];
        run.step(i, &output, &mut sample, &mut noise).expect("a step");
    }
    assert!(sample.iter().chain(run.denoised()).all(|x| x.is_finite()), "{kind} {steps} {schedule:?} {sample:?}");
    assert!(run.timesteps().iter().all(|t| *t >= 0.0));
}

#[test]
fn steps_are_made_in_order_and_once() {
    let mut run = plan_with(Scheduler::Ddim, &schedule(), 3, None).expect("a plan");
    let mut noise = TorchGenerator::new(1);
    let mut sample = vec![0.0; 4];
    assert!(run.denoised().is_empty());
    assert!(run.step(1, &[0.0; 4], &mut sample, &mut noise).is_err());
    assert!(run.step(0, &[0.0; 4], &mut sample, &mut noise).is_ok());
    assert!(run.step(0, &[0.0; 4], &mut sample, &mut noise).is_err());
    assert!(run.step(3, &[0.0; 4], &mut sample, &mut noise).is_err());
}

#[test]
fn lengths_must_agree() {
    let mut run = plan_with(Scheduler::EulerAncestral, &schedule(), 3, None).expect("a plan");
    let mut noise = TorchGenerator::new(1);
    assert!(run.step(0, &[0.0; 3], &mut [0.0; 4], &mut noise).is_err());
    assert!(run.step(0, &[0.0; 4], &mut [0.0; 4], &mut noise).is_ok());
    assert!(run.step(1, &[0.0; 5], &mut [0.0; 5], &mut noise).is_err());
    assert!(run.scale_model_input(0, &[0.0; 4], &mut [0.0; 5]).is_err());
    assert!(run.scale_model_input(3, &[0.0; 4], &mut [0.0; 4]).is_err());
    assert!(run.add_noise(0, &[0.0; 4], &[0.0; 5], &mut [0.0; 4]).is_err());
    assert!(run.add_noise(0, &[0.0; 4], &[0.0; 4], &mut [0.0; 5]).is_err());
    assert!(run.add_noise(run.len(), &[0.0; 4], &[0.0; 4], &mut [0.0; 4]).is_err());
}
