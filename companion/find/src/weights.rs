//! The weights in question: Wk and Wv of every cross-attention layer.

use std::cmp::Ordering;

use cones_core::ConceptMask;
use cones_core::model::manifest::Layer;
use cones_core::model::weights::AttentionWeights;

/// One layer's matrix, `rows × columns`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// diffusers' module name.
    pub name: String,
    /// Width of K or V.
    pub rows: usize,
    /// Width of the text embedding.
    pub columns: usize,
    /// `rows × columns` values, row-major.
    pub values: Vec<f32>,
}

/// All layers in the bundle's order. Also what is shaped like them: gradients, scores, logits.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// The layers.
    pub layers: Vec<Matrix>,
}

impl Weights {
    /// Reads all of a bundle's weights as float32.
    pub fn read(attention: &AttentionWeights) -> Self {
        let layers = attention.layers().enumerate().map(|(layer, (name, rows, columns))| {
            let mut values = vec![0.0; rows * columns];
            for (row, out) in values.chunks_exact_mut(columns.max(1)).enumerate() {
                attention.read_rows(layer, row, out);
            }
            Matrix { name: name.to_owned(), rows, columns, values }
        });
        Self { layers: layers.collect() }
    }

    /// The weights once for each of several subjects, one after another.
    #[must_use]
    pub fn stacked(&self, subjects: usize) -> Self {
        Self { layers: self.layers.iter().cycle().take(subjects * self.layers.len()).cloned().collect() }
    }

    /// Weights of this shape with one value everywhere.
    pub fn filled(&self, value: f32) -> Self {
        let layers = self.layers.iter().map(|m| Matrix { values: vec![value; m.values.len()], ..m.clone() });
        Self { layers: layers.collect() }
    }

    /// How many weights there are.
    pub fn count(&self) -> usize {
        self.layers.iter().map(|m| m.values.len()).sum()
    }

    /// All values, layer after layer.
    pub fn values(&self) -> impl Iterator<Item = f32> + '_ {
        self.layers.iter().flat_map(|m| m.values.iter().copied())
    }

    /// All values, layer after layer, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut f32> + '_ {
        self.layers.iter_mut().flat_map(|m| m.values.iter_mut())
    }

    /// The `count`th largest value: at least `count` values are as large. Infinite for a count of 0.
    pub fn threshold(&self, count: usize) -> f32 {
        let mut values: Vec<f32> = self.values().collect();
        let Some(place) = count.checked_sub(1) else { return f32::INFINITY };
        let place = place.min(values.len().saturating_sub(1));
        if values.is_empty() {
            return f32::INFINITY;
        }
        *values.select_nth_unstable_by(place, |a, b| b.total_cmp(a)).1
    }

    /// The mask of the `count` highest of these scores; equal scores go by place.
    pub fn highest(&self, layers: &[Layer], count: usize) -> Result<ConceptMask, cones_core::Error> {
        let threshold = self.threshold(count);
        let above = self.values().filter(|score| score.total_cmp(&threshold).is_gt()).count();
        let mut level = count.saturating_sub(above);
        let mut chosen = |score: f32| match score.total_cmp(&threshold) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal => level.checked_sub(1).map(|rest| level = rest).is_some(),
        };
        let indices: Vec<Vec<usize>> = self
            .layers
            .iter()
            .map(|m| m.values.iter().enumerate().filter(|(_, score)| chosen(**score)).map(|(i, _)| i).collect())
            .collect();
        ConceptMask::from_indices(layers, &indices)
    }

    /// These weights with a mask applied at full strength.
    #[must_use]
    pub fn masked(&self, mask: &ConceptMask) -> Self {
        let mut masked = self.clone();
        for (layer, matrix) in masked.layers.iter_mut().enumerate() {
            for (neuron, factor) in mask.weighted(layer) {
                if let Some(value) = matrix.values.get_mut(neuron) {
                    *value *= factor;
                }
            }
        }
        masked
    }
}
