//! Sizes that a graph's free dimensions may have, for telling shapes.

use std::collections::BTreeMap;

use cones_core::model::manifest::Text;
use cones_gradient::shapes::Shapes;
use cones_onnx::{Model, info};

use crate::config::Config;
use crate::error::Result;

/// One size for each dimension that may be free.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// Tokens of a prompt.
    pub(super) tokens: u32,
    height: u32,
    width: u32,
    /// Pixels that a cell of the latent covers along one side.
    scale: u32,
}

impl Sizes {
    pub(super) fn new(config: &Config, text: Text) -> Self {
        let scale = config.latent.scale.max(1);
        let (height, width) = (config.image.height / scale, config.image.width / scale);
        Self { tokens: text.max_length, height, width, scale }
    }

    /// For a graph that takes pictures and not latents.
    pub(super) fn of_pictures(self) -> Self {
        Self { height: self.height * self.scale, width: self.width * self.scale, ..self }
    }

    pub(super) fn get(self, dimension: &str) -> Option<usize> {
        match dimension {
            // Not 1, so that it is not mistaken for a dimension that is always 1.
            "batch" => Some(2),
            "tokens" => usize::try_from(self.tokens).ok(),
            "height" => usize::try_from(self.height).ok(),
            "width" => usize::try_from(self.width).ok(),
            _ => None,
        }
    }

    /// The shape of every value of a graph with canonical inputs, at these sizes.
    ///
    /// # Errors
    /// When ONNX Runtime refuses the graph.
    pub(super) fn infer(self, model: &Model) -> Result<Shapes> {
        let dims = |input| info::dims_with(input, |dimension: &str| self.get(dimension));
        let inputs = &model.graph()?.input;
        let inputs: BTreeMap<_, _> =
            inputs.iter().filter_map(|input| Some((input.name().to_owned(), dims(input)?))).collect();
        Ok(Shapes::infer(model, &inputs)?)
    }
}
