//! A mask that grows, with gradients taken at the weights as they are masked so far.
//!
//! To first order, shutting a weight that is open, or keeping one shut that is shut, lowers the loss by θ·∂L/∂θ with θ the
//! base weight. The running mean of that gain, over its running deviation so that a few loud batches do not decide, ranks
//! the weights; the mask is the top of the ranking, and weights enter and leave it as the ranking changes.

use super::{Method, Settings};
use crate::find::weights::Weights;

/// How fast the running moments forget.
const MEMORY: f32 = 0.95;
/// The part of the run in which the mask grows.
const GROWING: f64 = 0.6;

/// See the module.
#[derive(Debug, Clone)]
pub struct Adaptive {
    mean: Weights,
    square: Weights,
    /// 0 where a weight is shut, 1 where it is open.
    open: Weights,
    share: f64,
}

impl Adaptive {
    /// A mask that shuts nothing yet.
    pub fn new(base: &Weights, settings: &Settings) -> Self {
        Self { mean: base.filled(0.0), square: base.filled(0.0), open: base.filled(1.0), share: settings.share }
    }
}

impl Method for Adaptive {
    fn place(&self, base: &Weights, out: &mut Weights) {
        for ((out, weight), open) in out.values_mut().zip(base.values()).zip(self.open.values()) {
            *out = weight * open;
        }
    }

    fn learn(&mut self, base: &Weights, gradient: &Weights, step: usize, steps: usize) {
        let moments = self.mean.values_mut().zip(self.square.values_mut());
        for ((mean, square), (weight, gradient)) in moments.zip(base.values().zip(gradient.values())) {
            let gain = weight * gradient;
            *mean = MEMORY * *mean + (1.0 - MEMORY) * gain;
            *square = MEMORY * *square + (1.0 - MEMORY) * gain * gain;
        }
        let along = (step as f64 + 1.0) / (GROWING * steps.max(1) as f64);
        let count = (base.count() as f64 * self.share * along.min(1.0)) as usize;
        let scores = self.scores(base);
        let threshold = scores.threshold(count);
        for (open, score) in self.open.values_mut().zip(scores.values()) {
            *open = if count > 0 && score >= threshold { 0.0 } else { 1.0 };
        }
    }

    fn scores(&self, _: &Weights) -> Weights {
        let mut scores = self.mean.clone();
        for (score, square) in scores.values_mut().zip(self.square.values()) {
            *score /= square.sqrt() + f32::MIN_POSITIVE;
        }
        scores
    }

    fn natural(&self) -> Option<usize> {
        Some(self.open.values().filter(|open| *open == 0.0).count())
    }

    fn state(&self) -> Vec<(&'static str, &Weights)> {
        vec![("mean", &self.mean), ("square", &self.square), ("open", &self.open)]
    }

    fn state_mut(&mut self) -> Vec<(&'static str, &mut Weights)> {
        vec![("mean", &mut self.mean), ("square", &mut self.square), ("open", &mut self.open)]
    }
}
