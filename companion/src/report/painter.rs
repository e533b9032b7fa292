//! Draws the report's pictures and keeps count of what that took.

use std::time::Duration;

use cones_core::{CancelToken, Engine, Picture, Request};

use crate::failure::Failure;

/// Is told what is made, how many of them are there, and of how many.
pub type Told<'a> = dyn FnMut(&str, usize, usize) + 'a;

/// An engine at work on a report.
pub struct Painter<'a> {
    /// The engine.
    pub engine: &'a mut Engine,
    /// Denoising steps; the bundle's default where there are none.
    pub steps: Option<u32>,
    /// Is told of progress.
    pub told: &'a mut Told<'a>,
    /// Stops it.
    pub cancel: &'a CancelToken,
    /// What it took so far.
    pub cost: Cost,
    /// What the engine warned of, each once.
    pub warnings: Vec<String>,
}

/// What pictures took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// How many were drawn.
    pub pictures: u32,
    /// U-Net calls for them.
    pub steps: u32,
    /// From request to picture, loading graphs not counted.
    pub drawing: Duration,
    /// Loading graphs.
    pub loading: Duration,
    /// Applying masks and making K and V of prompts.
    pub switching: Duration,
}

impl Painter<'_> {
    /// Draws one picture, with the steps of the report.
    ///
    /// # Errors
    /// As [`Engine::generate`].
    pub fn draw(&mut self, mut request: Request, seed: u64) -> Result<Picture, Failure> {
        request.seed = seed;
        request.steps = self.steps;
        let mut generated = self.engine.generate(&request, &mut (), self.cancel)?;
        let timings = generated.timings;
        self.cost.pictures += 1;
        self.cost.steps += timings.steps;
        self.cost.drawing += timings.total.saturating_sub(timings.loading);
        self.cost.loading += timings.loading;
        self.cost.switching += timings.switching;
        for warning in generated.warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        let drawn = generated.pictures.pop().ok_or("the engine drew nothing")?;
        Ok(drawn.picture)
    }
}

impl std::fmt::Debug for Painter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Painter").field("cost", &self.cost).finish_non_exhaustive()
    }
}
