//! The configuration of a text encoder, as far as a bundle's manifest needs it.

use crate::error::Result;
use crate::json::Json;

/// The sizes of a text encoder.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextEncoder {
    /// Width of the last hidden state.
    pub(super) hidden_size: u32,
    /// Tokens of a prompt.
    pub(super) positions: u32,
    /// Tokens it knows, where that is said.
    pub(super) vocab_size: Option<u32>,
}

impl TextEncoder {
    /// Reads its configuration.
    pub(super) fn of(text: &Json) -> Result<Self> {
        Ok(Self {
            hidden_size: text.u32("hidden_size")?,
            positions: text.u32_or("max_position_embeddings", 77)?,
            vocab_size: text.get("vocab_size").map(|_| text.u32("vocab_size")).transpose()?,
        })
    }
}
