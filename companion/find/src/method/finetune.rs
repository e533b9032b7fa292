//! K/V fine-tuning, as in Custom Diffusion (Kumari et al. 2023): what concept neurons are compared with.
//!
//! Every key and value weight is trained. The result is no list of neurons but a new value for each weight; as a pack it
//! is a factor for every weight, and many times as large.

use crate::method::adam::Adam;
use crate::method::tuning::MethodTuning;
use crate::method::way::Method;
use crate::weights::Weights;

/// Trains every key and value weight, for comparison; its file says how.
#[derive(Debug, Clone)]
pub struct Finetune {
    /// How far each weight was moved, in units of its layer's mean absolute weight.
    moved: Weights,
    /// That unit, everywhere in the layer.
    unit: Weights,
    adam: Adam,
    rate: f64,
}

impl Finetune {
    /// Starts at the base weights.
    pub fn new(base: &Weights, tuning: &MethodTuning) -> Self {
        let mut unit = base.filled(0.0);
        for (unit, matrix) in unit.layers.iter_mut().zip(&base.layers) {
            let sum: f64 = matrix.values.iter().map(|v| f64::from(v.abs())).sum();
            unit.values.fill((sum / matrix.values.len().max(1) as f64) as f32);
        }
        Self { moved: base.filled(0.0), unit, adam: Adam::new(base), rate: tuning.finetune_rate }
    }
}

impl Method for Finetune {
    fn place(&self, base: &Weights, out: &mut Weights) {
        let moved = self.moved.values().zip(self.unit.values());
        for ((out, weight), (moved, unit)) in out.values_mut().zip(base.values()).zip(moved) {
            *out = weight + moved * unit;
        }
    }

    fn learn(&mut self, _: &Weights, gradient: &Weights, step: usize, steps: usize) {
        let slopes: Vec<f32> = gradient.values().zip(self.unit.values()).map(|(g, unit)| g * unit).collect();
        self.adam.step((step, steps), self.rate, &mut self.moved, &slopes);
    }

    fn scores(&self, _: &Weights) -> Weights {
        let mut scores = self.moved.clone();
        scores.values_mut().for_each(|score| *score = score.abs());
        scores
    }

    fn natural(&self) -> Option<usize> {
        None
    }

    fn factors(&self, base: &Weights) -> Option<Weights> {
        let mut factors = base.clone();
        self.place(base, &mut factors);
        for (factor, weight) in factors.values_mut().zip(base.values()) {
            // A weight of 0 stays 0 under any factor.
            *factor = if weight == 0.0 { 1.0 } else { *factor / weight };
        }
        Some(factors)
    }

    fn state(&self) -> Vec<(&'static str, &Weights)> {
        vec![("moved", &self.moved), ("first", &self.adam.first), ("second", &self.adam.second)]
    }

    fn state_mut(&mut self) -> Vec<(&'static str, &mut Weights)> {
        vec![("moved", &mut self.moved), ("first", &mut self.adam.first), ("second", &mut self.adam.second)]
    }
}
