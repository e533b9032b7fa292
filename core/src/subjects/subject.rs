//! A subject: a concept mask switched on at some strength.

use std::sync::Arc;

use crate::disk::hash::Sha256;
use crate::subjects::low_rank::LowRank;
use crate::subjects::mask::ConceptMask;
use crate::subjects::pack::embeddings::TokenEmbeddings;
use crate::subjects::places::Places;
use crate::subjects::scope::Scope;

/// A concept mask as a request uses it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Subject {
    /// For messages and recipes.
    pub name: String,
    /// The words that stand for it in a prompt, as `<v1> dog`. Needed for [`Scope::Trigger`].
    pub trigger: String,
    /// Its neurons.
    pub mask: Arc<ConceptMask>,
    /// 0 (off) to 1 (shut, as in the paper): a masked weight is `w * (1 - strength)`.
    pub strength: f32,
    /// Which rows it changes.
    pub scope: Scope,
    /// What is learned of its trigger's tokens: `strength` times this is added to their embeddings, wherever the trigger
    /// stands. One row for each token of the trigger, or so many as there are in its place.
    pub embeddings: Option<Arc<TokenEmbeddings>>,
    /// What is added to whole matrices, as a LoRA: `strength` times this. It changes all words, so [`Scope::Prompt`] alone
    /// goes with it.
    pub low_rank: Option<Arc<LowRank>>,
    /// SHA-256 of the pack file it came from, in hex; for recipes, so that a picture can name what it needs.
    pub pack_sha256: Option<Sha256>,
    /// Where it was named in the prompts of the request that it is part of; by [`Request::filled`](crate::Request::filled).
    pub places: Option<Places>,
}

impl Subject {
    /// A subject at full strength over the whole prompt.
    pub fn new(name: impl Into<String>, mask: impl Into<Arc<ConceptMask>>) -> Self {
        Self {
            name: name.into(),
            trigger: String::new(),
            mask: mask.into(),
            strength: 1.0,
            scope: Scope::Prompt,
            embeddings: None,
            low_rank: None,
            pack_sha256: None,
            places: None,
        }
    }

    /// Changes only the rows of these trigger words ([`Scope::Trigger`]).
    #[must_use]
    pub fn on_trigger(mut self, trigger: impl Into<String>) -> Self {
        self.trigger = trigger.into();
        self.scope = Scope::Trigger;
        self
    }

    /// Switches it on at this strength, 0 to 1.
    #[must_use]
    pub fn with_strength(mut self, strength: f32) -> Self {
        self.strength = strength;
        self
    }

    /// Adds what was learned of its trigger's tokens.
    #[must_use]
    pub fn with_embeddings(mut self, embeddings: impl Into<Arc<TokenEmbeddings>>) -> Self {
        self.embeddings = Some(embeddings.into());
        self
    }

    /// Adds this to whole matrices, for all words.
    #[must_use]
    pub fn with_low_rank(mut self, low_rank: impl Into<Arc<LowRank>>) -> Self {
        self.low_rank = Some(low_rank.into());
        self
    }

    /// Whether it is on and has vectors in its trigger's place.
    pub(crate) fn is_in_place(&self) -> bool {
        self.strength > 0.0 && self.embeddings.as_ref().is_some_and(|embeddings| embeddings.in_place)
    }

    /// Remembers the hash of the pack file it came from.
    #[must_use]
    pub fn from_pack(mut self, sha256: Sha256) -> Self {
        self.pack_sha256 = Some(sha256);
        self
    }
}
