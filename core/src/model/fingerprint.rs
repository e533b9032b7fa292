//! The fingerprint that binds subject packs to a base model.
//!
//! SHA-256, in hex, over every cross-attention projection in the manifest's order: length of the name (u32), the name's
//! bytes, rows (u32), columns (u32), then every value rounded to float16, row by row; all little endian. Bundles of one
//! base model in any precision share it.

use half::f16;

use crate::disk::hash::{Hasher, Sha256};

/// Values hashed at once; a multiple of the hash's block.
const CHUNK: usize = 8192;

/// Computes a fingerprint, one layer after the other.
///
/// ```
/// use cones_core::model::fingerprint::Fingerprint;
///
/// let mut fingerprint = Fingerprint::new();
/// fingerprint.layer("a.to_k", 1, 2);
/// fingerprint.f32s(&[1.0, -2.0]);
/// assert_eq!(fingerprint.finish().to_string().len(), 64);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Fingerprint {
    hash: Hasher,
}

impl Fingerprint {
    /// Of no layers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a layer. Its `rows` × `columns` values follow, in any number of calls.
    pub fn layer(&mut self, name: &str, rows: u32, columns: u32) {
        // A name of 4 GiB does not occur; saturating keeps this free of panics all the same.
        let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
        self.hash.update(length.to_le_bytes());
        self.hash.update(name.as_bytes());
        self.hash.update(rows.to_le_bytes());
        self.hash.update(columns.to_le_bytes());
    }

    /// Adds values of the layer, rounding each to float16 (to nearest, ties to even).
    pub fn f32s(&mut self, values: &[f32]) {
        self.add(values, |value| f16::from_f32(*value));
    }

    /// Adds values of the layer.
    pub fn f16s(&mut self, values: &[f16]) {
        self.add(values, |value| *value);
    }

    /// The fingerprint.
    #[must_use]
    pub fn finish(self) -> Sha256 {
        self.hash.finish()
    }

    fn add<T>(&mut self, values: &[T], round: impl Fn(&T) -> f16) {
        let mut bytes = Vec::with_capacity(2 * CHUNK.min(values.len()));
        for chunk in values.chunks(CHUNK) {
            bytes.clear();
            bytes.extend(chunk.iter().flat_map(|value| round(value).to_le_bytes()));
            self.hash.update(&bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32]) -> Sha256 {
        let mut fingerprint = Fingerprint::new();
        fingerprint.layer("x", 2, 2);
        fingerprint.f32s(values);
        fingerprint.finish()
    }

    #[test]
    fn is_the_documented_hash() {
        let mut bytes = vec![1, 0, 0, 0, b'x', 2, 0, 0, 0, 2, 0, 0, 0];
        for value in [0x3c00u16, 0xc000, 0x0000, 0x3555] {
            bytes.extend(value.to_le_bytes());
        }
        assert_eq!(of(&[1.0, -2.0, 0.0, 1.0 / 3.0]), Sha256::digest(&bytes));
    }

    #[test]
    fn is_the_same_in_both_precisions_and_in_pieces() {
        let values = [0.1f32, 0.25, -3.0, 7.5];
        let mut halves = Fingerprint::new();
        halves.layer("x", 2, 2);
        for value in values {
            halves.f16s(&[f16::from_f32(value)]);
        }
        assert_eq!(of(&values), halves.finish());
    }

    #[test]
    fn changes_with_one_value() {
        assert_ne!(of(&[1.0, 2.0, 3.0, 4.0]), of(&[1.0, 2.0, 3.0, 4.004]));
    }
}
