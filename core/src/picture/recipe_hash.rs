//! The hashes by which a recipe names what is not in it.

use crate::disk::hash::{Hasher, Sha256};
use crate::subjects::mask::ConceptMask;
use crate::subjects::pack::TokenEmbeddings;

/// The hash by which a recipe names a mask.
pub fn mask_sha256(mask: &ConceptMask) -> Sha256 {
    let mut digest = Hasher::new();
    for layer in 0..mask.layers() {
        digest.update((mask.neurons(layer).count() as u64).to_le_bytes());
        for neuron in mask.neurons(layer) {
            digest.update((neuron as u64).to_le_bytes());
        }
        for factor in mask.factors(layer).into_iter().flatten() {
            digest.update(factor.to_le_bytes());
        }
    }
    digest.finish()
}

/// The hash by which a recipe names learned embeddings.
pub(super) fn embeddings_sha256(embeddings: &TokenEmbeddings) -> Sha256 {
    let mut digest = Hasher::new();
    digest.update(embeddings.width.to_le_bytes());
    embeddings.values.iter().for_each(|value| digest.update(value.to_le_bytes()));
    digest.finish()
}
