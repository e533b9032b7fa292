//! What a base model takes that reads no prompts itself.

use serde::{Deserialize, Serialize};

/// The embeddings that a base model without a text encoder of its own takes: an app's language model makes them, and requests bring
/// them along ([`Request::prompt_embeds`](crate::Request)).
///
/// [`Text::max_length`](super::manifest::Text::max_length) and [`Text::hidden_size`](super::manifest::Text::hidden_size) say how
/// many there are of a prompt at most, and how wide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GivenText {
    /// Width of what K and V are made from, where the model first projects the embeddings
    /// ([`ENCODER_HID_PROJ`](super::bundle::ENCODER_HID_PROJ)); diffusers' `cross_attention_dim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_attention_dim: Option<u32>,
    /// Whether the U-Net is told which tokens there are (`encoder_attention_mask`): prompts are of any number of tokens then, up to
    /// `max_length`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub encoder_attention_mask: bool,
}

impl GivenText {
    /// Embeddings that are first projected to this width, if any, and of any number of tokens or not.
    #[must_use]
    pub fn new(cross_attention_dim: Option<u32>, encoder_attention_mask: bool) -> Self {
        Self { cross_attention_dim, encoder_attention_mask }
    }
}
