//! What masks change in a product: their own neurons' share of it, and nothing else.

use std::ops::Range;

use crate::model::weights::AttentionWeights;
use crate::subjects::mask::ConceptMask;

/// Tokens side by side in registers: four of SSE or NEON, two of AVX.
const LANES: usize = 16;
/// Rows corrected before they are written: so many values of one token are a cache line.
const ROWS: usize = 16;

/// Masks switched on for some tokens of a prompt.
#[derive(Debug, Clone)]
pub struct Correction<'m> {
    /// Token positions it applies to.
    pub tokens: Vec<usize>,
    /// Masks, each with its strength 0..1; where several hold a neuron their factors multiply.
    pub masks: Vec<(&'m ConceptMask, f32)>,
    /// Columns of the embedding that it applies to: neurons of others stay as they are.
    pub columns: Range<usize>,
}

impl<'m> Correction<'m> {
    /// Masks with their strengths, switched on for all that some tokens' embeddings hold.
    #[must_use]
    pub fn new(tokens: Vec<usize>, masks: Vec<(&'m ConceptMask, f32)>) -> Self {
        Self { tokens, masks, columns: 0..usize::MAX }
    }

    /// Applies it to some columns of the embedding alone: what one of two text encoders gave.
    #[must_use]
    pub fn of_columns(mut self, columns: Range<usize>) -> Self {
        self.columns = columns;
        self
    }
}

/// By how much one weight changes.
type Change = (usize, f32);

impl Correction<'_> {
    /// Adds it to the products of every layer, each `tokens × rows`, for an embedding of `tokens × columns`.
    pub(super) fn apply(
        &self,
        weights: &AttentionWeights,
        embedding: &[f32],
        tokens: usize,
        products: &mut [Vec<f32>],
    ) {
        let columns = embedding.len().checked_div(tokens).unwrap_or(0);
        let panels: Vec<Panel> =
            self.tokens.chunks(LANES).map(|t| Panel::of(t, embedding, columns, &self.columns)).collect();
        let (mut changes, mut values) = (Vec::new(), Vec::new());
        for (layer, (product, matrix)) in products.iter_mut().zip(weights.matrices()).enumerate() {
            self.factors(layer, &mut changes);
            to_changes(weights, layer, &mut changes, &mut values);
            for panel in &panels {
                panel.add(&changes, matrix.rows, product);
            }
        }
    }

    /// The union of its masks' neurons in one layer, ascending, each with the factor that scales its weight.
    fn factors(&self, layer: usize, out: &mut Vec<(usize, f32)>) {
        out.clear();
        for &(mask, strength) in &self.masks {
            // Not `extend`, which asks before each neuron how many there are still.
            mask.weighted(layer).for_each(|(neuron, factor)| out.push((neuron, at_strength(factor, strength))));
        }
        if self.masks.len() > 1 {
            out.sort_by_key(|&(neuron, _)| neuron);
            out.dedup_by(|later, first| {
                let same = later.0 == first.0;
                if same {
                    first.1 *= later.1;
                }
                same
            });
        }
    }
}

/// The factor between 1 (off) and what the mask says; exactly `1 - strength` for a neuron that is shut.
fn at_strength(factor: f32, strength: f32) -> f32 {
    1.0 - strength * (1.0 - factor)
}

/// Makes of each neuron's factor the change of its weight.
fn to_changes(weights: &AttentionWeights, layer: usize, neurons: &mut [Change], values: &mut Vec<f32>) {
    values.resize(neurons.len(), 0.0);
    weights.gather(layer, neurons.iter().map(|&(neuron, _)| neuron), values);
    for ((_, factor), weight) in neurons.iter_mut().zip(values) {
        *factor = *weight * (*factor - 1.0);
    }
}

/// Some tokens of an embedding, column by column, so that one weight meets all of them at once.
struct Panel<'t> {
    tokens: &'t [usize],
    /// A column for each column of the weights; zeros where there are fewer tokens than lanes.
    columns: Vec<[f32; LANES]>,
}

impl<'t> Panel<'t> {
    /// `tokens` are at most `LANES`. Columns that are not `used` are zeros.
    fn of(tokens: &'t [usize], embedding: &[f32], columns: usize, used: &Range<usize>) -> Self {
        let mut panel = vec![[0.0; LANES]; columns];
        for (lane, &token) in tokens.iter().enumerate() {
            let row = embedding.get(token * columns..).unwrap_or_default();
            let own = panel.iter_mut().zip(row).enumerate().filter(|(at, _)| used.contains(at));
            own.for_each(|(_, (column, &value))| column[lane] = value);
        }
        Self { tokens, columns: panel }
    }

    /// Adds the changes of one layer, ascending, to its product.
    fn add(&self, mut changes: &[Change], rows: usize, product: &mut [f32]) {
        let columns = self.columns.len();
        for first in (0..rows).step_by(ROWS) {
            let count = ROWS.min(rows - first);
            let mut sums = [[0.0; LANES]; ROWS];
            let before = changes.len();
            for (row, sum) in (first..).zip(&mut sums[..count]) {
                let end = changes.iter().position(|&(neuron, _)| neuron >= (row + 1) * columns);
                let (own, rest) = changes.split_at(end.unwrap_or(changes.len()));
                changes = rest;
                *sum = self.dot(own, row * columns);
            }
            if changes.len() == before {
                continue;
            }
            for (lane, &token) in self.tokens.iter().enumerate() {
                let start = token * rows + first;
                let Some(out) = product.get_mut(start..start + count) else { continue };
                out.iter_mut().zip(&sums).for_each(|(out, sum)| *out += sum[lane]);
            }
        }
    }

    /// One row's changes times the panel; `start` is the row's first neuron.
    fn dot(&self, changes: &[Change], start: usize) -> [f32; LANES] {
        let mut sum = [0.0; LANES];
        for &(neuron, change) in changes {
            let Some(column) = self.columns.get(neuron - start) else { continue };
            sum.iter_mut().zip(column).for_each(|(sum, value)| *sum += change * value);
        }
        sum
    }
}
