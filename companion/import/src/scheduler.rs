//! `scheduler/scheduler_config.json`, reduced to what changes pictures.

use cones_core::model::manifest::{BetaSchedule, NoiseSchedule, PredictionType, TimestepSpacing};
use cones_core::sampling::scheduler::Scheduler;

use crate::error::Result;
use crate::flow_scheduler;
use crate::json::Json;
use crate::sampling::Sampling;
use crate::scheduler_class::{self, SchedulerClass};

/// Steps and guidance that suit a scheduler where nobody says otherwise. Models that are distilled for few steps
/// (`LatentConsistencyModelPipeline` takes 4) have learned their guidance, or take it as an input (8.5 there); all others are
/// guided as `StableDiffusionPipeline` does, or `StableDiffusionXLPipeline` where there are two text encoders, in steps that a phone
/// has the time for.
pub(super) fn suited(scheduler: Scheduler, sampling: &Sampling, takes_guidance: bool, two_texts: bool) -> (u32, f32) {
    let distilled = match scheduler {
        Scheduler::Lcm | Scheduler::Tcd => true,
        Scheduler::Euler | Scheduler::EulerAncestral => sampling.is_turbo(),
        _ => false,
    };
    match (takes_guidance, distilled) {
        (true, _) => (4, 8.5),
        (false, true) => (4, 1.0),
        (false, false) => (20, if two_texts { 5.0 } else { 7.5 }),
    }
}

/// Reads the noise schedule and what the U-Net predicts. Missing keys get the defaults of the scheduler's class.
pub(super) fn read(json: &Json) -> Result<Sampling> {
    if let Some(flow) = flow_scheduler::read(json)? {
        return Ok(flow);
    }
    let class = scheduler_class::class_named_in(json)?;
    refuse_other_training(json)?;
    let prediction_type = match json.str_or("prediction_type", "epsilon")? {
        "epsilon" => PredictionType::Epsilon,
        "v_prediction" => PredictionType::VPrediction,
        _ => return Err(json.unsupported("prediction_type")),
    };
    let noise_schedule = noise_schedule(json, class)?;
    Ok(Sampling { noise_schedule, prediction_type, scheduler: scheduler(json, class)? })
}

/// What makes another model of it than one that learned to take noise of this schedule away.
fn refuse_other_training(json: &Json) -> Result<()> {
    // EulerDiscreteScheduler's other way to tell the U-Net how much noise there is, as in Stable Video Diffusion.
    if json.str_or("timestep_type", "discrete")? != "discrete" {
        return Err(json.unsupported("timestep_type"));
    }
    json.must_be_unset(&["trained_betas", "thresholding"])
}

fn noise_schedule(json: &Json, class: &SchedulerClass) -> Result<NoiseSchedule> {
    let beta_schedule = match json.str_or("beta_schedule", class.beta_schedule)? {
        "linear" => BetaSchedule::Linear,
        "scaled_linear" => BetaSchedule::ScaledLinear,
        _ => return Err(json.unsupported("beta_schedule")),
    };
    let timestep_spacing = match json.str_or("timestep_spacing", class.timestep_spacing)? {
        "linspace" => TimestepSpacing::Linspace,
        "leading" => TimestepSpacing::Leading,
        "trailing" => TimestepSpacing::Trailing,
        _ => return Err(json.unsupported("timestep_spacing")),
    };
    let mut schedule = NoiseSchedule::new(
        json.u32_or("num_train_timesteps", 1000)?,
        json.f64_or("beta_start", class.beta_start)?,
        json.f64_or("beta_end", class.beta_end)?,
        beta_schedule,
    );
    schedule.timestep_spacing = timestep_spacing;
    schedule.steps_offset = steps_offset(json)?;
    schedule.set_alpha_to_one = json.bool_or("set_alpha_to_one", class.set_alpha_to_one)?;
    schedule.rescale_betas_zero_snr = json.bool_or("rescale_betas_zero_snr", false)?;
    schedule.original_inference_steps = json.u32_or("original_inference_steps", schedule.original_inference_steps)?;
    let possible = |beta: f64| beta > 0.0 && beta < 1.0;
    if schedule.num_train_timesteps == 0 {
        return Err(json.wrong("num_train_timesteps", "a positive number"));
    }
    if !(1..=schedule.num_train_timesteps).contains(&schedule.original_inference_steps) && class.is_distilled() {
        return Err(json.wrong("original_inference_steps", "a positive number, at most `num_train_timesteps`"));
    }
    if !possible(schedule.beta_start) {
        return Err(json.wrong("beta_start", "a number between 0 and 1"));
    }
    if !possible(schedule.beta_end) {
        return Err(json.wrong("beta_end", "a number between 0 and 1"));
    }
    Ok(schedule)
}

/// diffusers' `StableDiffusionPipeline` sets the offset to 1 whatever the file says, and warns; so what people know of a
/// model are the pictures with 1. (It likewise switches `clip_sample` off, which is why that is not read.)
fn steps_offset(json: &Json) -> Result<u32> {
    let written = json.u32_or("steps_offset", 0)?;
    if written != 1 {
        log::info!(
            "`steps_offset` is {written} in the scheduler's configuration; 1 is used, as diffusers' pipeline does"
        );
    }
    Ok(1)
}

/// The class's own scheduler, or the one most like it.
fn scheduler(json: &Json, class: &SchedulerClass) -> Result<Scheduler> {
    let mut scheduler = class.drawn_with;
    if scheduler == Scheduler::DpmSolverPlusPlus2M && json.bool_or("use_karras_sigmas", false)? {
        scheduler = Scheduler::DpmSolverPlusPlus2MKarras;
    }
    if !class.is_itself {
        log::info!("{} is not there; `{scheduler}` is the model's default in its place", class.name);
    }
    Ok(scheduler)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    fn read_value(value: serde_json::Value) -> Result<Sampling> {
        super::read(&Json::of(Path::new("scheduler_config.json"), value))
    }

    #[test]
    fn missing_keys_are_those_of_the_class_in_diffusers() {
        let all: serde_json::Map<String, serde_json::Value> = cones_tests::golden::json("configs/schedulers.json");
        assert!(all.len() > 10, "{all:?}");
        for (class, expected) in all {
            let found = read_value(json!({ "_class_name": class })).unwrap_or_else(|error| panic!("{class}: {error}"));
            let found = serde_json::to_value(found.noise_schedule).expect("JSON");
            for (key, value) in expected.as_object().expect("an object") {
                // The pipeline sets the offset, whatever the class says.
                assert!(key == "steps_offset" || found[key] == *value, "{class}: {key} is {}, not {value}", found[key]);
            }
        }
    }

    #[test]
    fn every_class_gets_the_scheduler_that_is_nearest() {
        let drawn = |value| read_value(value).expect("a schedule").scheduler;
        for (class, scheduler) in [
            ("DDIMScheduler", Scheduler::Ddim),
            ("PNDMScheduler", Scheduler::Ddim),
            ("DDPMScheduler", Scheduler::Ddim),
            ("EulerDiscreteScheduler", Scheduler::Euler),
            ("LMSDiscreteScheduler", Scheduler::Euler),
            ("EulerAncestralDiscreteScheduler", Scheduler::EulerAncestral),
            ("DPMSolverMultistepScheduler", Scheduler::DpmSolverPlusPlus2M),
            ("UniPCMultistepScheduler", Scheduler::DpmSolverPlusPlus2M),
            ("LCMScheduler", Scheduler::Lcm),
            ("TCDScheduler", Scheduler::Tcd),
        ] {
            assert_eq!(drawn(json!({ "_class_name": class })), scheduler, "{class}");
        }
        let karras = json!({ "_class_name": "DPMSolverMultistepScheduler", "use_karras_sigmas": true });
        assert_eq!(drawn(karras), Scheduler::DpmSolverPlusPlus2MKarras);
        assert_eq!(drawn(json!({})), Scheduler::Ddim);
    }

    #[test]
    fn zero_terminal_snr_and_another_distillation_are_taken_over() {
        let schedule = |value| read_value(value).expect("a schedule").noise_schedule;
        let zero = schedule(json!({ "_class_name": "DDIMScheduler", "rescale_betas_zero_snr": true }));
        assert!(zero.rescale_betas_zero_snr && zero.original_inference_steps == 50);
        let other = schedule(json!({ "_class_name": "TCDScheduler", "original_inference_steps": 100 }));
        assert!(!other.rescale_betas_zero_snr && other.original_inference_steps == 100);
    }

    #[test]
    fn models_of_few_steps_get_few() {
        let of = |class: &str, spacing: &str, more: &[(&str, serde_json::Value)]| {
            let mut config = json!({ "_class_name": class, "timestep_spacing": spacing });
            more.iter().for_each(|(key, value)| config[key] = value.clone());
            let sampling = read_value(config).expect("a schedule");
            suited(sampling.scheduler, &sampling, false, false)
        };
        for class in ["EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler"] {
            assert_eq!(of(class, "trailing", &[]), (4, 1.0), "{class}");
            assert_eq!(of(class, "leading", &[]), (20, 7.5), "{class}");
            assert_eq!(of(class, "trailing", &[("rescale_betas_zero_snr", json!(true))]), (20, 7.5), "{class}");
            assert_eq!(of(class, "trailing", &[("prediction_type", json!("v_prediction"))]), (20, 7.5), "{class}");
        }
        assert_eq!(of("DDIMScheduler", "trailing", &[]), (20, 7.5));
        assert_eq!(of("TCDScheduler", "leading", &[]), (4, 1.0));
        let lcm = read_value(json!({ "_class_name": "LCMScheduler" })).expect("a schedule");
        assert_eq!(suited(Scheduler::Lcm, &lcm, true, false), (4, 8.5), "as LatentConsistencyModelPipeline");
        assert_eq!(suited(Scheduler::Ddim, &lcm, false, true), (20, 5.0), "as StableDiffusionXLPipeline");
    }

    #[test]
    fn other_schedulers_are_refused_by_name_with_those_known() {
        for class in ["FlowMatchHeunDiscreteScheduler", "EDMEulerScheduler", "CogVideoXDDIMScheduler", "IPNDMScheduler"]
        {
            let error = read_value(json!({ "_class_name": class })).expect_err(class);
            assert!(error.to_string().contains(&format!("`_class_name` is \"{class}\"")), "{error}");
            let hint = error.hint().expect("a hint");
            assert!(hint.contains("DDIMScheduler") && hint.contains("LCMScheduler"), "{hint}");
        }
    }

    #[test]
    fn other_training_is_refused_by_its_key() {
        let beta = "squaredcos_cap_v2";
        for (class, key, value) in [
            ("LCMScheduler", "original_inference_steps", json!(0)),
            ("TCDScheduler", "original_inference_steps", json!(1001)),
            ("UniPCMultistepScheduler", "use_flow_sigmas", json!(true)),
            ("EulerDiscreteScheduler", "timestep_type", json!("continuous")),
            ("DPMSolverMultistepScheduler", "prediction_type", json!("flow_prediction")),
            ("PNDMScheduler", "trained_betas", json!([0.1, 0.2])),
            ("DDPMScheduler", "beta_schedule", json!(beta)),
            ("DDIMScheduler", "timestep_spacing", json!("other")),
        ] {
            let mut config = json!({ "_class_name": class });
            config[key] = value;
            let error = read_value(config).expect_err(key).to_string();
            assert!(error.contains(&format!("`{key}` is")), "{error}");
        }
    }
}
