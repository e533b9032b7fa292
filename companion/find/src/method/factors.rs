//! Scale factors of neurons that are already known: packs of other precisions than binary, and joint tuning.

use cones_core::ConceptMask;

use crate::method::adam::Adam;
use crate::method::way::Method;
use crate::weights::Weights;

/// Trains a factor for each neuron of each subject's mask; all other weights stay as they are.
#[derive(Debug, Clone)]
pub struct Factors {
    /// 1 at neurons, 0 elsewhere.
    neurons: Weights,
    factors: Weights,
    adam: Adam,
    rate: f64,
}

impl Factors {
    /// Starts where the masks are; `base` holds the weights once for each mask.
    pub fn new(base: &Weights, masks: &[ConceptMask], rate: f64) -> Self {
        let (mut neurons, mut factors) = (base.filled(0.0), base.filled(1.0));
        let places = masks.iter().flat_map(|mask| (0..mask.layers()).map(move |layer| (mask, layer)));
        let matrices = neurons.layers.iter_mut().zip(&mut factors.layers);
        for ((mask, layer), (at, factor)) in places.zip(matrices) {
            for (neuron, start) in mask.weighted(layer) {
                if let (Some(at), Some(factor)) = (at.values.get_mut(neuron), factor.values.get_mut(neuron)) {
                    (*at, *factor) = (1.0, start);
                }
            }
        }
        Self { adam: Adam::new(base), neurons, factors, rate }
    }

    /// The masks with the factors as they are now.
    ///
    /// # Errors
    /// [`cones_core::Error::BadRequest`] when a factor is no number, or a mask is none of those it was made with.
    pub fn masks(&self, masks: &[ConceptMask]) -> cones_core::Result<Vec<ConceptMask>> {
        let mut layers = self.factors.layers.iter();
        let mut trained = Vec::new();
        for mask in masks {
            let factors = layers.by_ref().take(mask.layers()).enumerate();
            let of = |(layer, m): (usize, &crate::weights::Matrix)| {
                mask.neurons(layer).filter_map(|neuron| m.values.get(neuron).copied()).collect()
            };
            trained.push(mask.clone().with_factors(factors.map(of).collect())?);
        }
        Ok(trained)
    }
}

impl Method for Factors {
    fn place(&self, base: &Weights, out: &mut Weights) {
        for ((out, weight), factor) in out.values_mut().zip(base.values()).zip(self.factors.values()) {
            *out = weight * factor;
        }
    }

    fn learn(&mut self, base: &Weights, gradient: &Weights, step: usize, steps: usize) {
        let weights = base.values().zip(gradient.values());
        // Where the slope is always 0, Adam never moves.
        let slopes: Vec<f32> = self.neurons.values().zip(weights).map(|(at, (w, g))| at * w * g).collect();
        self.adam.step((step, steps), self.rate, &mut self.factors, &slopes);
    }

    fn scores(&self, _: &Weights) -> Weights {
        self.neurons.clone()
    }

    fn natural(&self) -> Option<usize> {
        Some(self.neurons.values().filter(|at| *at > 0.0).count())
    }

    fn factors(&self, _: &Weights) -> Option<Weights> {
        Some(self.factors.clone())
    }

    fn state(&self) -> Vec<(&'static str, &Weights)> {
        vec![("factors", &self.factors), ("first", &self.adam.first), ("second", &self.adam.second)]
    }

    fn state_mut(&mut self) -> Vec<(&'static str, &mut Weights)> {
        vec![("factors", &mut self.factors), ("first", &mut self.adam.first), ("second", &mut self.adam.second)]
    }
}
