//! The other way to switch subjects, for comparison: the masked weights multiplied anew, and nothing kept.

use cones_core::ConceptMask;
use cones_core::model::weights::AttentionWeights;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, s};

use crate::failure::Failure;

/// Rows that are widened and masked at a time, as in the core.
const BLOCK: usize = 128;

/// K and V of every layer with the masks' neurons shut, for an embedding of `tokens × columns`; both branches at once
/// are one embedding of twice as many tokens.
pub(super) fn key_values(
    weights: &AttentionWeights,
    embedding: ArrayView2<'_, f32>,
    masks: &[ConceptMask],
) -> Result<Vec<Array2<f32>>, Failure> {
    let layers = weights.layers().enumerate();
    layers.map(|(layer, (_, rows, columns))| product(weights, embedding, masks, (layer, rows, columns))).collect()
}

fn product(
    weights: &AttentionWeights,
    embedding: ArrayView2<'_, f32>,
    masks: &[ConceptMask],
    (layer, rows, columns): (usize, usize, usize),
) -> Result<Array2<f32>, Failure> {
    let mut out = Array2::zeros((embedding.nrows(), rows));
    let mut block = vec![0.0; BLOCK.min(rows) * columns];
    let mut neurons: Vec<_> = masks.iter().map(|mask| mask.neurons(layer).peekable()).collect();
    for first in (0..rows).step_by(BLOCK) {
        let count = BLOCK.min(rows - first);
        let (start, end) = (first * columns, (first + count) * columns);
        let values = &mut block[..end - start];
        weights.read_rows(layer, first, values);
        for shut in &mut neurons {
            while let Some(neuron) = shut.next_if(|neuron| *neuron < end) {
                values[neuron - start] = 0.0;
            }
        }
        let values = ArrayView2::from_shape((count, columns), values)?;
        general_mat_mul(1.0, &embedding, &values.t(), 0.0, &mut out.slice_mut(s![.., first..first + count]));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use cones_core::Bundle;
    use cones_core::attention::{Correction, Projection};

    use super::*;

    #[test]
    fn both_ways_come_to_the_same() -> Result<(), Failure> {
        let bundle = Bundle::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/toybox/bundle"))?;
        let (weights, text) = (bundle.attention(), bundle.manifest().text);
        let (tokens, columns) = (text.max_length as usize, text.hidden_size as usize);
        let embedding: Vec<f32> = (0..tokens * columns).map(|i| (i as f32).sin()).collect();
        let masks = [1, 2].map(|seed| ConceptMask::random(&bundle.manifest().layers, 0.05, seed));

        let dense = key_values(weights, ArrayView2::from_shape((tokens, columns), &embedding)?, &masks)?;
        let correction = Correction::new((0..tokens).collect(), masks.iter().map(|mask| (mask, 1.0)).collect());
        let corrected = Projection::new(weights, &embedding, tokens)?.key_values(weights, &[correction]);
        for (dense, corrected) in dense.iter().zip(&corrected.layers) {
            assert_eq!(dense.len(), corrected.len());
            assert!(dense.iter().zip(corrected).all(|(d, c)| (d - c).abs() < 1e-4));
        }
        Ok(())
    }
}
