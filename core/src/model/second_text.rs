//! The second text encoder of Stable Diffusion XL and its kind.

use serde::{Deserialize, Serialize};

/// What a second text encoder (diffusers' `text_encoder_2`, with `tokenizer_2`) takes and gives.
///
/// The U-Net reads both: of each token, the hidden state of the first and behind it that of the second, both before the last
/// layer and without the final normalisation; and beside that one pooled embedding of the whole prompt, from the second alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SecondText {
    /// Width of its hidden states.
    pub hidden_size: u32,
    /// Width of its pooled embedding, the U-Net's input `text_embeds`.
    pub projection_dim: u32,
    /// Its token before the prompt.
    pub bos_token_id: u32,
    /// Its token after the prompt.
    pub eos_token_id: u32,
    /// Its token that fills the rest; another one than the first tokenizer's in Stable Diffusion XL.
    pub pad_token_id: u32,
    /// Whether an empty negative prompt is zeros, in the place of what the encoders make of it; diffusers'
    /// `force_zeros_for_empty_prompt`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force_zeros_for_empty_prompt: bool,
}

impl SecondText {
    /// Widths of the hidden states and of the pooled embedding, and the tokens before, after and behind a prompt.
    #[must_use]
    pub fn new(
        [hidden_size, projection_dim]: [u32; 2],
        [bos_token_id, eos_token_id, pad_token_id]: [u32; 3],
        force_zeros_for_empty_prompt: bool,
    ) -> Self {
        Self { hidden_size, projection_dim, bos_token_id, eos_token_id, pad_token_id, force_zeros_for_empty_prompt }
    }
}
