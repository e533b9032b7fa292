//! `scheduler/scheduler_config.json`, reduced to what changes pictures.

use cones_core::model::manifest::{BetaSchedule, NoiseSchedule, PredictionType, TimestepSpacing};

use crate::error::Result;
use crate::json::Json;

/// Reads the noise schedule and what the U-Net predicts. Missing keys get the defaults of the scheduler's class.
pub(super) fn read(json: &Json) -> Result<(NoiseSchedule, PredictionType)> {
    json.must_be_unset(&["trained_betas", "rescale_betas_zero_snr", "thresholding"])?;
    let class = json.str_or("_class_name", "DDIMScheduler")?;
    let prediction = match json.str_or("prediction_type", "epsilon")? {
        "epsilon" => PredictionType::Epsilon,
        "v_prediction" => PredictionType::VPrediction,
        _ => return Err(json.unsupported("prediction_type")),
    };
    let beta_schedule = match json.str_or("beta_schedule", "linear")? {
        "linear" => BetaSchedule::Linear,
        "scaled_linear" => BetaSchedule::ScaledLinear,
        _ => return Err(json.unsupported("beta_schedule")),
    };
    let timestep_spacing = match json.str_or("timestep_spacing", default_spacing(class))? {
        "linspace" => TimestepSpacing::Linspace,
        "leading" => TimestepSpacing::Leading,
        "trailing" => TimestepSpacing::Trailing,
        _ => return Err(json.unsupported("timestep_spacing")),
    };
    let mut schedule = NoiseSchedule::new(
        json.u32_or("num_train_timesteps", 1000)?,
        json.f64_or("beta_start", 0.0001)?,
        json.f64_or("beta_end", 0.02)?,
        beta_schedule,
    );
    schedule.timestep_spacing = timestep_spacing;
    schedule.steps_offset = steps_offset(json)?;
    schedule.set_alpha_to_one = json.bool_or("set_alpha_to_one", class != "PNDMScheduler")?;
    let possible = |beta: f64| beta > 0.0 && beta < 1.0;
    if schedule.num_train_timesteps == 0 {
        return Err(json.wrong("num_train_timesteps", "a positive number"));
    }
    if !possible(schedule.beta_start) {
        return Err(json.wrong("beta_start", "a number between 0 and 1"));
    }
    if !possible(schedule.beta_end) {
        return Err(json.wrong("beta_end", "a number between 0 and 1"));
    }
    Ok((schedule, prediction))
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

fn default_spacing(class: &str) -> &'static str {
    match class {
        "DDIMScheduler" | "PNDMScheduler" | "LCMScheduler" | "DDPMScheduler" | "TCDScheduler" => "leading",
        _ => "linspace",
    }
}
