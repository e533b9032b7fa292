//! The work from start to end.

use std::path::Path;

use cones_core::model::bundle::UNET;
use cones_core::{Bundle, CancelToken, Engine, EngineOptions, SafetyPolicy};
use cones_import::output::Output;

use crate::calibrate::samples;
use crate::error::{Error, Result};
use crate::graphs::{self, Made, Static};
use crate::options::{Calibration, QuantiseOptions};

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Prompts are drawn.
    Drawing,
    /// Each layer is measured.
    Measuring,
}

/// Is told what is being done, how much of it is done, and of how much.
pub type Told<'a> = dyn FnMut(Stage, usize, usize) + 'a;

/// Makes a small form of `bundle` at `out`. Nothing stands there until all of it is written and loads.
///
/// # Errors
/// [`Error::Already`]; what is wrong with a graph, a weight, the prompts or `out`; [`cones_core::Error::Cancelled`].
pub fn quantise(
    bundle: &Bundle,
    out: &Path,
    options: &QuantiseOptions,
    told: &mut Told<'_>,
    cancel: &CancelToken,
) -> Result<Made> {
    if let Some(form) = &bundle.manifest().form {
        return Err(Error::Already { path: bundle.path().to_path_buf(), form: form.name() });
    }
    if options.calibration.is_some() && bundle.manifest().takes_region() {
        let reason =
            "it takes a region and the picture around it (a model for inpainting), which prompts alone do not give";
        let hint =
            "leave its activations in floating point (`--activations float`): its weights become smaller all the same";
        return Err(Error::graph(&bundle.path().join(UNET), reason, hint));
    }
    let output = Output::begin(out, options.replace)?;
    let fixed =
        options.calibration.as_ref().map(|calibration| calibrate(bundle, calibration, options.threads, told, cancel));
    let fixed = fixed.transpose()?;
    let graphs = graphs::write(bundle, output.folder(), options.weights, fixed.as_ref(), cancel)?;
    let mut manifest = bundle.manifest().clone();
    manifest.form = Some(options.form());
    output.write_profile(&manifest)?;
    manifest.files = output.files()?;
    cancel.check()?;
    output.finish(&manifest)?;
    Ok(Made { manifest, graphs, fixed })
}

/// Draws the prompts, and finds the ranges of the U-Net's activations and the layers that lose most.
fn calibrate(
    bundle: &Bundle,
    calibration: &Calibration,
    threads: Option<usize>,
    told: &mut Told<'_>,
    cancel: &CancelToken,
) -> Result<Static> {
    let samples = {
        // What is measured is what is drawn.
        let mut options = EngineOptions::default().with_safety(SafetyPolicy::Off);
        options.threads = threads;
        let mut engine = Engine::new(Bundle::open(bundle.path())?, options)?;
        let mut told = |done: usize| told(Stage::Drawing, done, calibration.prompts.len());
        samples::draw(&mut engine, &calibration.prompts, &mut told, cancel)?
    };
    let mut told = |done: usize, of: usize| told(Stage::Measuring, done, of);
    graphs::calibrate(bundle, &samples, calibration, threads, &mut told, cancel)
}
