//! What a request came to.

use std::sync::Arc;

use crate::{Picture, RefusedPicture};

/// What a request came to.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Generated {
    /// The pictures in the order of their seeds, without those that the listener kept.
    pub pictures: Vec<Arc<Picture>>,
    /// Pictures that are not among them since they are not safe.
    pub refused: Vec<RefusedPicture>,
    /// What a person may want to know, such as a cut prompt.
    pub warnings: Vec<String>,
    /// Where the time went.
    pub timings: Timings,
}

/// Where the time of a request went, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct Timings {
    /// From the call to the return.
    pub total: f64,
    /// Loading graphs, inside `total`.
    pub loading: f64,
    /// Inside ONNX Runtime's run calls, inside `total`.
    pub runtime: f64,
    /// Switching the subjects on.
    pub switching: f64,
    /// U-Net calls.
    pub steps: u32,
}

impl Generated {
    /// What the core gives back, behind the pictures that a listener left.
    pub(crate) fn new(generated: cones_core::Generated, left: Vec<Arc<Picture>>) -> Self {
        let rest = generated.pictures.into_iter().map(|drawn| Arc::new(Picture::from(drawn)));
        Self {
            pictures: left.into_iter().chain(rest).collect(),
            refused: generated.refused.into_iter().map(RefusedPicture::from).collect(),
            warnings: generated.warnings,
            timings: Timings::from(&generated.timings),
        }
    }
}

impl From<&cones_core::Timings> for Timings {
    fn from(timings: &cones_core::Timings) -> Self {
        Self {
            total: timings.total.as_secs_f64(),
            loading: timings.loading.as_secs_f64(),
            runtime: timings.runtime.as_secs_f64(),
            switching: timings.switching.as_secs_f64(),
            steps: timings.steps,
        }
    }
}
