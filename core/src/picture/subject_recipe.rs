//! A subject in a recipe.

use serde::{Deserialize, Serialize};

use crate::disk::hash::Sha256;
use crate::picture::recipe_hash::{embeddings_sha256, mask_sha256};
use crate::subjects::places::Places;
use crate::subjects::scope::Scope;
use crate::subjects::subject::Subject;

/// A subject in a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubjectRecipe {
    /// Its name.
    pub name: String,
    /// Its trigger words.
    pub trigger: String,
    /// Which rows of K and V its mask changed.
    pub scope: Scope,
    /// 0 to 1.
    pub strength: f32,
    /// SHA-256 of the mask: for each layer its number of neurons and their indices, as little-endian u64, then the
    /// factors as float32 if it has any.
    pub mask_sha256: Sha256,
    /// SHA-256 of its learned embeddings, where it has any: their width as little-endian u32, then the values as float16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embeddings_sha256: Option<Sha256>,
    /// SHA-256 of the pack file it came from, where it came from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack_sha256: Option<Sha256>,
    /// Where it was named in the prompts, if it was named and was not alone: other subjects may have the same trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<Places>,
}

impl SubjectRecipe {
    /// Whether a subject has this mask and these learned embeddings.
    pub fn is_of(&self, subject: &Subject) -> bool {
        let embeddings = subject.embeddings.as_deref().map(embeddings_sha256);
        mask_sha256(&subject.mask) == self.mask_sha256 && embeddings == self.embeddings_sha256
    }

    pub(super) fn of(subject: &Subject, blend: bool) -> Self {
        Self {
            name: subject.name.clone(),
            trigger: subject.trigger.clone(),
            scope: subject.scope,
            strength: subject.strength,
            mask_sha256: mask_sha256(&subject.mask),
            embeddings_sha256: subject.embeddings.as_deref().map(embeddings_sha256),
            pack_sha256: subject.pack_sha256,
            // Blended, it was wherever its trigger is.
            places: subject.places.clone().filter(|_| !blend),
        }
    }
}
