//! A mask learned with straight-through gradients.
//!
//! Each weight has a logit; it is kept while the logit is above zero. The gradient is taken at the weights as they are
//! masked, and passed on to the logits as if the mask were the sigmoid of the logit (Bengio et al. 2013). A pressure on
//! the expected share of shut weights, which pulls the logits up, keeps the mask sparse.

use cones_core::ConceptMask;
use cones_core::model::manifest::Layer;

use crate::method::adam::Adam;
use crate::method::tuning::MethodTuning;
use crate::method::way::Method;
use crate::weights::{Matrix, Weights};

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

    /// A mask for each subject that starts where these are; `base` holds the weights once for each.
    pub fn from_masks(base: &Weights, masks: &[ConceptMask], tuning: &MethodTuning) -> Self {
        let mut learned = Self::new(base, tuning);
        let places = masks.iter().flat_map(|mask| (0..mask.layers()).map(move |layer| (mask, layer)));
        for ((mask, layer), logits) in places.zip(&mut learned.logits.layers) {
            for neuron in mask.neurons(layer) {
                if let Some(logit) = logits.values.get_mut(neuron) {
                    *logit = -START;
                }
            }
        }
        learned
    }

    /// The masks as they are now, one for each subject.
    ///
    /// # Errors
    /// [`cones_core::Error::BadRequest`] when the base weights were none of these layers'.
    pub fn masks(&self, layers: &[Layer]) -> cones_core::Result<Vec<ConceptMask>> {
        let shut = |matrix: &Matrix| -> Vec<usize> {
            matrix.values.iter().enumerate().filter(|(_, logit)| **logit <= 0.0).map(|(i, _)| i).collect()
        };
        self.logits
            .layers
            .chunks(layers.len().max(1))
            .map(|subject| ConceptMask::from_indices(layers, &subject.iter().map(shut).collect::<Vec<_>>()))
            .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_go_on_from_those_of_several_subjects() {
        let layer = Layer { name: "l".into(), rows: 1, columns: 3 };
        let layers = [layer];
        let mask = |neurons: &[usize]| ConceptMask::from_indices(&layers, &[neurons.to_vec()]).expect("fits");
        let masks = [mask(&[0, 2]), mask(&[1])];
        let one =
            Weights { layers: vec![Matrix { name: "l".into(), rows: 1, columns: 3, values: vec![1.0, 2.0, 3.0] }] };
        let base = one.stacked(2);
        let mut learned =
            Learned::from_masks(&base, &masks, &MethodTuning { rate: 1.0, pressure: 0.0, ..MethodTuning::default() });
        assert_eq!(learned.masks(&layers).expect("fits"), masks);
        let mut placed = base.clone();
        learned.place(&base, &mut placed);
        assert_eq!(placed.values().collect::<Vec<_>>(), [0.0, 2.0, 0.0, 1.0, 0.0, 3.0]);
        // Where the loss falls as the weight comes back, it comes back, and of that subject alone.
        let mut gradient = base.filled(0.0);
        gradient.layers[0].values[0] = -1.0;
        learned.learn(&base, &gradient, 0, 10);
        assert_eq!(learned.masks(&layers).expect("fits"), [mask(&[2]), mask(&[1])]);
    }
}
