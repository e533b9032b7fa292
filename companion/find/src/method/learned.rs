//! A mask learned with straight-through gradients.
//!
//! Each weight has a logit; it is kept while the logit is above zero. The gradient is taken at the weights as they are
//! masked, and passed on to the logits as if the mask were the sigmoid of the logit (Bengio et al. 2013). A pressure on
//! the expected share of shut weights, which pulls the logits up, keeps the mask sparse.

use crate::method::adam::Adam;
use crate::method::tuning::MethodTuning;
use crate::method::way::Method;
use crate::weights::Weights;

/// Where the logits start: kept, and so near to the boundary that what is not needed gets shut within a few hundred steps.
const START: f32 = 0.5;

/// Learns a logit for each weight, which is kept while that is above zero; its file says how.
#[derive(Debug, Clone)]
pub struct Learned {
    logits: Weights,
    adam: Adam,
    rate: f64,
    pressure: f64,
}

impl Learned {
    /// A mask that shuts nothing yet.
    pub fn new(base: &Weights, tuning: &MethodTuning) -> Self {
        let adam = Adam::damped(base);
        Self { logits: base.filled(START), adam, rate: tuning.rate, pressure: tuning.pressure }
    }
}

impl Method for Learned {
    fn place(&self, base: &Weights, out: &mut Weights) {
        for ((out, weight), logit) in out.values_mut().zip(base.values()).zip(self.logits.values()) {
            *out = if logit > 0.0 { weight } else { 0.0 };
        }
    }

    fn learn(&mut self, base: &Weights, gradient: &Weights, step: usize, steps: usize) {
        // Shutting all weights would cost `pressure`; the expected share falls as logits rise.
        let push = (self.pressure / base.count().max(1) as f64) as f32;
        let slopes: Vec<f32> = self
            .logits
            .values()
            .zip(base.values().zip(gradient.values()))
            .map(|(logit, (weight, gradient))| {
                let keep = 1.0 / (1.0 + (-logit).exp());
                (gradient * weight - push) * keep * (1.0 - keep)
            })
            .collect();
        self.adam.step((step, steps), self.rate, &mut self.logits, &slopes);
    }

    fn scores(&self, _: &Weights) -> Weights {
        let mut scores = self.logits.clone();
        scores.values_mut().for_each(|score| *score = -*score);
        scores
    }

    fn natural(&self) -> Option<usize> {
        Some(self.logits.values().filter(|logit| *logit <= 0.0).count())
    }

    fn state(&self) -> Vec<(&'static str, &Weights)> {
        vec![("logits", &self.logits), ("first", &self.adam.first), ("second", &self.adam.second)]
    }

    fn state_mut(&mut self) -> Vec<(&'static str, &mut Weights)> {
        vec![("logits", &mut self.logits), ("first", &mut self.adam.first), ("second", &mut self.adam.second)]
    }
}
