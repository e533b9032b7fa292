//! Whole pictures, and single steps.

use std::time::Instant;

use cones_core::{CancelToken, Engine, Request, Sha256};
use serde::Serialize;

use crate::failure::Failure;

/// A whole picture.
#[derive(Serialize)]
pub(super) struct Whole {
    /// Prompt encoding included.
    seconds: f64,
    /// Inside ONNX Runtime's run calls, of `seconds`.
    ort_seconds: f64,
    /// Of the picture's RGB bytes.
    sha256: String,
}

/// One denoising step.
#[derive(Serialize)]
pub(super) struct Step {
    /// Both branches, if there is guidance.
    seconds: f64,
}

/// Draws a picture from the prompt's words on.
pub(super) fn whole(engine: &mut Engine, request: Request) -> Result<Whole, Failure> {
    engine.forget_prompts();
    let start = Instant::now();
    let generated = engine.generate(&request, &mut (), &CancelToken::new())?;
    let seconds = start.elapsed().as_secs_f64();
    let rgb = generated.pictures.first().map(|d| d.picture.rgb.as_slice()).unwrap_or_default();
    Ok(Whole { seconds, ort_seconds: generated.timings.runtime.as_secs_f64(), sha256: Sha256::digest(rgb).to_string() })
}

/// Draws as little as there is: a picture of one step.
pub(super) fn step(engine: &mut Engine, mut request: Request) -> Result<Step, Failure> {
    request.steps = Some(1);
    let timings = engine.generate(&request, &mut (), &CancelToken::new())?.timings;
    Ok(Step { seconds: timings.unet.as_secs_f64() / f64::from(timings.steps.max(1)) })
}
