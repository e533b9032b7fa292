//! A mask that grows, with gradients taken at the weights as they are masked so far.
//!
//! To first order, shutting a weight lowers the loss by θ·∂L/∂θ with θ the base weight. That slope is one thing where the
//! weight is open and another where it is shut: a weight whose best value is 0 has none left once it is there, and a score
//! of the latest slopes would open it again. So each weight keeps a running mean of both, and what shutting it gains is the
//! mean of the two (the trapezoid rule along the way from θ to 0), over the slope's running deviation so that a few loud
//! batches do not decide. The mask is the top of the ranking; weights enter and leave it as the ranking changes.

use crate::method::tuning::MethodTuning;
use crate::method::way::Method;
use crate::weights::Weights;

/// How fast the running moments forget.
const MEMORY: f32 = 0.95;
/// The part of the run in which the mask grows.
const GROWING: f64 = 0.6;

/// Ranks the weights by what shutting each would gain; its file says how.
#[derive(Debug, Clone)]
pub struct Adaptive {
    /// Running mean of the slope, as the weight was.
    now: Weights,
    /// Running mean of the slope over the steps in which the weight was open.
    before: Weights,
    /// Running mean of the squared slope.
    square: Weights,
    /// 0 where a weight is shut, 1 where it is open.
    open: Weights,
    share: f64,
}

impl Adaptive {
    /// A mask that shuts nothing yet.
    pub fn new(base: &Weights, tuning: &MethodTuning) -> Self {
        let none = || base.filled(0.0);
        Self { now: none(), before: none(), square: none(), open: base.filled(1.0), share: tuning.share }
    }
}

impl Method for Adaptive {
    fn place(&self, base: &Weights, out: &mut Weights) {
        for ((out, weight), open) in out.values_mut().zip(base.values()).zip(self.open.values()) {
            *out = weight * open;
        }
    }

    fn learn(&mut self, base: &Weights, gradient: &Weights, step: usize, steps: usize) {
        let slopes = base.values().zip(gradient.values()).zip(self.open.values());
        let means = self.now.values_mut().zip(self.before.values_mut()).zip(self.square.values_mut());
        for (((now, before), square), ((weight, gradient), open)) in means.zip(slopes) {
            let slope = weight * gradient;
            let follow = |mean: &mut f32, value: f32| *mean = MEMORY * *mean + (1.0 - MEMORY) * value;
            follow(now, slope);
            follow(square, slope * slope);
            if open != 0.0 {
                follow(before, slope);
            }
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
        let mut scores = self.now.clone();
        for (score, (before, square)) in scores.values_mut().zip(self.before.values().zip(self.square.values())) {
            *score = 0.5 * (*score + before) / (square.sqrt() + f32::MIN_POSITIVE);
        }
        scores
    }

    fn natural(&self) -> Option<usize> {
        Some(self.open.values().filter(|open| *open == 0.0).count())
    }

    fn state(&self) -> Vec<(&'static str, &Weights)> {
        vec![("now", &self.now), ("before", &self.before), ("square", &self.square), ("open", &self.open)]
    }

    fn state_mut(&mut self) -> Vec<(&'static str, &mut Weights)> {
        vec![
            ("now", &mut self.now),
            ("before", &mut self.before),
            ("square", &mut self.square),
            ("open", &mut self.open),
        ]
    }
}
