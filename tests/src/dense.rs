//! K and V the slow, obvious way: masked weights in float64, times the embedding.

use cones_core::{Bundle, Subject};

/// `tokens × rows` of one layer, every subject on every token: w · Π(1 - strength) over the subjects that hold it.
pub fn key_values(bundle: &Bundle, layer: usize, embedding: &[f32], subjects: &[Subject]) -> Vec<f64> {
    let shape = &bundle.manifest().layers[layer];
    let (rows, columns) = (shape.rows as usize, shape.columns as usize);
    let mut weights = vec![0.0f32; rows * columns];
    bundle.attention().read_rows(layer, 0, &mut weights);
    let mut weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
    for subject in subjects {
        for neuron in subject.mask.neurons(layer) {
            weights[neuron] *= 1.0 - f64::from(subject.strength);
        }
    }
    let product = |token: &[f32], row: &[f64]| token.iter().zip(row).map(|(c, w)| f64::from(*c) * w).sum();
    embedding.chunks_exact(columns).flat_map(|t| weights.chunks_exact(columns).map(move |w| product(t, w))).collect()
}

/// The largest difference, and the largest value it is to be seen against.
pub fn difference(found: &[f32], expected: &[f64]) -> (f64, f64) {
    assert_eq!(found.len(), expected.len());
    let gap = found.iter().zip(expected).map(|(f, e)| (f64::from(*f) - e).abs()).fold(0.0, f64::max);
    assert!(found.iter().all(|f| f.is_finite()));
    (gap, expected.iter().fold(0.0, |most, e| most.max(e.abs())))
}
