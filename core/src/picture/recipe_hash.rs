//! The hashes by which a recipe names what is not in it.

use crate::disk::hash::{Hasher, Sha256};
use crate::subjects::mask::ConceptMask;
use crate::subjects::pack::TokenEmbeddings;
use crate::text::GivenEmbeds;

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

/// The hash by which a recipe names embeddings that stood in the place of prompts: the numbers as little-endian float32, the prompt's, its
/// pooled ones, then the negative prompt's in the same way; behind them the words of each subject, its name and the tokens as
/// little-endian u64.
pub(super) fn prompt_embeds_sha256(given: &GivenEmbeds) -> Sha256 {
    let mut digest = Hasher::new();
    for embeds in [Some(&given.prompt), given.negative.as_ref()].into_iter().flatten() {
        let numbers = embeds.prompt_embeds.iter().chain(&embeds.pooled_prompt_embeds);
        numbers.for_each(|number| digest.update(number.to_le_bytes()));
    }
    for (name, tokens) in &given.words {
        digest.update(name.as_bytes());
        tokens.iter().for_each(|token| digest.update((*token as u64).to_le_bytes()));
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
