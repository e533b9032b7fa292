//! What is to be made of a bundle.

use cones_core::model::form::{Activations, Form, Weights};

use crate::calibrate::Method;

/// What is to be made of a bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantiseOptions {
    /// Bits of the weights.
    pub weights: Weights,
    /// How activations get 8 bits too; none leaves them in floating point.
    pub calibration: Option<Calibration>,
    /// Devices take the form only when it is asked for.
    pub on_request: bool,
    /// What stands at the place of the small form is replaced, if it is a bundle.
    pub replace: bool,
    /// Threads inside one node; `None` takes one for each physical core.
    pub threads: Option<usize>,
}

/// How the ranges of activations are found.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// What is drawn for it.
    pub prompts: Vec<String>,
    /// How a range is decided.
    pub method: Method,
    /// Share of the U-Net's weights, 0 to 1, whose layers stay in floating point: those that lose most.
    pub keep_float: f64,
}

impl QuantiseOptions {
    /// Weights of these bits, activations as they are, offered to every device; nothing is replaced.
    pub fn new(weights: Weights) -> Self {
        Self { weights, calibration: None, on_request: false, replace: false, threads: None }
    }

    /// What the small form's manifest says of it.
    pub fn form(&self) -> Form {
        let activations = if self.calibration.is_some() { Activations::Int8 } else { Activations::Float };
        let mut form = Form::new(self.weights, activations, concat!("cones ", env!("CARGO_PKG_VERSION")));
        form.on_request = self.on_request;
        form
    }
}
