//! The vectors in `tests/golden/gradients`, made by `tests/golden/make_gradients.py`.

use cones_core::Bundle;
use cones_tests::golden;
use safetensors::SafeTensors;

/// One file of vectors.
pub(crate) struct Vectors(Vec<u8>);

impl Vectors {
    pub(crate) fn open(name: &str) -> Self {
        Self(golden::read(&format!("gradients/{name}.safetensors")))
    }

    pub(crate) fn get(&self, name: &str) -> Vec<f32> {
        let tensors = SafeTensors::deserialize(&self.0).expect("a safetensors file");
        let view = tensors.tensor(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        view.data().as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect()
    }

    /// Token ids.
    pub(crate) fn whole(&self, name: &str) -> Vec<u32> {
        let tensors = SafeTensors::deserialize(&self.0).expect("a safetensors file");
        let view = tensors.tensor(name).expect("a tensor");
        let numbers = view.data().as_chunks::<8>().0.iter().map(|chunk| i64::from_le_bytes(*chunk));
        numbers.map(|id| u32::try_from(id).expect("an id")).collect()
    }

    pub(crate) fn dims(&self, name: &str) -> Vec<usize> {
        let tensors = SafeTensors::deserialize(&self.0).expect("a safetensors file");
        tensors.tensor(name).expect("a tensor").shape().to_vec()
    }

    pub(crate) fn fingerprint(&self) -> String {
        let (_, metadata) = SafeTensors::read_metadata(&self.0).expect("a safetensors file");
        metadata.metadata().as_ref().and_then(|map| map.get("fingerprint").cloned()).expect("a fingerprint")
    }
}

/// K or V of every layer for a text embedding [batch, tokens, columns], from the bundle's own weights.
pub(crate) fn keys_values(bundle: &Bundle, text: &[f32]) -> Vec<Vec<f32>> {
    let project = |(layer, (_, rows, columns)): (usize, (&str, usize, usize))| {
        let mut weights = vec![0.0f32; rows * columns];
        bundle.attention().read_rows(layer, 0, &mut weights);
        let dot = |token: &[f32], row: &[f32]| token.iter().zip(row).map(|(c, w)| c * w).sum::<f32>();
        text.chunks(columns)
            .flat_map(|token| weights.chunks(columns).map(move |row| dot(token, row)).collect::<Vec<_>>())
            .collect()
    };
    bundle.attention().layers().enumerate().map(project).collect()
}

/// The largest difference, as a share of the largest expected value.
pub(crate) fn distance(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().all(|value| value.is_finite()));
    let gap = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    gap / expected.iter().fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs()))
}
