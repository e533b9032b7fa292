//! Schedulers of models that were trained by flow matching.

use cones_core::model::manifest::{BetaSchedule, DynamicShift, FlowMatching, NoiseSchedule, PredictionType};
use cones_core::sampling::scheduler::Scheduler;

use crate::error::Result;
use crate::json::Json;
use crate::sampling::Sampling;

const EULER: &str = "FlowMatchEulerDiscreteScheduler";
const DPM: &str = "DPMSolverMultistepScheduler";

/// Ways to spread noise levels that none of the schedulers here has.
const OTHER_LEVELS: [&str; 6] = [
    "use_karras_sigmas",
    "use_exponential_sigmas",
    "use_beta_sigmas",
    "invert_sigmas",
    "stochastic_sampling",
    "shift_terminal",
];

/// Reads such a scheduler; `None` for one of other models.
///
/// # Errors
/// When it asks for what is not there.
pub(super) fn read(json: &Json) -> Result<Option<Sampling>> {
    let class = json.str_or("_class_name", "")?;
    let flow = if class == EULER {
        of_euler(json)?
    } else if json.bool_or("use_flow_sigmas", false)? {
        FlowMatching::new(shift(json, "flow_shift")?)
    } else {
        return Ok(None);
    };
    json.must_be_unset(&OTHER_LEVELS)?;
    if class != EULER {
        if json.str_or("prediction_type", "epsilon")? != "flow_prediction" {
            return Err(
                json.refused("use_flow_sigmas", "flow matching, and `prediction_type` is not `flow_prediction`")
            );
        }
        if class != DPM {
            log::info!("{class} is not there; `dpm++2m` is the model's default in its place");
        }
    }
    let mut noise_schedule =
        NoiseSchedule::new(json.u32_or("num_train_timesteps", 1000)?, 0.0001, 0.02, BetaSchedule::Linear);
    if noise_schedule.num_train_timesteps < 2 {
        return Err(json.wrong("num_train_timesteps", "2 or more"));
    }
    noise_schedule.flow = Some(flow);
    let scheduler = if class == EULER { Scheduler::Euler } else { Scheduler::DpmSolverPlusPlus2M };
    Ok(Some(Sampling { noise_schedule, prediction_type: PredictionType::FlowPrediction, scheduler }))
}

fn of_euler(json: &Json) -> Result<FlowMatching> {
    let flow = FlowMatching::new(shift(json, "shift")?);
    if !json.bool_or("use_dynamic_shifting", false)? {
        return Ok(flow);
    }
    if json.str_or("time_shift_type", "exponential")? != "exponential" {
        return Err(json.unsupported("time_shift_type"));
    }
    let shifts = [json.f64_or("base_shift", 0.5)?, json.f64_or("max_shift", 1.15)?];
    let lengths = [json.u32_or("base_image_seq_len", 256)?, json.u32_or("max_image_seq_len", 4096)?];
    if lengths[0] >= lengths[1] {
        return Err(json.wrong("max_image_seq_len", "more than `base_image_seq_len`"));
    }
    Ok(flow.with_dynamic(DynamicShift::new(shifts, lengths)))
}

fn shift(json: &Json, key: &str) -> Result<f64> {
    let shift = json.f64_or(key, 1.0)?;
    if shift > 0.0 { Ok(shift) } else { Err(json.wrong(key, "a positive number")) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    fn read_value(value: serde_json::Value) -> Result<Option<Sampling>> {
        super::read(&Json::of(Path::new("scheduler_config.json"), value))
    }

    #[test]
    fn both_kinds_are_read_and_others_are_left() {
        let flow = |value| read_value(value).expect("a schedule").expect("of flow matching");
        let euler = flow(json!({ "_class_name": EULER, "shift": 3.0 }));
        assert_eq!((euler.scheduler, euler.noise_schedule.flow), (Scheduler::Euler, Some(FlowMatching::new(3.0))));
        let sana = json!({ "_class_name": DPM, "use_flow_sigmas": true, "prediction_type": "flow_prediction", "flow_shift": 3.0 });
        let sana = flow(sana);
        assert_eq!(sana.scheduler, Scheduler::DpmSolverPlusPlus2M);
        assert_eq!(sana.noise_schedule.flow, Some(FlowMatching::new(3.0)));
        let dynamic = flow(json!({ "_class_name": EULER, "use_dynamic_shifting": true, "max_shift": 1.16 }));
        let shift = dynamic.noise_schedule.flow.and_then(|flow| flow.dynamic).expect("grows");
        assert_eq!((shift.base_shift, shift.max_shift), (0.5, 1.16));
        assert!(read_value(json!({ "_class_name": "DDIMScheduler" })).expect("a schedule").is_none());
    }

    #[test]
    fn what_is_not_there_is_refused_by_its_key() {
        for (key, value) in [
            ("shift", json!(0.0)),
            ("use_karras_sigmas", json!(true)),
            ("shift_terminal", json!(0.02)),
            ("num_train_timesteps", json!(1)),
        ] {
            let mut config = json!({ "_class_name": EULER });
            config[key] = value;
            let error = read_value(config).expect_err(key).to_string();
            assert!(error.contains(&format!("`{key}` is")), "{error}");
        }
        let linear = json!({ "_class_name": EULER, "use_dynamic_shifting": true, "time_shift_type": "linear" });
        assert!(read_value(linear).is_err());
    }
}
