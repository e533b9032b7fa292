//! The paper's procedure (Cones, Liu et al. 2023), as far as it is published.
//!
//! The score θ⊙∂L/∂θ says, to first order, how much the loss falls when a weight is scaled down. It is summed while every
//! weight is scaled along it by small steps of size ρ; the weights with the largest sums are the concept neurons. The
//! paper gives neither ρ nor the threshold.

use crate::method::tuning::MethodTuning;
use crate::method::way::Method;
use crate::weights::Weights;

/// Sums the paper's scores along weights that move slowly; its file says how.
#[derive(Debug, Clone)]
pub struct Accumulate {
    /// Each weight's factor so far.
    factors: Weights,
    sums: Weights,
    rho: f64,
}

impl Accumulate {
    /// Starts at the base weights.
    pub fn new(base: &Weights, tuning: &MethodTuning) -> Self {
        Self { factors: base.filled(1.0), sums: base.filled(0.0), rho: tuning.rho }
    }
}

impl Method for Accumulate {
    fn place(&self, base: &Weights, out: &mut Weights) {
        for ((out, weight), factor) in out.values_mut().zip(base.values()).zip(self.factors.values()) {
            *out = weight * factor;
        }
    }

    fn learn(&mut self, base: &Weights, gradient: &Weights, _: usize, _: usize) {
        let rho = self.rho as f32;
        let learned = self.factors.values_mut().zip(self.sums.values_mut());
        for ((factor, sum), (weight, gradient)) in learned.zip(base.values().zip(gradient.values())) {
            let score = weight * gradient;
            *sum += *factor * score;
            *factor -= rho * score;
        }
    }

    fn scores(&self, _: &Weights) -> Weights {
        self.sums.clone()
    }

    fn natural(&self) -> Option<usize> {
        None
    }

    fn state(&self) -> Vec<(&'static str, &Weights)> {
        vec![("factors", &self.factors), ("sums", &self.sums)]
    }

    fn state_mut(&mut self) -> Vec<(&'static str, &mut Weights)> {
        vec![("factors", &mut self.factors), ("sums", &mut self.sums)]
    }
}
