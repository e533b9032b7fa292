//! Small forms of the base model, each made once.

use std::path::{Path, PathBuf};

use cones_core::model::form::Weights;
use cones_core::{Bundle, CancelToken, Engine};
use cones_quantise::calibrate::Method;
use cones_quantise::{Calibration, QuantiseOptions, quantise};
use cones_tests::base;
use tempfile::TempDir;

/// Options for weights of 8 bits, activations as they are.
pub(crate) fn weights_only(weights: Weights) -> QuantiseOptions {
    QuantiseOptions { weights, calibration: None, on_request: false, replace: false, threads: Some(1) }
}

/// Options for fixed ranges, learnt from two prompts.
pub(crate) fn fixed(keep_float: f64) -> QuantiseOptions {
    let prompts = ["a cat in the snow", "an apple and a car on a red background"].map(String::from).to_vec();
    let calibration = Some(Calibration { prompts, method: Method::Minmax, keep_float });
    QuantiseOptions { calibration, ..weights_only(Weights::Int8) }
}

/// Makes a form and returns the folder it lies in, as `bundle`.
pub(crate) fn made(options: &QuantiseOptions) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    make(&folder.path().join("bundle"), options);
    folder
}

fn make(out: &Path, options: &QuantiseOptions) {
    quantise(&base::bundle(), out, options, &mut |_, _, _| (), &CancelToken::new()).unwrap_or_else(|e| panic!("{e}"));
}

/// The folder of a form of the base model: `int8`, `int4` or `int8-static`. Made once for all tests, which only look at it.
pub(crate) fn form(name: &str) -> PathBuf {
    let options = match name {
        "int8" => weights_only(Weights::Int8),
        "int4" => weights_only(Weights::Int4),
        _ => fixed(0.05),
    };
    cones_tests::made::once(env!("CARGO_TARGET_TMPDIR"), name, |folder| make(folder, &options))
}

/// An engine with a form of the base model.
pub(crate) fn engine(folder: &Path) -> Engine {
    let bundle = Bundle::open(folder).unwrap_or_else(|error| panic!("{error}"));
    Engine::new(bundle, base::options()).unwrap_or_else(|error| panic!("{error}"))
}
