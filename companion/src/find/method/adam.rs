//! Adam (Kingma & Ba 2015) with the usual constants.

use crate::find::weights::Weights;

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// The moments of one set of parameters.
#[derive(Debug, Clone)]
pub(in crate::find) struct Adam {
    pub(in crate::find) first: Weights,
    pub(in crate::find) second: Weights,
}

impl Adam {
    pub(in crate::find) fn new(like: &Weights) -> Self {
        Self { first: like.filled(0.0), second: like.filled(0.0) }
    }

    /// Step number `step`, counted from 0, down the gradient; parameters and gradient in the same order.
    pub(in crate::find) fn step(&mut self, step: usize, rate: f64, parameters: &mut Weights, gradient: &[f32]) {
        let made = step as f64 + 1.0;
        let scale = (rate / (1.0 - f64::from(BETA_1).powf(made))) as f32;
        let spread = (1.0 / (1.0 - f64::from(BETA_2).powf(made))) as f32;
        let moments = self.first.values_mut().zip(self.second.values_mut());
        for ((parameter, (m, v)), g) in parameters.values_mut().zip(moments).zip(gradient.iter().copied()) {
            *m += (1.0 - BETA_1) * (g - *m);
            *v += (1.0 - BETA_2) * (g * g - *v);
            *parameter -= scale * *m / ((*v * spread).sqrt() + EPSILON);
        }
    }
}
