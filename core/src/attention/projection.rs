//! A prompt's base products, kept so that switching subjects costs their own neurons only.

use super::KeyValues;
use super::addition::Addition;
use super::correction::Correction;
use super::product::product;
use crate::error::Result;
use crate::model::weights::AttentionWeights;

/// One prompt's embedding with its base products. Kept as long as the prompt stays the same, so that switching
/// subjects costs only the correction for their neurons.
#[derive(Debug, Clone)]
pub struct Projection {
    tokens: usize,
    /// `tokens × columns`.
    embedding: Vec<f32>,
    /// Base products, `tokens × rows` for each layer.
    base: Vec<Vec<f32>>,
}

impl Projection {
    /// Computes the base products of an embedding of `tokens × columns`.
    ///
    /// # Errors
    /// [`Error::BadRequest`](crate::error::Error::BadRequest) when the embedding is not so many tokens of the layers' width.
    pub fn new(weights: &AttentionWeights, embedding: &[f32], tokens: usize) -> Result<Self> {
        let layers = 0..weights.matrices().len();
        let base = layers.map(|layer| product(weights, layer, embedding, tokens)).collect::<Result<_>>()?;
        Ok(Self { tokens, embedding: embedding.to_vec(), base })
    }

    /// K and V with every correction applied; without corrections these are the base products, bit for bit, and so
    /// are the tokens that no correction names.
    pub fn key_values(&self, weights: &AttentionWeights, corrections: &[Correction<'_>]) -> KeyValues {
        self.key_values_with(weights, corrections, &[])
    }

    /// K and V with every correction applied and low-rank changes on top. Masks are corrections of the base model's own weights:
    /// what a low-rank matrix adds to a weight that a mask shuts is there.
    pub fn key_values_with(
        &self,
        weights: &AttentionWeights,
        corrections: &[Correction<'_>],
        additions: &[Addition<'_>],
    ) -> KeyValues {
        let mut layers = self.base.clone();
        for correction in corrections {
            correction.apply(weights, &self.embedding, self.tokens, &mut layers);
        }
        for addition in additions {
            addition.apply(&self.embedding, self.tokens, &mut layers);
        }
        KeyValues { layers, text_embeds: Vec::new(), encoder_attention_mask: Vec::new() }
    }

    /// What it takes in memory: 4 bytes for each token and row, and for each value of the embedding; 8 MB for a
    /// prompt of Stable Diffusion 1.5.
    pub fn bytes(&self) -> usize {
        size_of::<f32>() * (self.embedding.len() + self.base.iter().map(Vec::len).sum::<usize>())
    }
}
